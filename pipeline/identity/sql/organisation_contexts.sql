{#- The words of towns, streets and codes beside each organisation and beside what may
    be one, that stand with few organisations. -#}
with said as (
    select distinct
        universities.organisation,
        null as source_key,
        unnest(string_split(tails.words, ' ')) as word
    from _identity_universities as universities
    inner join _identity_tails as tails on universities.name = tails.name
    where tails.kind in ('x', 'a', 'g')
    union
    select distinct
        null as organisation,
        sources.source_key,
        unnest(string_split(parts.sequence, ' ')) as word
    from _identity_sources as sources
    inner join _identity_read as parts
        on sources.name = parts.name and sources.place < parts.place
    where sources.turn = 1 and parts.kind in ('x', 'a')
)

select *
from said
where length(word) > 2 and word not in ({{ countries | sort | literals }})
qualify count(distinct organisation) over (partition by word) <= 2
