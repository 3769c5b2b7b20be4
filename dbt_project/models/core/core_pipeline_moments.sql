{#-
What each customer's open deals are worth at each moment, weighted by their chances. Of a
deal that has been closed since, the chance that it then had is not recorded, and how it
ended must not be known before: it counts with the seed's unknown_probability. The sum is
not known where too few of the deals have an amount.
-#}
with leads as (
    select * from {{ ref("core_leads") }}
),

moments as (
    select * from {{ ref("core_moments") }}
),

potential_settings as (
    select * from {{ ref("core_potential_settings") }}
),

-- What is not open and has no day of closing was open nobody knows when.
deals as (
    select
        leads.customer_id,
        leads.created_on,
        leads.closed_on,
        leads.amount,
        case
            when leads.is_open and leads.closed_on is null then leads.probability
        end as probability
    from leads
    where
        leads.customer_id is not null
        and (leads.is_open or leads.closed_on is not null)
),

final as (
    select
        deals.customer_id,
        moments.moment_no,
        count(*) as pipeline_deals,
        cast(count(deals.amount) as double) / count(*) as pipeline_coverage,
        cast(case
            when
                cast(count(deals.amount) as double) / count(*)
                >= {{ least_coverage() }}
                then sum(cast(
                    cast(deals.amount as {{ type_money_sum() }})
                    * coalesce(
                        deals.probability, potential_settings.unknown_probability
                    ) as {{ type_money() }}
                ))
        end as {{ type_money() }}) as pipeline_amount
    from deals
    inner join moments
        on
            (
                deals.created_on <= moments.as_of_date
                or (deals.created_on is null and moments.is_present)
            )
            and (
                deals.closed_on > moments.as_of_date
                or deals.closed_on is null
            )
    cross join potential_settings
    group by deals.customer_id, moments.moment_no
)

select * from final
