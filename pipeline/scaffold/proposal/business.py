"""The business's last day, time zone and currency, proposed from the data.

What the data do not say is a question with a placeholder: UTC, and XXX, which ISO 4217
keeps for amounts of no currency.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import duckdb
from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies, list_currencies

from pipeline.common import calendar, sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.han import simplified
from pipeline.common.settings import is_time_zone
from pipeline.profiling import databases, names
from pipeline.profiling.tables import Column, Table
from pipeline.scaffold.proposal import deals, vocabulary
from pipeline.scaffold.proposal.mapping import Draft, Mapping
from pipeline.scaffold.proposal.recognition import Recognised

NO_CURRENCY = "XXX"

# Data whose last day is longer ago end in the past; else the company goes on.
DAYS_UNTIL_PAST = 14

_SYMBOLS = {
    "£": "GBP", "€": "EUR", "￥": "CNY", "¥": "CNY", "元": "CNY", "RMB": "CNY",
    "人民币": "CNY", "R$": "BRL", "₹": "INR", "₩": "KRW", "$": "USD", "美元": "USD",
    "港币": "HKD", "欧元": "EUR",
}  # fmt: skip
# Countries on one clock alone have one zone that speaks for all; of others, the one in
# which most people live is proposed, and asked.
_ZONES = {
    "US": "America/New_York", "BR": "America/Sao_Paulo", "CN": "Asia/Shanghai",
    "AU": "Australia/Sydney", "CA": "America/Toronto", "MX": "America/Mexico_City",
    "RU": "Europe/Moscow", "ID": "Asia/Jakarta", "ES": "Europe/Madrid",
    "PT": "Europe/Lisbon", "DE": "Europe/Berlin", "GB": "Europe/London",
    "NZ": "Pacific/Auckland", "CL": "America/Santiago", "FR": "Europe/Paris",
}  # fmt: skip
# Registers of companies and taxpayers that one country alone has, by their column's word.
_REGISTERS = {
    "gstin": "IN", "abn": "AU", "siret": "FR", "siren": "FR", "cnpj": "BR", "uen": "SG",
    "kvk": "NL",
}  # fmt: skip
# In these languages countries are known by their names, the first before the others.
_LANGUAGES = ("en", "zh", "de", "fr", "es", "it", "pt", "nl", "ja", "ko", "pl", "tr")
# What people write for a country beside its name and code.
_SPELLINGS = {
    "usa": "US", "u.s.a.": "US", "us": "US", "uk": "GB", "england": "GB", "scotland": "GB",
    "great britain": "GB", "eire": "IE", "holland": "NL", "korea": "KR", "rsa": "ZA",
    "prc": "CN", "p.r. china": "CN", "mainland china": "CN",
}  # fmt: skip


@dataclass(frozen=True)
class Business:
    """What stands in `business` of sources.yaml, each with why.

    `as_of` is None for a company whose data go on to the present.
    """

    time_zone: str
    zone_why: str
    currency: str
    currency_why: str
    as_of: dt.date | None
    last_day: dt.date | None
    as_of_why: str


def propose(
    connection: duckdb.DuckDBPyConnection, draft: Draft, today: dt.date
) -> Business:
    """The business's facts, as far as the data say them."""
    territory, why = _territory(connection, draft)
    currency, currency_why = _currency(connection, draft, territory, why)
    zone, zone_why = _zone(draft, territory, why)
    last, as_of_why = _last_day(connection, draft, today, zone)
    is_past = last is not None and (today - last).days > DAYS_UNTIL_PAST
    return Business(
        zone,
        zone_why,
        currency,
        currency_why,
        last if is_past else None,
        last,
        as_of_why,
    )


