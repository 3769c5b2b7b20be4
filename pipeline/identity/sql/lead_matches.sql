{#- The customer that each lead seems to be with, by the strongest evidence that points
    to one customer and no other. -#}
with leads as (
    select
        *,
        name_words as word_key,
        cast(null as date) as birth_date
    from _identity_lead_forms
),

by_mailbox as (
    select
        customer_id,
        email_key
    from _identity_known_names
    where email_key is not null
    union
    select
        key as customer_id,
        email_key
    from _identity_contact_forms
    where email_key is not null
),

by_phone as (
    select
        customer_id,
        phone_key
    from _identity_known_names
    where phone_key is not null
    union
    select
        key as customer_id,
        phone_key
    from _identity_contact_forms
    where phone_key is not null
),

-- Who shares something with a lead, and must agree in the name besides.
near as (
    select
        leads.key,
        by_phone.customer_id,
        2 as place,
        'phone and name' as matched_by
    from leads
    inner join by_phone on leads.phone_key = by_phone.phone_key
    union
    select
        leads.key,
        known.customer_id,
        3 as place,
        'domain and name' as matched_by
    from leads
    inner join _identity_known_names as known on leads.domain_key = known.domain_key
    union
    -- Of persons many have one name.
    select
        leads.key,
        known.customer_id,
        4 as place,
        'name' as matched_by
    from leads
    inner join _identity_known_names as known
        on
            leads.name_core = known.name_core
            and leads.customer_type = known.customer_type
    where leads.customer_type = 'company' and not known.name_is_common
),

sided as (
    select
        {% for column in agreement_columns %}
        l.{{ column | identifier }} as {{ (column ~ "_l") | identifier }},
        r.{{ column | identifier }} as {{ (column ~ "_r") | identifier }},
        {% endfor %}
        near.key,
        near.customer_id,
        near.place,
        near.matched_by,
        l.customer_type
    from near
    inner join leads as l on near.key = l.key
    inner join _identity_known_names as r
        on near.customer_id = r.customer_id and l.customer_type = r.customer_type
),

found as (
    select
        leads.key,
        by_mailbox.customer_id,
        1 as place,
        'e-mail' as matched_by
    from leads
    inner join by_mailbox on leads.email_key = by_mailbox.email_key
    union
    select
        key,
        customer_id,
        place,
        matched_by
    from sided
    where
        case
            when customer_type = 'person' then {{ agreements["person"] | sql }}
            when place = 4 then {{ agreements["name"] | sql }}
            else {{ agreements["name or sound"] | sql }}
        end
    union
    select
        leads.key,
        by_phone.customer_id,
        5 as place,
        'phone' as matched_by
    from leads
    inner join by_phone on leads.phone_key = by_phone.phone_key
),

single as (
    select
        key,
        place,
        matched_by,
        min(customer_id) as customer_id
    from found
    group by key, place, matched_by
    having count(distinct customer_id) = 1
)

select
    key as lead_id,
    min_by(customer_id, place) as matched_customer_id,
    min_by(matched_by, place) as matched_by
from single
group by key
order by lead_id
