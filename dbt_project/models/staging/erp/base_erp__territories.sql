with latest_territories as (
    {{ latest(source("erp", "territories"), ["territory_id"]) }}
)

select * from latest_territories
