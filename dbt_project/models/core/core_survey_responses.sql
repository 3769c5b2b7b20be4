{#- Answers to surveys known on the as-of day: `nps` from 0 to 10, `csat` from 1 to 5.
    A survey without a known customer is kept. -#}
with survey_responses as (
    {{ known("survey_responses") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

final as (
    select
        survey_responses.source || ':' || survey_responses.response_id as response_id,
        source_keys.customer_id,
        survey_responses.survey,
        survey_responses.score,
        survey_responses.responded_at,
        {{ business_date("survey_responses.responded_at") }} as responded_on,
        survey_responses.source,
        survey_responses.customer_source,
        survey_responses.source_customer_id
    from survey_responses
    left join source_keys
        on
            survey_responses.customer_source = source_keys.source
            and survey_responses.source_customer_id = source_keys.source_customer_id
)

select * from final
