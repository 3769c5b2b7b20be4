{#-
What is due because invoices are not paid.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

payments as (
    select * from {{ ref("core_payments") }}
),

final as (
    select
        present.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'invoice_overdue' as action_code,
        {{ plus_days("min(payments.due_date)", "max(rules.days)") }} as due_from,
        'Unpaid past the due day: ' || {{ thousands("sum(payments.amount)") }}
        || ' {{ var("reporting_currency") }} in ' || cast(count(*) as {{ type_text() }})
        || case when count(*) = 1 then ' invoice' else ' invoices' end
        || ', the oldest due on '
        || cast(min(payments.due_date) as {{ type_text() }}) || '.' as reason_en,
        '逾期未付发票' || cast(count(*) as {{ type_text() }}) || '张，共'
        || {{ thousands("sum(payments.amount)") }}
        || ' {{ var("reporting_currency") }}，最早到期日'
        || cast(min(payments.due_date) as {{ type_text() }}) || '。' as reason_zh,
        cast(count(*) as integer) as times_missed,
        cast(sum(payments.amount) as {{ type_money_sum() }}) as at_stake
    from present
    {{ join_action_rules("present", "invoice_overdue") }}
    inner join payments
        on
            present.customer_id = payments.customer_id
            and payments.paid_at is null
            and payments.amount > 0
            and present.as_of_date > payments.due_date
            and {{ plus_days("present.as_of_date", "-rules.days") }}
            >= payments.due_date
    group by present.customer_id
)

select * from final
