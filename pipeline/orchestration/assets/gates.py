"""The two gates as blocking asset checks that show their evidence.

A blocking check stops the steps directly below it, in its own run only; that is why each
gate also leaves its evidence beside the candidate, where `publish` reads it again.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import dagster as dg

from pipeline.common.errors import CustomerTiersError, GateRefused
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.gates import data_docs, judgement, questions
from pipeline.gates.suite import subject_of
from pipeline.journal import acceptances, attempts, disk, evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.journal.refresh_log import facts
from pipeline.operations import pages
from pipeline.orchestration.assets.ingest import POOL, landing_key
from pipeline.orchestration.request import RefreshRequest
from pipeline.release import candidates
from pipeline.release.layout import Candidate
from pipeline.sources import Source

log = logging.getLogger("customer_tiers.gates")

# What Dagster says of a question that a refresh had no cause to ask.
NOT_ASKED = "Nothing to ask: no new rows, or none before them to compare with."


def gate_in(source: Source, settings: Settings) -> dg.AssetChecksDefinition:
    """The gate on what a source has just landed, one check a question and entity."""
    keys = {
        subject_of(source.name, name): landing_key(source.name, name)
        for name in source.entities
    }
    asked = questions.of_source(source, settings.expectations)

    @dg.multi_asset_check(
        name=f"gate_in_{source.name}",
        specs=_specs(asked, keys),
        pool=POOL,
        # So that a table can be chosen on Dagster's page, and `transform` says what to
        # do instead; the gate judges all the same.
        can_subset=True,
    )
    def gate(
        context: dg.AssetCheckExecutionContext, request: RefreshRequest
    ) -> Iterator[dg.AssetCheckResult]:
        home = request.open_home()
        candidate = candidates.latest_candidate(home)
        found, docs, seconds = pass_through(
            home,
            candidate,
            f"gate in: {source.name}",
            lambda: judgement.gate_in(
                home, candidate, source, settings.expectations, full=request.full
            ),
        )
        links = _links(found.gate, keys, docs, home, settings)
        yield from _results(context, found, keys, asked, links, seconds)

    return gate


def gate_out(
    subjects: dict[str, dg.AssetKey], sources: Sequence[Source], settings: Settings
) -> dg.AssetChecksDefinition:
    """The gate on the finished marts, one check a question and mart.

    Args:
        subjects: Asset by table, such as `marts.customers`.
        sources: The sources in force.
        settings: Where the suites are.
    """
    asked = questions.of_marts(subjects, sources, settings.expectations)

    @dg.multi_asset_check(
        name="gate_out",
        specs=_specs(asked, subjects),
        pool=POOL,
        # So that a table can be chosen on Dagster's page, and `transform` says what to
        # do instead; the gate judges all the same.
        can_subset=True,
    )
    def gate(
        context: dg.AssetCheckExecutionContext, request: RefreshRequest
    ) -> Iterator[dg.AssetCheckResult]:
        home = request.open_home()
        candidate = candidates.latest_candidate(home)
        found, docs, seconds = pass_through(
            home,
            candidate,
            "gate out",
            lambda: judgement.gate_out(
                candidate, sources, settings.expectations, acceptances.held(home)
            ),
        )
        links = _links(found.gate, subjects, docs, home, settings)
        yield from _results(context, found, subjects, asked, links, seconds)

    return gate


def _specs(
    asked: Sequence[questions.Question], keys: Mapping[str, dg.AssetKey]
) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            question.name,
            asset=keys[question.subject],
            blocking=True,
            description=question.description,
        )
        for question in asked
    ]


def pass_through(
    home: Home, candidate: Candidate, stage: str, assess: Callable[[], Evidence]
) -> tuple[Evidence, Path | None, float]:
    """Runs the gate, keeps its evidence, and closes the attempt when it refuses.

    Returns:
        The evidence, its Data Docs, and how many seconds it took.
    """
    began = time.monotonic()
    with attempts.stage(home, candidate.refresh_id, stage):
        found = assess()
        evidence.save(candidate.evidence_folder, found)
        disk.raise_if_full(home, found.crashes())
    seconds = time.monotonic() - began
    pages = data_docs.show(home, candidate, found)
    passed = sum(check.outcome == "passed" for check in found.checks)
    log.info(
        "%s: %d of %d checks passed",
        stage,
        passed,
        len(found.checks),
        extra=facts(event="gate", gate=found.gate, checks=len(found.checks)),
    )
    for check in found.checks:
        if check.outcome != "passed":
            log.warning(
                "%s %s",
                "accepted" if check.is_accepted else check.severity,
                check.sentence(),
                extra=facts(**check.facts()),
            )
    if problems := found.problems():
        attempts.end(
            home,
            candidate.refresh_id,
            "refused",
            f"{stage}: " + "; ".join(problems),
            exit_code=GateRefused.exit_code,
        )
    return found, pages, seconds


def _results(
    context: dg.AssetCheckExecutionContext,
    found: Evidence,
    keys: Mapping[str, dg.AssetKey],
    asked: Sequence[questions.Question],
    links: Mapping[str, dg.UrlMetadataValue],
    seconds: float,
) -> Iterator[dg.AssetCheckResult]:
    strangers = {check.subject for check in found.checks} - set(keys)
    if strangers:
        raise CustomerTiersError(f"Checks on tables without an asset: {strangers}")
    chosen = context.selected_asset_check_keys
    for question, checks in questions.answered_by(asked, found.checks):
        subject = question.subject
        if dg.AssetCheckKey(keys[subject], question.name) not in chosen:
            continue
        broken = [check for check in checks if check.outcome != "passed"]
        blocking = [check for check in broken if check.blocks]
        yield dg.AssetCheckResult(
            asset_key=keys[subject],
            check_name=question.name,
            passed=not broken,
            severity=dg.AssetCheckSeverity.ERROR
            if blocking or not broken
            else dg.AssetCheckSeverity.WARN,
            description="; ".join(check.sentence() for check in broken)
            or (None if checks else NOT_ASKED),
            metadata={
                "checks": len(checks),
                "passed": len(checks) - len(broken),
                "accepted": sum(check.is_accepted for check in broken),
                "evidence": dg.MetadataValue.md(_table(checks)),
                "seconds_of_the_gate": round(seconds, 2),
                **({"data_docs": links[subject]} if subject in links else {}),
            },
        )


def _links(
    gate: str,
    subjects: Iterable[str],
    index: Path | None,
    home: Home,
    settings: Settings,
) -> dict[str, dg.UrlMetadataValue]:
    """Subject → its page in the Data Docs, else where they begin."""
    if index is None:
        return {}
    links = {}
    for subject in subjects:
        page = index.with_name(data_docs.page_of(gate, subject))
        named = page if page.exists() else index
        address = pages.address_of(settings.pages_url, named, home)
        links[subject] = dg.MetadataValue.url(address)
    return links


def _table(checks: Sequence[Check]) -> str:
    """The evidence as Markdown, what is broken first."""
    lines = [
        "| outcome | check | severity | rows | observed | examples | why |",
        "|---|---|---|---:|---|---|---|",
    ]
    for check in sorted(checks, key=lambda item: item.outcome == "passed"):
        examples = "; ".join(
            " ".join(f"{key}={value}" for key, value in example.items())
            for example in check.examples
        )
        cells = [
            f"{check.outcome}, accepted" if check.is_accepted else check.outcome,
            check.name,
            check.severity,
            "" if check.failing_rows is None else f"{check.failing_rows:,}",
            check.observed,
            examples,
            check.expected,
        ]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
