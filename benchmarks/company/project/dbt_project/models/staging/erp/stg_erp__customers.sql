select
    customer_no as source_customer_id,
    case when is_company then 'company' else 'person' end as customer_type,
    name as customer_name,
    given_name,
    family_name,
    birth_date,
    registration_no as registration_number,
    country,
    city,
    postal_code,
    street,
    email,
    phone,
    customer_since as acquired_on,
    updated_at
from ({{ latest(source("erp", "customers")) }}) as newest
