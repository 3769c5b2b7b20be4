select
    currency as from_currency,
    'EUR' as to_currency,
    rate_date,
    rate
from ({{ latest(source("erp", "fx_rates")) }}) as newest
