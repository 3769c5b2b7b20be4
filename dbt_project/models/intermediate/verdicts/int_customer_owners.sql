{#-
Who looks after each customer: its owner, else who dealt with it last, else the role that
its tier names.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

interactions as (
    select * from {{ ref("core_interactions") }}
),

last_owners as (
    select
        customer_id,
        owner,
        row_number() over (
            partition by customer_id order by occurred_at desc, interaction_id desc
        ) as place
    from interactions
    where customer_id is not null and owner is not null
),

final as (
    select
        present.customer_id,
        coalesce(present.owner, last_owners.owner, present.owner_role_en) as owner
    from present
    left join last_owners
        on present.customer_id = last_owners.customer_id and last_owners.place = 1
)

select * from final
