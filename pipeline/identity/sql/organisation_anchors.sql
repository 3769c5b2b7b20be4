{#- Names of universities and the like that stand between two signs in at least two
    names, and with what is behind them there: a town, a campus, a department. -#}
select
    sequence,
    count(distinct name) as names
from _identity_read
where
    kind in ('o', 'p')
    and not list_has_all([{{ general | literals }}], string_split(sequence, ' '))
group by sequence
having count(distinct name) >= 2
