{%- from "conditions.sql" import contradicts -%}
{{ contradicts(rules) }}
