{#-
What every customer is worth on the as-of day and on the few earlier days for which health
is measured; marts.customer_value_history has every month end, by the same query.
-#}
with valued as (
    {{ valued_moments(
        "moment_no in (select moment_no from " ~ ref("core_health_origins") ~ ")"
    ) }}
)

select * from valued
