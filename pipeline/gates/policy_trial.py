"""Tries the policy out: its rows, whether one is in force, and seeds that somebody changed.

Not here: the rest of the project (`project_trial`).
"""

from __future__ import annotations

import datetime as dt
import filecmp
import re
from collections.abc import Iterator
from pathlib import Path

from pipeline.common.errors import GateRefused
from pipeline.common.language import said
from pipeline.common.yaml_places import Places
from pipeline.gates.trial_findings import Finding, declared_at, line_with
from pipeline.tiers import policy_tables
from pipeline.transform import dbt
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

# How dbt, and the policy's own checks, name a line.
LINE = re.compile(r"\bline (\d+)", re.IGNORECASE)


def of_the_policy(seeds: Path, as_of: dt.date, places: Places) -> Iterator[Finding]:
    """What keeps the policy from grading anybody on the as-of day."""
    check = dbt.check_policy(seeds)
    for example in check.examples:
        name, text = example.get("seed"), example["problem"]
        if name is None:  # said of whole files, by their paths
            for part in str(text).split("; "):
                path = re.match(r"(\S+\.csv)", part)
                link = Path(path[1]) if path else None
                line = LINE.search(part)
                yield Finding(
                    part.replace(str(link), link.name) if link else part,
                    GateRefused.exit_code,
                    link.stem if link else "policy",
                    link.resolve() if link else None,
                    int(line[1]) if line else None,
                )
            return
        link = policy_tables.seed_file(seeds, str(name))
        yield Finding(
            f"{name} ({example['row']}): {text}.",
            GateRefused.exit_code,
            str(name),
            link.resolve() if link else None,
            _line_of_row(link, str(example["row"])),
        )
    if not check.blocks:
        yield from _in_force(seeds, as_of, places)


def _line_of_row(link: Path | None, row: str) -> int | None:
    """The line of a seed with what tells a row from others: all the words, in order."""
    if link is None:
        return None
    words = [word for word in re.split(r", (?:rule )?", row) if word != "all"]
    lines = link.read_text(encoding="utf-8-sig").splitlines()
    fits = (
        number
        for number, line in enumerate(lines, 1)
        if words and set(words) <= {cell.strip('" ') for cell in line.split(",")}
    )
    return next(fits, None)


def _in_force(seeds: Path, as_of: dt.date, places: Places) -> Iterator[Finding]:
    """Whether a policy is in force on the as-of day."""
    published = [
        policy
        for policy in policy_tables.load_folder(seeds)
        if policy.is_published and policy.valid_from is not None
    ]
    if any(
        policy.valid_from <= as_of
        and (policy.valid_to is None or as_of < policy.valid_to)
        for policy in published
    ):
        return
    link = policy_tables.seed_file(seeds, "policies")
    assert link is not None
    first = min(published, key=lambda policy: policy.valid_from)
    when = (
        said(
            "the first, {policy}, begins on {day}",
            policy=first.policy_id,
            day=first.valid_from,
        )
        if first.valid_from > as_of
        else said(
            "the last one published ended by {day}",
            day=max(str(policy.valid_to) for policy in published),
        )
    )
    yield Finding(
        said(
            "No policy is in force on the as-of day {day}{place}: {when}. Mend valid_from "
            "or valid_to, or the as-of day.",
            day=as_of,
            place=declared_at(places, places.line("business", "as_of")),
            when=when,
        ),
        GateRefused.exit_code,
        "policies",
        link.resolve(),
        line_with(link, first.policy_id),
    )


def changed_seeds(seeds: Path) -> list[str]:
    """The seeds that a person has written or changed: the product's are tried already."""
    known: dict[str, list[Path]] = {}
    for path in [*(PACKAGE / "seeds").rglob("*.csv"), *NEUTRAL_SEEDS.rglob("*.csv")]:
        known.setdefault(path.name, []).append(path)
    return [
        path.stem
        for path in sorted(seeds.rglob("*.csv"))
        if not any(
            filecmp.cmp(path, product, shallow=False)
            for product in known.get(path.name, [])
        )
    ]


def of_seed(seeds: Path, name: str, problem: str) -> Finding:
    """What keeps a seed from being loaded, or from being used."""
    link = policy_tables.seed_file(seeds, name)
    line = LINE.search(problem)
    return Finding(
        f"{name}: {' '.join(problem.split())}",
        GateRefused.exit_code,
        name,
        link.resolve() if link else None,
        int(line[1]) if line else None,
    )
