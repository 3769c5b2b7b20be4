{#- Universities of whose two orders (University of Y, Y University) each is another
    one: both stand with towns and codes, and hardly any of these with both. -#}
with said as (
    select distinct
        mentions.head_key,
        mentions.word_order,
        mentions.name,
        unnest(string_split(tails.words, ' ')) as word
    from _identity_mentions as mentions
    inner join _identity_tails as tails on mentions.name = tails.name
    where mentions.word_order <> 'other' and tails.kind <> 'k'
),

countries as (
    select distinct
        mentions.head_key,
        mentions.word_order,
        mentions.name,
        parts.words as word
    from _identity_mentions as mentions
    inner join _identity_read as parts
        on mentions.name = parts.name and mentions.place < parts.place
    where
        mentions.word_order <> 'other'
        and parts.kind = 'a'
        and parts.words in ({{ countries | sort | literals }})
),

places as (
    select *
    from said
    where
        length(word) > 1
        and not list_contains(string_split(head_key, ' '), word)
        and word not in ({{ countries | sort | literals }})
),

-- A country says something where nothing else does.
telling as (
    select *
    from places
    union all
    select countries.*
    from countries
    left join places on countries.name = places.name
    where places.name is null
),

words as (
    select
        head_key,
        word,
        count(distinct word_order) as orders
    from telling
    group by head_key, word
),

names as (
    select
        telling.head_key,
        telling.word_order,
        telling.name,
        max(words.orders) as orders
    from telling
    inner join words
        on telling.head_key = words.head_key and telling.word = words.word
    group by telling.head_key, telling.word_order, telling.name
),

-- University of Washington, and Washington University in St. Louis.
one_campus as (
    select mentions.head_key
    from _identity_mentions as mentions
    left join _identity_tails as tails
        on mentions.name = tails.name and tails.kind = 'g'
    where mentions.word_order <> 'other'
    group by mentions.head_key
    having
        count(distinct mentions.word_order) = 2
        and count(distinct mentions.word_order) filter (where tails.name is not null)
        = 1
),

by_towns as (
    select names.head_key
    from names
    group by head_key
    having
        count(*) filter (where word_order = 'of') >= 2
        and count(*) filter (where word_order = 'before') >= 2
        and count(*) filter (where word_order = 'of' and orders > 1)
        <= 0.1 * count(*) filter (where word_order = 'of')
        and count(*) filter (where word_order = 'before' and orders > 1)
        <= 0.1 * count(*) filter (where word_order = 'before')
)

select
    head_key,
    false as is_by_campus
from by_towns
union all
select
    head_key,
    true as is_by_campus
from one_campus
where
    head_key not in (
        select names.head_key from names
        where names.orders > 1
    )
    and head_key not in (select by_towns.head_key from by_towns)
