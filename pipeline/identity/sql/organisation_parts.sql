{#- The parts of the names that have several: a row per name and part, in their order.
    -#}
with written as (
    select distinct name_parts as name
    from {{ forms | sql }}
    where name_parts is not null
),

split as (
    select
        name,
        string_split(name, '|') as parts
    from written
),

placed as (
    select
        name,
        parts,
        unnest(range(1, length(parts) + 1)) as place
    from split
)

select
    name,
    place,
    left(parts[place], 1) as kind,
    substr(parts[place], 3) as words
from placed
