{#-
What is due because of a day: birthdays, and holidays of the country of a customer.
-#}
{{ config(materialized="view") }}

with present as (
    select * from {{ ref("int_served_customers") }}
),

rules as (
    select * from {{ ref("int_action_rules") }}
),

holidays as (
    select * from {{ ref("holidays") }}
),

-- The years are counted from the birth, so that who was born on a 29th of February
-- keeps that day in a leap year.
birthdays as (
    select
        customer_id,
        as_of_date,
        tier_code,
        customer_type,
        case
            when
                {{ plus_months(
                    "birth_date",
                    "12 * (extract(year from as_of_date)"
                    ~ " - extract(year from birth_date))",
                ) }} > as_of_date
                then
                    {{ plus_months(
                        "birth_date",
                        "12 * (extract(year from as_of_date)"
                        ~ " - extract(year from birth_date))",
                    ) }}
            else
                {{ plus_months(
                    "birth_date",
                    "12 * (extract(year from as_of_date)"
                    ~ " - extract(year from birth_date) + 1)",
                ) }}
        end as birthday
    from present
    where birthday_care and birth_date is not null
),

greeted as (
    select
        present.customer_id,
        holidays.holiday_date,
        holidays.name_en,
        holidays.name_zh,
        row_number() over (
            partition by present.customer_id
            order by holidays.holiday_date, holidays.country desc, holidays.name_en
        ) as place
    from present
    {{ join_action_rules("present", "holiday") }}
    inner join holidays
        on
            (holidays.country = '*' or present.country = holidays.country)
            and present.as_of_date < holidays.holiday_date
            and {{ plus_days("present.as_of_date", "rules.days") }}
            >= holidays.holiday_date
    where present.holiday_care
),

-- The year of birth is nobody's business here.
birthdays_due as (
    select
        birthdays.customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'birthday' as action_code,
        birthdays.birthday as due_from,
        'Birthday on ' || substring(cast(birthdays.birthday as {{ type_text() }}), 6, 5)
        || ' (month and day).' as reason_en,
        '生日：' || substring(cast(birthdays.birthday as {{ type_text() }}), 6, 5)
        || '（月-日）。' as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from birthdays
    {{ join_action_rules("birthdays", "birthday") }}
    where
        birthdays.birthday <= {{ plus_days("birthdays.as_of_date", "rules.days") }}
),

holidays_due as (
    select
        customer_id,
        cast(null as {{ type_text() }}) as lead_id,
        'holiday' as action_code,
        holiday_date as due_from,
        name_en || ' on ' || cast(holiday_date as {{ type_text() }})
        || '.' as reason_en,
        cast(holiday_date as {{ type_text() }}) || '：' || name_zh || '。' as reason_zh,
        1 as times_missed,
        cast(null as {{ type_money_sum() }}) as at_stake
    from greeted
    where place = 1
),

final as (
    select * from birthdays_due
    union all
    select * from holidays_due
)

select * from final
