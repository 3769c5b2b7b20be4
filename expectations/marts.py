"""What must hold for the marts before anybody may read them, and why.

dbt's own tests hold keys and references inside the transformation; here is what a
reader relies on, asked of the finished file itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from expectations.vocabulary import (
    between,
    no_rows,
    one_of,
    row_count,
    unique,
    without_nulls,
)
from pipeline.gates import Suite

STAGES = [
    "prospect",
    "new",
    "active",
    "growing",
    "declining",
    "at risk",
    "dormant",
    "lost",
    "reactivated",
]

# Mart → the metrics of its drift that stop a release, with what each would mean. The bounds
# and their reasons stand in the seed drift_bounds; the figures in meta.drift.
STOPPING_DRIFT = {
    "order_lines": {
        "silent_days": "the source has stopped",
        "price_level": "the amounts are in another unit, or two columns are swapped",
        "odd_price_share": "two columns are swapped, or products have other keys",
        "currency_share": "the currency is mislabelled",
        "twin_share": "days have come twice under other numbers",
        "order_hour": "the time zone is another one",
        "return_share": "returns and sales are told apart in another way",
        "null_share": "a column has become empty",
        "past_rows": "a part of the published past has gone or has doubled",
        "past_revenue": "a part of the published past has gone or has doubled",
    },
    "payments": {
        "past_rows": "a part of the published past has gone or has doubled",
        "past_revenue": "a part of the published past has gone or has doubled",
    },
    "service_tickets": {
        "silent_days": "the source has stopped",
        "past_rows": "a part of the published past has gone or has doubled",
    },
    "customers": {
        "customers": "customers have gone or have doubled",
    },
    "customer_source_keys": {
        "vanished_share": "a part of a source's customers has gone",
    },
    "customer_tiers": {
        "tier_share": "customers change their tiers in crowds",
        "score_mean": "scores have moved for everybody",
    },
}

# No order that a company still keeps in a system is older; 1900-01-01 is how some write
# that they do not know.
EARLIEST = date(1970, 1, 1)


def suites() -> list[Suite]:
    """One suite a table that readers see."""
    return [
        _mart(
            "customers",
            ["customer_id"],
            [
                row_count(1, why="a release without customers was not meant"),
                unique("customer_id", why="the grain: one row per customer"),
                one_of("customer_type", ["company", "person"], why="the two types"),
                between("source_count", 1, None, why="a customer of no record"),
                no_rows(
                    "nobody_owns_itself",
                    "select customer_id from {batch} "
                    "where parent_customer_id = customer_id "
                    "or (parent_customer_id is null "
                    "and ultimate_parent_customer_id <> customer_id)",
                    why="who has no parent is the top of its group, and nobody else's",
                ),
                no_rows(
                    "the_top_of_a_group_has_no_parent",
                    "select customer_id, ultimate_parent_customer_id from {batch} "
                    "where ultimate_parent_customer_id in (select customer_id "
                    "from {batch} where parent_customer_id is not null)",
                    why="the revenue of its group would be split between two tops",
                ),
                no_rows(
                    "nobody_was_won_in_the_future",
                    "select customer_id, acquired_on from {batch} where acquired_on > "
                    "(select max(as_of_date) from marts.customer_value)",
                    why="a refresh knows nothing after its as-of day",
                    severity="warning",
                ),
            ],
        ),
        _mart(
            "customer_source_keys",
            ["source", "source_customer_id"],
            [
                unique(
                    "source",
                    "source_customer_id",
                    why="a source record that is two customers doubles its revenue",
                ),
                between("match_confidence", 0, 1, why="a probability"),
                without_nulls("match_rule", why="a link that nobody can explain"),
                no_rows(
                    "unique_keys_stay_apart",
                    "select customer_id, source, count(*) as records from {batch} "
                    "inner join meta.source_trust using (source) "
                    "where keys_are_unique group by all having count(*) > 1",
                    why="such a source has no customer twice: two of its records in one "
                    "are two customers taken for one",
                ),
            ],
        ),
        _mart(
            "contacts",
            ["contact_id"],
            [
                unique("contact_id", why="the grain: one row per contact"),
                between("influence", 0, 10, why="a mark from 0 to 10"),
                one_of(
                    "role",
                    ["decision_maker", "influencer", "user", "gatekeeper"],
                    why="coverage counts decision makers under this name",
                    severity="warning",
                ),
                no_rows(
                    "most_contacts_have_a_customer",
                    "select count(*) as contacts, count(customer_id) as attributed "
                    "from {batch} having count(customer_id) < 0.95 * count(*)",
                    why="all of the demonstration's have one (2026-11-22); one in twenty "
                    "without would be a broken mapping",
                ),
            ],
        ),
        _mart(
            "account_coverage",
            ["customer_id"],
            [
                unique("customer_id", why="the grain: one row per customer"),
                between("contacts", 1, None, why="an account is here for its contacts"),
                between("influence_coverage", 0, 1, why="a share"),
                no_rows(
                    "what_is_covered_is_part_of_what_is_there",
                    "select customer_id from {batch} where covered_contacts > contacts "
                    "or decision_makers > contacts "
                    "or covered_decision_makers > "
                    "least(decision_makers, covered_contacts)",
                    why="a contact that is counted twice shows here",
                ),
                no_rows(
                    "who_covers_somebody_is_named",
                    "select customer_id from {batch} where covered_contacts > 0 "
                    "and (best_connected_owner is null or owners = 0)",
                    why="covered means that one of us knows the contact",
                ),
            ],
        ),
        _mart(
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
        ),
        _mart(
            "order_lines",
            ["order_id", "line_number"],
            [
                row_count(1, why="a release without sales was not meant"),
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
                _currencies("source_currency", ["order_id", "line_number"]),
            ],
        ),
        _mart(
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
                no_rows(
                    "most_tickets_have_a_customer",
                    "select count(*) as tickets, count(customer_id) as attributed "
                    "from {batch} having count(customer_id) < 0.95 * count(*)",
                    why="3 of 24,918 callers are unknown (2026-11-22); one in twenty "
                    "would be a broken mapping",
                ),
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
        ),
        _mart(
            "leads",
            ["lead_id"],
            [
                unique("lead_id", why="the grain: one row per lead"),
                between("probability", 0, 1, why="a probability"),
                no_rows(
                    "what_is_not_open_has_a_stage",
                    "select lead_id from {batch} "
                    "where stage is null and not coalesce(is_open, false)",
                    why="how it ended is told by it; of a deal that was closed after the "
                    "as-of day the stage is not known yet",
                ),
                _currencies("source_currency", ["lead_id"]),
                no_rows(
                    "amounts_are_converted",
                    "select lead_id, source_currency, created_on from {batch} "
                    "where source_amount is not null and amount is null",
                    why="a missing rate would lose the deal from the pipeline",
                ),
                no_rows(
                    "what_is_closed_is_not_open",
                    "select lead_id from {batch} "
                    "where is_open and (probability = 1 or created_on > "
                    "(select max(as_of_date) from marts.customer_value))",
                    why="a deal that is won, or of the future, is no pipeline",
                ),
            ],
        ),
        _mart(
            "lead_scores",
            ["lead_id"],
            [
                unique("lead_id", why="the grain: one row per open lead"),
                between("score", 0, 10, why="scores run from 0 to 10"),
                between("score_coverage", 0, 1, why="a share"),
                no_rows(
                    "every_open_lead_has_a_score",
                    "select leads.lead_id, scores.score from marts.leads as leads "
                    "full join {batch} as scores on leads.lead_id = scores.lead_id "
                    "where coalesce(leads.is_open, false) "
                    "<> (scores.lead_id is not null)",
                    why="a lead without a score is at the end of nobody's list",
                ),
                no_rows(
                    "contributions_sum_to_the_score",
                    "select scores.lead_id, max(scores.score) as score, "
                    "sum(factors.contribution) as contributed from {batch} as scores "
                    "inner join marts.lead_score_factors as factors "
                    "on scores.lead_id = factors.lead_id group by scores.lead_id "
                    "having max(scores.score) <> sum(factors.contribution)",
                    why="a score that its factors do not explain, to the last decimal",
                ),
            ],
        ),
        _mart(
            "lead_score_factors",
            ["lead_id", "factor"],
            [
                unique("lead_id", "factor", why="the grain: one row per factor"),
                between("score", 0, 10, why="anchors lie between 0 and 10"),
                between("weight", 0, 1, why="a share"),
            ],
        ),
        _mart(
            "next_best_offers",
            ["customer_id", "category"],
            [
                unique("customer_id", "category", why="the grain: one row per offer"),
                unique("customer_id", "rank", why="one best offer a customer"),
                between("confidence", 0, 1, why="a share"),
                no_rows(
                    "an_offer_is_associated_supported_and_no_loss",
                    "select customer_id, category, lift, support, expected_margin "
                    "from {batch} cross join meta.potential_settings "
                    "where lift <= min_lift or support < min_support "
                    "or expected_revenue <= 0 or expected_margin <= 0",
                    why="what the seed says an offer must be",
                ),
                no_rows(
                    "nothing_is_offered_for_its_own_sake",
                    "select customer_id, category from {batch} "
                    "where category = because_of",
                    why="a category is no reason for itself",
                ),
            ],
        ),
        _mart(
            "interactions",
            ["interaction_id"],
            [
                unique("interaction_id", why="the grain: one row per interaction"),
                between("minutes", 0, None, why="time is spent, not given back"),
                without_nulls("kind", why="costs and rhythms go by it"),
                without_nulls(
                    "occurred_at", why="what has no day belongs to no period"
                ),
                no_rows(
                    "most_interactions_have_a_customer",
                    "select count(*) as interactions, count(customer_id) as attributed "
                    "from {batch} having count(customer_id) < 0.95 * count(*)",
                    why="all of the demonstration's have one (2026-11-22); one in twenty "
                    "without would be a broken mapping",
                ),
            ],
        ),
        _mart(
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
                _currencies("source_currency", ["payment_id"]),
                no_rows(
                    "who_paid_before_the_due_day_is_not_late",
                    "select payment_id, due_date, paid_at, days_late from {batch} "
                    "where paid_at < due_date and days_late > 0",
                    why="late days cost money; two swapped days would charge the good "
                    "payers",
                ),
            ],
        ),
        _mart(
            "customer_value",
            ["customer_id"],
            [
                row_count(1, why="every customer has a value, be it zero"),
                unique("customer_id", why="the grain: one row per customer"),
                one_of("abc_class", ["A", "B", "C"], why="ABC is total"),
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
                    "or coalesce(abc_class_12m, '') not in ('A', 'B', 'C')",
                    why="RFM are cells of a cube of five, scores run from 0 to 10, "
                    "coverage is a share, and ABC is total",
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
                    "where (order_count > 0) <> (r_score is not null) "
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
                    "select customer_id from {batch} "
                    "where (order_count > 0) <> (value_model is not null) "
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
        ),
        _mart(
            "customer_value_history",
            ["customer_id", "as_of_date"],
            [
                one_of("lifecycle_stage", STAGES, why="the stages are total"),
                one_of("abc_class_12m", ["A", "B", "C"], why="ABC is total"),
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
        ),
        _mart(
            "customer_score_factors",
            ["customer_id", "factor"],
            [
                between("score", 0, 10, why="anchors lie between 0 and 10"),
                between("weight", 0, 1, why="a share"),
                no_rows(
                    "weights_of_a_score_sum_to_one",
                    "select customer_id, score_name, sum(weight) as weights "
                    "from {batch} group by customer_id, score_name "
                    "having sum(weight) <> 0 and abs(sum(weight) - 1) > 0.00001",
                    why="the weights of unknown factors are shared out, not lost",
                ),
            ],
        ),
        _mart(
            "customer_tiers",
            ["customer_id"],
            [
                row_count(1, why="every customer has a tier"),
                unique("customer_id", why="exactly one tier a customer"),
                no_rows(
                    "tiers_are_those_of_the_policy",
                    "select batch.customer_id, batch.tier_code from {batch} as batch "
                    "left join meta.tiers as tiers "
                    "on batch.policy_id = tiers.policy_id "
                    "and batch.tier_code = tiers.tier_code "
                    "where tiers.tier_rank is distinct from batch.tier_rank",
                    why="a tier that the policy in force does not have promises nothing",
                ),
                one_of(
                    "vip_class", ["VIP", "普通", "潜在"], why="the second vocabulary"
                ),
                between("value_score", 0, 10, why="scores run from 0 to 10"),
                between("potential_score", 0, 10, why="scores run from 0 to 10"),
                between("total_score", 0, 10, why="scores run from 0 to 10"),
                between("score_coverage", 0, 1, why="a share"),
                without_nulls("reason_en", why="a tier that nobody can explain"),
                without_nulls("reason_zh", why="a tier that nobody can explain"),
                no_rows(
                    "one_policy_grades_everybody",
                    "select min(policy_id) as one, max(policy_id) as other from {batch} "
                    "having min(policy_id) <> max(policy_id)",
                    why="tiers of two policies cannot be compared",
                ),
                no_rows(
                    "an_override_says_why_and_until_when",
                    "select customer_id from {batch} where is_override and "
                    "(override_reason is null or override_author is null "
                    "or override_expires_on is null)",
                    why="an override without an end is for ever",
                ),
            ],
        ),
        _mart(
            "customer_actions",
            ["place"],
            [
                unique("place", why="a list has one row a place"),
                without_nulls("reason_en", why="nobody acts on what is not explained"),
                without_nulls("reason_zh", why="nobody acts on what is not explained"),
                without_nulls("due_on", why="an action without a day is not done"),
                without_nulls(
                    "owner",
                    why="an action of nobody is not done: service_policies names a role "
                    "for each tier",
                    severity="warning",
                ),
                no_rows(
                    "an_action_is_listed_once",
                    "select action, customer_id, lead_id, count(*) as places "
                    "from {batch} group by all having count(*) > 1",
                    why="two calls for one reason annoy the customer",
                ),
                no_rows(
                    "an_action_concerns_somebody",
                    "select place, action from {batch} where coalesce(customer_id, "
                    "lead_id) is null or (customer_id is null) <> (tier_code is null)",
                    why="a lost join shows here",
                ),
                no_rows(
                    "greetings_come_in_time",
                    "select place, action, due_on from {batch} "
                    "where action in ('birthday', 'holiday') and due_on <= as_of_date",
                    why="a greeting after the day is worse than none",
                ),
                no_rows(
                    "the_list_can_be_worked",
                    "select actions, customers from (select count(*) as actions "
                    "from {batch}) cross join (select count(*) as customers "
                    "from marts.customers) where actions > 100 + customers / 10",
                    why="the demonstration lists 511 actions for 19,192 customers "
                    "(2026-11-22); what is due for every tenth is read by nobody: "
                    "tighten action_rules",
                    severity="warning",
                ),
            ],
        ),
        _mart(
            "resource_allocation",
            ["tier_code", "kind"],
            [
                one_of(
                    "kind",
                    ["visits", "calls", "tickets", "hours"],
                    why="the kinds that reports know",
                ),
                between("planned", 0, None, why="effort is not given back"),
                between("actual_12m", 0, None, why="effort is not given back"),
                no_rows(
                    "every_tier_has_every_kind",
                    "select tier_code, count(*) as kinds from {batch} "
                    "group by tier_code having count(*) <> 4",
                    why="nobody should have to ask where a tier is",
                ),
            ],
        ),
        _mart(
            "customer_tier_history",
            ["customer_id", "valid_from"],
            [
                no_rows(
                    "spells_neither_overlap_nor_leave_gaps",
                    "select customer_id, valid_from, valid_to from (select *, "
                    "lead(valid_from) over (partition by customer_id "
                    "order by valid_from) as next_from from {batch}) as spells "
                    "where valid_to is distinct from next_from "
                    "or valid_to <= valid_from",
                    why="a customer is in one tier on each day",
                ),
                no_rows(
                    "no_spell_is_of_the_future",
                    "select customer_id, valid_from from {batch} where valid_from > "
                    "(select max(as_of_date) from marts.customer_value)",
                    why="the history reaches to the as-of day and no further",
                ),
                no_rows(
                    "a_spell_names_the_one_before",
                    "select customer_id, valid_from, previous_tier_code from "
                    "(select *, lag(tier_code) over (partition by customer_id "
                    "order by valid_from) as before from {batch}) as spells "
                    "where previous_tier_code is distinct from before",
                    why="a move is told from where it came",
                ),
                no_rows(
                    "only_customers_have_a_history",
                    "select distinct customer_id from {batch} anti join marts.customers "
                    "using (customer_id)",
                    why="a spell of nobody is a merge that was not followed",
                ),
                no_rows(
                    "the_open_spell_is_the_tier",
                    "select tiers.customer_id from marts.customer_tiers as tiers "
                    "left join {batch} as spells "
                    "on tiers.customer_id = spells.customer_id "
                    "and spells.valid_to is null "
                    "where spells.tier_code is distinct from tiers.tier_code "
                    "or spells.valid_from is distinct from tiers.tier_since",
                    why="history and present are one story",
                ),
            ],
        ),
        _mart(
            "tier_migration",
            ["month", "from_tier", "to_tier"],
            [
                no_rows(
                    "shares_of_a_tier_sum_to_one",
                    "select month, from_tier, sum(share) as shares from {batch} "
                    "group by month, from_tier having abs(sum(share) - 1) > 0.000001",
                    why="everybody of a tier went somewhere",
                ),
                no_rows(
                    "a_month_sums_to_its_customers",
                    "select month, sum(customers) as moved, min(known) as known "
                    "from {batch} inner join (select as_of_date, count(*) as known "
                    "from marts.customer_value_history group by as_of_date) as counted "
                    "on month = as_of_date group by month "
                    "having sum(customers) <> min(known)",
                    why="a customer that is in no row has been lost",
                ),
            ],
        ),
        _mart(
            "proposed_tiers",
            ["policy_id", "customer_id"],
            [
                no_rows(
                    "a_proposal_grades_everybody",
                    "select policy_id, count(*) as customers from {batch} "
                    "group by policy_id having count(*) <> "
                    "(select count(*) from marts.customers)",
                    why="rules with a gap would leave somebody without",
                ),
            ],
        ),
        _mart(
            "customer_groups",
            ["ultimate_parent_customer_id"],
            [
                between("members", 2, None, why="one customer alone is no group"),
                no_rows(
                    "members_are_those_of_the_group",
                    "select groups.ultimate_parent_customer_id, groups.members, "
                    "groups.revenue, sum(valued.revenue) as summed from {batch} as groups "
                    "inner join marts.customers as customers "
                    "using (ultimate_parent_customer_id) "
                    "inner join marts.customer_value as valued "
                    "on customers.customer_id = valued.customer_id "
                    "group by all having count(*) <> groups.members "
                    "or sum(valued.revenue) <> groups.revenue",
                    why="a group is the sum of its members, to the last decimal",
                ),
            ],
        ),
        _mart(
            "account_matrix",
            ["customer_id"],
            [
                unique("customer_id", why="the grain: one row per key account"),
                between("attractiveness", 0, 10, why="scores run from 0 to 10"),
                between("relative_strength", 0, 10, why="scores run from 0 to 10"),
                no_rows(
                    "rated_or_said_why_not",
                    "select customer_id, not_rated_reason from {batch} "
                    "where is_rated <> (strategy_code is not null) "
                    "or is_rated <> (quadrant is not null) "
                    "or is_rated <> (not_rated_reason is null)",
                    why="an account without a strategy must say what it lacks",
                ),
                no_rows(
                    "the_midpoint_is_high",
                    "select customer_id, quadrant from {batch} "
                    "inner join meta.matrix_settings using (policy_id) "
                    "where is_rated and quadrant <> case when attractiveness >= midpoint "
                    "then 'high/' else 'low/' end || case when relative_strength "
                    ">= midpoint then 'high' else 'low' end",
                    why="ties go to the higher cell",
                ),
                no_rows(
                    "key_accounts_are_few",
                    "select count(*) as rated, max(max_rated_accounts) as most "
                    "from {batch} inner join meta.matrix_settings using (policy_id) "
                    "where is_rated having count(*) > max(max_rated_accounts)",
                    why="who calls everybody a key account has none",
                    severity="warning",
                ),
            ],
        ),
        _mart(
            "account_matrix_factors",
            ["customer_id", "dimension", "competitor", "factor"],
            [
                between("score", 0, 10, why="scores run from 0 to 10"),
                between("weight", 0, 1, why="a share"),
                no_rows(
                    "contributions_sum_to_the_scores",
                    "with sums as (select customer_id, "
                    "sum(contribution) filter (dimension = 'attractiveness') as a, "
                    "sum(contribution) filter (dimension = 'strength' "
                    "and competitor is null) as s "
                    "from {batch} group by customer_id) "
                    "select customer_id, attractiveness, a, own_strength, s from sums "
                    "inner join marts.account_matrix using (customer_id) "
                    "where attractiveness is distinct from a "
                    "or own_strength is distinct from s",
                    why="a score that its factors do not explain",
                ),
            ],
        ),
        _mart(
            "account_financials",
            ["customer_id", "fiscal_year"],
            [
                unique("customer_id", "fiscal_year", why="one statement a year"),
                no_rows(
                    "a_missing_ratio_says_why",
                    "select customer_id, fiscal_year from {batch} where (current_ratio "
                    "is null or net_margin is null or return_on_assets is null or "
                    "debt_ratio is null or asset_turnover is null) "
                    "<> (ratio_notes is not null)",
                    why="nobody should have to guess why a figure is not there",
                ),
                no_rows(
                    "statements_have_a_rate",
                    "select customer_id, fiscal_year, source_currency from {batch} "
                    "where revenue is null and net_margin is not null",
                    why="without a rate amounts in another currency are missing",
                    severity="warning",
                ),
            ],
        ),
        _mart(
            "account_outlook",
            ["customer_id", "year_ahead"],
            [
                unique("customer_id", "year_ahead", why="the grain"),
                between("year_ahead", 1, 3, why="three years are looked at"),
                no_rows(
                    "the_outlook_lies_in_its_band",
                    "select customer_id, year_ahead from {batch} "
                    "where low_revenue > outlook_revenue "
                    "or high_revenue < outlook_revenue or low_revenue < 0",
                    why="a band beside its figure is a mistake of sign",
                ),
            ],
        ),
        _mart(
            "tier_summary",
            ["tier_code"],
            [
                unique("tier_code", why="the grain: one row per tier"),
                no_rows(
                    "shares_sum_to_one",
                    "select sum(share_of_customers) as shares from {batch} "
                    "having abs(sum(share_of_customers) - 1) > 0.000001",
                    why="the tiers are everybody",
                ),
                no_rows(
                    "profit_is_that_of_the_customers",
                    "select summed, profit from (select sum(profit) as summed "
                    "from {batch}) cross join (select sum(profit) as profit "
                    "from marts.customer_value) "
                    "where coalesce(summed, 0) <> coalesce(profit, 0)",
                    why="a customer that is in no tier, or in two",
                ),
            ],
        ),
        _mart(
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
        ),
        _mart(
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
        ),
        _mart(
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
        ),
        _mart(
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
        ),
        _mart(
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
        ),
        Suite(
            subject="meta.model_quality",
            schema="meta",
            table="model_quality",
            key=["refresh_id", "model", "metric", "subject"],
            expectations=[
                no_rows(
                    "an_auc_is_a_chance",
                    "select metric, subject, value from {batch} "
                    "where model = 'health' and value not between 0 and 1 "
                    "and metric <> 'customers'",
                    why="it is the chance that two customers are told apart rightly",
                ),
                no_rows(
                    "health_tells_more_than_recency",
                    "select health.subject, health.value as auc, "
                    "recency.value as auc_of_recency from {batch} as health "
                    "inner join {batch} as recency "
                    "on health.refresh_id = recency.refresh_id "
                    "and health.subject = recency.subject "
                    "and recency.model = 'health' "
                    "and recency.metric = 'auc_recency_baseline' "
                    "where health.model = 'health' and health.metric = 'auc' "
                    "and health.subject in ('company', 'person') "
                    "and health.refresh_id = (select max(refresh_id) from {batch}) "
                    "and (health.value < recency.value or health.value < 0.5)",
                    why="where the days since the last order tell better who will buy "
                    "nothing, nobody should call customers by their health. The "
                    "demonstration's health is worse for both types (2026-11-22): its "
                    "tickets are of other people, and its persons come back after years",
                    severity="warning",
                ),
            ],
        ),
        Suite(
            subject="meta.quality_checks",
            schema="meta",
            table="quality_checks",
            key=["model", "metric", "subject", "severity"],
            expectations=[
                row_count(1, why="without a figure no model was looked at"),
                *(
                    no_rows(
                        name,
                        "select model, metric, subject, value, least, most, why "
                        "from {batch} where outcome = 'outside' "
                        f"and severity = 'critical' and {which}",
                        why=why,
                        acceptable=True,
                    )
                    for name, which, why in (
                        (
                            "quality_of_predictions",
                            "model like 'value of %'",
                            "forecasts must prove themselves on the company's own past "
                            "before anyone may read them",
                        ),
                        (
                            "quality_of_identity",
                            "model = 'identity'",
                            "customers that are joined wrongly are graded wrongly",
                        ),
                        (
                            "quality_of_tiers",
                            "model = 'tiers'",
                            "nobody acts on a tier that is another one next month",
                        ),
                        (
                            "quality_of_other_models",
                            "model not like 'value of %' "
                            "and model not in ('identity', 'tiers')",
                            "a bound that a business has made critical stops, too",
                        ),
                    )
                ),
                no_rows(
                    "quality",
                    "select model, metric, subject, value, least, most, why "
                    "from {batch} where outcome = 'outside' and severity = 'warning'",
                    why="the bound and its reason stand in the seed quality_bounds",
                    severity="warning",
                ),
            ],
        ),
        Suite(
            subject="meta.cost_pools",
            schema="meta",
            table="cost_pools",
            key=["cost_pool"],
            expectations=[
                unique("cost_pool", why="the grain: one row per cost pool"),
                row_count(7, 7, why="the seven costs of the formula of profit"),
                no_rows(
                    "every_cent_of_cost_is_somewhere",
                    "select cost_pool, pool_amount, allocated_amount, "
                    "unallocated_amount, difference from {batch} "
                    "where difference <> 0",
                    why="what was spent stands at a customer or at nobody, and once: a "
                    "join that doubles or loses makes customers look dear or cheap",
                ),
                no_rows(
                    "every_fact_has_a_rate",
                    "select cost_pool, unpriced_facts from {batch} "
                    "where unpriced_facts > 0",
                    why="cost_rates has a gap: it needs a row for this key and day, or "
                    "`*`; without it serving costs nothing",
                    severity="warning",
                ),
            ],
        ),
        Suite(
            subject="meta.drift",
            schema="meta",
            table="drift",
            key=["mart", "metric", "subject"],
            expectations=[
                row_count(1, why="without a single figure nothing was compared"),
                no_rows(
                    "drift_of_other_metrics",
                    "select mart, metric, subject, reason from {batch} "
                    "where outcome = 'outside' and severity = 'critical' and not ("
                    + " or ".join(
                        f"mart = '{mart}' and metric in ("
                        + ", ".join(f"'{metric}'" for metric in metrics)
                        + ")"
                        for mart, metrics in STOPPING_DRIFT.items()
                    )
                    + ")",
                    why="a column that has become empty, or another bound that a "
                    "business has made critical in drift_bounds",
                    acceptable=True,
                ),
                no_rows(
                    "drift_of_other_marts",
                    "select mart, metric, subject, reason from {batch} "
                    "where outcome = 'outside' and severity = 'warning' "
                    "and mart not in ("
                    + ", ".join(f"'{mart}'" for mart in STOPPING_DRIFT)
                    + ")",
                    why="not as usual; somebody should know why. docs/gates.md says what "
                    "each metric is",
                    severity="warning",
                ),
            ],
        ),
        Suite(
            subject="meta.domain_checks",
            schema="meta",
            table="domain_checks",
            key=["source", "entity", "column_name", "column_value"],
            expectations=[
                no_rows(
                    "values_mean_what_they_say",
                    "select source, entity, column_name, problem, column_value, "
                    "value_rows, problem_rows, different_values from {batch} "
                    "order by problem_rows desc, value_rows desc",
                    why="-1 for unknown, a chance of 90 instead of .9, the year 24: set it "
                    "to null in staging, or mend the source",
                    severity="warning",
                ),
            ],
        ),
        Suite(
            subject="meta.landing_reconciliation",
            schema="meta",
            table="landing_reconciliation",
            key=["source", "landed_entity", "entity"],
            expectations=[
                row_count(1, why="something must have been read"),
                no_rows(
                    "every_row_read_is_accounted_for",
                    "select * from {batch} where landing_difference <> 0",
                    why="what was read has landed, or says why not, and of what landed "
                    "the newest row of each key counts",
                ),
                no_rows(
                    "staging_gives_every_row",
                    "select source, landed_entity, entity, taken_rows, staged_rows, "
                    "row_difference from {batch} where row_difference <> 0",
                    why="a join in staging loses or doubles rows; or mend `becomes` in "
                    "sources.yaml, where staging leaves rows out on purpose",
                ),
                no_rows(
                    "staging_gives_every_cent",
                    "select source, landed_entity, entity, taken_amount, staged_amount, "
                    "amount_difference from {batch} where amount_difference <> 0",
                    why="the money of the landed rows is the money of staging, to the "
                    "last decimal",
                ),
                no_rows(
                    "what_is_staged_is_declared",
                    "select source, entity, staged_rows from meta.reconciliation "
                    "where staged_rows > 0 and (source, entity) not in "
                    "(select (source, entity) from {batch})",
                    why="without `becomes` in sources.yaml nobody can tell whether "
                    "staging lost rows",
                    severity="warning",
                ),
            ],
        ),
        Suite(
            subject="meta.reconciliation",
            schema="meta",
            table="reconciliation",
            key=["source", "entity", "currency"],
            expectations=[
                row_count(1, why="something must have been compared"),
                no_rows(
                    "every_row_is_accounted_for",
                    "select source, entity, currency, staged_rows, forgotten_rows, "
                    "later_rows, mart_rows from {batch} where row_difference <> 0",
                    why="what a source gave is in the marts, or after the as-of day",
                ),
                no_rows(
                    "every_cent_is_accounted_for",
                    "select source, entity, currency, staged_amount, later_amount, "
                    "mart_amount from {batch} where amount_difference <> 0",
                    why="what a source gave is in the marts, or after the as-of day",
                ),
                no_rows(
                    "every_amount_has_a_rate",
                    "select source, entity, currency, unpriced_rows from {batch} "
                    "where unpriced_rows > 0",
                    why="an amount without a rate is missing from every sum",
                ),
                no_rows(
                    "the_reporting_currency_is_not_converted",
                    "select source, entity, mart_amount, reporting_amount from {batch} "
                    "where entity = 'order_lines' "
                    "and currency = (select max(currency) from marts.order_lines) "
                    "and mart_amount <> reporting_amount",
                    why="what needs no rate is the same money before and after, to the "
                    "last decimal",
                ),
            ],
        ),
        Suite(
            subject="meta.mart_reconciliation",
            schema="meta",
            table="mart_reconciliation",
            key=["figure", "from_mart", "to_mart"],
            expectations=[
                row_count(13, 13, why="every pair of marts was compared"),
                no_rows(
                    "the_marts_tell_one_story",
                    "select * from {batch} where difference <> 0",
                    why="the same money and the same customers in every mart, to the "
                    "last decimal",
                ),
            ],
        ),
    ]


def _mart(table: str, key: Sequence[str], expectations: Sequence[Any]) -> Suite:
    return Suite(
        subject=f"marts.{table}",
        schema="marts",
        table=table,
        key=key,
        expectations=[*expectations, *_drift(table)],
    )


def _currencies(column: str, key: Sequence[str]) -> Any:
    """Every value is three capital letters, as ISO 4217 writes a currency."""
    return no_rows(
        f"{column}_is_a_currency",
        f"select {', '.join(key)}, {column} from {{batch}} "
        f"where not regexp_full_match({column}, '[A-Z]{{{{3}}}}')",
        why="a rate is looked for under this name; `usd` or `$` would have none",
    )


def _drift(mart: str) -> list[Any]:
    """What is outside its band in `meta.drift`: one check a metric that stops, and one.

    The rows of the mart stand beside it, because a query must ask its own table.
    """
    if mart not in STOPPING_DRIFT:
        return []
    outside = (
        "select metric, subject, reason, mart_rows from meta.drift "
        "cross join (select count(*) as mart_rows from {batch}) "
        f"where mart = '{mart}' and outcome = 'outside' and severity = "
    )
    return [
        *(
            no_rows(
                f"drift_{metric}",
                f"{outside}'critical' and metric = '{metric}'",
                why=f"this far from what is usual, {meaning}",
                acceptable=True,
            )
            for metric, meaning in STOPPING_DRIFT[mart].items()
        ),
        no_rows(
            "drift",
            f"{outside}'warning'",
            why="not as usual; somebody should know why. docs/gates.md says what each "
            "metric is",
            severity="warning",
        ),
    ]
