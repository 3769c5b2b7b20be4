"""Renders releases: the list of them, and the tiers of one."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.common.home import Home
from pipeline.gates import data_docs
from pipeline.release import layout
from pipeline.release.catalogue import Release


def kept(found: Sequence[Release], options: str, console: Console) -> None:
    """Prints the kept releases, newest first.

    Args:
        options: What commands must repeat to work in the same home.
    """
    if not found:
        console.print(
            "There is no release yet; run "
            f"[bold]customer-tiers refresh{escape(options)}[/bold].",
            soft_wrap=True,
        )
        return
    table = Table(
        "", "release", "as of", "sealed (UTC)", "checks", "warnings", box=None
    )
    for item in found:
        table.add_row(
            "[green]current[/green]" if item.is_current else "",
            item.refresh_id,
            item.as_of_date.isoformat(),
            f"{item.sealed_at:%Y-%m-%d %H:%M}",
            str(item.checks),
            "[red]damaged[/red]" if item.damage else str(item.warnings),
        )
    console.print(table)


def summary(at: Home, console: Console) -> None:
    """Prints the tiers of the current release, and where it is."""
    from pipeline.release import duckdb_files

    folder = at.current.resolve(strict=True)
    with duckdb_files.connect(folder / layout.WAREHOUSE, read_only=True) as connection:
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
            _amount(revenue),
            _percent(revenue_share),
            _amount(margin),
        )
    console.print()
    console.print(table)
    console.print()
    link = at.current / layout.WAREHOUSE
    console.print(f"Release    {folder}", soft_wrap=True, markup=False)
    report = at.current / "reports" / "index.html"
    console.print(f"Report     {report}", soft_wrap=True, markup=False)
    console.print(
        f"Data Docs  {at.current / layout.DATA_DOCS / data_docs.INDEX}",
        soft_wrap=True,
        markup=False,
    )
    console.print(
        f"Query      python -c \"import duckdb; duckdb.connect('{link}', "
        "read_only=True).sql('from marts.customer_tiers limit 10').show()\"",
        soft_wrap=True,
        markup=False,
    )


def knowledge(at: Home, console: Console) -> None:
    """Prints what the current release knows of its customers, and what it does not."""
    from pipeline.release import duckdb_files
    from pipeline.reports import knowledge as asked

    folder = at.current.resolve(strict=True)
    with duckdb_files.connect(folder / layout.WAREHOUSE, read_only=True) as connection:
        found = asked.known(connection)
        is_graded = asked.is_anybody_graded(connection)
        empty = asked.empty_tiers(connection) if is_graded else []
    table = Table(title="What is known", title_justify="left", box=None)
    table.add_column("of the customers")
    table.add_column("known of", justify="right")
    table.add_column("to know more, bring")
    for item in found:
        table.add_row(
            item.measure,
            "nobody" if item.customers == 0 else f"{item.customers:,} of {item.of:,}",
            "" if 0 < item.customers == item.of else item.to_bring,
        )
    console.print()
    console.print(table)
    if not is_graded:
        console.print(
            "Nobody is graded: no source records sales (order_lines).", markup=False
        )
    for tier in empty:
        console.print(
            f"Nobody is in the tier {tier.name} ({'; or '.join(tier.asks_for)}).",
            soft_wrap=True,
            markup=False,
        )


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _amount(amount: Decimal | None) -> str:
    return "not known" if amount is None else f"{amount:,.0f}"
