with payments as (
    select * from {{ ref("core_payments") }}
),

final as (
    select
        payment_id,
        customer_id,
        order_id,
        invoiced_on,
        due_date,
        paid_at,
        amount,
        currency,
        days_late,
        source_currency,
        source_amount,
        source,
        customer_source,
        source_customer_id
    from payments
)

select * from final
