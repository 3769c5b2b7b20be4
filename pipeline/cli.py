"""The command line: what a person types, what is printed, and the exit codes.

Results go to standard output, progress and errors to standard error. Nothing is worked
out here; each command calls one function of another room and shows what it returns.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shlex
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.table import Table

from pipeline import acceptances, advice, attempts, data_docs, release, shown
from pipeline.errors import ConfigurationError, CustomerTiersError
from pipeline.home import Home
from pipeline.settings import PROJECT_ROOT, Settings

WORKSPACE = PROJECT_ROOT / "workspace.yaml"

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Commands(click.Group):
    """Turns our errors into a sentence and an exit code; others into a file."""

    def invoke(self, context: click.Context) -> Any:
        """Runs the command."""
        try:
            return super().invoke(context)
        except CustomerTiersError as error:
            err.print(f"[red]{type(error).__name__}[/red]: ", end="")
            err.print(str(error), markup=False, soft_wrap=True)
            sys.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            err.print("Interrupted; readers see what they saw before.")
            sys.exit(1)
        except Exception as error:
            with tempfile.NamedTemporaryFile(
                "w", prefix="customer-tiers-", suffix=".txt", delete=False
            ) as file:
                file.write(traceback.format_exc())
            err.print(f"[red]Unexpected error[/red]: {type(error).__name__}: ", end="")
            err.print(str(error), markup=False, soft_wrap=True)
            err.print(f"The traceback is in {file.name}; it is a defect of ours.")
            sys.exit(1)


def _home(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of landing, candidates and releases [CUSTOMER_TIERS_HOME or ./data].",
    )(command)


def _sources(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--sources",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Where the data comes from [CUSTOMER_TIERS_SOURCES or sources.yaml].",
    )(command)


def _json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="customer-tiers")
def main() -> None:
    """Customer value and customer tiers, every day, in a warehouse that you can trust.

    Exit codes: 0 done, 1 unexpected error, 2 wrong usage or configuration, 3 a gate
    refused (nothing changed), 4 another refresh is running, 5 a source could not be
    reached or read.
    """


@main.command()
@click.option("--as-of", help="Last business day to know of, YYYY-MM-DD [yesterday].")
@_sources
@click.option(
    "--full",
    is_flag=True,
    help="Ignore cursors, read everything again; what is read now counts.",
)
@click.option(
    "--no-publish", is_flag=True, help="Build and check, leave readers alone."
)
@click.option(
    "--no-report",
    is_flag=True,
    help="Leave the report out; `customer-tiers report` makes it at any time.",
)
@click.option(
    "--accept",
    "accepted",
    metavar="CHECK",
    multiple=True,
    help="Let this check fail, on the record; for drift and warnings, not for integrity. "
    "Can be given several times.",
)
@click.option("--reason", help="Why what was accepted is right.")
@click.option("--until", help="The last day on which it is, YYYY-MM-DD.")
@_home
@_json
def refresh(
    as_of: str | None,
    sources: Path | None,
    full: bool,
    no_publish: bool,
    no_report: bool,
    accepted: tuple[str, ...],
    reason: str | None,
    until: str | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Goes the whole way from the sources to a new release and its report."""
    from pipeline import refresh as refreshing
    from pipeline.progress import showing

    settings = Settings.load(home, sources)
    request = refreshing.Request(
        as_of=refreshing.parse_day(as_of) if as_of else None,
        full=full,
        publish=not no_publish,
        report=not no_report,
        accept=acceptances.wish(accepted, reason, until),
    )
    try:
        with showing():
            attempt = refreshing.run(settings, request)
    except refreshing.RefreshFailed as failed:
        _tell_refusal(settings, failed, _again(home, sources), as_json=as_json)
    at = Home.open(settings.home)
    if as_json:
        found = release.current(at) if not no_publish else None
        _print_json({**asdict(attempt), "release": str(found.path) if found else None})
    elif no_publish:
        out.print(
            f"{attempt.refresh_id} is built and passed every gate; not published."
        )
    else:
        _print_release(at)


