with leads as (
    select * from {{ ref("core_leads") }}
),

final as (
    select
        lead_id,
        customer_id,
        {{ masked_name("lead_name") }} as lead_name,
        stage,
        amount,
        currency,
        probability,
        expected_close_date,
        owner,
        created_on,
        last_contact_on,
        source,
        customer_source,
        source_customer_id
    from leads
)

select * from final
