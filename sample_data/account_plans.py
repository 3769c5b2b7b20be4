"""What account managers note about the largest dealers: marks, and the dealers' accounts.

What lives here: the sheets of `crm/account_plans.xlsx`, all of them made up, as DuckDB
queries over the tables that build.py opens. Marks and statements are drawn from md5
hashes of the dealer's number, so they never change; only which dealers they are about
and their city are AdventureWorks'. Not here: how a
sheet is laid out and saved (build.py), and what the marks mean (METHODS and
dbt_project/seeds/matrix_factors.csv).
"""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet

MARKED: Final = 30
# Positions by revenue. Of one dealer nobody noted a competitor, another was marked on
# two factors only.
NO_COMPETITOR: Final = 7
HARDLY_MARKED: Final = 19
# One round of marks a year, each within six weeks; the oldest is of the first sales.
ROUNDS: Final = (
    dt.date(2011, 1, 10),
    dt.date(2011, 11, 14),
    dt.date(2012, 11, 12),
    dt.date(2013, 11, 11),
)

# dimension, factor, and a sentence for a low, a middling and a high mark of a dealer or
# of ours; {} is the dealer's city.
FACTORS: Final = (
    (
        "attractiveness",
        "market_size",
        "The trade around {} is small and shared by many.",
        "A market of ordinary size around {}.",
        "Sells to most of the riders around {}.",
    ),
    (
        "attractiveness",
        "growth",
        "Fewer bicycles through the till than a year ago.",
        "Sells about as much as last year.",
        "A new shop floor in {}, and more staff on it.",
    ),
    (
        "attractiveness",
        "price_quality",
        "Asks for a discount before it asks for the model.",
        "Pays the list price for novelties only.",
        "Buys the better models and seldom haggles.",
    ),
    (
        "attractiveness",
        "financial_health",
        "Our invoices are paid after the second reminder.",
        "Pays late in winter, on time in summer.",
        "Pays early and takes the discount for it.",
    ),
    (
        "attractiveness",
        "reference_value",
        "No other dealer asks what it stocks.",
        "Two clubs in {} ride what it sells.",
        "Other dealers visit {} to see its window.",
    ),
    (
        "strength",
        "product_fit",
        "Misses children's bicycles and carriers.",
        "Covers the range that the shop shows.",
        "The shop fills a whole floor with it.",
    ),
    (
        "strength",
        "price",
        "Dearer on the models that sell.",
        "Prices are near those of the others.",
        "Cheaper on the models that sell.",
    ),
    (
        "strength",
        "delivery",
        "Two orders of the season came late.",
        "Delivers as promised, not sooner.",
        "Parts are in {} on the next day.",
    ),
    (
        "strength",
        "service",
        "Warranty cases wait for weeks.",
        "Warranty cases are settled within the month.",
        "Its mechanics are trained and rung back at once.",
    ),
    (
        "strength",
        "relationship",
        "Nobody knows the person who signs.",
        "Known to the buyer, not to the owner.",
        "The owner plans the season around its visits.",
    ),
)
COMPETITORS: Final = ("Norvik Bikes (invented)", "Tallgrass Cycles (invented)")


def _rows(rows: tuple[tuple[str, ...], ...]) -> str:
    return ", ".join(
        "(" + ", ".join("'" + value.replace("'", "''") + "'" for value in row) + ")"
        for row in rows
    )


MARKED_DEALERS: Final = f"""
create table marked_dealers as
with dealers as (
    select
        ResellerAlternateKey as key,
        City as city,
        DimGeography.SalesTerritoryKey as territory,
        CountryRegionCode as country_code,
        sum(SalesAmount) as revenue,
    from FactResellerSales
    join DimReseller using (ResellerKey)
    join DimGeography using (GeographyKey)
    group by all
)

select *, row_number() over (order by revenue desc, key) as position
from dealers
order by position
limit {MARKED}
"""

