{#- What stands behind the organisation in each name: towns, campuses, streets, codes.
    -#}
select
    mentions.name,
    mentions.head_key,
    parts.kind,
    parts.place - mentions.place as distance,
    parts.sequence as words
from _identity_mentions as mentions
inner join _identity_read as parts
    on mentions.name = parts.name and mentions.place < parts.place
where
    parts.kind in ('g', 'x', 'a', 'k')
    and parts.sequence not in (
        select _identity_departments.words from _identity_departments
    )
    and parts.words not in ({{ countries | sort | literals }})
union all
select
    name,
    head_key,
    'b' as kind,
    1 as distance,
    behind as words
from _identity_mentions
where behind <> ''
