{#- Misspelt words and what they stand for: one or two letters away from a word that is
    known or stands much more often. Two words are held against each other where they
    become equal without one letter of each, long ones also where they begin or end alike.
    `is_sure`: the word alone says so; `is_likely`: so it is if the rest of the name bears
    it out; else it is a guess, good enough to compare two names at all, and to be taken
    where the name that it gives is a frequent one. `is_cut`: the beginning of a word. -#}
with variants as (
    select
        word,
        records,
        meaning,
        is_known,
        unnest(
            list_distinct(
                list_concat(
                    list_transform(
                        range(1, length(word) + 1),
                        lambda place: left(word, place - 1) || substr(word, place + 1)
                    ),
                    case
                        when length(word) >= 9
                            then [word, left(word, 5) || '-', '-' || right(word, 5)]
                        else [word]
                    end
                )
            )
        ) as variant
    from _identity_words
    where length(word) >= 5 and not regexp_matches(word, '[0-9]')
),

near as (
    select distinct
        misspelt.word,
        misspelt.records,
        meant.word as target,
        meant.meaning,
        meant.records as meant_records,
        meant.is_known as meant_is_known
    from variants as misspelt
    inner join variants as meant
        on misspelt.variant = meant.variant
    where
        misspelt.word <> meant.word
        and misspelt.records > 0
        and not misspelt.is_known
        and left(misspelt.word, 1) = left(meant.word, 1)
        and (
            meant.is_known
            or meant.records >= 5 * misspelt.records
            or meant.records > misspelt.records
            or (meant.records = misspelt.records and meant.word < misspelt.word)
        )
),

judged as (
    select
        word,
        meaning as meant,
        meant_records,
        meant_records >= 5 * records
        or (
            length(word) >= case when meant_is_known then 8 else 9 end
            -- Advisers and advisory differ at the end, as words do and slips do not.
            and left(word, length(word) - 3) <> left(target, length(word) - 3)
        ) as is_likely,
        case
            when meant_records >= 50 * records then length(word) >= 6
            when meant_records >= 20 * records then length(word) >= 7
            else
                meant_is_known
                and length(word) >= 9
                and left(word, length(word) - 3) <> left(target, length(word) - 3)
        end as is_sure
    from near
    where
        damerau_levenshtein(word, target)
        <= case when length(word) >= 9 then 2 else 1 end
),

cut_short as (
    select
        short.word,
        whole.meaning as meant,
        whole.records as meant_records,
        false as is_likely,
        false as is_sure,
        true as is_cut
    from _identity_words as short
    inner join _identity_words as whole
        on
            left(short.word, 3) = left(whole.word, 3)
            and starts_with(whole.word, short.word)
    where
        short.records > 0
        and not short.is_known
        and length(short.word) >= 3
        and length(whole.word)
        >= length(short.word)
        + case
            when length(short.word) < 5 then 3
            when length(short.word) < 7 then 2
            else 1
        end
        and whole.records >= 10
        and whole.records >= 5 * short.records
),

every as (
    select
        *,
        false as is_cut
    from judged
    union all
    select * from cut_short
)

select
    word,
    max_by(meant, (is_sure, is_likely, meant_records, not is_cut, meant)) as meant,
    bool_or(is_sure) as is_sure,
    bool_or(is_likely) as is_likely,
    bool_and(is_cut) as is_cut
from every
group by word
