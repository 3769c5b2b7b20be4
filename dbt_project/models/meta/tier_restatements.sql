{#-
Where the replay of the past says another tier for a month end than what had been published
of it, and why. Nothing that was published is rewritten without a line here; of an id that
is no more, identity_log says what became of it.
-#}
with earlier as (
    select * from {{ source("refresh", "tier_restatements") }}
),

published as (
    select * from {{ source("refresh", "published_tiers") }}
),

published_forecasters as (
    select * from {{ source("refresh", "published_forecasters") }}
),

published_prints as (
    select * from {{ source("refresh", "policy_prints") }}
),

policy_prints as (
    select * from {{ ref("policy_prints") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

identities as (
    select identity_log.customer_id
    from {{ ref("identity_log") }} as identity_log
    inner join refresh on identity_log.refresh_id = refresh.refresh_id
    union
    select identity_log.earlier_customer_id as customer_id
    from {{ ref("identity_log") }} as identity_log
    inner join refresh on identity_log.refresh_id = refresh.refresh_id
),

replayed as (
    select *
    from {{ ref("int_tiers") }}
    where is_month_end
),

-- The champion of today speaks for the past too; a new one may see it otherwise.
forecast_anew as (
    select distinct
        history.customer_id,
        history.as_of_date
    from {{ ref("customer_value_history") }} as history
    inner join published_forecasters
        on
            history.customer_type = published_forecasters.customer_type
            and history.as_of_date = published_forecasters.as_of_date
    left join published_forecasters as same
        on
            history.customer_type = same.customer_type
            and history.as_of_date = same.as_of_date
            and history.value_model = same.value_model
    where history.value_model is not null and same.value_model is null
),

compared as (
    select
        replayed.customer_id,
        replayed.as_of_date,
        published.tier_code as published_tier_code,
        replayed.tier_code as restated_tier_code,
        case
            when identities.customer_id is not null then 'identity'
            when
                replayed.policy_id <> published.policy_id
                or policy_prints.policy_print <> published_prints.policy_print
                then 'policy'
            when replayed.is_override <> published.is_override then 'override'
            when forecast_anew.customer_id is not null then 'forecaster'
            else 'late data'
        end as cause
    from replayed
    inner join published
        on
            replayed.customer_id = published.customer_id
            and replayed.as_of_date >= published.valid_from
            and replayed.as_of_date <= published.as_of_date
            and (
                published.valid_to is null
                or replayed.as_of_date < published.valid_to
            )
    left join identities on replayed.customer_id = identities.customer_id
    left join forecast_anew
        on
            replayed.customer_id = forecast_anew.customer_id
            and replayed.as_of_date = forecast_anew.as_of_date
    left join policy_prints on replayed.policy_id = policy_prints.policy_id
    left join published_prints on replayed.policy_id = published_prints.policy_id
    where replayed.tier_code <> published.tier_code
),

final as (
    select
        refresh_id,
        as_of_date,
        customer_id,
        first_month,
        last_month,
        months,
        published_tier_code,
        restated_tier_code,
        cause
    from earlier
    union all
    select
        refresh.refresh_id,
        refresh.as_of_date,
        compared.customer_id,
        min(compared.as_of_date) as first_month,
        max(compared.as_of_date) as last_month,
        count(*) as months,
        compared.published_tier_code,
        compared.restated_tier_code,
        compared.cause
    from compared
    cross join refresh
    group by
        refresh.refresh_id, refresh.as_of_date, compared.customer_id,
        compared.published_tier_code, compared.restated_tier_code, compared.cause
)

select * from final
