{#- What is or was to be paid. A payment after the as-of day is not known yet, so that
    the invoice is open. In the reporting currency at the rate of the day of the
    invoice; where that is not recorded, of the first day that is. -#}
with payments as (
    {{ known("payments") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

known as (
    select
        payments.source || ':' || payments.payment_id as payment_id,
        source_keys.customer_id,
        payments.source || ':' || payments.order_id as order_id,
        payments.invoiced_on,
        payments.due_date,
        payments.paid_at,
        -- The first day with anything on record: of the rate, and for a list by day.
        coalesce(
            payments.invoiced_on,
            payments.due_date,
            {{ business_date("payments.paid_at") }},
            refresh.as_of_date
        ) as recorded_on,
        -- Of an invoice that is known by its future due date alone, today's rate.
        least(
            coalesce(
                payments.invoiced_on,
                payments.due_date,
                {{ business_date("payments.paid_at") }}
            ),
            refresh.as_of_date
        ) as rate_day,
        payments.amount as source_amount,
        payments.currency,
        refresh.as_of_date,
        payments.source,
        payments.customer_source,
        payments.source_customer_id
    from payments
    cross join refresh
    left join source_keys
        on
            payments.customer_source = source_keys.source
            and payments.source_customer_id = source_keys.source_customer_id
),

converted as (
    select
        known.payment_id,
        known.customer_id,
        known.order_id,
        known.invoiced_on,
        known.due_date,
        known.paid_at,
        known.recorded_on,
        {{ business_date("known.paid_at") }} as paid_on,
        {{ in_reporting_currency("known.source_amount", "known") }} as amount,
        known.as_of_date,
        known.currency as source_currency,
        known.source_amount,
        known.source,
        known.customer_source,
        known.source_customer_id
    from known
    {{ join_fx_rates("known", "known.rate_day") }}
),

final as (
    select
        payment_id,
        customer_id,
        order_id,
        invoiced_on,
        due_date,
        paid_at,
        paid_on,
        recorded_on,
        -- Of what is not paid, the days that it is late so far.
        case
            when due_date is not null
                then cast(
                    {{ days_late("due_date", "paid_on", "as_of_date") }} as integer
                )
        end as days_late,
        amount,
        '{{ var("reporting_currency") }}' as currency,
        source_currency,
        source_amount,
        source,
        customer_source,
        source_customer_id
    from converted
)

select * from final
