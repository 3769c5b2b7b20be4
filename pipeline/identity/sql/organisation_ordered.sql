{#- The mentions with the order where that tells two universities apart; one that is
    written in neither is neither. -#}
select
    mentions.* replace (
        case
            when orders.head_key is null then mentions.head_key
            else mentions.head_key || ' / ' || mentions.word_order
        end as head_key
    ),
    orders.head_key is not null as is_ordered,
    coalesce(orders.is_by_campus, false) as is_by_campus
from _identity_mentions as mentions
left join _identity_orders as orders on mentions.head_key = orders.head_key
