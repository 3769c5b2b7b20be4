with latest_territories as (
    {{ latest(source("erp", "territories")) }}
)

select * from latest_territories