def _territory(
    connection: duckdb.DuckDBPyConnection, draft: Draft
) -> tuple[str | None, str]:
    """The country that most rows of a table name, if one does."""
    codes = _territories()
    for item in draft.found.values():
        # Where employees and suppliers are is not where the business is.
        found = _column_of_country(item) if item.role else None
        if found is None:
            continue
        table, column = found
        (word, times) = connection.execute(
            f"select {column.reading}, count(*) from {sql.quoted(table.relation)} "
            f"where {column.reading} is not null group by 1 order by 2 desc, 1 limit 1"
        ).fetchone() or ("", 0)
        code = codes.get(str(word).strip().lower())
        if code is not None and times > column.known / 2:
            name = Locale("en").territories[code]
            return code, f"most rows of {table.name}.{column.name} say {name}"
    columns = [
        name for table in draft.profile.tables.values() for name in table.columns
    ]
    for name in columns:
        for word in _REGISTERS.keys() & {*names.words(name)}:
            code = _REGISTERS[word]
            return (
                code,
                f"{name} is a number that {Locale('en').territories[code]} gives",
            )
    called = "".join(columns)
    if names.is_japanese(called):
        return "JP", "the columns have Japanese names"
    country = vocabulary.country_of(
        (item.role, meaning.column)
        for item in draft.found.values()
        if item.role
        for meaning in item.meanings.values()
    )
    if country is not None:
        territory = Locale("en").territories[country]
        return country, f"the columns are called as in {territory}"
    if names.is_chinese(called):
        if simplified(called) != called:
            return "TW", "the columns have names in traditional Chinese"
        return "CN", "the columns have Chinese names"
    return None, ""


def _column_of_country(item: Recognised) -> tuple[Table, Column] | None:
    column = item.column("country")
    if column is not None:
        return item.table, column
    for other in item.table.columns.values():
        is_country = "country" in names.words(other.name) or "国家" in other.name
        if is_country and other.kind == "text":
            return item.table, other
    return None


def _territories() -> dict[str, str]:
    found: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2:
                found.setdefault(name.lower(), code)
                found.setdefault(code.lower(), code)
    return {**found, **_SPELLINGS}


def _zone(draft: Draft, territory: str | None, why: str) -> tuple[str, str]:
    zones = [
        zone
        for zone, code in get_global("zone_territories").items()
        if code == territory and "/" in zone
    ]
    proposed = "UTC"
    if territory in _ZONES:
        proposed = _ZONES[territory]
    elif len(zones) == 1:
        proposed = zones[0]
    if not any(
        column.kind == "timestamp"
        for table in draft.profile.tables.values()
        for column in table.columns.values()
    ):
        return proposed, why or "no column holds a time of the day: only days count"
    text = "On which clock are the times, and which days does the business count in?"
    options = {proposed: why or "no column says it", "UTC": "times of the world"}
    chosen = draft.questions.decide(
        "time zone",
        text,
        options,
        proposed,
        why=why or "nothing in the data says it",
        where="business: time_zone in sources.yaml",
        is_free=True,
    )
    if not is_time_zone(chosen):
        raise ConfigurationError(
            f"{chosen!r} is no time zone; give one such as Asia/Shanghai or UTC."
        )
    return chosen, why or "nothing in the data says it: see the questions"


def _currency(
    connection: duckdb.DuckDBPyConnection,
    draft: Draft,
    territory: str | None,
    why: str,
) -> tuple[str, str]:
    """The reporting currency: what a column says, a symbol, or the country's."""
    if stated := _stated_currency(connection, draft):
        return stated
    if marked := _marked_currency(connection, draft):
        return marked
    proposed = NO_CURRENCY
    if territory is not None:
        current = get_territory_currencies(territory)
        proposed = current[0] if current else NO_CURRENCY
    reason = (
        f"{why}, and no column says a currency"
        if why
        else "nothing in the data says it"
    )
    chosen = draft.questions.decide(
        "currency",
        "In which currency are the amounts?",
        {proposed: "proposed", NO_CURRENCY: "a placeholder, until somebody knows"},
        proposed,
        why=reason,
        where="business: reporting_currency in sources.yaml",
        is_free=True,
    )
    code = chosen.strip().upper()
    if code not in list_currencies() and code != NO_CURRENCY:
        code = NO_CURRENCY
    return code, reason


def _stated_currency(
    connection: duckdb.DuckDBPyConnection, draft: Draft
) -> tuple[str, str] | None:
    for mapping in draft.mappings:
        answer = mapping.columns.get("currency")
        column = mapping.recognised.column("currency")
        if answer is None or column is None:
            continue
        words = map(str.upper, column.examples)
        codes = [word for word in words if word in list_currencies()]
        if not codes:
            continue
        first = codes[0]
        if column.distinct == 1:
            return first, f"{mapping.table.name}.{column.name} is {first} everywhere"
        others = ", ".join(column.examples[1:6])
        chosen = draft.questions.decide(
            "currency",
            "The amounts are in several currencies. In which is reported? Each other one "
            "needs rates, as a table of the entity fx_rates.",
            dict.fromkeys(codes, ""),
            first,
            why=f"most rows are in {first}, others in {others}",
            where="business: reporting_currency in sources.yaml, and a staging model "
            f"stg_{draft.source}__fx_rates",
        )
        return chosen, f"most rows of {mapping.table.name}.{column.name} are {first}"
    return None


