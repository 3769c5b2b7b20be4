{#-
Profit of each customer over the whole past: margin less what serving and winning it cost,
as it stands at the present (core_customer_spells says what of it is known). Who never
bought may have cost something all the same.
-#}
with present as (
    select * from {{ ref("core_customer_moments") }}
    where is_present
),

final as (
    select
        customer_id,
        {%- for measure in [
            "revenue", "margin", "cost_to_serve", "acquisition_cost", "profit",
        ] %}
        cast({{ measure }} as {{ type_money_sum() }}) as {{ measure }}
        {%- if not loop.last %},{% endif %}
        {%- endfor %}
    from present
)

select * from final
