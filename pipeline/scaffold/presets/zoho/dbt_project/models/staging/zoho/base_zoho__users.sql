{#- The names of owners, who are ids in every other module. -#}
with latest_users as (
    {{ latest(source("zoho", "users")) }}
),

renamed as (
    select
        id as user_id,
        coalesce(full_name, email, id) as user_name
    from latest_users
)

select * from renamed
