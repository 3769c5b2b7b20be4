{#- A print of every policy's seeds: it changes when anybody edits a row of them. -#}
{%- set tables = {
    "policies": ["valid_from", "valid_to", "is_published", "value_weight",
        "potential_weight", "min_coverage"],
    "tiers": ["tier_code", "tier_rank", "band", "confirmations", "grace"],
    "tier_rules": ["rule_order", "tier_code", "has_purchased", "min_value_score",
        "min_potential_score"],
    "tier_rule_facts": ["rule_order", "fact", "at_least"],
    "score_factors": ["customer_type", "score", "factor", "weight"],
    "score_anchors": ["customer_type", "factor", "raw_value", "score"],
} -%}

with policies as (
    select * from {{ ref("policies") }}
),

tiers as (
    select * from {{ ref("tiers") }}
),

tier_rules as (
    select * from {{ ref("tier_rules") }}
),

tier_rule_facts as (
    select * from {{ ref("tier_rule_facts") }}
),

score_factors as (
    select * from {{ ref("score_factors") }}
),

score_anchors as (
    select * from {{ ref("score_anchors") }}
),

prints as (
    {%- for table, columns in tables.items() %}
    select
        policy_id,
        {{ row_hash(["'" ~ table ~ "'"] + columns) }} as row_print
    from {{ table }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        policy_id,
        cast(bit_xor(row_print) as {{ type_text() }}) as policy_print
    from prints
    group by policy_id
)

select * from final
