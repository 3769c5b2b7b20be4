{#- An id for each group that has none: 12 hexadecimal digits of a hash of its
    founding record, so the same when the same records are loaded into an empty home
    again. One that was ever given is left out; the next salt gives another. -#}
with new as (
    select
        founders.label,
        'C' || upper(
            left(
                sha256(
                    founders.source || chr(31) || founders.source_customer_id || chr(31)
                    || {{ salt | literal }}
                ), 12
            )
        ) as customer_id
    from _identity_founders as founders
    anti join {{ ids | sql }} as ids on founders.label = ids.label
)

select
    label,
    customer_id,
    true as is_new
from new
where
    customer_id not in (select minted.customer_id from {{ minted | sql }} as minted)
    and customer_id not in (select ids.customer_id from {{ ids | sql }} as ids)
qualify row_number() over (partition by customer_id order by label) = 1
