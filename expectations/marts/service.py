"""What must hold for tickets, service levels and health."""

from __future__ import annotations

from expectations.marts.common import attributed, mart
from expectations.vocabulary import between, no_rows, one_of, unique, without_nulls
from pipeline.gates.suite import Suite


def service_tickets() -> Suite:
    """The mart `service_tickets`."""
    return mart(
        "service_tickets",
        ["ticket_id"],
        [
            unique("ticket_id", why="the grain: one row per ticket"),
            without_nulls("opened_at", why="a ticket belongs to a period"),
            no_rows(
                "resolved_after_opened",
                "select ticket_id, opened_at, resolved_at from {batch} "
                "where resolved_at < opened_at",
                why="a resolution before the opening is a shifted clock",
                severity="warning",
            ),
            *attributed("tickets"),
            no_rows(
                "counts_and_priorities_are_in_range",
                "select ticket_id, reopen_count, priority from {batch} "
                "where reopen_count < 0 or priority not between 1 and 9",
                why="1 is the most urgent, and SLA go by it",
            ),
            no_rows(
                "nothing_is_of_the_future",
                "select ticket_id, opened_at from {batch} "
                "where cast(opened_at as date) - 1 > (select max(as_of_date) "
                "from marts.customer_value)",
                why="a refresh knows nothing after its as-of day; a day more is the "
                "time zone's",
            ),
        ],
    )


def customer_health_factors() -> Suite:
    """The mart `customer_health_factors`."""
    return mart(
        "customer_health_factors",
        ["customer_id", "factor"],
        [
            unique("customer_id", "factor", why="a part that counts twice"),
            between("score", 0, 10, why="anchors lie between 0 and 10"),
            between("weight", 0, 1, why="a share"),
            no_rows(
                "parts_stay_between_0_and_10",
                "select customer_id, sum(contribution) as health from {batch} "
                "group by customer_id "
                "having sum(contribution) < 0 or sum(contribution) > 10",
                why="parts are cut off, so their sum cannot exceed the best score",
            ),
            no_rows(
                "weights_of_what_is_known_sum_to_one",
                "select customer_id, sum(weight) as weights from {batch} "
                "group by customer_id "
                "having sum(weight) <> 0 and abs(sum(weight) - 1) > 0.00001",
                why="the weights of unknown factors are shared out, not lost",
            ),
        ],
    )


def service_levels() -> Suite:
    """The mart `service_levels`."""
    return mart(
        "service_levels",
        ["month_start", "tier_code"],
        [
            unique("month_start", "tier_code", why="the grain"),
            between("met_sla_rate", 0, 1, why="a share"),
            between("csat", 0, 1, why="a share"),
            between("nps", -1, 1, why="a difference of two shares"),
            no_rows(
                "parts_are_within_the_whole",
                "select month_start, tier_code from {batch} "
                "where resolved + open_tickets > tickets or sla_known > tickets "
                "or complaints > tickets "
                "or resolved_share > 1 or reopened_rate > 1 "
                "or p90_resolution_hours < median_resolution_hours",
                why="a ticket that is counted twice, or two swapped columns",
            ),
            no_rows(
                "the_tiers_are_all",
                "select month_start from {batch} group by month_start having "
                "sum(tickets) <> 2 * sum(case when tier_code = 'all' "
                "then tickets else 0 end)",
                why="a ticket that is in no tier is a customer without one",
            ),
            no_rows(
                "every_ticket_is_counted",
                "select sum(tickets) as tickets from {batch} "
                "where tier_code = 'all' having sum(tickets) <> "
                "(select count(*) from marts.service_tickets)",
                why="the same tickets by another road",
            ),
        ],
    )


def service_categories() -> Suite:
    """The mart `service_categories`."""
    return mart(
        "service_categories",
        ["month_start", "category", "tickets"],
        [
            unique("month_start", "category", why="the grain"),
            between("met_sla_rate", 0, 1, why="a share"),
            between("mean_csat_score", 1, 5, why="the scale of the scores"),
            no_rows(
                "parts_are_within_the_whole",
                "select month_start, category from {batch} "
                "where resolved + open_tickets > tickets or sla_known > tickets "
                "or complaints > tickets or csat_scores > tickets",
                why="a ticket that is counted twice, or two swapped columns",
            ),
            no_rows(
                "every_ticket_is_counted",
                "select sum(tickets) as tickets from {batch} having sum(tickets) <> "
                "(select count(*) from marts.service_tickets)",
                why="the same tickets by another road",
            ),
        ],
    )


def badly_served() -> Suite:
    """The mart `badly_served`."""
    return mart(
        "badly_served",
        ["customer_id", "rule_code"],
        [
            unique("customer_id", "rule_code", why="an alarm sounds once"),
            one_of("abc_class_12m", ["A"], why="the list is of high value alone"),
            no_rows(
                "every_alarm_has_its_cause",
                "select customer_id, rule_code, measured_value from {batch} "
                "where measured_value < at_least",
                why="a name on this list costs somebody a day",
            ),
        ],
    )


SUITES = [
    service_tickets,
    customer_health_factors,
    service_levels,
    service_categories,
    badly_served,
]
