{#- Mailboxes and telephones of people at customers. As those of a company, because the
    mailbox of a role is theirs as well. -#}
select distinct
    customer_id as key,
    'company' as customer_type,
    cast(null as varchar) as customer_name,
    email,
    phone
from {{ contacts | sql }}
where
    customer_id is not null
    and coalesce(email, phone) is not null
    -- Where no lead asks, nobody's telephone is read.
    and exists (
        select 1 from _identity_lead_forms as leads
        where leads.email_key is not null or leads.phone_key is not null
    )
order by key, email, phone
