with latest_person_profiles as (
    {{ latest(source("erp", "person_profiles"), ["customer_number"]) }}
)

select * from latest_person_profiles
