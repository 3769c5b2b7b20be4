{#- Each setting that the models read is given, for whatever it may differ by, and its
    value can be read; a name that nobody reads is a slip of the pen. -#}
with given as (
    select * from {{ ref("settings") }}
),

declared as (
    {%- for subject, declared in declared_settings().items() %}
    {%- set subject_loop = loop %}
    {%- for name, type in declared.types.items() %}
    select
        '{{ subject }}.{{ name }}' as name,
        '{{ declared.per or "*" }}' as per,
        '{{ type }}' as declared_type
    {%- if not (subject_loop.last and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

scopes as (
    {%- for per in ["customer_type", "policy_id", none] %}
    select
        '{{ per or "*" }}' as per,
        scopes.scope
    from ({{ settings_scopes(per, ref("policies")) }}) as scopes
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- A policy may go without an account matrix, and then without all of its settings.
needed as (
    select
        declared.name,
        scopes.scope
    from declared
    inner join scopes on declared.per = scopes.per
    where
        declared.per <> 'policy_id'
        or exists (
            select 1 from given
            where
                given.name like 'matrix.%'
                and given.applies_to in (scopes.scope, '*')
        )
),

missing as (
    select
        needed.name,
        needed.scope as applies_to,
        'is not given' as problem
    from needed
    left join given
        on
            needed.name = given.name
            and given.applies_to in (needed.scope, '*')
    where given.name is null
),

strange as (
    select
        given.name,
        given.applies_to,
        'is not a setting, or not of this' as problem
    from given
    left join declared on given.name = declared.name
    left join scopes
        on
            declared.per = scopes.per
            and given.applies_to in (scopes.scope, '*')
    where scopes.scope is null
),

unread as (
    select
        given.name,
        given.applies_to,
        'is not a ' || declared.declared_type as problem
    from given
    inner join declared on given.name = declared.name
    where
        case declared.declared_type
            {%- set types = [] %}
            {%- for declared in declared_settings().values() %}
            {%- for type in declared.types.values() if type not in types %}
            {%- do types.append(type) %}
            when '{{ type }}' then try_cast(given.value as {{ type }}) is null
            {%- endfor %}
            {%- endfor %}
        end
)

select * from missing
union all
select * from strange
union all
select * from unread
