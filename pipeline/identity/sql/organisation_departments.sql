{#- What stands in front of several universities is a department, whatever it is
    called: Cavendish Laboratory; so is what stands in front of one and behind others.
    -#}
with chosen as (
    select
        name,
        min(place) as place,
        min(sequence) as sequence
    from _identity_read
    where kind in ('o', 'p')
    group by name
    having count(*) = 1
),

beside as (
    select
        others.sequence as words,
        chosen.sequence,
        chosen.place > others.place as is_in_front
    from chosen
    inner join _identity_read as others
        on chosen.name = others.name and chosen.place <> others.place
    where others.kind in ('x', 'k')
)

select words
from beside
group by words
having
    count(distinct sequence) filter (where is_in_front) >= 2
    or (bool_or(is_in_front) and count(distinct sequence) >= 3)
