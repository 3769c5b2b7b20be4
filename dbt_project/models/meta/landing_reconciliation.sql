{#-
From what was read to the door of staging, and through it: which rows landed, which of them
count, and what sources.yaml says that they become against what staging gives. Both sides
are counted apart: pipeline/landing/accounting.py reads the landed rows, the model reconciliation
reads staging.
-#}
with landed as (
    select * from {{ source("refresh", "landed") }}
),

becomes as (
    select * from {{ source("refresh", "becomes") }}
),

staged as (
    select
        source,
        entity,
        sum(staged_rows) as staged_rows,
        sum(staged_amount) as staged_amount
    from {{ ref("reconciliation") }}
    group by source, entity
),

-- Several landed entities may become one, such as deals and prospects leads.
together as (
    select
        source,
        entity,
        sum(taken_rows) as taken_rows,
        sum(taken_amount) as taken_amount,
        -- Money is compared where it is given.
        max(case when taken_amount <> 0 then 1 else 0 end) as has_amount
    from becomes
    group by source, entity
),

final as (
    select
        landed.source,
        landed.entity as landed_entity,
        coalesce(becomes.entity, '-') as entity,
        landed.rows_read as read_rows,
        landed.rows_quarantined as quarantined_rows,
        landed.rows_forgotten as forgotten_rows,
        landed.rows_landed as landed_rows,
        landed.superseded_rows,
        landed.deleted_keys as deleted_rows,
        landed.different_keys - landed.deleted_keys as current_rows,
        landed.rows_refused as refused_rows,
        becomes.left_out_rows,
        becomes.merged_rows,
        becomes.taken_rows,
        cast(coalesce(staged.staged_rows, 0) as bigint) as staged_rows,
        cast(
            landed.rows_read
            - landed.rows_quarantined
            - landed.rows_forgotten
            - landed.superseded_rows
            - landed.deleted_keys
            - coalesce(
                becomes.current_rows, landed.different_keys - landed.deleted_keys
            ) as bigint
        ) as landing_difference,
        cast(
            coalesce(together.taken_rows - coalesce(staged.staged_rows, 0), 0) as bigint
        ) as row_difference,
        becomes.taken_amount,
        becomes.superseded_amount,
        cast(case
            when together.has_amount = 1 then coalesce(staged.staged_amount, 0)
        end as {{ type_money_sum() }}) as staged_amount,
        cast(case
            when together.has_amount = 1
                then together.taken_amount - coalesce(staged.staged_amount, 0)
            else 0
        end as {{ type_money_sum() }}) as amount_difference
    from landed
    left join becomes
        on landed.source = becomes.source and landed.entity = becomes.landed_entity
    left join together
        on becomes.source = together.source and becomes.entity = together.entity
    left join staged
        on becomes.source = staged.source and becomes.entity = staged.entity
)

select * from final
