"""What must hold for tiers, their scores, their past and what follows from them."""

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


def customer_score_factors() -> Suite:
    """The mart `customer_score_factors`."""
    return mart(
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
    )


def customer_tiers() -> Suite:
    """The mart `customer_tiers`."""
    return mart(
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
                "where tiers.tier_rank is distinct from batch.tier_rank "
                "and (batch.tier_code <> 'not_graded' "
                "or batch.customer_id not in (select customer_id "
                "from marts.customer_value where lifecycle_stage = 'not recorded'))",
                why="a tier that the policy in force does not have promises nothing",
            ),
            one_of(
                "vip_class",
                ["VIP", "普通", "潜在", "未分级"],
                why="the second vocabulary",
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
    )


def customer_actions() -> Suite:
    """The mart `customer_actions`."""
    return mart(
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
                "by_urgency_then_by_what_is_at_stake",
                "select place, action from (select *, lag(priority) over by_place "
                "as priority_before, lag(at_stake) over by_place as stake_before "
                "from {batch} window by_place as (order by place)) as ordered "
                "where priority < priority_before or (priority = priority_before "
                "and at_stake > coalesce(stake_before, -1))",
                why="what has waited longest is not what matters most",
            ),
            no_rows(
                "an_alarmed_key_account_has_something_due",
                "select verdicts.customer_id, verdicts.verdict "
                "from marts.customer_verdicts as verdicts "
                "inner join marts.customer_tiers as tiers "
                "on verdicts.customer_id = tiers.customer_id "
                "left join {batch} as actions "
                "on verdicts.customer_id = actions.customer_id "
                "where tiers.tier_rank = 1 and tiers.tier_code <> 'not_graded' "
                "and verdicts.verdict in "
                "('blocked_by_service', 'loses_money', 'slips') "
                "and actions.customer_id is null",
                why="an alarm that nobody has to answer; the rule alarm_unanswered of "
                "action_rules is off or leaves out the best tier",
                severity="warning",
            ),
            no_rows(
                "the_list_can_be_worked",
                "select actions, customers from (select count(*) as actions "
                "from {batch}) cross join (select count(*) as customers "
                "from marts.customers) where actions > 100 + customers / 10",
                why="the demonstration lists 920 actions for 19,192 customers "
                "(2026-11-30); what is due for every tenth is read by nobody: "
                "tighten action_rules",
                severity="warning",
            ),
        ],
    )


def resource_allocation() -> Suite:
    """The mart `resource_allocation`."""
    return mart(
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
    )


def customer_tier_history() -> Suite:
    """The mart `customer_tier_history`."""
    return mart(
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
    )


def tier_migration() -> Suite:
    """The mart `tier_migration`."""
    return mart(
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
    )


def proposed_tiers() -> Suite:
    """The mart `proposed_tiers`."""
    return mart(
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
    )


def tier_summary() -> Suite:
    """The mart `tier_summary`."""
    return mart(
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
    )


SUITES = [
    customer_score_factors,
    customer_tiers,
    customer_actions,
    resource_allocation,
    customer_tier_history,
    tier_migration,
    proposed_tiers,
    tier_summary,
]
