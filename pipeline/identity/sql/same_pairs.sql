{#- The links, the strongest first, and whether one may make a large group larger: a
    rule's, or one that is twice as sure as it has to be; and whether it forgives what a
    registration number in common outweighs. -#}
{%- from "conditions.sql" import by_type -%}
select
    links.left_no,
    links.right_no,
    links.score is null
    or links.rule_order < 1000
    or links.confidence
    >= (1 + {{ by_type("l.customer_type" | sql, rules, "link_probability") }}) / 2
        as is_strong,
    {{ forgiving | sql }} as is_forgiving
from _identity_found as links
inner join {{ forms | sql }} as l on links.left_no = l.record_no
inner join {{ forms | sql }} as r on links.right_no = r.record_no
where links.verdict = 'same'
order by
    links.rule_order, links.confidence desc, links.left_no, links.right_no
