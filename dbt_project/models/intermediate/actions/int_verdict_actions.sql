{#-
What is due because a customer loses money: a review of what takes most beyond the usual.
Only of the largest losses, those that together make the rule's share of all that its type
loses: a list of every small one is worked by nobody.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

losing as (
    select
        loss_causes.*,
        case loss_causes.element
            when 'goods' then 'price_review'
            when 'freight' then 'freight_review'
            when 'terms' then 'terms_review'
            else 'cost_to_serve_review'
        end as action_code
    from {{ ref("int_loss_causes") }} as loss_causes
    inner join {{ ref("int_verdicts") }} as verdicts
        on
            loss_causes.customer_id = verdicts.customer_id
            and verdicts.verdict = 'loses_money'
),

final as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        losing.action_code,
        present.as_of_date as due_from,
        'Loses ' || {{ thousands("losing.loss") }}
        || ' {{ var("reporting_currency") }} in 12 months' || coalesce(
            '; ' || losing.element_en || ' takes '
            || {{ plain_number("100 * losing.share_of_revenue", 1) }}
            || ' % of its revenue, '
            || {{ plain_number("100 * losing.usual_share", 1) }}
            || ' % of that of its type', ''
        ) || coalesce(
            case when losing.excess > 0 then ': ' end
            || {{ thousands("losing.excess") }}
            || ' {{ var("reporting_currency") }} more than usual', ''
        ) || '.' as reason_en,
        '近12个月亏损' || {{ thousands("losing.loss") }}
        || ' {{ var("reporting_currency") }}' || coalesce(
            '；' || losing.element_zh || '占其收入的'
            || {{ plain_number("100 * losing.share_of_revenue", 1) }}
            || '%，同类客户为'
            || {{ plain_number("100 * losing.usual_share", 1) }} || '%', ''
        ) || coalesce(
            case when losing.excess > 0 then '，比通常多' end
            || {{ thousands("losing.excess") }}
            || ' {{ var("reporting_currency") }}', ''
        ) || '。' as reason_zh,
        1 as times_missed,
        losing.loss as at_stake
    from losing
    inner join present on losing.customer_id = present.customer_id
    inner join rules
        on
            losing.action_code = rules.action_code
            and present.tier_code = rules.tier_code
            and present.customer_type = rules.customer_type
    where losing.share_before < rules.threshold
)

select * from final
