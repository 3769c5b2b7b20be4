{#- Organisations that are no university: what stands alone in one name and in front
    of a town or behind a department in others, in five of all. The town behind it,
    where one is written, tells one house from another. -#}
with refused as (
    select distinct beside.name
    from _identity_beside as beside
    left join _identity_company_departments as departments
        on beside.words = departments.words
    where beside.is_in_front and departments.words is null
),

counted as (
    select
        source_key,
        town,
        count(*) as names
    from _identity_towns
    group by source_key, town
),

most as (
    select
        source_key,
        town
    from counted
    qualify
        row_number() over (partition by source_key order by names desc, town) = 1
),

-- The most frequent town, and what stands beside it in a name.
same_town as (
    select distinct
        others.source_key,
        others.town
    from _identity_towns as others
    inner join _identity_towns as named
        on others.name = named.name and others.source_key = named.source_key
    inner join most on named.source_key = most.source_key and named.town = most.town
),

judged as (
    select
        chosen.name,
        chosen.source_key,
        bool_or(towns.town is not null) as has_town,
        coalesce(bool_or(same_town.town is not null), false) as is_there,
        min_by(towns.town, towns.place) as first_town
    from _identity_beside as chosen
    left join refused on chosen.name = refused.name
    left join _identity_towns as towns on chosen.name = towns.name
    left join same_town
        on towns.source_key = same_town.source_key and towns.town = same_town.town
    where chosen.heads = 1 and refused.name is null
    group by chosen.name, chosen.source_key
),

shares as (
    select
        source_key,
        count(*) filter (where is_there) >= 0.8 * count(*) filter (where has_town)
            as has_one_town
    from judged
    group by source_key
)

select
    judged.name,
    judged.source_key as head,
    judged.source_key || case
        when shares.has_one_town then ''
        when judged.has_town then ' / ' || judged.first_town
        else ' / ?'
    end as organisation
from judged
inner join shares on judged.source_key = shares.source_key
where judged.is_there or not judged.has_town or not shares.has_one_town