# A dealer has a level of its own for what it is and for how strong somebody is with it;
# a year moves the level by up to half a mark, a factor stands up to two marks off it. In a
# round four of five factors are marked again; the last round of a dealer is never empty.
ACCOUNT_FACTORS: Final = f"""
with factors as (
    select *, row_number() over () as factor_no
    from (values {_rows(FACTORS)}) as factors (dimension, factor, low, middle, high)
),

rounds as (
    select unnest([{", ".join(f"date '{day}'" for day in ROUNDS)}]) as round_day,
        generate_subscripts([{", ".join("0" for _ in ROUNDS)}], 1) as round_no,
),

abouts as (
    select 'account' as about, 'attractiveness' as dimension
    union all
    select unnest(['us', '{COMPETITORS[0]}', '{COMPETITORS[1]}']), 'strength'
),

wanted as (
    select
        dealers.*,
        abouts.about,
        factors.*,
        rounds.*,
        dealers.key || '-' || about as who,
    from marked_dealers as dealers
    cross join abouts
    join factors using (dimension)
    cross join rounds
    where case about
        when '{COMPETITORS[0]}' then dealers.position <> {NO_COMPETITOR}
        when '{COMPETITORS[1]}' then dealers.position <> {NO_COMPETITOR}
            and draw('second competitor', dealers.key, 3) = 0
        else true
    end
    and (
        dealers.position <> {HARDLY_MARKED}
        or dimension = 'strength' or factor in ('market_size', 'growth')
    )
    -- A year is left out by a quarter of the dealers, the first one by half.
    and (round_no = {len(ROUNDS)} or draw('round', dealers.key || round_no, 4)
        >= case round_no when 1 then 2 else 1 end)
    and draw('again', who || factor || round_no, 10)
        < case round_no when {len(ROUNDS)} then 9 else 8 end
),

marked as (
    select
        *,
        case when about = 'account' then 7.4 - 2.6 * (position - 1) / {MARKED - 1}
            when about = 'us' then 5.9
            else 5.6
        end
        + (draw('level', who, 41) - 20) / 10
        + (draw('course', who, 21) - 10) / 20 * (round_no - {len(ROUNDS)})
        + (draw('factor', who || factor, 41) - 20) / 10 as level,
        least(10, greatest(0, round(2 * level) / 2)) as score,
    from wanted
)

select
    key as account_number,
    dimension,
    factor,
    about,
    score::double as score,
    scorer_names()[1 + territory % 4] as scorer,
    working_day(round_day + draw('day', key || round_no, 40)::integer) as scored_on,
    case when score < 4 then replace(low, '{{}}', city)
        when score < 6.5 then replace(middle, '{{}}', city)
        else replace(high, '{{}}', city)
    end as evidence,
from marked
order by position, round_no, about <> 'account', about <> 'us', about, factor_no
"""

# Fifteen of them hand in their accounts of three years, in the money of their country. A
# dealer's revenue is two to five times what it buys from us; AdventureWorks' own figure
# is less than that. One has no short-term debts in its last year: a ratio without a
# denominator.
STATEMENTS: Final = """
with dealers as (
    select *, row_number() over (order by position) as place
    from (from marked_dealers order by md5('statement-' || key) limit 15)
),

years as (
    select
        *,
        2009 + year_no as fiscal_year,
        revenue::double / 3 * (20 + draw('size', key, 31)) / 10
        * (1 + (draw('revenue growth', key, 21) - 6) / 100) ** (year_no - 3)
        * (100 + draw('year', key || year_no, 11) - 5) / 100 as sales,
        (draw('net', key, 13) - 2 + draw('net', key || year_no, 5) - 2) / 100 as net,
        sales * (35 + draw('assets', key, 40)) / 100 as assets,
        assets * (45 + draw('current', key || year_no, 25)) / 100 as short_assets,
        assets * (25 + draw('debts', key, 50)) / 100 as debts,
        case when place = 4 and year_no = 3 then 0
            else debts * (40 + draw('short', key || year_no, 40)) / 100
        end as short_debts,
    from dealers
    cross join (select unnest([1, 2, 3]) as year_no)
)

select
    key as account_number,
    fiscal_year,
    (100 * round(sales / 100))::bigint as revenue,
    (100 * round(sales * net / 100))::bigint as net_income,
    (100 * round(short_assets / 100))::bigint as current_assets,
    (100 * round(short_debts / 100))::bigint as current_liabilities,
    (100 * round(assets / 100))::bigint as total_assets,
    (100 * round(debts / 100))::bigint as total_liabilities,
    case country_code when 'CA' then 'CAD' when 'GB' then 'GBP' when 'FR' then 'EUR'
        else 'USD' end as currency,
from years
order by place, fiscal_year
"""

SHEETS: Final = {"Account factors": ACCOUNT_FACTORS, "Statements": STATEMENTS}

