"""Data Docs: the evidence of a refresh as pages that a person reads in a browser.

One page a table that was checked, one for dbt's tests, and an index, for every refresh,
refused ones too. They are made from the evidence alone, so that they can be made again
from any release. What must hold is said in the words of Great Expectations' own renderer
(`gates`); the pages are ours, because those of Great Expectations load styles, scripts,
fonts and pictures from elsewhere, do not escape what the data hold, and know nothing of
severities, acceptances and dbt's tests. Each page is whole in itself and may fetch nothing.
Each is there in English and, under a name of its own, in Chinese; what only an engine or a
project has said is in its own words on both.

They lie where the release goes (`release.DATA_DOCS`); `data_docs/<id>/index.html` of the
home is their address for good.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.common.home import Home
from pipeline.common.language import LANGUAGES, Code, Sentence, in_language, said
from pipeline.journal import evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import layout, pruning
from pipeline.release.layout import Candidate

if TYPE_CHECKING:
    from jinja2 import Environment

log = logging.getLogger("customer_tiers.gates")

TEMPLATES = Path(__file__).with_name("templates") / "data_docs"
INDEX = "index.html"
QUERY = "Unexpected rows query: "  # how Great Expectations begins to word a query


@dataclass(frozen=True)
class Refresh:
    """The refresh that the pages are about."""

    refresh_id: str
    as_of_date: dt.date
    gates: Sequence[str]


@dataclass(frozen=True)
class Tally:
    """How many checks ended how; each check counts once."""

    checks: int
    passed: int
    blocking: int
    accepted: int
    warnings: int


@dataclass(frozen=True)
class Subject:
    """A table that was checked, and its page."""

    name: str
    page: str
    checks: Sequence[Check]
    tally: Tally


@dataclass(frozen=True)
class Gate:
    """What one gate found; no evidence where it did not judge."""

    name: str
    title: str
    evidence: Evidence | None
    subjects: Sequence[Subject]
    tally: Tally
    problems: Sequence[str]


def show(home: Home, candidate: Candidate, found: Evidence) -> Path | None:
    """Writes the pages of a gate that has just judged, and the index anew.

    Returns:
        The index at its address for good; None where it could not be written, which is
        no reason to stop a refresh.
    """
    try:
        known = evidence.load_all(candidate.evidence_folder)
        gates = evidence.required_gates(
            sorted(gate.removeprefix("in.") for gate in known if gate.startswith("in."))
        )
        refresh = Refresh(candidate.refresh_id, candidate.as_of_date, gates)
        build(candidate.data_docs, refresh, known, only=found.gate)
        pruning.link_data_docs(home)
    except OSError as error:
        log.warning("the Data Docs could not be written: %s", error)
        return None
    return address(home, candidate.refresh_id)


def of_release(folder: Path, record: Mapping[str, Any]) -> Path:
    """Writes all pages of a release from its record, and returns the index."""
    found = {item["gate"]: evidence.from_json(item) for item in record["evidence"]}
    refresh = Refresh(
        record["refresh_id"],
        dt.date.fromisoformat(record["as_of_date"]),
        record["gates"],
    )
    return build(folder / layout.DATA_DOCS, refresh, found)


def address(home: Home, refresh_id: str) -> Path | None:
    """Where the pages of a refresh begin, while they are kept."""
    path = home.data_docs / refresh_id / INDEX
    return path if path.exists() else None


def build(
    folder: Path,
    refresh: Refresh,
    found: Mapping[str, Evidence],
    *,
    only: str | None = None,
) -> Path:
    """Writes the pages.

    Args:
        folder: Where to; made if it is not there.
        refresh: What they are about.
        found: The evidence by gate.
        only: Write the pages of this gate alone, and the index.

    Returns:
        The path of the index in English; those in Chinese lie beside it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    gates = [_gate(name, found.get(name)) for name in refresh.gates]
    broken = [
        (subject, check)
        for gate in gates
        for subject in gate.subjects
        for check in subject.checks
        if check.outcome != "passed"
    ]
    environment = _environment()
    page = environment.get_template("subject.html.j2")
    for code in LANGUAGES:
        spoken = _words(code)
        for gate in gates:
            if only is not None and gate.name != only:
                continue
            for subject, checks in _pages(gate):
                (folder / page_in(subject.page, code)).write_text(
                    page.render(
                        refresh=refresh,
                        gate=gate,
                        subject=subject,
                        groups=checks,
                        **spoken,
                    ),
                    encoding="utf-8",
                )
        (folder / page_in(INDEX, code)).write_text(
            environment.get_template("index.html.j2").render(
                refresh=refresh,
                gates=gates,
                tally=_tally(
                    check for gate in gates for s in gate.subjects for check in s.checks
                ),
                problems=[problem for gate in gates for problem in gate.problems],
                broken=sorted(broken, key=lambda item: _weight(item[1])),
                **spoken,
            ),
            encoding="utf-8",
        )
    return folder / INDEX


