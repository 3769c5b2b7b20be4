"""The CRM's own view of companies, for build.py: made up around the ERP's companies.

What lives here: the accounts and contacts of the CRM workbook and the key that says
which ERP company each account stands for. An account is an ERP company as a sales
person would write it down: another spelling, another format of the telephone, often
without the ERP's number. Some stand twice, some are unknown to the ERP, and two are
hard to tell. Contacts are nobody.

What does not live here: who matches what. The program never reads the answer key; a
test does.
"""

from typing import Final

CHOSEN_BIGGEST: Final = 120
CHOSEN_OTHERS: Final = 126

# A dealer that has extended its name since the ERP wrote it down, and whose address
# nobody has asked for: its telephone and half of its name are left in common.
RENAMED: Final = ("AW00000605", "Outstanding Cycles & Coffee")

# Companies that the ERP does not know: name, street, city, state, postal code, country,
# industry, kind. The look-alike is hard to tell from Westside Cycle Store, AW00000111,
# another shop with the same postal code. All get telephones 555-01.., which nobody has.
PROSPECTS: Final = (
    ("Twentieth Bike Store", "20 Nowhere Street", "Salem", "Oregon", "97301",
     "United States", "Bicycle retail", "prospect"),
    ("Improbable Bicycles", "8 Perhaps Avenue", "Calgary", "Alberta", "T2P 2G8",
     "Canada", "Bicycle retail", "prospect"),
    ("Nobody's Bike Barn", "311 Unbuilt Road", "Bellevue", "Washington", "98004",
     "United States", "Wholesale", "prospect"),
    ("Placeholder Pedal Works Ltd", "1 Imagined Lane", "Winnipeg", "Manitoba", "R3",
     "Canada", "Services and parts", "prospect"),
    ("Make-Believe Cycles", "77 Daydream Drive", "Denver", "Colorado", "80203",
     "United States", "Bicycle retail", "prospect"),
    ("Westside Bicycle Store", "1 Daydream Drive", "Elgin", "Illinois", "60120",
     "United States", "Bicycle retail", "look-alike"),
)  # fmt: skip

GIVEN_NAMES: Final = (
    "Adela", "Alvin", "Annika", "Ben", "Bianca", "Caleb", "Carmen", "Cedric", "Chloe",
    "Darius", "Edith", "Emil", "Farah", "Felix", "Gemma", "Gustav", "Harriet", "Hugo",
    "Ines", "Ivan", "Jasmin", "Jonas", "Keiko", "Leon", "Lucia", "Magnus", "Mei",
    "Nadia", "Nils", "Olive", "Oscar", "Paula", "Quentin", "Rosa", "Samir", "Tessa",
    "Ulrich", "Vera", "Wanda", "Yusuf",
)  # fmt: skip
FAMILY_NAMES: Final = (
    "Abernathy", "Alder", "Baptiste", "Birch", "Bramble", "Calloway", "Castellan",
    "Dorset", "Drummond", "Ellery", "Fairweather", "Fenwick", "Garland", "Greaves",
    "Hawthorn", "Hollis", "Ibarra", "Jessup", "Kestrel", "Kowal", "Lachance", "Linden",
    "Marlow", "Montrose", "Nakata", "Norwood", "Oakes", "Okafor", "Pemberton",
    "Quimby", "Rafferty", "Rousseau", "Sandoval", "Sorrel", "Thackeray", "Umber",
    "Vandermeer", "Whitlock", "Yarrow", "Zeller",
)  # fmt: skip


def _list(values: tuple[str, ...]) -> str:
    """An SQL list of texts."""
    return (
        "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"
    )


def _rows(rows: tuple[tuple[str, ...], ...]) -> str:
    """SQL rows of texts."""
    return ", ".join("(" + _list(row)[1:-1] + ")" for row in rows)


