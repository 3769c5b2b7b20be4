-- Amounts are multiplied with a rate: one that is missing or not positive loses
-- revenue, whichever source it comes from.
select
    currency,
    valid_from,
    rate
from {{ ref("core_fx_rates") }}
where rate is null or rate <= 0
