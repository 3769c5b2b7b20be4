with latest_invoices as (
    {{ latest(source("erp", "invoices")) }}
),

renamed as (
    select
        invoice_number as payment_id,
        'erp' as customer_source,
        customer_number as source_customer_id,
        order_number as order_id,
        invoiced_on,
        due_date,
        -- The ERP knows the day of a payment and not the hour.
        {{ local_to_utc("cast(paid_on as timestamp)") }} as paid_at,
        amount,
        currency_code as currency
    from latest_invoices
)

select * from renamed
