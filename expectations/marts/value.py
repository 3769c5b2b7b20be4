"""What must hold for the value of customers, present and past."""

from __future__ import annotations

from expectations.marts.common import mart
from expectations.vocabulary import between, no_rows, one_of, row_count, unique
from pipeline.gates.suite import Suite

STAGES = [
    "prospect",
    # Where no source records sales, and of lines of unknown customers.
    "not recorded",
    "new",
    "active",
    "growing",
    "declining",
    "at risk",
    "dormant",
    "lost",
    "reactivated",
]


def customer_value() -> Suite:
    """The mart `customer_value`."""
    # Over 80 lines: one list of expectations, read from top to bottom as a table.
    return mart(
        "customer_value",
        ["customer_id"],
        [
            row_count(1, why="every customer has a value, be it zero"),
            unique("customer_id", why="the grain: one row per customer"),
            one_of("abc_class", ["A", "B", "C"], why="the classes of ABC"),
            no_rows(
                "abc_is_total",
                "select customer_id from {batch} where "
                "(abc_class is null) <> (lifecycle_stage = 'not recorded') "
                "or (abc_class_12m is null) <> (lifecycle_stage = 'not recorded')",
                why="whose sales are recorded has a class; of whom none are, has none",
            ),
            no_rows(
                "the_release_knows_one_day",
                "select min(as_of_date) as first, max(as_of_date) as last "
                "from {batch} having min(as_of_date) <> max(as_of_date)",
                why="every figure is of the same as-of day",
            ),
            no_rows(
                "profit_is_margin_less_costs",
                "select customer_id, profit, margin, cost_to_serve, "
                "acquisition_cost from {batch} "
                "where profit <> margin - cost_to_serve - acquisition_cost "
                "or profit_12m <> margin_12m - cost_to_serve_12m "
                "- acquisition_cost_12m",
                why="an identity, to the last decimal; a lost cost flatters",
            ),
            no_rows(
                "scores_and_classes_are_in_range",
                "select customer_id, r_score, f_score, m_score, potential_score, "
                "health_coverage, abc_class_12m from {batch} "
                "where r_score not between 1 and 5 or f_score not between 1 and 5 "
                "or m_score not between 1 and 5 "
                "or potential_score not between 0 and 10 "
                "or health_coverage not between 0 and 1 "
                "or abc_class_12m not in ('A', 'B', 'C')",
                why="RFM are cells of a cube of five, scores run from 0 to 10, "
                "coverage is a share, and ABC has three classes",
            ),
            one_of("lifecycle_stage", STAGES, why="the stages are total"),
            between("health_score", 0, 10, why="scores run from 0 to 10"),
            no_rows(
                "wallets_hold_what_is_spent",
                "select count(*) as customers from {batch} where wallet_share > 1 "
                "having count(*) > 0.2 * (select count(*) from {batch})",
                why="a customer spends with us what it spends on the whole: the "
                "rates of wallet_rates are too low; up to a fifth is noise",
                severity="warning",
            ),
            no_rows(
                "rfm_scores_come_together",
                "select customer_id from {batch} "
                "where (order_count > 0 and lifecycle_stage <> 'not recorded') "
                "<> (r_score is not null) "
                "or (r_score is null) <> (f_score is null) "
                "or (r_score is null) <> (m_score is null)",
                why="a buyer has three scores, others have none",
            ),
            no_rows(
                "last_12_months_are_part_of_the_whole",
                "select customer_id, order_count, order_count_12m from {batch} "
                "where order_count_12m > order_count",
                why="a window that is too wide shows here",
            ),
            no_rows(
                "dates_are_in_order",
                "select customer_id, first_order_date, last_order_date "
                "from {batch} where first_order_date > last_order_date "
                "or last_order_date > as_of_date",
                why="a refresh knows nothing after its as-of day",
            ),
            no_rows(
                "who_bought_is_forecast",
                "select customer_id from (select valued.*, count(value_model) over "
                "(partition by customer_type) as of_type from {batch} as valued "
                "inner join marts.customers using (customer_id)) as typed "
                "where (order_count > 0 and lifecycle_stage <> 'not recorded' "
                "and of_type > 0) <> (value_model is not null) "
                "or (value_model is null) <> (predicted_orders_12m is null)",
                why="the naive baseline never fails: a gap is a lost join",
            ),
            between("no_purchase_probability_12m", 0, 1, why="it is a probability"),
            no_rows(
                "forecasts_are_believable",
                "select customer_id, predicted_orders_12m from {batch} "
                "where predicted_orders_12m < 0 or predicted_orders_12m > 10000 "
                "or not isfinite(predicted_orders_12m)",
                why="BG/NBD at its boundary forecasts -4.5e18 orders without an "
                "error; such a fit is refused, and this would notice if not",
            ),
        ],
    )


def customer_value_history() -> Suite:
    """The mart `customer_value_history`."""
    return mart(
        "customer_value_history",
        ["customer_id", "as_of_date"],
        [
            one_of("lifecycle_stage", STAGES, why="the stages are total"),
            one_of("abc_class_12m", ["A", "B", "C"], why="the classes of ABC"),
            no_rows(
                "abc_is_total",
                "select customer_id from {batch} where "
                "(abc_class_12m is null) <> (lifecycle_stage = 'not recorded')",
                why="whose sales are recorded has a class; of whom none are, has none",
            ),
            no_rows(
                "nobody_is_lost_between_two_month_ends",
                "select as_of_date, customers from (select as_of_date, "
                "count(*) as customers, lag(count(*)) over (order by as_of_date) "
                "as customers_before from {batch} group by as_of_date) as counted "
                "where customers < customers_before",
                why="a customer that is known stays known",
            ),
            no_rows(
                "the_last_month_end_is_the_present",
                "select history.customer_id from {batch} as history "
                "inner join marts.customer_value as present "
                "on history.customer_id = present.customer_id "
                "and history.as_of_date = present.as_of_date "
                "where history.revenue_12m <> present.revenue_12m "
                "or history.order_count <> present.order_count "
                "or history.lifecycle_stage <> present.lifecycle_stage",
                why="the past and the present go through one query",
            ),
        ],
    )


SUITES = [customer_value, customer_value_history]