# `pick` draws one of a list. An account's number in the CRM is 24 hex digits, as
# 纷享销客 has them. `dialled` writes ten digits in one of three ways; the thirteen that
# the ERP holds of dealers outside North America keep their order. `slipped` is a name
# with one slip of the pen: two letters swapped, one left out or one doubled.
MACROS: Final = """
create macro pick(salt, key, choices) as choices[1 + draw(salt, key, len(choices))];
create macro crm_id(kind, key) as substr(md5('crm ' || kind || '-' || key), 1, 24);
create macro dialled(digits, style) as case
    when length(digits) <> 10
        then format('{}.{}.{}.{}', substr(digits, 1, 1), substr(digits, 2, 2),
            substr(digits, 4, 3), substr(digits, 7))
    when style < 60
        then format('+1 ({}) {}-{}', substr(digits, 1, 3), substr(digits, 4, 3),
            substr(digits, 7))
    when style < 85
        then format('{}.{}.{}', substr(digits, 1, 3), substr(digits, 4, 3),
            substr(digits, 7))
    else format('({}) {} {}', substr(digits, 1, 3), substr(digits, 4, 3),
        substr(digits, 7))
end;
create macro slipped_at(name, place, kind) as left(name, place - 1) || case
    when kind = 0 and substr(name, place, 1) <> substr(name, place + 1, 1)
        then substr(name, place + 1, 1) || substr(name, place, 1)
            || substr(name, place + 2)
    when kind = 1 then substr(name, place, 1) || substr(name, place)
    else substr(name, place + 1)
end;
create macro slipped(name, key) as slipped_at(
    name,
    list_filter(
        range(2, length(name)),
        lambda i: regexp_matches(substr(name, i, 2), '^[a-z][a-z]$')
    )[1 + draw('slip place', key, len(list_filter(
        range(2, length(name)),
        lambda i: regexp_matches(substr(name, i, 2), '^[a-z][a-z]$')
    )))],
    draw('slip kind', key, 3)
);
"""

# The ERP's companies that the CRM knows, with a domain of their own.
CHOSEN: Final = f"""
create table chosen as
with revenue as (
    select customer_number, sum(SalesAmount) as revenue
    from sales
    where channel = 'reseller'
    group by customer_number
),

ranked as (
    select
        ResellerAlternateKey as key,
        ResellerName as erp_name,
        regexp_replace(Phone, '[^0-9]', '', 'g') as digits,
        BusinessType as business_type,
        concat_ws(', ', AddressLine1, AddressLine2) as street,
        City as city,
        StateProvinceName as state,
        PostalCode as postal_code,
        CountryRegionCode as country_code,
        EnglishCountryRegionName as country,
        row_number() over (order by coalesce(revenue, 0) desc, key) as revenue_rank,
        count(*) over (partition by ResellerName) as namesakes,
    from DimReseller
    join DimGeography using (GeographyKey)
    left join revenue on revenue.customer_number = ResellerAlternateKey
),

others as (
    select key
    from ranked
    where revenue_rank > {CHOSEN_BIGGEST} and key <> '{RENAMED[0]}'
    order by md5('account-' || key)
    limit {CHOSEN_OTHERS - 1}
)

select
    *,
    regexp_replace(
        regexp_replace(lower(erp_name), '^the |[,]? (company|inc|inc[.]|ltd[.]|co[.])$',
            '', 'g'),
        '[^a-z0-9]', '', 'g'
    ) || case when namesakes > 1 then lower(replace(city, ' ', '')) else '' end
        || '.example' as own_domain,
from ranked
where revenue_rank <= {CHOSEN_BIGGEST}
    or key in (from others)
    or key = '{RENAMED[0]}'
"""

