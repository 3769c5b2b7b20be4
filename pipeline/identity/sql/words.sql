{#- The words of the names of companies and those that are known to be words of their
    own: how many records have each, and what it stands for. -#}
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
    coalesce(counted.word, known.word) as word,
    coalesce(counted.records, 0) as records,
    coalesce(known.meaning, counted.word) as meaning,
    known.word is not null as is_known
from counted
full outer join _identity_known_words as known on counted.word = known.word
