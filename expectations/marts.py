"""What must hold for the marts before anybody may read them, and why.

dbt's own tests hold keys and references inside the transformation; here is what a
reader relies on, asked of the finished file itself.
"""

from __future__ import annotations

from collections.abc import Sequence
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
            [unique("product_id", why="the grain: one row per product")],
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
            ],
        ),
        _mart(
            "leads",
            ["lead_id"],
            [
                unique("lead_id", why="the grain: one row per lead"),
                between("probability", 0, 1, why="a probability"),
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
            subject="meta.reconciliation",
            schema="meta",
            table="reconciliation",
            key=["source", "entity"],
            expectations=[
                row_count(1, why="something must have been compared"),
                no_rows(
                    "every_row_is_accounted_for",
                    "select source, entity, staged_rows, later_rows, mart_rows "
                    "from {batch} where row_difference <> 0",
                    why="what a source gave is in the marts, or after the as-of day",
                ),
                no_rows(
                    "every_cent_is_accounted_for",
                    "select source, entity, staged_amount, later_amount, mart_amount "
                    "from {batch} where amount_difference <> 0",
                    why="what a source gave is in the marts, or after the as-of day",
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
        expectations=expectations,
    )
