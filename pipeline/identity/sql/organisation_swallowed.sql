{#- Names in which a department and the organisation are one part, as no sign keeps
    them apart (Systems Group Bell Labs): the rest of the part is a department, and
    what is left means one organisation in other names. -#}
with known as (
    select
        aliases.source_key,
        aliases.organisation,
        aliases.organisation as part
    from _identity_aliases as aliases
    where aliases.is_unique
    union
    select
        head as source_key,
        'c ' || organisation as organisation,
        'c ' || head as part
    from _identity_companies
    where organisation = head
),

open_names as (
    select read.*
    from _identity_read as read
    left join _identity_mentions as mentions on read.name = mentions.name
    left join _identity_companies as companies on read.name = companies.name
    left join _identity_sources as sources
        on read.name = sources.name
    left join _identity_aliases as aliases on sources.source_key = aliases.source_key
    where
        read.kind in ('u', 'x')
        and mentions.name is null
        and companies.name is null
    qualify
        not coalesce(
            bool_or(aliases.source_key is not null) over (partition by read.name), false
        )
),

split as (
    select distinct
        name,
        sequence,
        string_split(sequence, ' ') as listed
    from open_names
),

cut as (
    select
        *,
        unnest(range(1, length(listed))) as place
    from split
),

-- The organisation in front, or behind.
halves as (
    select
        name,
        listed[:place] as organisation,
        listed[place + 1:] as rest
    from cut
    union all
    select
        name,
        listed[place + 1:] as organisation,
        listed[:place] as rest
    from cut
),

units as (
    select distinct sequence
    from _identity_read
    where kind = 'u'
),

found as (
    select
        halves.name,
        known.organisation,
        known.part
    from halves
    inner join known
        on
            array_to_string(
                list_sort(list_distinct(list_filter(
                    halves.organisation, lambda word: word <> 'of' -- noqa: RF02
                ))), ' '
            ) = known.source_key
    inner join units on array_to_string(halves.rest, ' ') = units.sequence
)

select
    name,
    min(organisation) as organisation,
    min(part) as part
from found
group by name
having count(distinct organisation) = 1
