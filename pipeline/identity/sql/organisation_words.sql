{#- The words of each distinct part, and what they are likely to stand for: a slip put
    right by the words of all names. -#}
with parts as (
    select distinct words
    from _identity_parts
    where kind <> 'a'
),

split as (
    select
        words,
        string_split(words, ' ') as listed
    from parts
),

placed as (
    select
        words,
        listed,
        unnest(range(1, length(listed) + 1)) as place
    from split
),

put_right as (
    select
        placed.words,
        placed.place,
        coalesce(
            renderings.meaning,
            further.meant,
            corrections.meant,
            placed.listed[placed.place]
        ) as word
    from placed
    left join _identity_corrections as corrections
        on placed.listed[placed.place] = corrections.word
    left join _identity_corrections as further on corrections.meant = further.word
    left join _identity_renderings as renderings
        on coalesce(further.meant, corrections.meant) = renderings.word
)

select
    words,
    string_agg(word, ' ' order by place) as guess
from put_right
group by words
