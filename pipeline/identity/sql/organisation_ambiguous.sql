{#- The words of universities of which there are several: what has these words and
    says nothing of which is none of them for certain. -#}
select
    mentions.head_key,
    min(mentions.head_key || ' / ?') as part
from _identity_mentions as mentions
inner join _identity_universities as universities on mentions.name = universities.name
where universities.is_part
group by mentions.head_key
