{#- The names of companies that have words, each once, with how often it is there. -#}
select
    name_words,
    count(*) as records
from {{ forms | sql }}
where name_words is not null
group by name_words
