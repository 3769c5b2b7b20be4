with accounts as (
    select * from {{ ref("base_crm__accounts") }}
),

renamed as (
    select
        account_id as source_customer_id,
        'erp' as other_source,
        -- Typed by hand, in either case.
        upper(trim(erp_number)) as other_source_customer_id
    from accounts
    where trim(erp_number) <> ''
)

select * from renamed
