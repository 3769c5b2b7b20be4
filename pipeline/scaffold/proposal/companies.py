"""Company or person: by a column, by the names, or by what is known of a customer.

Also who is neither: whom one speaks to at a company. Not here: what else is known of
customers (`people`).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling.tables import Column, Table
from pipeline.scaffold.proposal import values, vocabulary
from pipeline.scaffold.proposal.mapping import Answer, Draft, of
from pipeline.scaffold.proposal.recognition import Recognised

# In the name of a column: it says to whom one speaks at a customer.
_CONTACTS = {"contact", "kontakt", "contacto"}
_CONTACT_PERSONS = {
    "ansprechpartner", "kontaktperson", "interlocuteur", "联系人", "联系人姓名", "聯絡人",
    "担当者", "担当者名",
}  # fmt: skip

# What only persons, and what only companies have.
OF_PERSONS = {"given_name", "family_name", "birth_date", "yearly_income"}
OF_COMPANIES = {"industry", "employee_count", "annual_revenue", "registration_number"}

PERSON_WORDS = (
    "person", "individual", "consumer", "private", "b2c", "household", "home office",
    "retail", "个人", "自然人", "零售",
)  # fmt: skip
COMPANY_WORDS = (
    "company", "corporate", "business", "b2b", "organi", "enterprise", "reseller", "dealer",
    "wholesale", "shop", "store", "企业", "公司", "单位", "经销", "批发", "集团",
)  # fmt: skip
_LISTS_OF_COMPANIES = {"company", "reseller", "dealer", "account"}
# Where fewer names than these are those of companies, it is by chance; where more are, the
# others are companies as well.
LEAST_OF_COMPANIES = 0.1
MOST_OF_BOTH = 0.9
COMPANY_NAME = (
    r"(?i)(公司|集团|厂|商行|中心|银行|医院|学校|大学|\b(ltd|llc|inc|gmbh|ag|co|corp|plc|"
    r"s\.?a|bv|nv|oy|ab|kg|kgaa|ohg|ug|sarl|sas|eurl|srl|spa|ltda|aps|pty|limited|"
    r"company|corporation|group|store|shop)\b|[㐀-鿿]{6,})"
)


def customer_type(
    connection: duckdb.DuckDBPyConnection, draft: Draft, item: Recognised
) -> Answer:
    """Company or person: by a column, by the names, or by what is known of them."""
    preset = item.preset
    if preset and preset.customer_type:
        return Answer(
            sql.literal(preset.customer_type), 1.0, f"the preset {preset.name}"
        )
    column = item.column("customer_type")
    if column is not None and (by_column := _type_by_words(item.table, column)):
        return by_column
    persons = OF_PERSONS & set(item.meanings)
    named = item.column("customer_name")
    key = item.column("source_customer_id")
    if named is None and key is not None and is_a_name(key):
        named = key
    if company := of_a_person(item):
        return Answer(
            f"case when {of(item.table, values.text(company))} is null then 'person' "
            "else 'company' end",
            0.85,
            f"a company where {company.name} says one",
            [company.name],
        )
    if persons and not OF_COMPANIES & set(item.meanings):
        return Answer("'person'", 0.9, f"they have {', '.join(sorted(persons))}")
    share = _share_of_companies(connection, item.table, named) if named else 0.0
    if why := _why_companies(item, named, share):
        return Answer("'company'", 0.85, why)
    if named is not None and share >= LEAST_OF_COMPANIES:
        return _type_by_names(draft, item, named, share)
    chosen = draft.questions.decide(
        f"{item.table.name}: customer type",
        f"Are the customers in {item.table.title} companies or persons?",
        {"person": "all are persons", "company": "all are companies"},
        "person",
        why=f"no column says it; {share:.0%} of the names are those of companies",
        where="customer_type in the staging model of customers",
    )
    return Answer(sql.literal(chosen), 0.4, "nothing says it: see the questions")


def _why_companies(item: Recognised, named: Column | None, share: float) -> str:
    """Why all of them are companies; empty where nothing says so."""
    if known := OF_COMPANIES & set(item.meanings):
        return f"they have {', '.join(sorted(known))}"
    if named is not None:
        contacts = [name for name in item.table.columns if _is_of_a_contact(name)]
        if contacts:
            return f"they have contacts: {', '.join(contacts)}"
        if share > MOST_OF_BOTH or vocabulary.names_a_company(named.name):
            return "their names"
    title = {*vocabulary.stems(item.table.name)}
    return "their table's name" if title & _LISTS_OF_COMPANIES else ""


def _type_by_names(
    draft: Draft, item: Recognised, named: Column, share: float
) -> Answer:
    """Of each by its name, where some are called as companies are and others are not."""
    # Where most have a legal form the others have left theirs out, and who has deals is a
    # company; a Chinese name of a person is seldom taken for that of a company.
    is_most = share >= 0.5 and named.share("chinese") < 0.5
    chosen = draft.questions.decide(
        f"{item.table.name}: customer type",
        f"Are the customers in {item.table.title} companies or persons?",
        {
            "by name": "companies are those whose name has a legal form, such as Ltd",
            "company": "all are companies",
            "person": "all are persons",
        },
        "company" if is_most or item.role == "leads" else "by name",
        why=f"no column says it; {share:.0%} of the names have a legal form",
        where="customer_type in the staging model of customers",
    )
    if chosen != "by name":
        return Answer(sql.literal(chosen), 0.6, "see the questions")
    name = of(item.table, values.text(named))
    return Answer(
        f"case when regexp_matches({name}, {sql.literal(COMPANY_NAME)}) "
        "then 'company' else 'person' end",
        0.6,
        f"{named.name}: {share:.0%} are called as companies are",
    )


def _type_by_words(table: Table, column: Column) -> Answer | None:
    """The type from a column of words, where each of them can be told."""
    if column.kind != "text" or column.distinct > 12:
        return None
    persons = [word for word in column.examples if _is_one(word, PERSON_WORDS)]
    companies = [word for word in column.examples if _is_one(word, COMPANY_WORDS)]
    stated = {*persons, *companies}
    if (
        not stated
        or len(stated) < len(column.examples)
        or not {*persons}.isdisjoint(companies)
    ):
        return None
    value = of(table, values.text(column))
    listed = ", ".join(map(sql.literal, persons))
    if not persons:
        return Answer("'company'", 0.85, f"{column.name}: {', '.join(companies)}")
    return Answer(
        f"case when {value} in ({listed}) then 'person' else 'company' end",
        0.85,
        f"{column.name}: {', '.join(persons)} are persons",
        [column.name],
    )


def _is_one(word: str, words: Sequence[str]) -> bool:
    return any(mark in word.lower() for mark in words)


def _share_of_companies(
    connection: duckdb.DuckDBPyConnection, table: Table, column: Column
) -> float:
    row = connection.execute(
        f"select avg(case when regexp_matches({column.reading}, ?) then 1.0 else 0 end) "
        f"from {sql.quoted(table.relation)}",
        [COMPANY_NAME],
    ).fetchone()
    return float(row[0] or 0) if row else 0.0


def leave_contacts_out(item: Recognised) -> None:
    """Whom one speaks to at a customer that has a name of its own is not the customer."""
    if "customer_name" not in item.meanings:
        return
    for meaning in ("given_name", "family_name"):
        found = item.meanings.get(meaning)
        if found and _is_of_a_contact(found.column):
            del item.meanings[meaning]


def of_a_person(item: Recognised) -> Column | None:
    """The column that says for which company a person buys, if both are said."""
    named = item.column("customer_name")
    is_person = {"given_name", "family_name"} <= item.meanings.keys()
    is_company = named is not None and vocabulary.names_a_company(named.name)
    return named if is_person and is_company else None


def _is_of_a_contact(column: str) -> bool:
    """Whether a column of this name holds whom one speaks to at a customer."""
    words = {*vocabulary.stems(column)}
    return bool(words & _CONTACT_PERSONS) or (
        bool(words & _CONTACTS)
        and bool(words & {"name", "first", "last", "firstname", "lastname", "person"})
    )


def is_a_name(column: Column) -> bool:
    """Whether a key is what its customer is called: words with blanks, or Chinese."""
    called = max(column.share("spaced"), column.share("chinese"))
    return column.kind == "text" and called > 0.5
