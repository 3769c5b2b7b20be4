{#-
What is due for customers and leads by the rules of the seed action_rules and the rhythms of
service_policies: each action with the day from which it was due and why, in facts known on
the as-of day. What is due for which reason stands in the models int_*_actions.
-#}
{{ config(materialized="view") }}

with final as (
    {%- for part in [
        "contact", "service", "silence", "tier", "greeting", "lead", "payment", "verdict",
    ] %}
    select * from {{ ref("int_" ~ part ~ "_actions") }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
)

select * from final
