select
    invoice_number as payment_id,
    'erp' as customer_source,
    customer_no as source_customer_id,
    order_number as order_id,
    invoiced_on,
    due_date,
    paid_at,
    amount,
    currency
from ({{ latest(source("erp", "invoices")) }}) as newest
