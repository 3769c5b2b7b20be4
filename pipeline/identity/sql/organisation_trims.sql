{#- A university with a department or a town that no sign keeps from it, cut where the
    rest is known: the longest anchor in it, in front of it words of departments,
    behind it those, or words that stand behind that anchor elsewhere. -#}
with sequences as (
    select distinct unnest([sequence, guess]) as sequence
    from _identity_read
    where kind in ('o', 'p', 'u')
),

split as (
    select
        sequence,
        string_split(sequence, ' ') as listed
    from sequences
),

begun as (
    select
        *,
        unnest(range(1, length(listed) + 1)) as first_place
    from split
),

spans as (
    select
        *,
        unnest(range(first_place, length(listed) + 1)) as last_place
    from begun
),

found as (
    select
        spans.sequence,
        anchors.sequence as anchor,
        anchors.names,
        spans.listed[:spans.first_place - 1] as front,
        spans.listed[spans.last_place + 1:] as behind,
        coalesce(surroundings.words, []) as surrounding
    from spans
    inner join _identity_anchors as anchors
        on
            array_to_string(spans.listed[spans.first_place:spans.last_place], ' ')
            = anchors.sequence
    left join _identity_surroundings as surroundings
        on anchors.sequence = surroundings.sequence
    where spans.sequence <> anchors.sequence
),

unit_words as (
    select list(word) as known
    from _identity_unit_words
)

select
    found.sequence,
    found.anchor,
    array_to_string(found.front, ' ') as front,
    array_to_string(found.behind, ' ') as behind,
    list_has_all(found.surrounding, found.behind) as is_place
from found
cross join unit_words
where
    (
        length(found.front) = 0
        or (
            list_has_all(unit_words.known, found.front)
            and (
                found.front[1] in ({{ unit_heads | sort | literals }})
                or found.front[-1] in ({{ unit_ends | sort | literals }})
            )
        )
    )
    and (
        length(found.behind) = 0
        or list_has_all(found.surrounding, found.behind)
        or (
            list_has_all(list_concat(unit_words.known, found.surrounding), found.behind)
            and (
                list_has_any(found.behind, [{{ unit_heads | sort | literals }}])
                or found.behind[-1] in ({{ unit_ends | sort | literals }})
            )
        )
    )
    and found.behind[1] is distinct from 'of'
    -- Paris 6 and Paris VI are universities of their own.
    and not regexp_matches(
        array_to_string(found.behind, ' '), '(^| )([0-9]+|[ivx]+)( |$)'
    )
    and (
        not list_has_any(found.behind, [{{ institutions | sort | literals }}])
        or array_to_string(found.behind, ' ') in (
            select _identity_read.sequence from _identity_read
            where _identity_read.kind = 'u'
        )
    )
qualify
    row_number() over (
        partition by found.sequence
        order by length(found.anchor) desc, found.names desc, found.anchor
    ) = 1
