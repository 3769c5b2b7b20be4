-- The last rule of each of the four cells holds always, so that no account falls out.
with levels as (
    select 'high' as level
    union all
    select 'low' as level
),

cells as (
    select
        matrix_settings.policy_id,
        attractiveness.level as attractiveness_level,
        strength.level as strength_level
    from {{ ref("core_matrix_settings") }} as matrix_settings
    cross join levels as attractiveness
    cross join levels as strength
),

last_rules as (
    select
        *,
        row_number() over (
            partition by policy_id, attractiveness_level, strength_level
            order by rule_order desc
        ) as place
    from {{ ref("matrix_strategies") }}
)

select
    cells.policy_id,
    cells.attractiveness_level,
    cells.strength_level
from cells
left join last_rules
    on
        cells.policy_id = last_rules.policy_id
        and cells.attractiveness_level = last_rules.attractiveness_level
        and cells.strength_level = last_rules.strength_level
        and last_rules.place = 1
where
    last_rules.policy_id is null
    or coalesce(
        last_rules.has_purchased, last_rules.is_profitable, last_rules.is_growing
    ) is not null
