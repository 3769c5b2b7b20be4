{#-
Who of us knows whom at an account. A contact is covered when one of us owns it and spoke
with it in the last twelve months.
-#}
with contacts as (
    select * from {{ ref("core_contacts") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

judged as (
    select
        contacts.*,
        contacts.role = 'decision_maker' as is_decision_maker,
        contacts.owner is not null
        and contacts.last_contact_on > refresh.twelve_months_ago as is_covered
    from contacts
    cross join refresh
    where contacts.customer_id is not null
),

owners as (
    select
        customer_id,
        owner,
        row_number() over (
            partition by customer_id
            order by
                sum(case when is_covered then coalesce(influence, 1) else 0 end) desc,
                max(last_contact_on) desc nulls last, owner nulls last
        ) as place
    from judged
    where owner is not null
    group by customer_id, owner
),

sums as (
    select
        customer_id,
        count(*) as contacts,
        count(case when is_covered then 1 end) as covered_contacts,
        count(case when is_decision_maker then 1 end) as decision_makers,
        count(case when is_decision_maker and is_covered then 1 end)
            as covered_decision_makers,
        sum(influence) as influence,
        sum(case when is_covered then influence else 0 end) as covered_influence,
        count(distinct owner) as owners,
        max(last_contact_on) as last_contact_on
    from judged
    group by customer_id
),

final as (
    select
        sums.customer_id,
        cast(sums.contacts as integer) as contacts,
        cast(sums.covered_contacts as integer) as covered_contacts,
        cast(sums.decision_makers as integer) as decision_makers,
        cast(sums.covered_decision_makers as integer) as covered_decision_makers,
        cast(sums.covered_influence as double)
        / nullif(cast(sums.influence as double), 0) as influence_coverage,
        cast(sums.owners as integer) as owners,
        owners.owner as best_connected_owner,
        sums.last_contact_on
    from sums
    left join owners on sums.customer_id = owners.customer_id and owners.place = 1
)

select * from final
