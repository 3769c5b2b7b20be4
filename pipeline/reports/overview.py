"""The overview: what matters, what moved, what is lost and at risk, what is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipeline.common import calendar
from pipeline.reports import (
    customers,
    diagrams,
    drawing,
    knowledge,
    moves,
    queries,
    sales,
)
from pipeline.reports.customers import Losses, Risk
from pipeline.reports.knowledge import Known
from pipeline.reports.moves import Changes, Moves
from pipeline.reports.queries import Row
from pipeline.reports.sales import Month
from pipeline.reports.site import Site


@dataclass(frozen=True)
class Overview:
    """What the first page shows; money in the reporting currency.

    Attributes:
        today: The first verdicts; None where the release has none. Likewise `moved`,
            `moved_year`, `changes`, `losses` (nobody's profit is known) and `risk`.
        actions: The first ones of the list; None where the release has no such list.
        action_kinds: How many of each action are due, all of them.
        unknown: What is known of nobody or hardly anybody.
    """

    headline: Row
    months: Sequence[Month]
    today: Sequence[Row] | None
    tiers: Sequence[Row]
    moved: Moves | None
    moved_year: Moves | None
    changes: Changes | None
    losses: Losses | None
    risk: Risk | None
    key_state: Row
    falling: Sequence[Row]
    silent: Sequence[Row]
    actions: Sequence[Row] | None
    action_kinds: Sequence[Row]
    due_by_owner: Sequence[Row]
    has_stake: bool
    has_weeks: bool
    unknown: Sequence[Known]

    @property
    def flows(self) -> list[diagrams.Flow]:
        """The moves over a year as drawings, one for each type of customer."""
        return diagrams.flows(self.moved_year.flows) if self.moved_year else []

    @property
    def columns(self) -> drawing.Columns | None:
        """The months as a drawing."""
        return drawing.columns(self.months)


def collect(connection: duckdb.DuckDBPyConnection, site: Site) -> Overview:
    """Asks the release what the overview shows."""
    falling = customers.falling(connection)
    silent = customers.silent(connection, [row["customer_id"] for row in falling])
    lists_actions = queries.has_table(connection, "marts", "customer_actions")
    actions = customers.actions(connection) if lists_actions else None
    day, is_release = moves.before(connection, site.seal)
    year_ago = calendar.months_before(site.seal.as_of_date, 12)
    changes = moves.changes(connection, day)
    losses = customers.losses(connection)
    risk = customers.at_risk(connection)
    today = customers.today(connection)
    named = [falling, silent, actions or [], today or []]
    named += [found.customers for found in (changes, losses, risk) if found]
    for rows in named:
        customers.with_keys(connection, rows)
    return Overview(
        headline=sales.headline(connection),
        months=sales.months(connection, site.seal),
        today=today,
        tiers=sales.tiers(connection),
        moved=moves.since(connection, day, is_release=is_release),
        moved_year=moves.since(connection, year_ago, is_release=False),
        changes=changes,
        losses=losses,
        risk=risk,
        key_state=customers.key_state(connection),
        falling=falling,
        silent=silent,
        actions=actions,
        action_kinds=customers.action_kinds(connection) if lists_actions else [],
        due_by_owner=customers.due_by_owner(connection) if lists_actions else [],
        has_stake=queries.has(connection, "marts", "customer_actions", "at_stake"),
        has_weeks=queries.has(connection, "marts", "owner_weeks", "actions_fitting"),
        unknown=knowledge.hardly_known(connection),
    )
