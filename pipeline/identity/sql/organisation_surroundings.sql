{#- The words that stand behind each anchor: of towns, campuses, streets, codes. -#}
with behind as (
    select
        heads.sequence,
        unnest(string_split(tails.sequence, ' ')) as word
    from _identity_read as heads
    inner join _identity_read as tails
        on heads.name = tails.name and heads.place < tails.place
    where
        heads.kind in ('o', 'p')
        and tails.kind in ('g', 'x', 'a')
        and tails.sequence not in (
            select _identity_departments.words from _identity_departments
        )
        and heads.sequence in (select _identity_anchors.sequence from _identity_anchors)
)

select
    sequence,
    list(distinct word) as words
from behind
group by sequence
