{#- Every verdict that the models decide is declared, with its words, and none besides;
    the one that always holds comes last; every fact that is to be told has its words, and
    its condition. -#}
with declared as (
    select * from {{ ref("verdicts") }}
),

decided as (
    {%- for verdict in verdict_conditions() %}
    select '{{ verdict }}' as verdict
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

facts as (
    {%- for fact in verdict_facts() %}
    select '{{ fact }}' as fact
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

speaks as (
    select * from {{ ref("verdict_speaks") }}
),

words as (
    select * from {{ ref("verdict_facts") }}
)

select
    decided.verdict as subject,
    'is not declared' as problem
from decided
left join declared on decided.verdict = declared.verdict
where declared.verdict is null
union all
select
    declared.verdict as subject,
    'is no verdict that is decided' as problem
from declared
left join decided on declared.verdict = decided.verdict
where decided.verdict is null
union all
select
    declared.verdict as subject,
    'comes after the one that always holds' as problem
from declared
inner join declared as always on always.verdict = 'serve'
where declared.verdict_order > always.verdict_order
union all
select
    verdict as subject,
    'lacks words, an order or an urgency' as problem
from declared
where
    verdict_order is null
    or urgency is null
    or name_en is null
    or name_zh is null
    or recommendation_en is null
    or recommendation_zh is null
union all
select
    declared.verdict as subject,
    'has no fact that speaks for it' as problem
from declared
left join speaks on declared.verdict = speaks.verdict and speaks.speaks = 'for'
where speaks.verdict is null
union all
select
    speaks.fact as subject,
    'is told and has no words, or is no fact' as problem
from speaks
left join words on speaks.fact = words.fact
left join facts on speaks.fact = facts.fact
left join declared on speaks.verdict = declared.verdict
where
    words.text_en is null
    or words.text_zh is null
    or facts.fact is null
    or declared.verdict is null
