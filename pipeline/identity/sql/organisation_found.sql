{#- The organisation of each name that means one for certain, and its part: what the
    names of another organisation contradict. One that few write may be another with a
    slip and contradicts nothing; a department whose organisation nobody knows stands
    for itself. -#}
with candidates as (
    select
        sources.name,
        aliases.organisation,
        aliases.is_unique,
        contexts.organisation is not null as is_near
    from _identity_sources as sources
    inner join _identity_aliases as aliases on sources.source_key = aliases.source_key
    left join _identity_read as parts
        on sources.name = parts.name and sources.place < parts.place
    left join _identity_contexts as contexts
        on
            aliases.organisation = contexts.organisation
            and list_contains(string_split(parts.sequence, ' '), contexts.word)
    where sources.turn = 1
),

-- Letters of two organisations mean the one whose town stands behind them.
aliases as (
    select
        name,
        case
            when
                bool_or(is_unique) or count(distinct organisation) filter (
                    where is_near
                ) = 1
                then coalesce(
                    min(organisation) filter (where is_unique or is_near),
                    min(organisation)
                )
        end as organisation
    from candidates
    group by name
),

universities as (
    select
        universities.name,
        coalesce(aliases.organisation, universities.organisation) as organisation,
        universities.is_part and aliases.organisation is null as is_part
    from _identity_universities as universities
    left join _identity_aliases as aliases
        on
            aliases.source_key = array_to_string(
                list_filter(
                    string_split(universities.head_key, ' '),
                    lambda word: word <> 'university' -- noqa: RF02
                ), ' '
            )
            and aliases.is_letters
            and aliases.is_unique
),

parts as (
    select
        organisation,
        bool_or(is_part) as is_part
    from universities
    group by organisation
),

found as (
    select
        name,
        organisation,
        organisation as part
    from universities
    union all
    select
        name,
        organisation,
        -- Letters of two organisations, and nothing that says of which.
        coalesce(organisation, '? ' || name) as part
    from aliases
    union all
    select
        name,
        'c ' || organisation as organisation,
        -- A company may sit in several towns.
        'c ' || head as part
    from _identity_companies
    union all
    select * from _identity_swallowed
),

towns as (
    select distinct words
    from _identity_tails
    where kind = 'x'
    union
    select town as words
    from _identity_towns
),

nobodys as (
    select read.name
    from _identity_read as read
    left join _identity_departments as departments
        on read.sequence = departments.words
    left join towns on read.sequence = towns.words
    left join found on read.name = found.name
    where found.name is null
    group by read.name
    having
        bool_or(read.place = 1 and departments.words is not null)
        or (
            bool_or(read.kind = 'u')
            and bool_and(read.kind in ('u', 'a') or towns.words is not null)
        )
)

select
    found.name,
    found.organisation,
    case
        when
            parts.is_part
            or found.organisation is null
            or count(*) over (partition by found.part) >= 3
            then found.part
    end as part
from found
left join parts on found.organisation = parts.organisation
union all
select
    name,
    null as organisation,
    name as part
from nobodys
