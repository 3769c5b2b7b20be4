"""Renders releases: the list of them, and the tiers of one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from pipeline.cli.rendering.language import Language
from pipeline.common.home import Home
from pipeline.gates import data_docs
from pipeline.journal.attempts import Attempt
from pipeline.release import layout
from pipeline.release.catalogue import Release

# Said by `status` as well.
NO_RELEASE = (
    "There is no release yet; run [bold]customer-tiers refresh{options}[/bold]."
)


def kept(
    found: Sequence[Release], options: str, console: Console, language: str = "en"
) -> None:
    """Prints the kept releases, newest first.

    Args:
        options: What commands must repeat to work in the same home.
        language: English or Chinese.
    """
    words = Language(language)
    if not found:
        console.print(words.marked(NO_RELEASE, options=options), soft_wrap=True)
        return
    headings = ("", "release", "as of", "sealed (UTC)", "checks", "warnings")
    table = Table(*map(words.text, headings), box=None)
    for item in found:
        table.add_row(
            words.marked("[green]current[/green]") if item.is_current else "",
            item.refresh_id,
            item.as_of_date.isoformat(),
            f"{item.sealed_at:%Y-%m-%d %H:%M}",
            str(item.checks),
            words.marked("[red]damaged[/red]") if item.damage else str(item.warnings),
        )
    console.print(table)


def current_again(release: Release, console: Console, language: str = "en") -> None:
    """Prints which release readers see after a rollback."""
    console.print(
        Language(language).marked(
            "[bold]{release}[/bold], as of {day}, is current again.",
            release=release.refresh_id,
            day=release.as_of_date,
        )
    )


def not_published(attempt: Attempt, console: Console, language: str = "en") -> None:
    """Prints that a refresh went well and was asked not to publish."""
    console.print(
        Language(language).marked(
            "{refresh} is built and passed every gate; not published.",
            refresh=attempt.refresh_id,
        )
    )


def summary(at: Home, console: Console, language: str = "en") -> None:
    """Prints the tiers of the current release, and where it is."""
    from pipeline.release import duckdb_files

    words = Language(language)
    folder = at.current.resolve(strict=True)
    with duckdb_files.connect(folder / layout.WAREHOUSE, read_only=True) as connection:
        rows = connection.execute(
            """
            select
                case when ? = 'zh' then tier_name_zh
                else tier_name_en || ' ' || tier_name_zh end,
                customers, share_of_customers,
                revenue_12m, share_of_revenue_12m, margin_12m
            from marts.tier_summary order by tier_rank
            """,
            [language],
        ).fetchall()
        (currency,) = connection.execute(
            "select coalesce(any_value(currency), '') from marts.order_lines"
        ).fetchone() or ("",)
    table = Table(title=words.text("Customer tiers"), title_justify="left", box=None)
    table.add_column(words.text("tier"))
    for heading in (
        words.text("customers"),
        words.text("share"),
        words.say("revenue 12 m {currency}", currency=currency),
        words.text("share"),
        words.say("margin 12 m {currency}", currency=currency),
    ):
        table.add_column(heading, justify="right")
    for name, customers, share, revenue, revenue_share, margin in rows:
        table.add_row(
            name,
            f"{customers:,}",
            _percent(share),
            _amount(revenue, words),
            _percent(revenue_share),
            _amount(margin, words),
        )
    console.print()
    console.print(table)
    console.print()
    link = at.current / layout.WAREHOUSE
    pages = at.current / "reports"
    own = pages / language / "index.html"
    checks = at.current / layout.DATA_DOCS / data_docs.INDEX
    query = (
        f"python -c \"import duckdb; duckdb.connect('{link}', "
        "read_only=True).sql('from marts.customer_tiers limit 10').show()\""
    )
    places = {
        "Release": folder,
        "Report": own if own.exists() else pages / "index.html",
        "Data Docs": data_docs.in_words(checks, language),
        "Query": query,
    }
    for place, value in places.items():
        label = words.text(place)
        gap = " " * (11 - cell_len(label))
        console.print(f"{label}{gap}{value}", soft_wrap=True, markup=False)


def knowledge(at: Home, console: Console, language: str = "en") -> None:
    """Prints what the current release knows of its customers, and what it does not."""
    from pipeline.release import duckdb_files
    from pipeline.reports import knowledge as asked

    words = Language(language)
    folder = at.current.resolve(strict=True)
    with duckdb_files.connect(folder / layout.WAREHOUSE, read_only=True) as connection:
        found = asked.known(connection)
        is_graded = asked.is_anybody_graded(connection)
        empty = asked.empty_tiers(connection) if is_graded else []
    table = Table(title=words.text("What is known"), title_justify="left", box=None)
    table.add_column(words.text("of the customers"))
    table.add_column(words.text("known of"), justify="right")
    table.add_column(words.text("to know more, bring"))
    for item in found:
        table.add_row(
            words.text(item.measure),
            words.text("nobody")
            if item.customers == 0
            else words.say("{known:,} of {all:,}", known=item.customers, all=item.of),
            "" if 0 < item.customers == item.of else words.text(item.to_bring),
        )
    console.print()
    console.print(table)
    if not is_graded:
        console.print(
            words.text("Nobody is graded: no source records sales (order_lines)."),
            markup=False,
        )
    for tier in empty:
        in_chinese = language == "zh"
        rules = tier.asks_for_zh if in_chinese else tier.asks_for
        console.print(
            words.say(
                "Nobody is in the tier {tier} ({rules}).",
                tier=tier.name_zh if in_chinese else tier.name,
                rules=words.text("; or ").join(rules),
            ),
            soft_wrap=True,
            markup=False,
        )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:z.1%}"


def _amount(amount: Decimal | None, words: Language) -> str:
    return words.text("not known") if amount is None else f"{amount:,.0f}"
