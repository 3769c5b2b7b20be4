{#- The forms of each record with what all records together tell of them; the columns
    stand at `shared.COLUMNS`. -#}
{%- from "conditions.sql" import by_type -%}
with holders as (
    select
        name_core,
        greatest(count(distinct domain_key), 2 * count(distinct registration_key))
        > {{ by_type("'company'" | sql, rules, "most_names") }} as is_common
    from {{ forms | sql }}
    where name_core is not null
    group by name_core
    having count(*) > 1
),

-- Initials matter only where a name consists of them.
acronyms as (
    select distinct name_core as acronym
    from {{ forms | sql }}
    where
        length(name_core) between 3 and 6
        and name_core = name_words
        and name_core in (
            select initials.name_initials from {{ forms | sql }} as initials
            where initials.name_initials is not null
        )
)

select
    forms.*,
    coalesce(keys.word_key, forms.name_words) as word_key,
    coalesce(keys.word_guess, forms.name_words) as word_guess,
    acronyms.acronym as acronym_key,
    organisations.organisation as organisation_key,
    coalesce(organisations.part, ambiguous.part) as organisation_part,
    coalesce(holders.is_common, false) as name_is_common,
    {% for carrier in carriers %}
    {{ carrier.flag | identifier }}.customer_type is not null
        as {{ carrier.flag | identifier }},
    {% endfor %}
    not coalesce(holders.is_common, false)
    and length(forms.name_core)
    >= case when strlen(forms.name_core) = length(forms.name_core) then 24 else 8 end
        as name_is_rare
from {{ forms | sql }} as forms
left join _identity_word_keys as keys on forms.name_words = keys.name_words
left join holders on forms.name_core = holders.name_core
left join _identity_organisations as organisations
    on coalesce(forms.name_parts, '= ' || forms.name_words) = organisations.name
left join _identity_ambiguous as ambiguous
    on
        organisations.organisation is null
        and coalesce(keys.word_key, forms.name_words) = ambiguous.head_key
left join acronyms on coalesce(forms.name_initials, forms.name_core) = acronyms.acronym
{% for carrier in carriers %}
left join
    {{ ("_identity_" ~ carrier.flag) | identifier }} as {{ carrier.flag | identifier }}
    on {{ carrier.matches("forms") | sql }}
{% endfor %}
order by forms.record_no
