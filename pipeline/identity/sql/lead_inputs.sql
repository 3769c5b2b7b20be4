{#- Leads that name no customer, with what identifies whom they are with. -#}
select
    lead_id as key,
    customer_type,
    lead_name as customer_name,
    email,
    phone
from {{ leads | sql }}
where customer_id is null
