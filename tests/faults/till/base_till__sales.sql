select
    cast(sale as varchar) as sale,
    cast(customer as varchar) as customer,
    product,
    cast(sold_on as date) as sold_on,
    cast(quantity as decimal(18, 4)) as quantity,
    cast(price as decimal(12, 2)) as price
from ({{ latest(source("till", "sales")) }}) as sales
