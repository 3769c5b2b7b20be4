{#- The settings of the seed that begin with `value.`, typed. -#}
{{ config(materialized="view") }}

{{ settings("value", ref("settings")) }}
