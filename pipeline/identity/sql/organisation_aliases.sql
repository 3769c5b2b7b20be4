{#- What a university is called in short. Letters and the rest of the name say it
    themselves (ETH Zurich); letters alone where they stand beside the name, or with
    its towns or codes; a part of its words that lacks a general one (Stanford) with
    those. What may be two is neither. -#}
with beside as (
    select
        parts.words as source_key,
        universities.organisation,
        count(distinct parts.name) as names,
        count(distinct parts.name) filter (
            where parts.place = mentions.place + 1
        ) as next_to
    from _identity_read as parts
    inner join _identity_universities as universities on parts.name = universities.name
    inner join _identity_mentions as mentions on parts.name = mentions.name
    where parts.kind = 'k' and not ends_with(universities.organisation, '?')
    group by parts.words, universities.organisation
),

near as (
    select
        sources.source_key,
        universities.organisation,
        count(*) as words
    from _identity_contexts as sources
    inner join _identity_contexts as universities on sources.word = universities.word
    where
        sources.source_key is not null
        and universities.organisation is not null
    group by sources.source_key, universities.organisation
),

keys as (
    select
        source_key,
        -- A town is in front where a department has swallowed the name.
        bool_or(turn = 1 and not has_unit) as stands_in_front
    from _identity_sources
    group by source_key
    union
    -- RWTH Aachen University.
    select
        array_to_string(
            list_filter(
                string_split(head_key, ' '), lambda word: word <> 'university'
            ), ' '
        ) as source_key,
        false as stands_in_front
    from _identity_universities
    where contains(head_key, ' ') and not is_part
),

letters as (
    select
        keys.source_key,
        targets.organisation,
        targets.rest <> '' or beside.names is not null or near.words is not null
            as is_sure,
        targets.rest <> '' as is_letters
    from keys
    inner join _identity_targets as targets on keys.source_key = targets.source_key
    left join beside
        on
            targets.source_key = beside.source_key
            and targets.organisation = beside.organisation
    left join near
        on
            targets.source_key = near.source_key
            and targets.organisation = near.organisation
),

-- No first letters, but written behind the name and behind no other: ETHZ, UCSD.
known_letters as (
    select
        source_key,
        organisation,
        true as is_sure,
        false as is_letters
    from beside
    where
        source_key not in (
            select _identity_read.sequence from _identity_read
            where _identity_read.kind = 'x'
        )
    qualify
        next_to >= 3
        and count(*) over (partition by source_key) = 1
),

shorter as (
    select
        near.source_key,
        near.organisation,
        true as is_sure,
        false as is_letters
    from near
    inner join keys on near.source_key = keys.source_key and keys.stands_in_front
    inner join (
        select distinct
            organisation,
            string_split(head_key, ' ') as listed
        from _identity_universities
    ) as universities on near.organisation = universities.organisation
    where
        near.source_key <> ''
        and not ends_with(near.organisation, '?')
        and not contains(near.organisation, ' / ')
        and list_has_all(universities.listed, string_split(near.source_key, ' '))
        and list_has_all(
            [{{ general | literals }}],
            list_filter(
                universities.listed,
                -- noqa: disable=RF02
                lambda word: not list_contains(string_split(near.source_key, ' '), word)
                -- noqa: enable=RF02
            )
        )
        and not list_has_all(
            [{{ general | literals }}], string_split(near.source_key, ' ')
        )
),

every as (
    select * from letters
    union all
    select * from known_letters
    union all
    select * from shorter
),

names as (
    select
        organisation,
        count(*) as names
    from _identity_universities
    group by organisation
),

sure as (
    select
        every.source_key,
        every.organisation,
        bool_or(every.is_letters) as is_letters,
        max(names.names) as names
    from every
    inner join names on every.organisation = names.organisation
    where every.is_sure
    group by every.source_key, every.organisation
)

-- Another that few write may be this one with a slip.
select
    source_key,
    organisation,
    is_letters,
    count(*) over (partition by source_key) = 1 as is_unique
from sure
qualify 5 * names > max(names) over (partition by source_key)
