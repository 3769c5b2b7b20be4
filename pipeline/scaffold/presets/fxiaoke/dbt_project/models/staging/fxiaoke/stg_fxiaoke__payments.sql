{#- Money that came. When it was due is not said here, so that nobody is late. -#}
with latest_payments as (
    {{ latest(source("fxiaoke", "payments")) }}
),

renamed as (
    select
        _id as payment_id,
        'fxiaoke' as customer_source,
        account_id as source_customer_id,
        cast(payment_time as timestamp) as paid_at,
        payment_amount as amount,
        coalesce(mc_currency, 'CNY') as currency
    from latest_payments
    where life_status in ('normal', 'in_change') and payment_amount <> 0
)

select * from renamed