# Eight heads, thirty members; from the fifth member of a group on, the parent is the
# group's second member, so that a group may have three floors.
GROUPS: Final = f"""
create table members as
with heads as (
    select key as head, row_number() over (order by md5('head-' || key)) - 1 as group_no
    from chosen
    where revenue_rank <= 60 and country_code in ('US', 'CA')
    order by md5('head-' || key)
    limit 8
),

chosen_members as (
    select key, draw('group', key, 8) as group_no
    from chosen
    where key not in (select head from heads) and key <> '{RENAMED[0]}'
    order by md5('member-' || key)
    limit 30
),

numbered as (
    select
        *,
        row_number() over (partition by group_no order by md5('member-' || key))
            as member_no,
    from chosen_members
)

select
    numbered.*,
    head,
    case
        when member_no >= 5
            then max(key) filter (member_no = 2) over (partition by group_no)
        else head
    end as parent,
from numbered
join heads using (group_no)
"""

# Seven companies of North America and one head of a group are in the CRM twice.
DUPLICATES: Final = f"""
create table duplicates as
(
    select key
    from chosen
    where country_code in ('US', 'CA') and length(erp_name) >= 12
        and key not in (select head from members) and key <> '{RENAMED[0]}'
    order by md5('duplicate-' || key)
    limit 7
)
union all
(select distinct head from members order by md5('duplicate-' || head) limit 1)
"""

