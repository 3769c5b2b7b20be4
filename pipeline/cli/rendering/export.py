"""Renders what an export did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

if TYPE_CHECKING:
    from pipeline.serving.crm.export import Exported as Accounts
    from pipeline.serving.crm.sending import Sent
    from pipeline.serving.excel.export import Written
    from pipeline.serving.postgres.export import Exported
    from pipeline.serving.superset import Bundle


def exported(done: Exported, console: Console) -> None:
    """Prints what PostgreSQL has now, and what an administrator may want to know."""
    console.print(
        f"{escape(done.database)} has [bold]{done.release_id}[/bold]: {done.tables} "
        f"tables, {done.rows:,} rows, in {done.seconds:.0f} s.",
        soft_wrap=True,
    )
    for note in done.notes:
        console.print(f"  {note}", soft_wrap=True, markup=False)
    if done.missing_roles:
        console.print(
            f"  The account may not make the roles {', '.join(done.missing_roles)}: have "
            "deploy/postgresql/roles.sql run by somebody who may, then export again.",
            soft_wrap=True,
            markup=False,
        )


def workbooks(release_id: str, written: Sequence[Written], console: Console) -> None:
    """Prints which workbooks there are, and what had no room in them."""
    for book in written:
        rows = ", ".join(f"{name} {count:,}" for name, count in book.sheets.items())
        console.print(
            f"{release_id}: {book.file} ({rows})", soft_wrap=True, markup=False
        )
        for name, count in book.left_out.items():
            console.print(
                f"  {name} has no room for {count:,} more rows: a sheet of Excel ends "
                "after 1,048,576.",
                soft_wrap=True,
                markup=False,
            )


def for_crm(
    release_id: str, made: Sequence[Accounts], options: str, console: Console
) -> None:
    """Prints which file each CRM is to import, and how that is confirmed.

    Args:
        options: What commands must repeat to work in the same home (`options_given`).
    """
    for each in made:
        if each.id is None:
            text = (
                f"{each.source}: nothing has changed; {each.unchanged:,} accounts have "
                f"what {release_id} says."
            )
        else:
            text = (
                f"{each.source}: {each.file} has {each.accounts:,} accounts; "
                f"{each.unchanged:,} have not changed."
            )
        _say(text, console)
        if each.id is not None:
            _say(
                f"  Once it is imported: `customer-tiers export crm --confirm {each.id}"
                f"{options}`",
                console,
            )
        if each.waiting:
            _say(
                f"  {each.waiting:,} more have no room in it: confirm, then export "
                "again.",
                console,
            )
        _also(each.unusable, each.left_out, console)


def sent(release_id: str, done: Sequence[Sent], console: Console) -> None:
    """Prints what a CRM took, what it did not and why, or what it would be sent."""
    for each in done:
        if each.is_dry:
            _say(
                f"{each.source}: {each.would:,} accounts would be written, "
                f"{each.unchanged:,} have what {release_id} says. Nothing was sent.",
                console,
            )
            for account in each.sample:
                values = ", ".join(
                    f"{name}={value or '(empty)'}"
                    for name, value in account.items()
                    if name != "id"
                )
                _say(f"  {account['id']}  {values}", console)
            if each.would > len(each.sample):
                _say(f"  and {each.would - len(each.sample):,} more", console)
        else:
            _say(
                f"{each.source}: {each.accepted:,} accounts written, {each.refused:,} "
                f"refused, {each.unchanged:,} had what {release_id} says.",
                console,
            )
            for refusal in each.refusals:
                _say(f"  {refusal['id']}  {refusal['why']}", console)
            if each.refused > len(each.refusals):
                _say(f"  and {each.refused - len(each.refusals):,} more", console)
        _also(each.unusable, each.left_out, console)


def _also(unusable: int, left_out: Sequence[str], console: Console) -> None:
    if unusable:
        _say(f"  {unusable:,} keys of the source are no ids of its accounts.", console)
    if left_out:
        _say(f"  This release does not have: {', '.join(left_out)}.", console)


def _say(text: str, console: Console) -> None:
    console.print(text, soft_wrap=True, markup=False)


def bundled(done: Bundle, console: Console) -> None:
    """Prints what the bundle holds, and how it comes into Superset."""
    console.print(
        f"{done.file}: {done.charts} charts on {done.datasets} datasets, made of "
        f"{done.release_id}. Import it in Superset under Dashboards, or as docs/bi.md says.",
        soft_wrap=True,
        markup=False,
        highlight=False,
    )
    if done.asks_for_password:
        console.print(
            "  The password is not in it: Superset asks for it.", highlight=False
        )
    for chart, absent in done.left_out.items():
        console.print(
            f"  Left out, because the release has no {absent}: {chart}",
            soft_wrap=True,
            markup=False,
            highlight=False,
        )
