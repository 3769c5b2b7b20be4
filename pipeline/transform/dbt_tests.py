"""What dbt's tests found, as checks: their outcome, severity, demand and a few rows.

Not here: how dbt is run, and the checks of ours beside its tests (`dbt`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.common.language import Sentence, in_language, said
from pipeline.journal.evidence import EXAMPLES_KEPT, NOT_MADE, Check, Severity
from pipeline.release import duckdb_files
from pipeline.release.layout import Candidate
from pipeline.transform.nodes import Result


def subject_of(node: Mapping[str, Any]) -> str:
    """The model, seed or source that a dbt test is about."""
    depends_on = [*node["depends_on"]["nodes"], node["unique_id"]]
    return str(node.get("attached_node") or depends_on[0]).split(".")[-1]


def severity_of(configured: Any) -> Severity:
    """How bad a failure is, as dbt's `severity` says it; an error unless it warns."""
    return "warning" if str(configured).lower() == "warn" else "critical"


def checks_of(candidate: Candidate, tests: Sequence[Result]) -> list[Check]:
    """What became of dbt's tests, with a few rows of those that failed.

    Args:
        candidate: In whose files the queries of the failed ones are asked again.
        tests: What became of them.
    """
    checks = [check_of(test) for test in tests]
    failed = [
        (place, test)
        for place, test in enumerate(tests)
        if checks[place].outcome == "failed" and test.sql
    ]
    if failed:
        with duckdb_files.connect(candidate.work_file) as connection:
            duckdb_files.attach(connection, candidate.databases)
            for place, test in failed:
                # In order, so that the same tables give the same evidence.
                rows = connection.execute(
                    f"select * from ({test.sql}\n) as found "
                    f"order by all limit {EXAMPLES_KEPT}"
                )
                names = [column[0] for column in rows.description or []]
                examples = [
                    dict(zip(names, map(str, row), strict=True))
                    for row in rows.fetchall()
                ]
                checks[place] = Check(**{**vars(checks[place]), "examples": examples})
    return checks


def demand_of(node: Mapping[str, Any]) -> Sentence:
    """What must hold for a dbt test, as a sentence; its description says why.

    Args:
        node: The test in dbt's manifest, generic or with a file of its own.
    """
    metadata = node.get("test_metadata")
    if not metadata:
        # A test with a file of its own is called by what must hold.
        words = str(node["name"]).replace("_", " ")
        return said(
            "{demand}: the query finds no row.",
            demand=f"{words[:1].upper()}{words[1:]}",
        )
    arguments = dict(metadata["kwargs"])
    table = subject_of(node)
    column = f"{table}.{arguments.pop('column_name', None) or node['column_name']}"
    arguments.pop("model", None)
    listed = ", ".join(map(str, arguments.get("columns", [])))
    match metadata["name"]:
        case "not_null":
            return said("No row is without {column}.", column=column)
        case "unique":
            return said("No two rows have one {column}.", column=column)
        case "key":
            return said(
                "No two rows of {table} share {columns}, and none is without it.",
                table=table,
                columns=listed,
            )
        case "complete":
            return said(
                "No row of {table} is without {columns}.", table=table, columns=listed
            )
        case "unique_combination":
            return said(
                "No two rows of {table} share {columns}.", table=table, columns=listed
            )
        case "accepted_values":
            return said(
                "Every {column} is one of {values}, or unknown.",
                column=column,
                values=", ".join(map(str, arguments["values"])),
            )
        case "relationships":
            # ref('customers') or source('erp', 'customers'): the last name is the table.
            other = re.findall(r"['\"](\w+)['\"]", str(arguments["to"]))[-1]
            return said(
                "Every {column} is a {other}, or unknown.",
                column=column,
                other=f"{other}.{arguments['field']}",
            )
        case name:
            given = ", ".join(f"{key} {value}" for key, value in arguments.items())
            return said(
                "{of}: {test} finds no row.",
                of=column if node.get("column_name") else table,
                test=str(name).replace("_", " ") + (f" ({given})" if given else ""),
            )


def reason_zh(node: Mapping[str, Any]) -> str:
    """Why it must hold, in Chinese: `meta: zh:` of the test; empty where there is none."""
    meta = (node.get("config") or {}).get("meta") or node.get("meta") or {}
    # Chinese is broken between any two characters, and has no blank there.
    return "".join(line.strip() for line in str(meta.get("zh", "")).splitlines())


def check_of(test: Result) -> Check:
    """What became of one test."""
    node = test.node
    demand = demand_of(node)
    return Check(
        gate="transform",
        subject=subject_of(node),
        name=node["name"],
        severity=severity_of(node["config"].get("severity")),
        # Anything else, such as a test that was skipped, says nothing about the data.
        outcome="passed"
        if test.status == "pass"
        else "failed"
        if test.status in {"fail", "warn"}
        else "crashed",
        expected=node["description"] or node["name"],
        observed=""
        if test.status == "pass"
        else NOT_MADE
        if test.status == "skipped"
        else test.message or test.status,
        failing_rows=test.failures,
        demand=str(demand),
        demand_zh=in_language(demand, "zh"),
        expected_zh=reason_zh(node),
        seconds=round(test.seconds, 3),
        carried=test.carried,
    )
