"""What must hold for the verdict of each customer and what it rests on."""

from __future__ import annotations

from expectations.marts.common import mart
from expectations.vocabulary import (
    between,
    no_rows,
    one_of,
    row_count,
    unique,
    without_nulls,
)
from pipeline.gates.suite import Suite


def customer_verdicts() -> Suite:
    """The mart `customer_verdicts`."""
    return mart(
        "customer_verdicts",
        ["customer_id"],
        [
            unique("customer_id", why="exactly one verdict a customer"),
            unique("place", why="a list has one row a place"),
            no_rows(
                "everybody_has_a_verdict",
                "select verdicts, customers from (select count(*) as verdicts "
                "from {batch}) cross join (select count(*) as customers "
                "from marts.customers where customer_type <> 'unknown') "
                "where verdicts <> customers",
                why="the verdicts are total: who is in none is forgotten",
            ),
            without_nulls("recommendation_en", why="a verdict says what to do"),
            without_nulls("recommendation_zh", why="a verdict says what to do"),
            without_nulls("reason_en", why="nobody believes what is not explained"),
            without_nulls("reason_zh", why="nobody believes what is not explained"),
            no_rows(
                "what_is_at_stake_says_what_it_is",
                "select customer_id, at_stake from {batch} "
                "where (at_stake is null) <> (at_stake_means_en is null) "
                "or (at_stake is null) <> (at_stake_means_zh is null)",
                why="an amount of which nobody knows what it is misleads",
            ),
            no_rows(
                "who_loses_money_is_known_to",
                "select verdicts.customer_id from {batch} as verdicts "
                "inner join marts.customer_value as customer_value "
                "on verdicts.customer_id = customer_value.customer_id "
                "where verdicts.verdict = 'loses_money' "
                "and coalesce(customer_value.profit_12m >= 0, true)",
                why="what is not known to be a loss is none",
            ),
            no_rows(
                "who_slips_or_is_kept_has_bought",
                "select verdicts.customer_id, verdicts.verdict from {batch} "
                "as verdicts inner join marts.customer_value as customer_value "
                "on verdicts.customer_id = customer_value.customer_id "
                "where verdicts.verdict in ('slips', 'keep') "
                "and coalesce(customer_value.order_count = 0, true)",
                why="without sales nobody is known to slip",
            ),
        ],
    )


def verdict_evidence() -> Suite:
    """The mart `verdict_evidence`."""
    return mart(
        "verdict_evidence",
        ["customer_id", "fact"],
        [
            row_count(1, why="every verdict rests on something"),
            unique("customer_id", "position", why="one fact a place"),
            one_of("speaks", ["for", "against"], why="a fact speaks for or against"),
            without_nulls("text_en", why="a fact that nobody can read"),
            without_nulls("text_zh", why="a fact that nobody can read"),
            no_rows(
                "no_word_was_left_out",
                "select customer_id, fact, text_en, text_zh from {batch} "
                "where position('{{' in text_en || text_zh) > 0",
                why="a placeholder that nothing was put into",
            ),
            no_rows(
                "every_verdict_has_a_fact_that_speaks_for_it",
                "select verdicts.customer_id from marts.customer_verdicts as verdicts "
                "anti join (select customer_id from {batch} where speaks = 'for') "
                "as told on verdicts.customer_id = told.customer_id",
                why="a verdict without a reason is an opinion",
            ),
        ],
    )


def owner_weeks() -> Suite:
    """The mart `owner_weeks`."""
    return mart(
        "owner_weeks",
        ["owner"],
        [
            unique("owner", why="the grain: one row per owner"),
            between("capacity_minutes", 0, 10080, why="a week has no more minutes"),
            no_rows(
                "what_fits_is_due",
                "select owner from {batch} where actions_fitting > actions_due "
                "or minutes_fitting > minutes_due",
                why="a part is no more than the whole",
            ),
            no_rows(
                "an_unknown_week_fits_nothing",
                "select owner from {batch} where capacity_minutes is null "
                "and actions_fitting is not null",
                why="unknown is neither full nor empty",
            ),
            no_rows(
                "every_action_of_an_owner_is_counted",
                "select counted, listed from (select coalesce(sum(actions_due), 0) "
                "as counted from {batch}) cross join (select count(owner) as listed "
                "from marts.customer_actions) where counted <> listed",
                why="the rest of the list is counted, not lost",
            ),
        ],
    )


def figure_quality() -> Suite:
    """The table `meta.figure_quality`."""
    return Suite(
        subject="meta.figure_quality",
        schema="meta",
        table="figure_quality",
        key=["customer_type", "figure"],
        expectations=[
            row_count(1, why="pages ask it before they show a figure"),
            no_rows(
                "what_is_withheld_says_why",
                "select customer_type, figure from {batch} "
                "where is_reliable = (reason_en is not null) "
                "or is_reliable = (reason_zh is not null)",
                why="a figure that is missing without a word looks like a fault",
            ),
        ],
    )


SUITES = [customer_verdicts, verdict_evidence, owner_weeks, figure_quality]
