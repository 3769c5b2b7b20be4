with leads as (
    select * from {{ ref("core_leads") }}
),

final as (
    select
        lead_id,
        customer_id,
        lead_name,
        stage,
        amount,
        currency,
        probability,
        expected_close_date,
        owner,
        created_on,
        last_contact_on,
        source
    from leads
)

select * from final
