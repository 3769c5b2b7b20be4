{#- What each university may be called in short: the first letters of its first words,
    and the words behind them: ETH Zurich, UC Berkeley, MIT. `rest` is empty where all
    words are letters. -#}
with spoken as (
    select distinct
        universities.organisation,
        list_filter(
            string_split(
                universities.head || coalesce(' ' || campuses.spoken, ''), ' '
            ),
            lambda word: word <> 'of' -- noqa: RF02
        ) as listed
    from _identity_universities as universities
    left join _identity_campuses as campuses
        on
            universities.head_key = campuses.head_key
            and universities.campus = campuses.campus
    where not ends_with(universities.organisation, '?')
),

cut as (
    select
        *,
        unnest(range(2, length(listed) + 1)) as letters
    from spoken
),

shortened as (
    select
        organisation,
        array_to_string(
            list_transform(listed[:letters], lambda word: left(word, 1)), ''
        ) as initials,
        list_sort(listed[letters + 1:]) as rest
    from cut
)

select distinct
    organisation,
    initials,
    array_to_string(rest, ' ') as rest,
    array_to_string(list_sort(list_distinct(list_append(rest, initials))), ' ')
        as source_key
from shortened
where length(initials) between 2 and 8
