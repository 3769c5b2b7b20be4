{#- A hash of all that the score of a record's pairs depends on: how it was made, its
    normal forms, the blocks in which it is compared, and the weights. Equal prints on both sides mean
    that the score of the last refresh still holds. -#}
with forms as (
    select * from {{ ref("core_customer_forms") }}
),

blocks as (
    select
        record_no,
        bit_xor({{ row_hash(["block"]) }}) as blocks_print
    from {{ ref("core_customer_blocks") }}
    group by record_no
),

weights as (
    select
        bit_xor(
            {{ row_hash([
                "customer_type", "comparison", "level", "m_probability", "u_probability",
            ]) }}
        ) as weights_print
    from {{ ref("core_match_weights") }}
),

final as (
    select
        forms.record_no,
        forms.source,
        forms.source_customer_id,
        {{ row_hash([
            "made_by", "birth_date", "registration_key", "registration_checked",
            "email_key", "domain_key", "phone_key", "name_key", "name_core",
            "name_place", "name_branch", "name_sound", "name_words", "name_known",
            "name_numbers", "name_initials", "name_parts", "given_key", "family_key",
            "generation_key", "gender_key", "country_key", "city_key", "postal_key",
            "street_key", "street_number", "word_key", "word_guess", "acronym_key",
            "organisation_key", "organisation_part",
            "name_is_common", "name_is_rare", "phone_is_shared", "email_is_shared",
            "domain_is_shared", "door_is_shared", "birth_date_is_shared",
            "blocks_print", "weights_print",
        ]) }} as print
    from forms
    cross join weights
    left join blocks on forms.record_no = blocks.record_no
)

select * from final
