{#- What may be a company in a name: what stands alone in one and in five of all, with
    what stands beside it. -#}
with sources as (
    select sources.*
    from _identity_sources as sources
    left join _identity_aliases as aliases
        on sources.source_key = aliases.source_key
    qualify not coalesce(
        bool_or(aliases.source_key is not null) over (partition by sources.name), false
    )
),

heads as (
    select
        source_key,
        count(*) filter (where parts = 1 and not has_unit) as alone
    from sources
    where
        not list_has_all([{{ general | literals }}], string_split(source_key, ' '))
    group by source_key
    having
        count(*) filter (where parts = 1 and not has_unit) >= 1
        and count(*) >= 5
),

chosen as (
    select
        sources.name,
        sources.place,
        sources.source_key,
        count(*) over (partition by sources.name) as heads
    from sources
    inner join heads on sources.source_key = heads.source_key
    qualify
        row_number() over (
            partition by sources.name
            order by heads.alone desc, sources.place
        ) = 1
),

beside as (
    select
        chosen.name,
        chosen.source_key,
        others.source_key as words,
        others.place < chosen.place as is_in_front,
        others.place
    from chosen
    inner join sources as others
        on chosen.name = others.name and chosen.place <> others.place
)

select
    chosen.name,
    chosen.source_key,
    chosen.heads,
    beside.words,
    beside.place,
    coalesce(beside.is_in_front, false) as is_in_front
from chosen
left join beside on chosen.name = beside.name
