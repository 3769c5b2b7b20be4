{#-
What is known of the two dimensions of the account matrix: today and one, two and three
years ago, each seen from its own day. Of a factor the newest mark within the window
counts. A factor without a mark gives its weight to the others; a dimension of which too
little is known has no score.
-#}
with factor_scores as (
    select * from {{ ref("core_factor_scores") }}
),

policy as (
    select * from {{ ref("core_policy") }}
),

settings as (
    select matrix_settings.*
    from {{ ref("core_matrix_settings") }} as matrix_settings
    inner join policy on matrix_settings.policy_id = policy.policy_id
),

matrix_factors as (
    select matrix_factors.*
    from {{ ref("matrix_factors") }} as matrix_factors
    inner join policy on matrix_factors.policy_id = policy.policy_id
),

refresh as (
    select * from {{ ref("core_refresh") }}
),

windows as (
    {%- for months in [0, 12, 24, 36] %}
    select
        {{ months }} as months_ago,
        {{ months_before("refresh.as_of_date", months) }} as window_end,
        {{ months_before("refresh.as_of_date", "settings.window_months + " ~ months) }}
            as window_start
    from refresh
    cross join settings
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Two marks of one day are a quarrel between two systems: the lower one counts.
ranked as (
    select
        windows.months_ago,
        factor_scores.*,
        matrix_factors.weight as declared_weight,
        row_number() over (
            partition by
                windows.months_ago,
                factor_scores.customer_id,
                factor_scores.dimension,
                factor_scores.competitor,
                factor_scores.factor
            order by
                factor_scores.scored_on desc,
                factor_scores.score nulls last,
                factor_scores.source,
                factor_scores.scorer nulls last,
                factor_scores.evidence nulls last
        ) as newness
    from factor_scores
    inner join windows
        on
            factor_scores.scored_on > windows.window_start
            and factor_scores.scored_on <= windows.window_end
    inner join matrix_factors
        on
            factor_scores.dimension = matrix_factors.dimension
            and factor_scores.factor = matrix_factors.factor
),

declared as (
    select
        dimension,
        sum(weight) as weights
    from matrix_factors
    group by dimension
),

summed as (
    select
        ranked.*,
        sum(ranked.declared_weight) over dimension_of_account as known_weight,
        sum(ranked.score * ranked.declared_weight) over dimension_of_account as points,
        -- The heaviest factor takes what rounding leaves over.
        row_number() over (
            partition by
                ranked.months_ago,
                ranked.customer_id,
                ranked.dimension,
                ranked.competitor
            order by ranked.declared_weight desc, ranked.factor
        ) as place
    from ranked
    where ranked.newness = 1
    window dimension_of_account as (
        partition by
            ranked.months_ago, ranked.customer_id, ranked.dimension, ranked.competitor
    )
),

weighted as (
    select
        summed.*,
        {%- for part, whole, name in [
            ("summed.known_weight", "declared.weights", "coverage"),
            ("summed.declared_weight", "summed.known_weight", "weight"),
            ("summed.points", "summed.known_weight", "weighted_score"),
            ("summed.score * summed.declared_weight", "summed.known_weight", "part"),
        ] %}
        {{ rounded(
            "cast(" ~ part ~ " as double) / cast(" ~ whole ~ " as double)", type_score()
        ) }} as {{ name }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from summed
    inner join declared on summed.dimension = declared.dimension
    where summed.known_weight > 0
),

final as (
    select
        weighted.customer_id,
        weighted.months_ago,
        weighted.dimension,
        weighted.competitor,
        weighted.factor,
        weighted.score,
        cast(weighted.declared_weight as {{ type_score() }}) as declared_weight,
        weighted.weight,
        case
            when weighted.coverage < policy.min_coverage then null
            when weighted.place > 1 then weighted.part
            else
                cast(
                    weighted.weighted_score + weighted.part
                    - sum(weighted.part) over (
                        partition by
                            weighted.months_ago,
                            weighted.customer_id,
                            weighted.dimension,
                            weighted.competitor
                    ) as {{ type_score() }}
                )
        end as contribution,
        weighted.coverage,
        case
            when weighted.coverage >= policy.min_coverage then weighted.weighted_score
        end as dimension_score,
        weighted.scorer,
        weighted.scored_on,
        weighted.evidence
    from weighted
    cross join policy
)

select * from final
