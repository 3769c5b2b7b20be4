-- All 125 cells, each once: the map is total and disjoint.
with fifths as (
    select 1 as score
    union all
    select 2 as score
    union all
    select 3 as score
    union all
    select 4 as score
    union all
    select 5 as score
),

cells as (
    select
        r.score as r_score,
        f.score as f_score,
        m.score as m_score
    from fifths as r
    cross join fifths as f
    cross join fifths as m
)

select
    cells.r_score,
    cells.f_score,
    cells.m_score,
    count(rfm_segments.rfm_segment) as segments
from cells
left join {{ ref("rfm_segments") }} as rfm_segments
    on
        cells.r_score = rfm_segments.r_score
        and cells.f_score = rfm_segments.f_score
        and cells.m_score = rfm_segments.m_score
group by cells.r_score, cells.f_score, cells.m_score
having count(rfm_segments.rfm_segment) <> 1