# Which way an account differs from its company in the ERP. `moved` and `no telephone`
# exclude each other: of the two, something has to stay the same.
ACCOUNTS: Final = f"""
create table accounts as
with styled as (
    select
        *,
        draw('account name', key, 100) as name_style,
        draw('account phone', key, 100) as phone_style,
        country_code in ('US', 'CA') and draw('moved', key, 100) < 6 as has_moved,
        draw('no telephone', key, 100) < 8 as lacks_phone,
        regexp_matches(erp_name, '(?i)(company|inc|ltd|limited|corporation|co)[.]?$')
            as has_form,
    from chosen
),

-- Those who moved went where another company of the country is, to a street of ours.
places as (
    select
        country_code as new_country,
        city as new_city,
        state as new_state,
        postal_code as new_postal_code,
        row_number() over (partition by country_code order by md5('place-' || key)) - 1
            as place_no,
        count(*) over (partition by country_code) as place_count,
    from chosen
),

-- Half of the groups answer under the domain of their head.
shared as (
    select key as head, own_domain as group_domain
    from chosen
),

companies as (
    select
        styled.key,
        crm_id('account', styled.key) as account_id,
        case when name_style >= 38 and name_style < 53 and not has_form then 'form'
            when name_style < 53 then 'same'
            when name_style < 61 and not starts_with(erp_name, 'The ') then 'the'
            when name_style < 68 then 'upper'
            when name_style < 74 then 'lower'
            when name_style < 88 and erp_name like '%&%' then 'and'
            when name_style < 88 and erp_name like '% and %' then 'ampersand'
            when name_style < 88 and erp_name like '% Company' then 'co'
            when name_style < 88 then 'same'
            when name_style < 94 then 'slip'
            when len(string_split(erp_name, ' ')) > 2 and not starts_with(erp_name, 'The ')
                and string_split(erp_name, ' ')[-2] not in ('and', '&', 'for')
                then 'short'
            else 'same'
        end as spelling,
        case spelling
            when 'form' then erp_name || case country_code
                when 'US' then pick('form', styled.key, [' Inc.', ', Inc.', ' LLC'])
                when 'CA' then pick('form', styled.key, [' Ltd.', ' Inc.'])
                when 'GB' then ' Ltd'
                when 'AU' then ' Pty Ltd'
                when 'DE' then ' GmbH'
                when 'FR' then ' SARL'
            end
            when 'the' then 'The ' || erp_name
            when 'upper' then upper(erp_name)
            when 'lower' then lower(erp_name)
            when 'and' then replace(erp_name, '&', 'and')
            when 'ampersand' then replace(erp_name, ' and ', ' & ')
            when 'co' then regexp_replace(erp_name, 'Company$', 'Co.')
            when 'slip' then slipped(erp_name, styled.key)
            when 'short' then regexp_replace(erp_name, ' [^ ]+$', '')
            else erp_name
        end as name,
        draw('erp number', styled.key, 100) < 55 as has_number,
        case when has_number then case
            when draw('number typed', styled.key, 100) < 5 then lower(styled.key)
            else styled.key
        end end as erp_number,
        case when has_moved or not lacks_phone
            then dialled(digits, phone_style) end as phone,
        digits,
        coalesce(group_domain, own_domain) as domain,
        case draw('website', styled.key, 10)
            when 0 then null
            when 1 then 'https://www.' || domain || '/'
            when 2 then domain
            else 'www.' || domain
        end as website,
        case when has_moved
            then format('{{}} {{}}', 100 + draw('number in street', styled.key, 800),
                pick('street', styled.key, ['Invented Street', 'Moveaway Road',
                    'Newfound Avenue', 'Relocation Drive']))
            else regexp_replace(regexp_replace(styled.street, ' Street\\b', ' St.'),
                ' Avenue\\b', ' Ave.')
        end as street,
        case when has_moved then new_city else styled.city end as city,
        case when has_moved then new_state else styled.state end as state,
        case
            when has_moved then new_postal_code
            when draw('postal code', styled.key, 3) = 0
                then replace(styled.postal_code, ' ', '')
            else styled.postal_code
        end as postal_code,
        styled.country,
        case business_type
            when 'Specialty Bike Shop' then 'Bicycle retail'
            when 'Warehouse' then 'Wholesale'
            else 'Services and parts'
        end as industry,
        case
            when members.parent in (from duplicates) and members.member_no = 1
                then crm_id('account', members.parent || ' again')
            else crm_id('account', members.parent)
        end as parent_account,
        case when has_moved then 'moved' else 'company' end as kind,
        revenue_rank,
    from styled
    left join members on members.key = styled.key
    left join shared
        on shared.head = members.head and members.group_no % 2 = 0
    left join places
        on new_country = country_code
        and place_no = draw('moved to', styled.key, place_count)
),

renamed as (
    select * replace (
        '{RENAMED[1]}' as name, 'renamed' as spelling, 'renamed' as kind,
        null as erp_number, false as has_number, null as street, null as city,
        null as state, null as postal_code,
        dialled(digits, 0) as phone,
        'outstandingcyclesandcoffee.example' as domain,
        'www.outstandingcyclesandcoffee.example' as website
    )
    from companies
    where key = '{RENAMED[0]}'
),

again as (
    select * replace (
        crm_id('account', key || ' again') as account_id,
        lower(slipped(erp_name, key || ' again')) as name,
        'slip' as spelling, 'duplicate' as kind,
        null as erp_number, false as has_number,
        case when again_by <> 'website' then digits end as phone,
        null as street, null as postal_code, null as state,
        case when again_by <> 'phone' then domain end as website,
        null as industry, null as parent_account
    )
    from (
        select
            companies.*,
            erp_name,
            -- What the second account has in common with the first; where that says
            -- only part of the name, it is the telephone, as the ERP has it too.
            case when website is null or spelling = 'short' then 'phone'
                else pick('again by', key, ['phone', 'website', 'both'])
            end as again_by,
        from companies
        join (select key, erp_name from chosen) using (key)
        where key in (from duplicates)
    )
),

prospects as (
    select
        null as key,
        crm_id('account', name) as account_id,
        'made up' as spelling,
        name,
        null as erp_number,
        format('{{:03d}}55501{{:02d}}', 201 + draw('area', name, 700),
            draw('line', name, 100)) as digits,
        dialled(digits, 0) as phone,
        regexp_replace(lower(regexp_replace(name, ' Ltd$', '')), '[^a-z]', '', 'g')
            || '.example' as domain,
        'www.' || domain as website,
        street,
        city,
        state,
        postal_code,
        country,
        industry,
        null as parent_account,
        kind,
    from (values {_rows(PROSPECTS)}) as prospects (
        name, street, city, state, postal_code, country, industry, kind
    )
),

everyone as (
    select * from companies where key <> '{RENAMED[0]}'
    union all by name
    select * from renamed
    union all by name
    select columns(c -> c in (
        'key', 'account_id', 'spelling', 'name', 'erp_number', 'digits', 'phone',
        'domain', 'website', 'street', 'city', 'state', 'postal_code', 'country',
        'industry', 'parent_account', 'kind'
    )) from again
    union all by name
    select * from prospects
)

select
    * exclude (has_number, revenue_rank),
    pick('owner', coalesce(city, account_id), owner_names()) as owner,
    timestamp '2012-02-01 08:00:00'
        + to_days(draw('updated', account_id, 727)::integer)
        + to_minutes(draw('updated at', account_id, 600)) as updated_at,
from everyone
"""

