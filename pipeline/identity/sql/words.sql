{#- The words of the names of companies: how many records have each, and whether it is
    known to be a word of its own. -#}
with parts as (
    select
        unnest(string_split(name_words, ' ')) as word,
        records
    from _identity_names
),

counted as (
    select
        word,
        sum(records) as records
    from parts
    group by word
)

select
    counted.word,
    counted.records,
    known.word is not null as is_known
from counted
left join _identity_known_words as known on counted.word = known.word
