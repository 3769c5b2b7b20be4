{#- Sales as METHODS counts them: of a known customer, positive, with a price. -#}
with latest_lines as (
    {{ latest(source("shop", "invoice_lines")) }}
),

typed as (
    select
        InvoiceNo as invoice_number,
        cast(RowInInvoice as bigint) as row_in_invoice,
        StockCode as stock_code,
        Description as description,
        cast(Quantity as decimal(18, 4)) as quantity,
        cast(InvoiceDate as timestamp) as invoiced_at_local,
        cast(UnitPrice as decimal(12, 3)) as unit_price,
        replace(CustomerID, '.0', '') as customer_number,
        Country as country
    from latest_lines
),

sales as (
    select * from typed
    where customer_number is not null and quantity > 0 and unit_price > 0
)

select * from sales