ACCOUNTS_SHEET: Final = """
select
    account_id,
    name,
    erp_number,
    phone,
    website,
    street,
    city,
    state,
    postal_code,
    country,
    industry,
    owner,
    parent_account,
    updated_at,
from accounts
order by account_id
"""

# One to three people an account, one where it is a duplicate.
CONTACTS: Final = f"""
create table contacts as
with people as (
    select
        accounts.* exclude (key),
        account_id || '-' || number as key,
        number + draw('first contact', account_id, 97) as nth,
    from accounts
    cross join unnest([1, 2, 3]) as numbers (number)
    where number <= case kind
        when 'duplicate' then 1 else 1 + draw('people', account_id, 3)
    end
),

named as (
    select
        *,
        -- Of one account, no two share a given name.
        {_list(GIVEN_NAMES)}[1 + (7 * nth) % {len(GIVEN_NAMES)}] as given_name,
        pick('family', key, {_list(FAMILY_NAMES)}) as family_name,
        case
            when draw('role', key, 100) < 32 then 'decision_maker'
            when draw('role', key, 100) < 58 then 'influencer'
            when draw('role', key, 100) < 86 then 'user'
            else 'gatekeeper'
        end as role,
    from people
)

select
    crm_id('contact', key) as contact_id,
    account_id,
    given_name || ' ' || family_name as name,
    case role
        when 'decision_maker' then pick('title', key,
            ['Owner', 'Managing Director', 'Head of Purchasing'])
        when 'influencer' then pick('title', key,
            ['Store Manager', 'Category Manager', 'Workshop Manager'])
        when 'user' then pick('title', key,
            ['Buyer', 'Mechanic', 'Sales Associate', 'Warehouse Clerk'])
        else pick('title', key, ['Office Manager', 'Receptionist', 'Accountant'])
    end as job_title,
    role,
    case role
        when 'decision_maker' then 6 + draw('influence', key, 5)
        when 'influencer' then 4 + draw('influence', key, 5)
        when 'user' then draw('influence', key, 5)
        else 1 + draw('influence', key, 5)
    end as influence,
    case when draw('mail', key, 100) < 90
        then lower(given_name || '.' || family_name) || '@' || domain end as email,
    case when draw('phone', key, 100) < 80
        then dialled(digits, 0) || ' ext. ' || (10 + draw('desk', key, 90)) end as phone,
    case
        when draw('knows', key, 100) < 65 then owner
        when draw('knows', key, 100) < 80 then pick('knows', key, owner_names())
        when draw('knows', key, 100) < 93 then pick('knows', key, scorer_names())
    end as owner,
    case when draw('spoken', key, 100) < 85
        then working_day(date '2012-06-04' + draw('spoken on', key, 603)::integer)
    end as last_contact_on,
from named
"""

CONTACTS_SHEET: Final = "from contacts order by account_id, contact_id"

ANSWER_KEY: Final = """
select account_id, key as account_number, kind, spelling
from accounts
order by account_id
"""

STEPS: Final = (CHOSEN, GROUPS, DUPLICATES, ACCOUNTS, CONTACTS)