def _marked_currency(
    connection: duckdb.DuckDBPyConnection, draft: Draft
) -> tuple[str, str] | None:
    """A code in the name of a column of money, or a symbol beside its numbers."""
    codes = {
        code.lower(): code for code in ("USD", "EUR", "GBP", "CNY", "JPY", "BRL", "INR")
    }
    for mapping in draft.mappings:
        if mapping.entity not in {"order_lines", "payments"}:
            continue
        table = mapping.table
        for column in table.columns.values():
            if column.kind not in {"integer", "decimal"}:
                continue
            for word in names.words(column.name):
                if word in codes:
                    return codes[word], f"the name of {table.name}.{column.name}"
            for symbol, code in _SYMBOLS.items():
                if symbol in column.name:
                    return code, f"the name of {table.name}.{column.name}"
            if column.landed != "VARCHAR" or column.declared:
                continue
            row = connection.execute(
                f"select {sql.quoted(column.name)} from {sql.quoted(table.relation)} "
                f"where regexp_matches({sql.quoted(column.name)}, '[^0-9.,+() %-]') limit 1"
            ).fetchone()
            for symbol, code in _SYMBOLS.items() if row else ():
                if row and symbol in str(row[0]):
                    return code, f"{table.name}.{column.name} is written as {row[0]}"
    return None


def _last_day(
    connection: duckdb.DuckDBPyConnection, draft: Draft, today: dt.date, zone: str
) -> tuple[dt.date | None, str]:
    """The last day of the business on which anything happened, as the facts begin."""
    begins = {
        "order_lines": "ordered_at",
        "service_tickets": "opened_at",
        "interactions": "occurred_at",
        "payments": "invoiced_on",
        "leads": "created_on",
    }
    for entity, meaning in begins.items():
        days = [
            (day, table, column)
            for mapping in draft.mappings
            if mapping.entity == entity
            for table, column, high in _moments(connection, draft, mapping, meaning)
            if (day := _day_of(table, column, high, zone)) is not None
        ]
        if days:
            day, table, column = max(days, key=lambda item: item[0])
            is_all = table.is_whole or table.source.kind == "database"
            sampled = "" if is_all else ", in a sample"
            why = f"the last day of {table.name}.{column.name}{sampled}"
            return min(day, today), why
    return None, "no column says when anything happened"


def _highest(table: Table, column: Column) -> object:
    """The greatest value; of a database that of all, although a sample was read."""
    is_cut = not table.is_whole and table.source.kind == "database"
    if not is_cut or table.wide is not None:
        return column.high
    assert table.source.url is not None
    name = table.entity.table or table.name
    whole = databases.last_value(table.source.url, name, column.name)
    with contextlib.suppress(ValueError):  # drivers give some times as text
        whole = dt.datetime.fromisoformat(str(whole))
    return whole if isinstance(whole, dt.date) else column.high


def _day_of(table: Table, column: Column, value: object, zone: str) -> dt.date | None:
    """The day of the business on which a moment of a column lies."""
    if column.span and isinstance(value, dt.date):
        return calendar.last_day_from(value, column.span)
    if isinstance(value, dt.datetime):
        if column.has_zone:
            aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return aware.astimezone(ZoneInfo(zone)).date()
        return value.date()
    return value if isinstance(value, dt.date) else None


def _moments(
    connection: duckdb.DuckDBPyConnection, draft: Draft, mapping: Mapping, meaning: str
) -> list[tuple[Table, Column, object]]:
    """The columns that say when something was, each with the last of its moments."""
    item = mapping.recognised
    found = [
        (owner.table, column)
        for owner in (
            item,
            *(
                draft.found[reference.to_table]
                for reference in draft.profile.from_table(item.table.name)
                if item.column(meaning) is None
            ),
        )
        if (column := owner.column(meaning)) is not None
    ]
    if mapping.entity == "order_lines" and item.role == "leads":
        # Open deals close on days to come; who makes new ones is there on that day.
        (_, closed), *_ = found
        begun = draft.found[item.table.name].column("created_on")
        won = (item.table, closed, deals.last_won(connection, item, closed))
        return [won, *([(item.table, begun, begun.high)] if begun else [])]
    return [(table, column, _highest(table, column)) for table, column in found]
