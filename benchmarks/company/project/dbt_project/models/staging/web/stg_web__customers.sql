select
    user_id as source_customer_id,
    'person' as customer_type,
    given_name || ' ' || family_name as customer_name,
    given_name,
    family_name,
    birth_date,
    country,
    city,
    postal_code,
    street,
    email,
    phone,
    signed_up_on as acquired_on,
    updated_at
from ({{ latest(source("web", "users")) }}) as newest
