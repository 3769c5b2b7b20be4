-- Two rates of one key on one day would charge a customer twice.
select
    earlier.cost_pool,
    earlier.driver,
    earlier.key,
    earlier.valid_from,
    later.valid_from as overlaps_from
from {{ ref("cost_rates") }} as earlier
inner join {{ ref("cost_rates") }} as later
    on
        earlier.cost_pool = later.cost_pool
        and earlier.driver = later.driver
        and earlier.key = later.key
        and earlier.valid_from < later.valid_from
where earlier.valid_to is null or later.valid_from < earlier.valid_to
union all
select
    rates.cost_pool,
    rates.driver,
    rates.key,
    rates.valid_from,
    rates.valid_to as overlaps_from
from {{ ref("cost_rates") }} as rates
where rates.valid_to <= rates.valid_from