@main.command()
@click.option(
    "--check", is_flag=True, help="One line and an exit code, for monitoring."
)
@click.option("--max-age", help="With --check: older is too old [26h].")
@click.option(
    "--notify", is_flag=True, help="With --check: also send alerts that are due."
)
@_home
@_json
def status(
    check: bool,
    max_age: str | None,
    notify: bool,
    home: Path | None,
    as_json: bool,
) -> None:
    """Shows the current release, its age, the last attempts and why any failed.

    Exit codes of --check: 0 the release is young enough, 1 it is too old or there is
    none, 3 and the newest attempt was refused, 4 and a refresh is running, 5 and a source
    could not be reached. It also writes the metrics.
    """
    settings = Settings.load(home)
    if check:
        _check(settings, max_age, notify, as_json)
    if notify or max_age:
        raise ConfigurationError("--max-age and --notify go with --check.")
    at = Home.open(settings.home)
    current = release.current(at)
    problem = current.damage if current else release.pointer_problem(at)
    recent = attempts.history(at)[:10]
    refused = advice.refusal(at, recent[0], _again(home, None)) if recent else None
    unfinished = [path.stem for path in sorted(at.forgotten.glob("f*.json"))]
    if as_json:
        _print_json(
            {
                "home": str(at.root),
                "current": _release_json(current) if current else None,
                "problem": problem,
                "attempts": [asdict(attempt) for attempt in recent],
                "refusal": asdict(refused) if refused else None,
                "acceptances": [asdict(item) for item in acceptances.holding(at)],
                "unfinished_forgettings": unfinished,
            }
        )
        return
    if problem:
        out.print(
            f"[red]Readers find no whole release[/red]: {problem}. `customer-tiers "
            "rollback` goes back to an older one; `customer-tiers refresh` makes a new one.",
            soft_wrap=True,
        )
    elif current is None:
        out.print("There is no release yet; run [bold]customer-tiers refresh[/bold].")
    if current is not None:
        out.print(
            f"Current release [bold]{current.refresh_id}[/bold], as of "
            f"{current.as_of_date}, sealed {_ago(current.sealed_at)} ago; "
            f"{current.checks} checks, {current.warnings} warnings"
            + (f", {current.accepted} accepted." if current.accepted else ".")
        )
        out.print(f"  {current.path}", soft_wrap=True)
        if pages := data_docs.address(at, current.refresh_id):
            out.print(f"  Data Docs {pages}", soft_wrap=True)
        shown.uses(current.acceptances, out)
    for receipt in unfinished:
        out.print(
            f"[red]Forgetting {receipt} is not finished[/red]: run `customer-tiers "
            "forget` again; until then the home holds what it looks for.",
            soft_wrap=True,
        )
    if recent:
        table = Table("attempt", "state", "started", "took", "reason", box=None)
        for attempt in recent:
            table.add_row(
                attempt.refresh_id,
                _coloured(attempt.state),
                attempt.started_at[:16].replace("T", " "),
                _took(attempt),
                _shortened(attempt.reason or "") if refused else attempt.reason or "",
            )
        out.print(table)
    if refused:
        out.print()
        shown.refusal(refused, out)


@main.command("acceptances")
@click.option(
    "--withdraw", metavar="CHECK", multiple=True, help="Take back what was accepted."
)
@_home
@_json
def accepted(withdraw: tuple[str, ...], home: Path | None, as_json: bool) -> None:
    """Lists what people accepted, and why and until when; takes it back.

    A check that failed is accepted with `refresh --accept`.
    """
    at = Home.open(Settings.load(home).home)
    for check in withdraw:
        item = acceptances.withdraw(at, check)
        if not as_json:
            out.print(f"{item.check} is not accepted any more.", markup=False)
    entries = acceptances.journal(at)
    day = acceptances.today()
    if as_json:
        _print_json([{**asdict(item), "holds": item.holds(day)} for item in entries])
    elif not withdraw:
        shown.journal(entries, day, out)


