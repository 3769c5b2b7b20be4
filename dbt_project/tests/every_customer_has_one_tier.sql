-- A rule set with a gap loses a customer; one with an overlap cannot double it, because
-- the first rule counts. Both sides are compared all the same.
select
    customers.customer_id,
    count(customer_tiers.customer_id) as tiers
from {{ ref("customers") }} as customers
left join {{ ref("customer_tiers") }} as customer_tiers
    on customers.customer_id = customer_tiers.customer_id
group by customers.customer_id
having count(customer_tiers.customer_id) <> 1
