{#-
With whom each customer is compared, by its attributes as known today. Its segment is its
type with, of companies, industry and size, of persons, country and income; in a segment
with too few buyers its peers are all customers of its type.
-#}
with customers as (
    select * from {{ ref("core_customers") }}
),

customer_days as (
    select * from {{ ref("core_customer_days") }}
),

potential_settings as (
    select * from {{ ref("core_potential_settings") }}
),

bands as (
    select
        customer_type,
        band,
        from_amount,
        coalesce(
            lead(from_amount) over (partition by customer_type order by from_amount),
            cast('infinity' as double)
        ) as to_amount
    from {{ ref("peer_bands") }}
),

measured as (
    select
        *,
        case
            when customer_type = 'company' then industry else country
        end as kind,
        case
            when customer_type = 'company' then annual_revenue else yearly_income
        end as size_amount
    from customers
),

segmented as (
    select
        measured.customer_no,
        measured.customer_id,
        measured.customer_type,
        measured.customer_type
        || ' / ' || coalesce(measured.kind, 'unknown')
        || ' / ' || coalesce(bands.band, 'unknown') as segment
    from measured
    left join bands
        on
            measured.customer_type = bands.customer_type
            and measured.size_amount >= bands.from_amount
            and measured.size_amount < bands.to_amount
),

buyers as (
    select distinct customer_no
    from customer_days
    where is_purchase_day = 1
),

segments as (
    select
        segmented.segment,
        count(buyers.customer_no) as buyers
    from segmented
    left join buyers on segmented.customer_no = buyers.customer_no
    group by segmented.segment
),

final as (
    select
        segmented.customer_id,
        segmented.customer_no,
        segmented.customer_type,
        segmented.segment,
        segments.buyers as segment_buyers,
        case
            when segments.buyers >= potential_settings.min_peers
                then segmented.segment
            else segmented.customer_type
        end as peer_group
    from segmented
    inner join segments on segmented.segment = segments.segment
    cross join potential_settings
)

select * from final