def _check(
    settings: Settings, max_age: str | None, notify: bool, as_json: bool
) -> NoReturn:
    from pipeline import freshness, metrics
    from pipeline.alerts import run as alerting
    from pipeline.settings import duration

    if max_age is not None:
        settings = replace(settings, max_age=duration(max_age, "--max-age"))
    at = Home.open(settings.home)
    found = freshness.look(settings, at)
    told = None
    if notify:
        alerting.configured(settings)
        told = alerting.look(settings, at, found)
    try:
        metrics.write(settings, at)
    except OSError as error:
        err.print(f"The metrics were not written: {error}", markup=False)
    if as_json:
        _print_json({**asdict(found), "alerts": asdict(told) if told else None})
    else:
        click.echo(found.sentence)
        if told and told.pending:
            err.print(
                f"{told.pending} alerts could not be sent: `customer-tiers alerts`."
            )
    sys.exit(found.exit_code)


@main.command()
@click.argument("refresh_id", required=False)
@click.option("--follow", is_flag=True, help="Go on printing while the refresh runs.")
@_home
@_json
def logs(
    refresh_id: str | None, follow: bool, home: Path | None, as_json: bool
) -> None:
    """Prints the log of a refresh; by default of the newest."""
    from pipeline import refresh_log

    at = Home.open(Settings.load(home).home)
    for line in refresh_log.lines(at, refresh_id, follow=follow):
        if as_json:
            click.echo(json.dumps(line, ensure_ascii=False))
        else:
            out.print(refresh_log.shown(line), markup=False, soft_wrap=True)


@main.group(invoke_without_command=True)
@_home
@_json
@click.pass_context
def alerts(context: click.Context, home: Path | None, as_json: bool) -> None:
    """Shows who is told of what, what was told, and what could not be."""
    if context.invoked_subcommand is not None:
        return
    from pipeline.alerts import ledger
    from pipeline.alerts import run as alerting
    from pipeline.alerts import shown as showing

    settings = Settings.load(home)
    described = alerting.configured(settings)
    state = ledger.read(Home.open(settings.home))
    if as_json:
        _print_json(showing.as_values(described, state))
    else:
        showing.overview(described, state, out)


@alerts.command("test")
@click.argument("channel", required=False)
@_home
@_json
def alerts_test(channel: str | None, home: Path | None, as_json: bool) -> None:
    """Sends a test message to one channel, or to all."""
    from pipeline.alerts import run as alerting

    settings = Settings.load(home)
    found = alerting.test(settings, Home.open(settings.home), channel)
    if as_json:
        _print_json(found)
    else:
        for name, problem in found.items():
            out.print(f"{name}: {problem or 'sent'}", markup=False, soft_wrap=True)
    if any(found.values()):
        sys.exit(1)


@main.command()
@_home
@_json
def releases(home: Path | None, as_json: bool) -> None:
    """Lists the kept releases, newest first."""
    kept = release.releases(Home.open(Settings.load(home).home))
    if as_json:
        _print_json([_release_json(item) for item in kept])
        return
    if not kept:
        out.print("There is no release yet; run [bold]customer-tiers refresh[/bold].")
        return
    table = Table(
        "", "release", "as of", "sealed (UTC)", "checks", "warnings", box=None
    )
    for item in kept:
        table.add_row(
            "[green]current[/green]" if item.is_current else "",
            item.refresh_id,
            item.as_of_date.isoformat(),
            f"{item.sealed_at:%Y-%m-%d %H:%M}",
            str(item.checks),
            "[red]damaged[/red]" if item.damage else str(item.warnings),
        )
    out.print(table)