INTRODUCTION: Final = (
    "Account plans for the demonstration",
    "What an account manager would note of the thirty dealers that buy most. All marks,"
    " names of scorers and competitors, dates, sentences and statements are made up;"
    " which dealers they are about and their city are those of"
    " AdventureWorksDW (Microsoft, MIT licence), the data of a fictitious company.",
    "What is made up is drawn from md5 hashes of the dealer's number by"
    " sample_data/account_plans.py, so that it never changes.",
)
READ_ME: Final = (
    ("Account factors", "account_number", "a dealer of the ERP"),
    (
        "Account factors",
        "dimension",
        "attractiveness of the dealer, or strength with it",
    ),
    (
        "Account factors",
        "factor",
        "what is marked; the weights are the program's policy",
    ),
    ("Account factors", "about", "account, us, or the name of a competitor"),
    ("Account factors", "score", "0 to 10, in halves"),
    ("Account factors", "scorer, scored_on", "who marked it, and when"),
    ("Account factors", "evidence", "what the mark rests on"),
    ("Statements", "fiscal_year", "a calendar year"),
    (
        "Statements",
        "revenue ... total_liabilities",
        "in whole hundreds of the currency",
    ),
    ("Statements", "currency", "of the dealer's country"),
)

# Each is asked of the sheets' queries and must give true.
CONTROLS: Final[dict[str, str]] = {
    "thirty dealers are marked, from 0 to 10": f"""
        select count(distinct account_number) = {MARKED}
            and min(score) >= 0 and max(score) <= 10
        from account_factors
    """,
    "a mark stands once": """
        select count(*) = count(distinct
            (account_number, dimension, factor, about, scored_on))
        from account_factors
    """,
    "one dealer has no competitor, one is marked on two factors of five": """
        select count(*) filter (competitors = 0) = 1
            and count(*) filter (looked_at <= 2) = 1
        from (
            select
                count(*) filter (about not in ('account', 'us')) as competitors,
                count(distinct factor) filter (about = 'account') as looked_at,
            from account_factors
            group by account_number
        )
    """,
    "marks are of 2011 to January 2014, on working days": """
        select min(scored_on) < date '2011-03-01' and max(scored_on) <= date '2014-01-31'
            and max(isodow(scored_on)) <= 5
        from account_factors
    """,
    "fifteen dealers give three years, one a year without short-term debts": """
        select count(*) = 45 and count(distinct account_number) = 15
            and count(*) filter (current_liabilities = 0) = 1
            and bool_and(current_assets <= total_assets
                and current_liabilities <= total_liabilities)
        from statements
    """,
}

Fill = Callable[[Worksheet, list[str], list[tuple[Any, ...]]], None]


def write(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    fill: Fill,
    save: Callable[[Workbook, Path], None],
) -> list[str]:
    """Writes the workbook and returns the controls that do not hold.

    Args:
        connection: With the views of the raw tables and build.py's macros.
        path: The workbook.
        fill: Fills a sheet with columns and rows.
        save: Saves a workbook without the moment of saving.
    """
    connection.execute(MARKED_DEALERS)
    book = Workbook()
    assert book.active is not None
    _fill_read_me(book.active)
    for title, query in SHEETS.items():
        table = title.lower().replace(" ", "_")
        connection.execute(f"create table {table} as {query}")
        result = connection.execute(f"from {table}")
        columns = [column[0] for column in result.description or ()]
        fill(book.create_sheet(title), columns, result.fetchall())
    for (cell,) in book["Account factors"].iter_rows(2, min_col=5, max_col=5):
        cell.number_format = "0.0"
    save(book, path)
    return [
        name
        for name, query in CONTROLS.items()
        if connection.execute(query).fetchone() != (True,)
    ]


def _fill_read_me(sheet: Worksheet) -> None:
    sheet.title = "Read me"
    for line in INTRODUCTION:
        sheet.append([line])
    sheet.append([])
    sheet.append(["sheet", "column", "what it is"])
    for row in READ_ME:
        sheet.append(row)
    for number in (1, 5):
        for cell in sheet[number]:
            cell.font = Font(bold=True)
    for number in (2, 3):
        sheet.merge_cells(
            start_row=number, end_row=number, start_column=1, end_column=3
        )
        sheet.cell(number, 1).alignment = Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[number].height = 62
    for letter, width in zip("ABC", (18, 34, 58), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A6"
