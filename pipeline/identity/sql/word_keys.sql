{#- The words of each name, put right where they are misspelt: only of names with a word
    that is. A correction that is not sure needs other words of some length beside it, or
    has to give a name that stands in ten records and five times as often as this one. The
    guess has all of them. -#}
with parts as (
    select
        name_words,
        unnest(string_split(name_words, ' ')) as word
    from _identity_names
),

held as (
    select
        parts.name_words,
        parts.word,
        corrections.meant,
        -- What it stands for may be misspelt itself.
        coalesce(further.meant, corrections.meant) as guess,
        coalesce(corrections.is_sure, false) as is_sure,
        coalesce(corrections.is_likely, false) as is_likely,
        coalesce(corrections.is_cut, false) as is_cut,
        case when corrections.meant is null then length(parts.word) else 0 end
            as letters,
        case
            when corrections.meant is null and not coalesce(words.is_known, false)
                then length(parts.word)
            else 0
        end as rare_letters
    from parts
    left join _identity_corrections as corrections on parts.word = corrections.word
    left join _identity_corrections as further on corrections.meant = further.word
    left join _identity_words as words on parts.word = words.word
),

weighed as (
    select
        *,
        sum(letters) over (partition by name_words) >= 14
        or sum(rare_letters) over (partition by name_words) >= 8 as has_company,
        count(*) over (partition by name_words) as words
    from held
    qualify count(meant) over (partition by name_words) > 0
),

put_right as (
    select
        name_words,
        case when is_sure or (is_likely and has_company) then meant else word end
            as word,
        -- The beginning of a word says nothing alone.
        case when is_cut and words = 1 then word else coalesce(guess, word) end as guess
    from weighed
),

joined as (
    select
        name_words,
        array_to_string(list_sort(list_distinct(list(word))), ' ') as word_key,
        array_to_string(list_sort(list_distinct(list(guess))), ' ') as word_guess
    from put_right
    group by name_words
)

select
    joined.name_words,
    case
        when frequent.records >= greatest(10, 5 * own.records) then joined.word_guess
        else joined.word_key
    end as word_key,
    joined.word_guess
from joined
inner join _identity_names as own on joined.name_words = own.name_words
left join _identity_names as frequent on joined.word_guess = frequent.name_words
