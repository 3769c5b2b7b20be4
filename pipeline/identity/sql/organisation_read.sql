{#- Each part as it is read: as it is written, or put right where that is written in
    three names and in three times as many. What is a university but for a slip is
    one. -#}
with written as (
    select
        words,
        count(distinct name) as names
    from _identity_parts
    group by words
),

judged as (
    select
        own.words,
        guessed.guess,
        list_has_any(
            string_split(guessed.guess, ' '), ['university']
        ) and not list_has_any(string_split(own.words, ' '), ['university'])
            as is_university,
        meant.names >= greatest(3, 3 * own.names) as is_frequent
    from written as own
    inner join _identity_part_words as guessed on own.words = guessed.words
    left join written as meant on guessed.guess = meant.words
)

select
    parts.name,
    parts.place,
    case
        when parts.kind = 'x' and judged.is_university then 'o'
        else parts.kind
    end as kind,
    parts.words,
    case
        when parts.kind = 'a' then parts.words
        when judged.is_frequent or (parts.kind = 'x' and judged.is_university)
            then judged.guess
        else parts.words
    end as sequence,
    coalesce(judged.guess, parts.words) as guess
from _identity_parts as parts
left join judged on parts.words = judged.words
