{#-
Prospects and deals, as they stood at the end of the as-of day. A deal is open as its
source says, else by its chance; one that was closed later was still open, and neither its
end nor the stage and the chance that it led to are known yet. The amount is in the reporting currency, at the rate of the day on which
it was recorded, so that it is one amount at all moments.
-#}
with leads as (
    {{ known("leads") }}
),

source_keys as (
    select * from {{ ref("core_customer_source_keys") }}
),

customers as (
    select * from {{ ref("core_customers") }}
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

known as (
    select
        leads.*,
        refresh.as_of_date,
        coalesce(leads.created_on, refresh.as_of_date) as rate_day,
        coalesce(
            leads.is_open, leads.probability > 0 and leads.probability < 1
        ) as is_open_today
    from leads
    cross join refresh
),

final as (
    select
        known.source || ':' || known.lead_id as lead_id,
        source_keys.customer_id,
        known.lead_name,
        coalesce(known.customer_type, customers.customer_type, 'company')
            as customer_type,
        -- Who nobody calls a company may be a person.
        coalesce(known.customer_type, customers.customer_type) = 'company'
            as is_known_company,
        known.email,
        known.phone,
        known.stage,
        case
            when known.ended_later then true
            when known.closed_on is not null then false
            else known.is_open_today
        end as is_open,
        {{ in_reporting_currency("known.amount", "known") }} as amount,
        '{{ var("reporting_currency") }}' as currency,
        known.amount as source_amount,
        known.currency as source_currency,
        known.probability,
        known.expected_close_date,
        known.owner,
        known.created_on,
        known.closed_on,
        known.last_contact_on,
        coalesce(known.annual_revenue, customers.annual_revenue) as annual_revenue,
        coalesce(known.yearly_income, customers.yearly_income) as yearly_income,
        coalesce(known.industry, customers.industry) as industry,
        known.source,
        known.customer_source,
        known.source_customer_id
    from known
    left join source_keys
        on
            known.customer_source = source_keys.source
            and known.source_customer_id = source_keys.source_customer_id
    left join customers on source_keys.customer_id = customers.customer_id
    {{ join_fx_rates("known", "known.rate_day") }}
)

select * from final
