select
    account_id as source_customer_id,
    'company' as customer_type,
    account_name as customer_name,
    registration_no as registration_number,
    country,
    city,
    postal_code,
    street,
    industry,
    owner,
    email,
    phone,
    employee_count,
    updated_at
from ({{ latest(source("crm", "accounts")) }}) as newest
