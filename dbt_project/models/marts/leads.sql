with leads as (
    select * from {{ ref("core_leads") }}
),

final as (
    select
        lead_id,
        customer_id,
        case
            when is_known_company then lead_name
            else {{ masked_name("lead_name") }}
        end as lead_name,
        customer_type,
        stage,
        is_open,
        amount,
        currency,
        source_amount,
        source_currency,
        probability,
        expected_close_date,
        owner,
        created_on,
        closed_on,
        last_contact_on,
        source,
        customer_source,
        source_customer_id
    from leads
)

select * from final
