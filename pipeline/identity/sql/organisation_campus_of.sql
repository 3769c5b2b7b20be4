{#- The campus of each name of a university that has several: by what stands behind
    it, or by a town, street or code that stands with one campus only; null where
    nothing tells. -#}
with behind as (
    select distinct
        mentions.name,
        mentions.head_key,
        tails.words,
        string_split(tails.words, ' ') as listed
    from _identity_ordered as mentions
    inner join _identity_tails as tails on mentions.name = tails.name
    where
        mentions.head_key in (select _identity_campuses.head_key from _identity_campuses
        )
),

named as (
    select
        behind.name,
        behind.head_key,
        min(campuses.campus) as campus
    from behind
    inner join _identity_campuses as campuses
        on
            behind.head_key = campuses.head_key
            and (
                list_has_all(campuses.words, behind.listed)
                or list_has_all(behind.listed, string_split(campuses.campus, ' '))
            )
    group by behind.name, behind.head_key
    having count(distinct campuses.campus) = 1
),

telling as (
    select
        behind.head_key,
        behind.words,
        min(named.campus) as campus
    from behind
    inner join named on behind.name = named.name
    group by behind.head_key, behind.words
    having count(distinct named.campus) = 1 and count(distinct behind.name) >= 2
),

implied as (
    select
        behind.name,
        min(telling.campus) as campus
    from behind
    inner join telling
        on behind.head_key = telling.head_key and behind.words = telling.words
    where behind.name not in (select named.name from named)
    group by behind.name
    having count(distinct telling.campus) = 1
)

select
    name,
    campus
from named
union all
select
    name,
    campus
from implied
