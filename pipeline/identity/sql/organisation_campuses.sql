{#- The campuses of universities that have several: towns that stand behind "at",
    behind a hyphen or behind nothing, as a part of the name itself. `words` are all
    that a campus is called by: Urbana is Urbana-Champaign. -#}
with named as (
    select
        mentions.head_key,
        mentions.name,
        -- A town that another follows is no town: California San Diego, La Jolla.
        bool_or(tails.kind = 'g') as is_glued,
        bool_or(tails.kind = 'x') as is_followed,
        string_agg(tails.words, ' ' order by tails.kind, tails.distance) filter (
            where tails.kind <> 'x'
        ) as spoken
    from _identity_ordered as mentions
    inner join _identity_tails as tails on mentions.name = tails.name
    where
        tails.kind in ('g', 'x')
        or (tails.kind = 'b' and mentions.is_place)
    group by mentions.head_key, mentions.name
    having bool_or(tails.kind <> 'x')
),

words as (
    select
        *,
        list_sort(list_distinct(list_filter(
            string_split(spoken, ' '), lambda word: length(word) > 2
        ))) as listed
    from named
),

glued as (
    select
        head_key,
        array_to_string(listed, ' ') as campus,
        listed,
        mode(spoken) as spoken,
        count(*) filter (where is_glued) as glued,
        count(*) filter (where is_followed) as followed,
        count(*) as names
    from words
    where length(listed) > 0
    group by head_key, listed
),

sizes as (
    select
        mentions.head_key,
        count(distinct mentions.name) as placed
    from _identity_ordered as mentions
    inner join _identity_tails as tails on mentions.name = tails.name
    where tails.kind in ('g', 'b', 'x')
    group by mentions.head_key
),

candidates as (
    select glued.*
    from glued
    inner join sizes on glued.head_key = sizes.head_key
    where
        glued.glued >= 1
        or glued.followed >= greatest(2, 0.1 * sizes.placed)
        or glued.names >= greatest(2, 0.3 * sizes.placed)
),

-- The shortest of those that hold each other, and no slip of a more frequent one.
shortest as (
    select candidates.*
    from candidates
    where
        not exists (
            select 1
            from candidates as others
            where
                candidates.head_key = others.head_key
                and candidates.campus <> others.campus
                and (
                    list_has_all(candidates.listed, others.listed)
                    or (
                        others.names >= 3 * candidates.names
                        and damerau_levenshtein(others.campus, candidates.campus) <= 2
                    )
                )
        )
),

-- One campus, and towns that never stand with it: others of the name.
lone as (
    select *
    from shortest
    qualify count(*) over (partition by head_key) = 1
),

places as (
    select
        mentions.head_key,
        mentions.name,
        tails.words,
        tails.distance,
        list_has_all(candidates.listed, string_split(tails.words, ' '))
        or list_has_all(string_split(tails.words, ' '), lone.listed) as is_campus
    from _identity_ordered as mentions
    inner join lone on mentions.head_key = lone.head_key
    inner join candidates
        on
            lone.head_key = candidates.head_key
            and list_has_all(candidates.listed, lone.listed)
    inner join _identity_tails as tails on mentions.name = tails.name
    where tails.kind in ('g', 'b', 'x', 'a')
),

campus_names as (
    select distinct name
    from places
    where is_campus
),

of_campus as (
    select distinct
        places.head_key,
        places.words
    from places
    inner join campus_names on places.name = campus_names.name
),

elsewhere as (
    select
        places.head_key,
        places.name,
        min_by(places.words, places.distance) as words
    from places
    left join of_campus
        on places.head_key = of_campus.head_key and places.words = of_campus.words
    group by places.head_key, places.name
    having count(of_campus.words) = 0
),

others as (
    select
        elsewhere.head_key,
        elsewhere.words as spoken,
        count(*) as names
    from elsewhere
    group by elsewhere.head_key, elsewhere.words
    having count(*) >= 2
),

several as (
    select
        head_key,
        campus,
        listed,
        spoken
    from shortest
    qualify count(*) over (partition by head_key) > 1
    union all
    select
        lone.head_key,
        lone.campus,
        lone.listed,
        lone.spoken
    from lone
    where
        lone.head_key in (select others.head_key from others)
        or lone.head_key in (
            select _identity_ordered.head_key from _identity_ordered
            where _identity_ordered.is_by_campus
        )
    union all
    select
        head_key,
        array_to_string(list_sort(list_distinct(string_split(spoken, ' '))), ' ')
            as campus,
        list_sort(list_distinct(string_split(spoken, ' '))) as listed,
        spoken
    from others
)

select
    several.head_key,
    several.campus,
    several.spoken,
    list_distinct(
        list_concat(several.listed, flatten(list(coalesce(candidates.listed, []))))
    ) as words
from several
left join candidates
    on
        several.head_key = candidates.head_key
        and list_has_all(candidates.listed, several.listed)
group by several.head_key, several.campus, several.spoken, several.listed
