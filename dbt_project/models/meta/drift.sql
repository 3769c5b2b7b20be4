{#-
Whether this refresh is like the earlier ones: each figure beside what is usual for it, the
median of its references, in a band of k robust deviations (1.4826 MAD) that is never
narrower than the seed drift_bounds says. A figure that has too few references is reported and
never outside.
-#}
with refresh as (
    select * from {{ ref("core_refresh") }}
),

bounds as (
    select * from {{ ref("drift_bounds") }}
),

samples as (
    select * from {{ ref("drift_samples") }}
),

kinds as (
    select distinct
        mart,
        metric,
        compared_with,
        scale
    from bounds
),

-- What grows by shares is compared by shares: a half is as far away as the double. Of
-- nothing there is no logarithm; a thousandth is as far below as counts go.
figures as (
    select
        samples.mart,
        samples.metric,
        samples.subject,
        samples.sample_no,
        samples.value,
        kinds.compared_with,
        case kinds.scale
            when 'ratio' then ln(greatest(samples.value, 0.001))
            else samples.value
        end as measure
    from samples
    inner join kinds
        on samples.mart = kinds.mart and samples.metric = kinds.metric
),

centres as (
    select
        mart,
        metric,
        subject,
        max(compared_with) as compared_with,
        max(case when sample_no = 0 then value end) as value,
        {{ median("case when sample_no > 0 then measure end") }} as centre,
        count(case when sample_no > 0 then 1 end) as reference_count
    from figures
    group by mart, metric, subject
),

deviations as (
    select
        figures.mart,
        figures.metric,
        figures.subject,
        {{ median("abs(figures.measure - centres.centre)") }} as reference_mad
    from figures
    inner join centres
        on
            figures.mart = centres.mart
            and figures.metric = centres.metric
            and figures.subject = centres.subject
    where figures.sample_no > 0
    group by figures.mart, figures.metric, figures.subject
),

spread as (
    select
        centres.*,
        deviations.reference_mad,
        bounds.severity,
        bounds.scale,
        bounds.least_references,
        bounds.least_absolute_band,
        bounds.why,
        case bounds.scale
            when 'ratio' then exp(centres.centre)
            else centres.centre
        end as reference_median,
        greatest(
            bounds.k * 1.4826 * coalesce(deviations.reference_mad, 0),
            case bounds.scale
                when 'ratio' then ln(1 + bounds.least_relative_band)
                else bounds.least_relative_band * abs(centres.centre)
            end
        ) as width,
        -- Where nothing is usual, as on a day on which the shop is closed, no band is.
        centres.reference_count >= greatest(bounds.least_references, 1)
        and not (
            bounds.scale = 'ratio'
            and bounds.compared_with = 'like weekdays'
            and centres.centre <= ln(0.001)
        ) as is_judged
    from centres
    inner join bounds
        on centres.mart = bounds.mart and centres.metric = bounds.metric
    left join deviations
        on
            centres.mart = deviations.mart
            and centres.metric = deviations.metric
            and centres.subject = deviations.subject
    where centres.value is not null
),

banded as (
    select
        *,
        -- Nothing that is measured can be negative, but for a day of returns alone.
        case
            when is_judged
                then greatest(
                    least(
                        case scale
                            when 'ratio' then exp(centre - width)
                            else centre - width
                        end,
                        reference_median - least_absolute_band
                    ),
                    0
                )
        end as lower_bound,
        case
            when is_judged
                then greatest(
                    case scale
                        when 'ratio' then exp(centre + width)
                        else centre + width
                    end,
                    reference_median + least_absolute_band
                )
        end as upper_bound
    from spread
),

judged as (
    select
        *,
        case
            when not is_judged then 'no history'
            when value < lower_bound or value > upper_bound then 'outside'
            else 'ok'
        end as outcome
    from banded
),

-- Of a warning and a critical bound the one that is crossed, and critical before
-- warning; where none is, the narrower.
ranked as (
    select
        *,
        row_number() over (
            partition by mart, metric, subject
            order by
                case when outcome = 'outside' then 0 else 1 end,
                case
                    when (outcome = 'outside') = (severity = 'critical') then 0
                    else 1
                end,
                severity
        ) as place
    from judged
),

final as (
    select
        refresh.refresh_id,
        refresh.as_of_date,
        ranked.mart,
        ranked.metric,
        ranked.subject,
        ranked.severity,
        ranked.outcome,
        ranked.value,
        ranked.reference_median,
        ranked.reference_mad,
        ranked.lower_bound,
        ranked.upper_bound,
        cast(ranked.reference_count as integer) as reference_count,
        ranked.compared_with,
        case
            when ranked.reference_count < greatest(ranked.least_references, 1)
                then
                    cast(ranked.reference_count as {{ type_text() }}) || ' of at least '
                    || cast(greatest(ranked.least_references, 1) as {{ type_text() }})
                    || ' references'
            when not ranked.is_judged then 'nothing is usual on such a day'
            else
                {{ plain_number("ranked.value", 3) }} || case
                    when ranked.outcome = 'ok' then ' is within '
                    when ranked.value > ranked.reference_median then ' is above '
                    else ' is below '
                end
                || {{ plain_number("ranked.lower_bound", 3) }}
                || ' to '
                || {{ plain_number("ranked.upper_bound", 3) }}
                || ' (usual: ' || {{ plain_number("ranked.reference_median", 3) }}
                || ', ' || ranked.compared_with || ')'
                || case
                    when ranked.outcome = 'outside' then ': ' || ranked.why
                    else ''
                end
        end as reason
    from ranked
    cross join refresh
    where ranked.place = 1
)

select * from final
