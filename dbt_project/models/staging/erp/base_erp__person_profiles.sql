with latest_person_profiles as (
    {{ latest(source("erp", "person_profiles")) }}
)

select * from latest_person_profiles
