{#-
Which figures are worth to be shown: one that is measured beside a bound (quality_bounds),
and lies outside it in half of its measurements or more, is withheld. What nobody has
measured is not known to be bad. A bound is declared for a customer type; so is this.
-#}
with checks as (
    select * from {{ ref("quality_checks") }}
),

figures as (
    {%- for customer_type in ["company", "person"] %}
    {%- set forecasts = "value of " ~ customer_type %}
    {%- for figure, model, metric in [
        ("health", "health", "auc"),
        ("no_purchase", forecasts, "no_purchase auc"),
        ("forecast", forecasts, "purchases relative_bias"),
        ("forecast", forecasts, "revenue relative_bias"),
        ("forecast", forecasts, "choice error_to_baseline"),
    ] %}
    select
        '{{ customer_type }}' as customer_type,
        '{{ figure }}' as figure,
        '{{ model }}' as model,
        '{{ metric }}' as metric,
        '{{ customer_type if figure == "health" else "%" }}' as subject
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

measured as (
    select
        figures.customer_type,
        figures.figure,
        figures.metric,
        count(checks.value) as measurements,
        count(case when checks.outcome = 'outside' then 1 end) as outside,
        avg(case when checks.outcome = 'outside' then checks.value end) as value,
        max(checks.least) as least,
        max(checks.most) as most
    from figures
    left join checks
        on
            figures.model = checks.model
            and figures.metric = checks.metric
            and checks.subject like figures.subject
    group by figures.customer_type, figures.figure, figures.metric
),

judged as (
    select
        *,
        outside > 0 and 2 * outside >= measurements as is_bad,
        row_number() over (
            partition by customer_type, figure
            order by
                case when outside > 0 and 2 * outside >= measurements then 0 else 1 end,
                metric
        ) as place
    from measured
),

totals as (
    select
        customer_type,
        figure,
        sum(measurements) as measurements
    from measured
    group by customer_type, figure
),

final as (
    select
        judged.customer_type,
        judged.figure,
        not judged.is_bad as is_reliable,
        cast(totals.measurements as integer) as measurements,
        case when judged.is_bad then judged.metric end as metric,
        case when judged.is_bad then judged.value end as value,
        case
            when judged.is_bad and judged.value < judged.least then judged.least
            when judged.is_bad then judged.most
        end as bound,
        case
            when judged.is_bad
                then
                    'Withheld: measured on the past, its ' || judged.metric || ' is '
                    || {{ plain_number("judged.value") }} || ', and '
                    || case
                        when judged.value < judged.least
                            then {{ plain_number("judged.least") }} || ' is the least'
                        else {{ plain_number("judged.most") }} || ' is the most'
                    end || ' that is worth showing.'
        end as reason_en,
        case
            when judged.is_bad
                then
                    '不予显示：用历史数据检验，' || judged.metric || '为'
                    || {{ plain_number("judged.value") }} || '，超出允许界限'
                    || case
                        when judged.value < judged.least
                            then {{ plain_number("judged.least") }}
                        else {{ plain_number("judged.most") }}
                    end || '。'
        end as reason_zh
    from judged
    inner join totals
        on
            judged.customer_type = totals.customer_type
            and judged.figure = totals.figure
    where judged.place = 1
)

select * from final