@main.command()
@click.argument("release_id", required=False)
@_home
@_json
def rollback(release_id: str | None, home: Path | None, as_json: bool) -> None:
    """Makes a kept release current again; by default the one before the current."""
    now_current = release.rollback(Home.open(Settings.load(home).home), release_id)
    if as_json:
        _print_json(_release_json(now_current))
    else:
        out.print(
            f"[bold]{now_current.refresh_id}[/bold], as of {now_current.as_of_date}, "
            "is current again."
        )


@main.command("check-sources")
@_sources
@_home
@_json
def check_sources(sources: Path | None, home: Path | None, as_json: bool) -> None:
    """Connects to every source, reads a sample and checks it; changes nothing."""
    from rich.markup import escape

    from pipeline import check, demonstration, project
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    described = load_sources(settings)
    settings = described.applied_to(settings)
    if described.demonstration is not None:
        at = Home.open(settings.home)
        demonstration.lay_out(
            described.demonstration, at.root / "demonstration" / "erp.sqlite"
        )
    tried = [
        item
        for source in described.sources
        for item in check.try_source(source, settings.expectations)
    ]
    missing = project.lacks(described, settings)
    if as_json:
        _print_json([asdict(item) for item in tried])
    else:
        table = Table("source", "entity", "sample", "columns", "outcome", box=None)
        for item in tried:
            table.add_row(
                item.source,
                item.entity,
                f"{item.rows:,} rows",
                str(len(item.columns)),
                _outcome(item),
            )
        out.print(table)
        for sentence in missing:
            out.print(f"[yellow]missing[/yellow] {escape(sentence)}", soft_wrap=True)
    if problem := check.worst(tried):
        raise problem
    if missing:
        raise ConfigurationError(
            f"{len(missing)} things are missing before a refresh can go its whole way."
        )


@main.group()
def quarantine() -> None:
    """The rows that could not be read."""


