{#- What else may be the organisation of a name, in names that hold no university:
    letters (MIT) and what is neither a department nor an address; and whole names of
    one part. -#}
with without as (
    select
        name,
        bool_or(
            kind = 'u'
            or sequence in (
                select _identity_departments.words from _identity_departments
            )
        ) as has_unit
    from _identity_read
    where name not in (select _identity_mentions.name from _identity_mentions)
    group by name
    having not bool_or(kind in ('o', 'p'))
),

several as (
    select
        parts.name,
        parts.place,
        parts.kind,
        parts.sequence as words,
        without.has_unit
    from _identity_read as parts
    inner join without on parts.name = without.name
    where
        parts.kind in ('x', 'k', 'h')
        and parts.sequence not in (
            select _identity_departments.words from _identity_departments
        )
),

keyed as (
    select
        *,
        array_to_string(
            list_sort(list_distinct(list_filter(
                string_split(words, ' '), lambda word: word <> 'of'
            ))), ' '
        ) as source_key
    from several
),

wanted as (
    select keyed.source_key
    from keyed
    group by source_key
    having count(*) >= 4
    union
    select source_key
    from _identity_targets
),

-- Of the names of one part those that stand beside others elsewhere.
every as (
    select
        name,
        place,
        kind,
        has_unit,
        source_key
    from keyed
    union all
    select distinct
        '= ' || forms.name_words as name,
        1 as place,
        'x' as kind,
        false as has_unit,
        wanted.source_key
    from {{ forms | sql }} as forms
    inner join wanted on forms.name_words = wanted.source_key
    where
        forms.name_parts is null
        and forms.name_branch is null
        and forms.name_place is null
)

select
    name,
    place,
    kind,
    source_key,
    has_unit,
    row_number() over (partition by name order by place) as turn,
    count(*) over (partition by name) as parts
from every
