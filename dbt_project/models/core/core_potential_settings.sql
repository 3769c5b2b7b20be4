{#- The settings of the seed that begin with `potential.`, typed. -#}
{{ config(materialized="view") }}

{{ settings("potential", ref("settings")) }}
