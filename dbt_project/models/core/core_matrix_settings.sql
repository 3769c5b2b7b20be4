{#- The settings of the seed that begin with `matrix.`, typed. -#}
{{ config(materialized="view") }}

{{ settings("matrix", ref("settings"), ref("policies")) }}
