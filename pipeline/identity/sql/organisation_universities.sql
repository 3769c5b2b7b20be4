{#- The organisation of each name that holds a university or the like. `part` is what
    tells it from others of the same words, where there are others; `?` where nothing
    tells. -#}
with split as (
    select distinct head_key
    from _identity_campuses
)

select
    mentions.name,
    mentions.head,
    mentions.head_key,
    campus_of.campus,
    mentions.head_key
    || case
        when split.head_key is null then ''
        else ' / ' || coalesce(campus_of.campus, '?')
    end as organisation,
    mentions.is_ordered or split.head_key is not null as is_part
from _identity_ordered as mentions
left join split on mentions.head_key = split.head_key
left join _identity_campus_of as campus_of on mentions.name = campus_of.name
