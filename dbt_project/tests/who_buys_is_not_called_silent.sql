{{ config(severity="warn") }}
-- The words are those of the seed rfm_segments, which a business may change: a warning.
-- A rank among customers who buy more often is no state: nobody whose own lifecycle
-- says that it buys is called by the words for those who do not, and nobody new who is
-- not.
select
    customer_id,
    lifecycle_stage,
    rfm_segment,
    days_since_last_order,
    overdue_factor
from {{ ref("customer_value") }}
where
    (
        lifecycle_stage in ('new', 'active', 'growing', 'reactivated')
        and rfm_segment in ('at risk', 'dormant', 'lost', 'slipping')
    )
    or (
        lifecycle_stage <> 'new'
        and {{ has_rhythm("order_days") }}
        and rfm_segment = 'new'
    )
