{#- The forms in which a value that is shared by many says nothing, and a person's two
    names in the order of the alphabet: some forms are filled the other way round. -#}
select
    * replace ({{ replacements | sql }}),
    least(given_key, family_key) || ' ' || greatest(given_key, family_key)
        as both_names_key
from {{ forms | sql }}
