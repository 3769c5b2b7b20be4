"""What must hold for what was sold, paid and said, and what is counted from it."""

from __future__ import annotations

from datetime import date

from expectations.marts.common import attributed, currencies, mart
from expectations.vocabulary import between, no_rows, row_count, unique, without_nulls
from pipeline.gates.suite import Suite

# No order that a company still keeps in a system is older; 1900-01-01 is how some write
# that they do not know.
EARLIEST = date(1970, 1, 1)


def products() -> Suite:
    """The mart `products`."""
    return mart(
        "products",
        ["product_id"],
        [
            unique("product_id", why="the grain: one row per product"),
            no_rows(
                "prices_and_costs_are_not_negative",
                "select product_id, list_price, unit_cost from {batch} "
                "where list_price < 0 or unit_cost < 0",
                why="a sign that means something else would turn margins over",
            ),
        ],
    )


def order_lines() -> Suite:
    """The mart `order_lines`."""
    return mart(
        "order_lines",
        ["order_id", "line_number"],
        [
            row_count(
                1,
                why="a release without sales was not meant",
                needs="order_lines",
            ),
            unique("order_id", "line_number", why="a line twice is revenue twice"),
            without_nulls("customer_id", why="revenue that belongs to nobody"),
            without_nulls("net_amount", why="a missing rate would lose revenue"),
            no_rows(
                "margin_is_revenue_less_cost",
                "select order_id, line_number from {batch} "
                "where margin_amount <> net_amount - cost_amount",
                why="an identity, to the last decimal",
            ),
            no_rows(
                "returns_are_negative",
                "select order_id, line_number from {batch} "
                "where is_return and (quantity > 0 or net_amount > 0)",
                why="a return is a negative line and never an order",
            ),
            no_rows(
                "nothing_is_of_the_future",
                "select order_id, line_number, order_date from {batch} "
                "where order_date > (select max(as_of_date) "
                "from marts.customer_value)",
                why="a refresh knows nothing after its as-of day",
            ),
            between(
                "order_date",
                EARLIEST,
                None,
                why="a default date, or the wrong century: it would make the customer "
                "one of the oldest",
            ),
            no_rows(
                "day_and_time_are_those_of_one_order",
                "select order_id, line_number, order_date, ordered_at from {batch} "
                "where ordered_at < order_date - interval 1 day "
                "or ordered_at >= order_date + interval 2 day",
                why="no time zone is further than a day away; two columns of two "
                "events are mixed up",
            ),
            currencies("source_currency", ["order_id", "line_number"]),
        ],
    )


def interactions() -> Suite:
    """The mart `interactions`."""
    return mart(
        "interactions",
        ["interaction_id"],
        [
            unique("interaction_id", why="the grain: one row per interaction"),
            between("minutes", 0, None, why="time is spent, not given back"),
            without_nulls("kind", why="costs and rhythms go by it"),
            without_nulls("occurred_at", why="what has no day belongs to no period"),
            *attributed("interactions"),
        ],
    )


def payments() -> Suite:
    """The mart `payments`."""
    return mart(
        "payments",
        ["payment_id"],
        [
            unique("payment_id", why="an invoice twice is late twice"),
            without_nulls("amount", why="a missing rate would lose the invoice"),
            between("days_late", 0, None, why="early is not late"),
            without_nulls(
                "due_date",
                why="without it nobody can say whether it is late; leave it empty "
                "where the source does not say",
                severity="warning",
            ),
            currencies("source_currency", ["payment_id"]),
            no_rows(
                "who_paid_before_the_due_day_is_not_late",
                "select payment_id, due_date, paid_at, days_late from {batch} "
                "where paid_at < due_date and days_late > 0",
                why="late days cost money; two swapped days would charge the good "
                "payers",
            ),
        ],
    )


def customer_concentration() -> Suite:
    """The mart `customer_concentration`."""
    return mart(
        "customer_concentration",
        ["customer_id"],
        [
            unique("revenue_rank", why="a curve has one point a place"),
            between("cumulative_revenue_share", 0, 1.000001, why="a share"),
            unique("profit_rank", why="a curve has one point a place"),
            no_rows(
                "the_whale_ends_at_the_whole_profit",
                "select max(profit_rank) as customers, sum(profit) as profit, "
                "max_by(cumulative_profit, profit_rank) as cumulated "
                "from {batch} having max_by(cumulative_profit, profit_rank) "
                "<> sum(profit)",
                why="the last point of the curve is everybody",
            ),
            no_rows(
                "the_curve_of_revenue_ends_at_one",
                "select count(revenue_rank) as buyers, max(revenue_rank) as last, "
                "max(cumulative_revenue_share) as share from {batch} "
                "having count(revenue_rank) <> max(revenue_rank) "
                "or abs(max(cumulative_revenue_share) - 1) > 0.000001",
                why="the last buyer completes the whole, and no place is empty",
            ),
        ],
    )


def cohort_retention() -> Suite:
    """The mart `cohort_retention`."""
    return mart(
        "cohort_retention",
        ["cohort_month", "month_number"],
        [
            unique("cohort_month", "month_number", why="the grain"),
            no_rows(
                "a_cohort_is_whole_in_its_first_month",
                "select cohort_month, customers, active from {batch} "
                "where active > customers "
                "or (month_number = 0 and active <> customers)",
                why="a cohort is made of those who ordered in its first month",
            ),
        ],
    )


def revenue_by_month() -> Suite:
    """The mart `revenue_by_month`."""
    return mart(
        "revenue_by_month",
        ["revenue_month", "customer_type", "tier_code"],
        [
            no_rows(
                "every_month_is_the_sum_of_its_lines",
                "with lines as (select cast(date_trunc('month', order_date) as date) "
                "as revenue_month, sum(net_amount) as revenue from marts.order_lines "
                "group by all), months as (select revenue_month, sum(revenue) as revenue "
                "from {batch} group by all) "
                "select revenue_month, lines.revenue as of_lines, "
                "months.revenue as of_months from lines "
                "full join months using (revenue_month) "
                "where lines.revenue is distinct from months.revenue",
                why="a line that two spells of a tier hold, or none, is revenue twice or "
                "lost",
            ),
        ],
    )


SUITES = [
    products,
    order_lines,
    interactions,
    payments,
    customer_concentration,
    cohort_retention,
    revenue_by_month,
]
