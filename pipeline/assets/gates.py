"""The two gates as blocking asset checks that show their evidence.

A blocking check stops the steps directly below it, in its own run only; that is why each
gate also leaves its evidence beside the candidate, where `publish` reads it again.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from pipeline import attempts, evidence, gates, release
from pipeline.assets.ingest import POOL, landing_key
from pipeline.assets.request import RefreshRequest
from pipeline.errors import CustomerTiersError, GateRefused
from pipeline.evidence import Check, Evidence
from pipeline.home import Home
from pipeline.refresh_log import facts
from pipeline.release import Candidate
from pipeline.settings import Settings
from pipeline.sources import Source

log = logging.getLogger("customer_tiers.gates")

CHECK_NAME = "expectations"


def gate_in(source: Source, settings: Settings) -> dg.AssetChecksDefinition:
    """The gate on what a source has just landed, one check an entity."""
    keys = {
        gates.subject_of(source.name, name): landing_key(source.name, name)
        for name in source.entities
    }

    @dg.multi_asset_check(
        name=f"gate_in_{source.name}",
        specs=[
            dg.AssetCheckSpec(
                CHECK_NAME,
                asset=key,
                blocking=True,
                description=f"What expectations/landing/{source.name}.py demands of new "
                "batches, the key of sources.yaml, and the accounting of rows.",
            )
            for key in keys.values()
        ],
        pool=POOL,
    )
    def gate(request: RefreshRequest) -> Iterator[dg.AssetCheckResult]:
        home = request.open_home()
        candidate = release.latest_candidate(home)
        found = _pass_through(
            home,
            candidate,
            f"gate in: {source.name}",
            lambda: gates.gate_in(
                home, candidate, source, settings.expectations, full=request.full
            ),
        )
        yield from _results(found, keys)

    return gate


def gate_out(
    subjects: dict[str, dg.AssetKey], settings: Settings
) -> dg.AssetChecksDefinition:
    """The gate on the finished marts, one check a mart.

    Args:
        subjects: Asset by table, such as `marts.customers`.
        settings: Where the suites are.
    """

    @dg.multi_asset_check(
        name="gate_out",
        specs=[
            dg.AssetCheckSpec(
                CHECK_NAME,
                asset=key,
                blocking=True,
                description=f"What expectations/marts.py demands of {subject}.",
            )
            for subject, key in subjects.items()
        ],
        pool=POOL,
    )
    def gate(request: RefreshRequest) -> Iterator[dg.AssetCheckResult]:
        home = request.open_home()
        candidate = release.latest_candidate(home)
        found = _pass_through(
            home,
            candidate,
            "gate out",
            lambda: gates.gate_out(candidate, settings.expectations),
        )
        yield from _results(found, subjects)

    return gate


def _pass_through(
    home: Home, candidate: Candidate, stage: str, look: Callable[[], Evidence]
) -> Evidence:
    """Lets the gate look, keeps its evidence, and closes the attempt when it refuses."""
    with attempts.stage(home, candidate.refresh_id, stage):
        found = look()
        evidence.save(candidate.evidence_folder, found)
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
                check.severity,
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
    return found


def _results(
    found: Evidence, keys: dict[str, dg.AssetKey]
) -> Iterator[dg.AssetCheckResult]:
    strangers = {check.subject for check in found.checks} - set(keys)
    if strangers:
        raise CustomerTiersError(f"Checks on tables without an asset: {strangers}")
    for subject, key in keys.items():
        checks = [check for check in found.checks if check.subject == subject]
        broken = [check for check in checks if check.outcome != "passed"]
        blocking = [check for check in broken if check.blocks]
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=CHECK_NAME,
            passed=not broken,
            severity=dg.AssetCheckSeverity.ERROR
            if blocking or not broken
            else dg.AssetCheckSeverity.WARN,
            description="; ".join(check.sentence() for check in broken) or None,
            metadata={
                "checks": len(checks),
                "passed": len(checks) - len(broken),
                "evidence": dg.MetadataValue.md(_table(checks)),
            },
        )


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
            check.outcome,
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
