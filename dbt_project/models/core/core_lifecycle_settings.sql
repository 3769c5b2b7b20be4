{#- The settings of the seed that begin with `lifecycle.`, typed. -#}
{{ config(materialized="view") }}

{{ settings("lifecycle", ref("settings")) }}
