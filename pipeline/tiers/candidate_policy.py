"""The policy that a what-if is about: one of a release, or a folder or file of CSV.

What the files leave out is taken from the release, and the whole is held to the same rules
as the policies of a refresh. Not here: what it changes (what_if).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.tiers import policy, policy_checks, policy_tables, released
from pipeline.tiers.policy import Policy

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Chosen:
    """A policy that can stand, and where each of its tables comes from.

    Attributes:
        origins: Table → a file, or the id of the release's policy that it is taken from.
    """

    policy: Policy
    origins: dict[str, str]


def choose(
    connection: duckdb.DuckDBPyConnection, meant: str, policy_id: str | None = None
) -> Chosen:
    """The policy that somebody means, held to the same rules as those of a refresh.

    Raises:
        ConfigurationError: There is none, there are several, or it cannot stand.
    """
    known = released.policies(connection)
    ids = [one.policy_id for one in known]
    path = Path(meant)
    if meant in ids:
        if policy_id not in (None, meant):
            raise ConfigurationError(f"--policy-id {policy_id} is not {meant}.")
        wanted, files = meant, {}
    elif path.exists():
        files = _files(path)
        wanted = _policy_of(path, files, policy_id)
    else:
        raise ConfigurationError(
            f"There is no policy {meant} in this release (it has {', '.join(ids)}), and "
            "no folder or file of that name."
        )
    day = released.as_of(connection)
    # What the files leave out is as the release has that policy, or as the one in force.
    basis = wanted if wanted in ids else policy.in_force(known, day or dt.date.max)
    basis = basis if isinstance(basis, str) else basis.policy_id
    tables: dict[str, Rows] = {}
    origins: dict[str, str] = {}
    for name in policy_tables.TABLES:
        if name in files:
            rows = [row for row in files[name] if row["policy_id"] == wanted]
            origins[name] = str(path if path.is_file() else path / f"{name}.csv")
        else:
            rows = [
                {**row, "policy_id": wanted}
                for row in released.policy_rows(connection, name)
                if row["policy_id"] == basis
            ]
            origins[name] = basis
        tables[name] = rows
    if not tables["policies"]:
        raise ConfigurationError(f"{origins['policies']} has no policy {wanted}.")
    wrong = [str(problem) for problem in _orphans(tables)]
    found = policy_tables.load(lambda name: tables[name])
    # Whether it is published, and since when, is not what is asked here.
    wrong += map(
        str,
        policy_checks.problems([replace(one, is_published=True) for one in found[:1]]),
    )
    if len(found) > 1:
        wrong.append(f"policies ({wanted}): the policy stands here twice")
    if wrong:
        raise ConfigurationError(f"Policy {wanted} cannot stand: " + "; ".join(wrong))
    return Chosen(found[0], origins)


def _files(path: Path) -> dict[str, Rows]:
    """The tables that a folder, or a file by its name, holds."""
    found = (
        {path.stem: path}
        if path.is_file()
        else {item.stem: item for item in sorted(path.glob("*.csv"))}
    )
    tables = {
        name: policy_tables.read_table(item, name)
        for name, item in found.items()
        if name in policy_tables.TABLES
    }
    if not tables:
        raise ConfigurationError(
            f"{path} holds no table of a policy; there are "
            + ", ".join(f"{name}.csv" for name in policy_tables.TABLES)
        )
    return tables


def _policy_of(path: Path, files: Mapping[str, Rows], policy_id: str | None) -> str:
    """Which policy is meant by files that may hold several."""
    there = sorted({row["policy_id"] for rows in files.values() for row in rows})
    if policy_id is None and len(there) == 1:
        return str(there[0])
    if policy_id in there and policy_id is not None:
        return policy_id
    if not there:
        raise ConfigurationError(f"{path} holds no row of a policy.")
    advice = "say which with --policy-id" if policy_id is None else f"not {policy_id}"
    raise ConfigurationError(f"{path} holds the policies {', '.join(there)}: {advice}.")


def _orphans(tables: Mapping[str, Rows]) -> list[policy_checks.Problem]:
    """Facts that are asked for by a rule that is not there."""
    orders = {row["rule_order"] for row in tables["tier_rules"]}
    return [
        policy_checks.Problem(
            "tier_rule_facts",
            f"{row['policy_id']}, rule {row['rule_order']}, {row['fact']}",
            "there is no such rule",
        )
        for row in tables["tier_rule_facts"]
        if row["rule_order"] not in orders
    ]
