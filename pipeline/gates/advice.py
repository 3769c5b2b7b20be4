"""What a person reads when a gate has refused: what, where, how many, and what to do.

Facts from the evidence of one attempt, for the terminal, for `--json` and for the
Data Docs. Nothing is judged here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.files import read_json
from pipeline.common.home import Home
from pipeline.common.language import said
from pipeline.gates import data_docs
from pipeline.journal import acceptances, evidence
from pipeline.journal.attempts import Attempt
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import catalogue

# What a person is offered; long enough for a week's end, short enough to be judged again.
OFFERED_DAYS = 7
MAX_FINDINGS = 10


@dataclass(frozen=True)
class Finding:
    """A check that keeps a refresh from being published.

    Attributes:
        check: Its public id, for `--accept`.
        demand: What must hold.
        why: Why it must.
        demand_zh: The same in Chinese, and so why_zh; empty where nobody has said it.
        rows: How many rows were checked, where that is known.
        acceptable: Whether a person may accept it.
        next_steps: What to do, the likeliest first.
        accept_command: The command that accepts it, where it may be accepted.
        page: Its place in the Data Docs.
    """

    check: str
    gate: str
    subject: str
    name: str
    outcome: str
    demand: str
    why: str
    observed: str
    failing_rows: int | None
    rows: int | None
    examples: Sequence[Mapping[str, Any]]
    acceptable: bool
    next_steps: Sequence[str]
    accept_command: str | None
    page: str | None
    demand_zh: str = ""
    why_zh: str = ""


@dataclass(frozen=True)
class Refusal:
    """An attempt that a gate refused.

    Attributes:
        findings: The first ones, causes before what follows from them.
        more: How many there are besides.
        others: Reasons that are no check's, such as a gate that did not judge.
        unchanged: The release that readers keep, if there is one.
        data_docs: Where its pages begin, while they are kept.
    """

    refresh_id: str
    as_of_date: str
    reason: str
    findings: Sequence[Finding]
    more: int
    others: Sequence[str]
    unchanged: str | None
    data_docs: str | None


def refusal(home: Home, attempt: Attempt, options: str) -> Refusal | None:
    """What a person has to know of the attempt; None where no gate refused it.

    Args:
        home: Where its evidence is.
        attempt: From the journal.
        options: What a command must repeat to work in the same home, such as
            ` --home data`, with a space before it.
    """
    if attempt.state != "refused":
        return None
    found = evidence_of(home, attempt.refresh_id)
    pages = data_docs.address(home, attempt.refresh_id)
    blocking = sorted(
        (check for item in found.values() for check in item.checks if check.blocks),
        key=lambda check: check.outcome != "failed",
    )
    # dbt skips every test behind a broken model: hundreds, that say nothing.
    causes = [check for check in blocking if not check.was_left_out] or blocking
    findings = [
        _finding(check, attempt.refresh_id, options, pages)
        for check in causes[:MAX_FINDINGS]
    ]
    named = {check.sentence() for item in found.values() for check in item.checks}
    others = [
        problem
        for item in found.values()
        for problem in item.problems()
        if problem not in named
    ]
    if not findings and not others:
        others = [attempt.reason or said("no reason given")]
    return Refusal(
        refresh_id=attempt.refresh_id,
        as_of_date=attempt.as_of_date,
        reason=attempt.reason or "",
        findings=findings,
        more=len(blocking) - len(findings),
        others=others,
        unchanged=catalogue.current_id(home),
        data_docs=str(pages) if pages else None,
    )


def evidence_of(home: Home, refresh_id: str) -> dict[str, Evidence]:
    """What the gates found in a refresh, by gate; nothing where it is not kept."""
    folder = home.candidates / refresh_id / "evidence"
    try:
        if folder.is_dir():
            return evidence.load_all(folder)
        for path in (
            home.evidence / f"{refresh_id}.json",
            home.releases / refresh_id / "release.json",
        ):
            if path.exists():
                items = [evidence.from_json(i) for i in read_json(path)["evidence"]]
                return {item.gate: item for item in items}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {}


def last_seen(home: Home, history: Sequence[Attempt]) -> dict[str, str]:
    """Check → its outcome in the last attempt that left evidence."""
    for attempt in history:
        if found := evidence_of(home, attempt.refresh_id):
            return {
                check.id: check.outcome
                for item in found.values()
                for check in item.checks
            }
    return {}


def _finding(
    check: Check, refresh_id: str, options: str, pages: Path | None
) -> Finding:
    until = acceptances.today() + dt.timedelta(days=OFFERED_DAYS)
    command = (
        f"customer-tiers refresh{options} {data_docs.accept_options(check.id, until)}"
    )
    page = None
    if pages is not None:
        page = str(pages.with_name(data_docs.page_of(check.gate, check.subject)))
    return Finding(
        check=check.id,
        gate=check.gate,
        subject=check.subject,
        name=check.name,
        outcome=check.outcome,
        demand="" if check.demand.startswith(data_docs.QUERY) else check.demand,
        why=check.expected,
        observed=check.observed,
        failing_rows=check.failing_rows,
        rows=check.rows,
        examples=check.examples,
        acceptable=check.may_be_accepted,
        next_steps=_next_steps(check, refresh_id, options),
        accept_command=command if check.may_be_accepted else None,
        page=page,
        demand_zh=check.demand_zh,
        why_zh=check.expected_zh,
    )


def _next_steps(check: Check, refresh_id: str, options: str) -> list[str]:
    if check.outcome == "crashed":
        return [
            said(
                "The check itself could not be made, so nothing is known: mend it, or the "
                "table that it looks at. It cannot be accepted."
            )
        ]
    steps: list[str] = []
    if check.gate.startswith("in."):
        source, entity = check.subject.split("/")[1:3]
        if check.name == "quarantine_within_limit":
            steps.append(
                said(
                    "See the rows and why they could not be read: customer-tiers "
                    "quarantine list --source {source} --entity {entity}{options}",
                    source=source,
                    entity=entity,
                    options=options,
                )
            )
        steps.append(
            said(
                "Mend {source}.{entity} where it comes from and refresh again: the batch "
                "was not taken in and is read anew.",
                source=source,
                entity=entity,
            )
        )
    elif check.subject == "policy":
        steps.append(said("Mend the named rows of the seeds and refresh again."))
    else:
        steps.append(
            said(
                "Look for the rows in the candidate, which is kept a while: "
                "candidates/{refresh}/release/warehouse.duckdb holds the marts, "
                "candidates/{refresh}/work.duckdb what they are made of.",
                refresh=refresh_id,
            )
        )
    if check.may_be_accepted:
        steps.append(
            said("If it is right this time, accept it, for as long as it is right.")
        )
    else:
        steps.append(said("It keeps rows, keys or money whole and cannot be accepted."))
    return steps
