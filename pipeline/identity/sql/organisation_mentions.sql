{#- The university or the like that each name holds, where it holds one: `head` in its
    own order, `head_key` its words, `word_order` whether Y stands behind "of"
    (University of Y) or in front (Y University). A name with a hospital or a press,
    with two universities, or with something in front of the university that is no
    department, holds none. -#}
with every as (
    select
        parts.name,
        parts.place,
        parts.kind,
        coalesce(
            further.anchor, trims.anchor, guessed.anchor, parts.sequence
        ) as head,
        trim(
            coalesce(further.behind || ' ', '')
            || coalesce(trims.behind, guessed.behind, '')
        ) as behind,
        coalesce(further.is_place, true)
        and coalesce(trims.is_place, guessed.is_place, false) as is_place
    from _identity_read as parts
    left join _identity_trims as trims on parts.sequence = trims.sequence
    left join _identity_trims as guessed
        on trims.sequence is null and parts.guess = guessed.sequence
    -- What is left may be a university and its campus.
    left join _identity_trims as further
        on coalesce(trims.anchor, guessed.anchor) = further.sequence
    where
        parts.kind in ('o', 'p')
        -- Department of Physics Karolinska Institute.
        or (parts.kind = 'u' and trims.sequence is not null)
),

keyed as (
    select
        *,
        array_to_string(
            list_sort(list_distinct(list_filter(
                string_split(head, ' '), lambda word: word <> 'of'
            ))), ' '
        ) as head_key,
        contains(head, 'university') as is_university
    from every
    where
        not list_has_all(
            [{{ general | literals }}], string_split(head, ' ')
        )
),

counted as (
    select
        *,
        -- An institute of a university is a part of it.
        count(distinct head_key) filter (
            where is_university or contains(head_key, 'college')
        ) over (partition by name) as universities,
        count(distinct head_key) over (partition by name) as heads
    from keyed
),

chosen as (
    select *
    from counted
    where
        (universities = 1 and is_university)
        or (heads = 1 and universities = 0)
    qualify row_number() over (partition by name order by place) = 1
),

in_front as (
    select
        chosen.name,
        chosen.head_key,
        parts.sequence as words
    from chosen
    inner join _identity_read as parts
        on chosen.name = parts.name and chosen.place > parts.place
    where parts.kind in ('x', 'k')
),

unit_words as (
    select list(word) as known
    from _identity_unit_words
),

refused as (
    select _identity_read.name
    from _identity_read
    where kind = 'h'
    union
    select in_front.name
    from in_front
    cross join unit_words
    where
        in_front.words not in (
            select _identity_departments.words from _identity_departments
        )
        and not list_has_all(unit_words.known, string_split(in_front.words, ' '))
)

select
    name,
    place,
    head,
    head_key,
    behind,
    is_place,
    case
        when regexp_matches(head, '^(university|college|polytechnic) of ') then 'of'
        when regexp_matches(head, ' (university|college|polytechnic)$') then 'before'
        else 'other'
    end as word_order
from chosen
where name not in (select refused.name from refused)
