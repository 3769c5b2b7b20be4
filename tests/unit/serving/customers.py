"""Statements that make a small company of a release: three customers and what is due.

The last customer's name is a formula, and nobody knows its profit.
"""

from __future__ import annotations

from collections.abc import Sequence

FORMULA = '=HYPERLINK("http://evil.example","\u738b")'
TIERS = (
    "(values ('key', 1, 'Key', '重要客户'), ('standard', 3, 'Standard', '普通客户'))"
)


def tables(name: str = FORMULA) -> Sequence[str]:
    """The tables of a release whose third customer has this name."""
    quoted = name.replace("'", "''")
    return (
        "create table marts.customer_360 as select customer_id, customer_label, "
        "customer_label as customer_name, 'company' as customer_type, "
        "'企业客户' as customer_type_zh, t.tier_code, tier_rank, tier_name_en, "
        "tier_name_zh, date '2023-06-01' as tier_since, 'Why ' || customer_id as "
        "reason_en, '原因 ' || customer_id as reason_zh, "
        "revenue::decimal(28,4) as revenue_12m, "
        "(revenue / 2)::decimal(28,4) as revenue_previous_12m, "
        "profit::decimal(28,4) as profit_12m, 0.25::double as "
        "no_purchase_probability_12m, null::double as health_score, "
        "date '2024-01-05' as last_order_date, owner, action as next_action, "
        "action_en as next_action_en, action_zh as next_action_zh, "
        "due as next_action_due_on, owner as next_action_owner, "
        "null::varchar as industry, date '2024-01-31' as as_of_date "
        "from (values "
        "('C1', 'Big Wheels', 'key', 1000.5, 200.25, 'Ann', 'visit', 'Visit', '拜访', "
        "date '2024-02-10'), "
        "('C2', '小轮公司', 'standard', 500, -75.5, 'Ann', null, null, null, null), "
        f"('C3', '{quoted}', 'standard', null, null, null, 'call', 'Call', '致电', "
        "date '2024-01-15')) as c (customer_id, customer_label, tier_code, revenue, "
        "profit, owner, action, action_en, action_zh, due) "
        f"inner join {TIERS} as t (tier_code, tier_rank, tier_name_en, tier_name_zh) "
        "on t.tier_code = c.tier_code",
        "create table marts.customer_tiers as select customer_id, "
        "7.25::decimal(12,6) as value_score, null::decimal(12,6) as potential_score, "
        "6.5::decimal(12,6) as total_score from marts.customer_360",
        "create table marts.customer_actions as select "
        "row_number() over (order by customer_id)::integer as place, "
        "next_action as action, next_action_en as action_name_en, "
        "next_action_zh as action_name_zh, customer_id, null::varchar as lead_id, "
        "reason_en, reason_zh, next_action_due_on as due_on, "
        "next_action_due_on < as_of_date as is_overdue, owner, 'Rep' as owner_role_en, "
        "'销售' as owner_role_zh, 1 as priority, 'phone' as channel_en, '电话' as "
        "channel_zh from marts.customer_360 where next_action is not null",
        "create table marts.customer_tier_history as from (values "
        "('C1', date '2020-01-01', date '2023-06-01', 'standard', null, 'new', 'First', "
        "'首次'), "
        "('C1', date '2023-06-01', null, 'key', 'standard', 'up', 'Grew', '增长'), "
        "('C2', date '2023-12-01', null, 'standard', null, 'new', 'First', '首次')) "
        "as h (customer_id, valid_from, valid_to, tier_code, previous_tier_code, "
        "change_kind, change_reason, change_reason_zh)",
        "create table marts.tier_summary as select tier_code, tier_rank, tier_name_en, "
        "tier_name_zh, 1::bigint as customers, 0.5 as share_of_customers, "
        "100::decimal(28,4) as revenue_12m, 0.5 as share_of_revenue_12m, "
        "null::decimal(28,4) as margin_12m, null::decimal(28,4) as cost_to_serve_12m, "
        "-5::decimal(28,4) as profit_12m, null::double as share_of_profit_12m "
        f"from {TIERS} as t (tier_code, tier_rank, tier_name_en, tier_name_zh)",
        "create table marts.revenue_by_month as select date '2023-11-01' + "
        "to_months(i::integer) as revenue_month, 'key' as tier_code, 1 as tier_rank, "
        "'Key' as tier_name_en, '重要客户' as tier_name_zh, "
        "100::decimal(28,4) as revenue, i < 2 as is_complete from range(3) as r(i)",
        "create table marts.account_matrix as from (values "
        "('C1', 6.5, 7.25, true, 'improve', 'improve', '提高', null), "
        "('C2', null, null, false, null, null, null, 'Nobody has scored it.')) as m "
        "(customer_id, attractiveness, relative_strength, is_rated, strategy_code, "
        "strategy_en, strategy_zh, not_rated_reason)",
        "create table marts.customer_source_keys as from (values "
        "('zoho_crm', '7328395000000680055', 'C1', 'rule'), "
        "('zoho_crm', '7328395000000680056', 'C2', 'rule'), "
        "('zoho_crm', '7328395000000680057', 'C2', 'rule'), "
        "('fxiaoke', '66450f1f2ab79c0001a1b2c3', 'C1', 'rule'), "
        "('fxiaoke', '66450f1f2ab79c0001a1b2c4', 'C3', 'rule'), "
        "('erp', 'E1', 'C1', 'rule')) as k "
        "(source, source_customer_id, customer_id, match_rule)",
        "create table meta.current_release as select '{id}' as release_id",
    )
