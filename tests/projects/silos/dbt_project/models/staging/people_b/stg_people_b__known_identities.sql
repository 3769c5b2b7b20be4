select
    'people_b' as customer_source,
    rec_id as source_customer_id,
    regexp_extract(rec_id, 'rec-(\d+)-', 1) as identity
from ({{ latest(source("people_b", "people")) }}) as newest