def in_words(page: Path, language: str) -> Path:
    """The page in a language; of a release of before there is the English one alone."""
    found = page.with_name(page_in(page.name, language))
    return found if found.exists() else page


def page_in(name: str, language: str) -> str:
    """The name of a page in a language, by its English one."""
    return name if language == "en" else f"{name.removesuffix('.html')}.{language}.html"


def _words(language: Code) -> dict[str, Any]:
    """What the templates need to speak a language."""

    def own(check: Check, name: str) -> str:
        in_chinese = getattr(check, f"{name}_zh") if language == "zh" else ""
        return str(in_chinese or getattr(check, name))

    return {
        "language": language,
        "t": lambda pattern, **values: in_language(said(pattern, **values), language),
        # A name that happens to be one of our words stays.
        "said": lambda text: (
            in_language(text, language) if isinstance(text, Sentence) else text
        ),
        "page_of": lambda name: page_in(name, language),
        "reason": lambda check: own(check, "expected"),
        "demand": lambda check: own(check, "demand"),
    }


def accept_options(check: str, until: dt.date | None = None) -> str:
    """The options that accept the check, as they are typed."""
    day = until.isoformat() if until else "YYYY-MM-DD"
    return f"--accept {shlex.quote(check)} --reason '…' --until {day}"


def _gate(name: str, found: Evidence | None) -> Gate:
    checks = [] if found is None else list(found.checks)
    by_subject: dict[str, list[Check]] = {}
    for check in checks:
        by_subject.setdefault(check.subject, []).append(check)
    subjects = [
        Subject(
            name=subject,
            page=page_of(name, subject),
            checks=sorted(items, key=_weight),
            tally=_tally(items),
        )
        for subject, items in by_subject.items()
    ]
    if name == "transform":
        title = said("dbt's tests, between the gates")
    elif name == "out":
        title = said("Gate out: what readers will see")
    else:
        title = said("Gate in: what {source} gave", source=name.removeprefix("in."))
    return Gate(
        name=name,
        title=title,
        evidence=found,
        subjects=subjects,
        tally=_tally(checks),
        problems=[] if found is None else found.problems(),
    )


def page_of(gate: str, subject: str) -> str:
    """The page of a subject; all that dbt tests stands on one."""
    if gate == "transform":
        return "transform.html"
    return re.sub(r"[^\w.-]+", ".", f"{gate}.{subject}") + ".html"


def _pages(gate: Gate) -> list[tuple[Subject, Mapping[str, Sequence[Check]]]]:
    """Each page with its checks by subject."""
    if gate.name != "transform":
        return [(item, {item.name: item.checks}) for item in gate.subjects]
    if not gate.subjects:
        return []
    broken_first = sorted(
        gate.subjects, key=lambda item: (_weight(item.checks[0])[0], item.name)
    )
    whole = Subject(gate.title, page_of(gate.name, ""), (), gate.tally)
    return [(whole, {subject.name: subject.checks for subject in broken_first})]


def _tally(checks: Iterable[Check]) -> Tally:
    found = list(checks)
    return Tally(
        checks=len(found),
        passed=sum(check.outcome == "passed" for check in found),
        blocking=sum(check.blocks for check in found),
        accepted=sum(check.is_accepted for check in found),
        warnings=sum(
            check.outcome != "passed" and not check.blocks and not check.is_accepted
            for check in found
        ),
    )


def _weight(check: Check) -> tuple[int, str, str]:
    """What stops comes first, then what is read, then what was accepted."""
    if check.outcome == "passed":
        place = 3
    elif check.blocks:
        place = 0
    else:
        place = 2 if check.is_accepted else 1
    return place, check.subject, check.name


def _state(check: Check) -> str:
    """One word for the badge, which is also the class of its colour."""
    if check.outcome == "passed":
        return "passed"
    if check.is_accepted:
        return "accepted"
    if check.blocks:
        return check.outcome
    return "warning" if check.outcome == "failed" else check.outcome


@cache
def _environment() -> Environment:
    from pipeline.common import pages

    environment = pages.environment(TEMPLATES)
    environment.filters["state"] = _state
    environment.filters["in_chinese"] = lambda name: page_in(name, "zh")
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.globals["accept_options"] = accept_options
    environment.globals["QUERY"] = QUERY
    environment.globals["INDEX"] = INDEX
    return environment