def _entity(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--entity", help="Only this entity.")(command)
    return click.option("--source", help="Only this source.")(command)


@quarantine.command("list")
@_entity
@_sources
@_home
@_json
def quarantine_list(
    source: str | None,
    entity: str | None,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Lists the rows, each with its place and why it could not be read."""
    from rich.markup import escape

    from pipeline import quarantine as quarantining
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    described = load_sources(settings).sources
    found = quarantining.held(
        Home.open(settings.home), described, source=source, entity=entity
    )
    if as_json:
        _print_json([asdict(item) for item in found])
        return
    if not found:
        out.print("Nothing is in quarantine.")
    for item in found:
        batch = item.batch
        again = "; read again at the next refresh" if item.asked_again else ""
        out.print(
            f"[bold]{batch.source}.{batch.entity}[/bold] {escape(batch.origin)}: "
            f"{batch.rows_quarantined:,} of {batch.rows_read:,} rows{again}"
        )
        table = Table("line", "reason", "text", box=None)
        for row in item.rows:
            place = "" if row["line"] is None else f"{row['line']:,}"
            table.add_row(place, escape(row["reason"]), escape(row["text"][:200]))
        out.print(table)


@quarantine.command("retry")
@_entity
@_sources
@_home
@_json
def quarantine_retry(
    source: str | None,
    entity: str | None,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Has the next refresh read the files or tables with unread rows again.

    Mend the source, or how sources.yaml says it is read, first. What is landed stays in
    force until what replaces it has passed the gate.
    """
    from pipeline import quarantine as quarantining
    from pipeline.sources import load_sources

    settings = Settings.load(home, sources)
    described = load_sources(settings).sources
    chosen = quarantining.retry(
        Home.open(settings.home), described, source=source, entity=entity
    )
    if as_json:
        _print_json([asdict(batch) for batch in chosen])
    elif chosen:
        for batch in chosen:
            out.print(f"{batch.source}.{batch.entity} {batch.origin}", markup=False)
        out.print("will be read again by the next refresh.")
    else:
        out.print("Nothing is in quarantine.")


@main.command()
@click.argument("release_id", required=False)
@_home
@_json
def report(release_id: str | None, home: Path | None, as_json: bool) -> None:
    """Makes the report of the current (or a kept) release again."""
    from pipeline.reports import build_report

    found = release.chosen(Home.open(Settings.load(home).home), release_id)
    path = build_report(found.path)
    if as_json:
        _print_json({"release": found.refresh_id, "report": str(path)})
    else:
        out.print(str(path), soft_wrap=True)


def _release(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--release", "release_id", help="A kept release [the current one]."
    )(command)


def _language(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--lang",
        type=click.Choice(["en", "zh"]),
        default="en",
        show_default=True,
        help="Language of what is printed.",
    )(command)


@main.command()
@click.argument("customer")
@_release
@_language
@_home
@_json
def explain(
    customer: str,
    release_id: str | None,
    lang: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Shows why a customer has its tier, and what would move it up.

    CUSTOMER is a customer_id, a source's key with or without the source, such as
    erp:AW00012345, or a name or a part of it.
    """
    from pipeline.tiers import explain as explaining
    from pipeline.tiers import shown

    at = Home.open(Settings.load(home).home)
    found = explaining.run(release.chosen(at, release_id), customer)
    if as_json:
        _print_json(_numbers(asdict(found)))
    else:
        shown.explanation(found, lang, shown.console())


@main.command("what-if")
@click.argument("policy")
@click.option("--policy-id", help="Which policy of the files, where they hold several.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write each customer's move to this .csv or .parquet.",
)
@click.option(
    "--capacity",
    type=click.FloatRange(min=0, min_open=True),
    help="Hours a year that there are for serving customers.",
)
@_release
@_language
@_home
@_json
def what_if(
    policy: str,
    policy_id: str | None,
    output: Path | None,
    capacity: float | None,
    release_id: str | None,
    lang: str,
    home: Path | None,
    as_json: bool,
) -> None:
    """Shows who would move, and how much money, under another policy; changes nothing.

    POLICY is a policy_id of the release, or a folder with the CSV files of one
    (policies.csv, tiers.csv, tier_rules.csv and so on), or one such file. What the folder
    leaves out is as it is in the release.
    """
    from pipeline.tiers import shown
    from pipeline.tiers import what_if as supposing

    at = Home.open(Settings.load(home).home)
    found = supposing.run(
        release.chosen(at, release_id),
        policy,
        policy_id=policy_id,
        capacity_hours=capacity,
        output=output,
    )
    if as_json:
        _print_json(_numbers(asdict(found)))
    else:
        shown.what_if(found, lang, shown.console())


@main.command()
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@_home
@_json
def prune(dry_run: bool, home: Path | None, as_json: bool) -> None:
    """Removes what need not be kept, and puts many small files of landing into one.

    Every published refresh does it too. How much is kept are settings
    (CUSTOMER_TIERS_KEEP_...); every landed row stays.
    """
    from pipeline import retention
    from pipeline.home import refresh_lock

    settings = Settings.load(home)
    at = Home.open(settings.home)
    now = dt.datetime.now(dt.UTC)
    if dry_run:
        found = retention.plan(at, settings, now=now)
    else:
        with refresh_lock(at):
            found = retention.prune(at, settings, now=now)
    runs = _prune_runs(at, settings, now, dry_run=dry_run)
    if as_json:
        _print_json({**asdict(found), "runs": runs, "dry_run": dry_run})
        return
    table = Table("what", "where", "MB", "why", box=None)
    for item in found.gone:
        path = item.path.relative_to(at.root) if at.root in item.path.parents else ""
        table.add_row(item.what, str(path), f"{item.bytes / 1e6:,.1f}", item.why)
    for packing in found.packed:
        table.add_row(
            "small files",
            f"landing/{packing.source}/{packing.entity}",
            f"{packing.bytes / 1e6:,.1f}",
            f"{len(packing.files):,} files are put into one; {packing.rows:,} rows stay",
        )
    if found.gone or found.packed:
        out.print(table)
    done = "Would remove" if dry_run else "Removed"
    out.print(
        f"{done} {len(found.gone):,} things ({found.bytes / 1e6:,.1f} MB) and "
        f"{runs:,} runs of Dagster."
    )


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--wait",
    default=120,
    show_default=True,
    help="Minutes to wait for a refresh that is running.",
)
@_home
@_json
def backup(file: Path, wait: int, home: Path | None, as_json: bool) -> None:
    """Writes the home into one FILE (.tar or .tar.gz), while readers go on reading.

    It holds what cannot be made again, personal data among it, and is readable by its
    owner alone. Candidates, exports and Dagster's runs are left out.
    """
    from pipeline import backup as backing

    at = Home.open(Settings.load(home).home)
    made = backing.backup(at, file, wait_seconds=60 * wait)
    if as_json:
        _print_json(asdict(made))
    else:
        out.print(
            f"{made.files:,} files ({made.bytes / 1e6:,.0f} MB) in {made.path}, "
            f"current release {made.current or 'none'}.",
            soft_wrap=True,
        )


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--home",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The new home: a folder that is empty or not there.",
)
@click.option(
    "--forgotten-from",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The home left behind: who was forgotten there is forgotten here as well.",
)
@_sources
@_json
def restore(
    file: Path,
    home: Path,
    forgotten_from: Path | None,
    sources: Path | None,
    as_json: bool,
) -> None:
    """Makes a new home of a backup FILE, when every file of it is what it was."""
    from pipeline import backup as backing
    from pipeline.sources import load_sources

    described = seeds = None
    if forgotten_from is not None:
        settings = Settings.load(home, sources)
        described = load_sources(settings)
        seeds = described.applied_to(settings).dbt_project / "seeds"
    found = backing.restore(
        file, home, forgotten_from=forgotten_from, sources=described, seeds=seeds
    )
    if as_json:
        _print_json(asdict(found))
        return
    out.print(
        f"{found.home} is as it was at {found.backup.made_at}; current release "
        f"{found.backup.current or 'none'}.",
        soft_wrap=True,
    )
    if forgotten_from is None:
        out.print(
            "[yellow]Customers who were forgotten after that are back.[/yellow] Forget "
            "them again before anybody reads this home, or restore with "
            "--forgotten-from and the home that was left behind (docs/privacy.md).",
            soft_wrap=True,
        )
    else:
        out.print(f"{found.forgotten_again:,} customers were forgotten again.")


def _prune_runs(
    at: Home, settings: Settings, now: dt.datetime, *, dry_run: bool
) -> int:
    import dagster as dg

    from pipeline.assets import runs

    days = settings.keeping.runs_days
    with dg.DagsterInstance.from_config(str(at.dagster)) as instance:
        if dry_run:
            return len(runs.old_runs(instance, days, now=now))
        return runs.prune(instance, at, days, now=now)


@main.command()
@click.argument("customer")
@click.option("--yes", is_flag=True, help="Do not ask; it cannot be undone.")
@click.option("--reason", help="Why, for meta.identity_log; without personal data.")
@_sources
@_home
@_json
def forget(
    customer: str,
    yes: bool,
    reason: str | None,
    sources: Path | None,
    home: Path | None,
    as_json: bool,
) -> None:
    """Takes a customer out of the home and every kept release, and proves it.

    CUSTOMER is a customer_id or a source with its key, such as erp:AW00012345. Orders and
    amounts stay, under a customer without attributes.
    """
    from pipeline.forget import run as forgetting
    from pipeline.sources import load_sources

    if as_json and not yes:
        raise ConfigurationError("With --json nobody can be asked: give --yes too.")
    settings = Settings.load(home, sources)
    described = load_sources(settings)
    seeds = described.applied_to(settings).dbt_project / "seeds"
    at = Home.open(settings.home)
    why = reason or forgetting.REASON
    if not yes:
        _print_plan(forgetting.plan(at, described, customer, why, seeds=seeds))
        click.confirm("Forget this customer? It cannot be undone.", abort=True)
    receipt = forgetting.forget(at, described, customer, why, seeds=seeds)
    if as_json:
        _print_json(asdict(receipt))
    else:
        _print_receipt(at, receipt)
    if problem := forgetting.problem_of(receipt):
        raise problem


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--source", default="my_source", help="What the first source is called.")
def init(folder: Path, source: str) -> None:
    """Writes a ready project for your own data into a new folder."""
    from pipeline import project

    if not re.fullmatch(r"[a-z][a-z0-9_]*", source):
        raise ConfigurationError(
            f"--source is {source!r}; give lower-case letters, digits and underscores."
        )
    for path in project.init(folder, source):
        out.print(str(path), soft_wrap=True, markup=False)
    out.print(f"\nBegin with {folder / 'README.md'}.", soft_wrap=True)


@main.command()
@click.option("--port", default=3000, show_default=True, help="Port on this machine.")
@_sources
@_home
def ui(port: int, sources: Path | None, home: Path | None) -> None:
    """Opens Dagster's web page with its daemon, for this machine only."""
    settings = Settings.load(home, sources)
    at = Home.open(settings.home)
    out.print(f"Dagster on http://127.0.0.1:{port} (stop with Ctrl-C)")
    sys.stdout.flush()
    dagster = [sys.executable, "-m", "dagster", "dev", "--workspace", str(WORKSPACE)]
    os.execve(
        sys.executable,
        [*dagster, "--host", "127.0.0.1", "--port", str(port)],
        {**settings.child_environment(), "DAGSTER_HOME": str(at.dagster)},
    )


def _again(home: Path | None, sources: Path | None) -> str:
    """The command that tries again with the same options."""
    options = {"--home": home, "--sources": sources}
    given = [
        f" {name} {shlex.quote(str(path))}" for name, path in options.items() if path
    ]
    return "customer-tiers refresh" + "".join(given)


def _tell_refusal(
    settings: Settings, failed: Any, again: str, *, as_json: bool
) -> None:
    """Prints what a gate refused, and raises what it was told."""
    found = advice.refusal(Home(settings.home), failed.attempt, again)
    if found is None:
        raise failed
    if as_json:
        _print_json({**asdict(failed.attempt), "refusal": asdict(found)})
    shown.refusal(found, err)
    sys.exit(failed.exit_code)


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"


def _print_release(at: Home) -> None:
    from pipeline import warehouse

    folder = at.current.resolve(strict=True)
    with warehouse.connect(folder / release.WAREHOUSE, read_only=True) as connection:
        rows = connection.execute(
            """
            select
                tier_name_en || ' ' || tier_name_zh, customers, share_of_customers,
                revenue_12m, share_of_revenue_12m, margin_12m
            from marts.tier_summary order by tier_rank
            """
        ).fetchall()
        (currency,) = connection.execute(
            "select coalesce(any_value(currency), '') from marts.order_lines"
        ).fetchone() or ("",)
    table = Table(title="Customer tiers", title_justify="left", box=None)
    table.add_column("tier")
    for heading in (
        "customers",
        "share",
        f"revenue 12 m {currency}",
        "share",
        f"margin 12 m {currency}",
    ):
        table.add_column(heading, justify="right")
    for name, customers, share, revenue, revenue_share, margin in rows:
        table.add_row(
            name,
            f"{customers:,}",
            _percent(share),
            "not known" if revenue is None else f"{revenue:,.0f}",
            _percent(revenue_share),
            "not known" if margin is None else f"{margin:,.0f}",
        )
    out.print()
    out.print(table)
    out.print()
    link = at.current / release.WAREHOUSE
    out.print(f"Release    {folder}", soft_wrap=True)
    out.print(f"Report     {at.current / 'reports' / 'index.html'}", soft_wrap=True)
    out.print(
        f"Data Docs  {at.current / release.DATA_DOCS / data_docs.INDEX}", soft_wrap=True
    )
    out.print(
        f"Query      python -c \"import duckdb; duckdb.connect('{link}', "
        "read_only=True).sql('from marts.customer_tiers limit 10').show()\"",
        soft_wrap=True,
        markup=False,
    )


def _print_plan(plan: Any) -> None:
    kind = "company" if plan.customer_type == "company" else "person"
    told = ", ".join(f"{count} in {name}" for name, count in plan.records.items())
    out.print(f"{plan.customer} is a {kind}; source records: {told}.", markup=False)
    if kind == "company":
        out.print("Its name, addresses and contacts go, as those of a person would.")
    _print_places(plan.places)
    out.print(f"Releases to be rewritten: {', '.join(plan.releases) or 'none'}.")
    _print_unsought(plan.unsought)
    _print_sources_in_home(plan.sources_in_home)


def _print_receipt(at: Home, receipt: Any) -> None:
    _print_places(receipt.places)
    out.print(f"Releases rewritten: {', '.join(receipt.releases) or 'none'}.")
    for name in receipt.exports_removed:
        out.print(f"Export removed: {name}; make it again.", markup=False)
    values = sum(receipt.looked_for.values())
    out.print(
        f"Looked for {values} values in {receipt.files:,} files "
        f"({receipt.bytes / 1e6:,.0f} MB): {receipt.found} found."
    )
    for label, count in receipt.looked_for.items():
        out.print(f"  {label}: {count}", markup=False)
    _print_unsought(receipt.not_looked_for)
    _print_sources_in_home(receipt.sources_in_home)
    out.print("Not in our hand:")
    for item in receipt.not_in_our_hand:
        out.print(f"  {item}", soft_wrap=True)
    path = at.receipts / f"{receipt.receipt}.json"
    out.print(f"Receipt  {path}", soft_wrap=True, markup=False)


def _print_places(places: Any) -> None:
    table = Table(
        "landed", "rows", "what becomes of them", "others with texts", box=None
    )
    for place in places:
        table.add_row(
            f"{place.source}.{place.entity}",
            f"{place.rows:,}",
            place.action,
            f"{place.texts:,}" if place.texts else "",
        )
    out.print(table)


def _print_unsought(unsought: Any) -> None:
    if unsought:
        out.print("Not looked for, because it would prove nothing:")
    for item in unsought:
        out.print(f"  {item.label}: {item.why}", markup=False, soft_wrap=True)


def _print_sources_in_home(names: Any) -> None:
    for name in names:
        out.print(f"A source lies in the home and is not changed: {name}", markup=False)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _release_json(item: release.Release) -> dict[str, Any]:
    return asdict(item)


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _numbers(value: Any) -> Any:
    """Decimals as numbers: fifteen digits hold every amount to the cent."""
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def _coloured(state: str) -> str:
    colour = {"published": "green", "built": "green", "running": "blue"}.get(
        state, "red"
    )
    return f"[{colour}]{state}[/{colour}]"


def _took(attempt: attempts.Attempt) -> str:
    if attempt.ended_at is None:
        return ""
    started = dt.datetime.fromisoformat(attempt.started_at)
    seconds = (dt.datetime.fromisoformat(attempt.ended_at) - started).total_seconds()
    return f"{seconds:.0f} s"


def _ago(moment: dt.datetime) -> str:
    seconds = (dt.datetime.now(dt.UTC) - moment).total_seconds()
    for size, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _outcome(item: Any) -> str:
    from rich.markup import escape

    if item.problem:
        return f"[red]{escape(item.problem)}[/red]"
    if item.failed:
        return (
            f"[red]{escape('; '.join(check.sentence() for check in item.failed))}[/red]"
        )
    return "[green]good[/green]"
