select
    rec_id as source_customer_id,
    'person' as customer_type,
    coalesce(given_name || ' ', '') || coalesce(surname, '') || ' of ' || rec_id as customer_name,
    given_name,
    surname as family_name,
    cast(try_strptime(date_of_birth, '%Y%m%d') as date) as birth_date,
    soc_sec_id as registration_number,
    'Australia' as country,
    state as region,
    suburb as city,
    postcode as postal_code,
    street_number || ' ' || address_1 as street
from ({{ latest(source("people_b", "people")) }}) as newest
