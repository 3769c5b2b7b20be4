"""What three systems keep of the same companies, and which records are the same.

What lives here: `generate`, which writes each true company as an ERP, a western CRM and
a Chinese CRM would, with what people leave out, mistype and never update. What does not:
the companies themselves, see identities.py.

    python -m tests.populations.companies --companies 10000 --out DIR

The same seed gives the same tables. How hard they are, `difficulties` measures from the
tables alone. `notes` says of each record what was done to it: to read misses by, never
to match by.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import click
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from opencc import OpenCC
from pypinyin import lazy_pinyin

from tests.populations import words
from tests.populations.identities import (
    ALONE,
    BRANCHES,
    NO_PLACE,
    PLACE_BEFORE,
    PLACE_IN_BRACKETS,
    PLACE_IS_PROVINCE,
    PLACE_WITH_CITY,
    Flags,
    Identities,
    Ints,
    Texts,
    ascii_of,
    chinese_name,
    draw,
    pinyin_of,
    place_in_name,
    texts,
    weighted,
)

SILOS: Final = ("erp", "zoho", "fxiaoke")
KEY: Final = [("source", pa.string()), ("source_customer_id", pa.string())]
TEXT_COLUMNS: Final = (
    "customer_type",
    "customer_name",
    "country",
    "region",
    "city",
    "postal_code",
    "street",
    "industry",
    "owner",
    "email",
    "phone",
    "website",
    "registration_number",
)
RECORDS: Final = pa.schema(
    [
        *KEY,
        *((name, pa.string()) for name in TEXT_COLUMNS),
        ("annual_revenue", pa.float64()),
        ("employee_count", pa.int32()),
        ("acquired_on", pa.date32()),
        ("updated_at", pa.timestamp("us")),
        ("parent_source_customer_id", pa.string()),
    ]
)
REFERENCES: Final = pa.schema(
    [*KEY, ("other_source", pa.string()), ("other_source_customer_id", pa.string())]
)
TRUTH: Final = pa.schema([*KEY, ("identity", pa.string())])
NOTED: Final = (
    "name_changed_style",
    "name_in_latin",
    "name_has_typo",
    "former_name",
    "traditional",
    "full_width",
    "former_address",
    "other_phone",
    "shared_phone",
    "free_mail",
    "duplicate",
    "in_family",
)
NOTES: Final = pa.schema([*KEY, *((name, pa.bool_()) for name in NOTED)])

# Of the Chinese companies and of the others, the share that each system knows.
_PRESENCE: Final = {
    "erp": (0.80, 0.80),
    "zoho": (0.55, 0.88),
    "fxiaoke": (0.82, 0.40),
}
_MISSING: Final = {
    "erp": {
        "country": 0.01,
        "region": 0.1,
        "city": 0.02,
        "postal_code": 0.12,
        "street": 0.06,
        "industry": 0.3,
        "owner": 0.2,
        "email": 0.36,
        "phone": 0.1,
        "website": 0.7,
        "registration_number": 0.40,
        "annual_revenue": 0.3,
        "employee_count": 0.8,
    },
    "zoho": {
        "country": 0.08,
        "region": 0.4,
        "city": 0.1,
        "postal_code": 0.42,
        "street": 0.38,
        "industry": 0.35,
        "owner": 0.01,
        "email": 0.2,
        "phone": 0.14,
        "website": 0.27,
        "registration_number": 0.75,
        "annual_revenue": 0.5,
        "employee_count": 0.5,
    },
    "fxiaoke": {
        "country": 0.3,
        "region": 0.15,
        "city": 0.06,
        "postal_code": 0.8,
        "street": 0.25,
        "industry": 0.25,
        "owner": 0.01,
        "email": 0.44,
        "phone": 0.09,
        "website": 0.5,
        "registration_number": 0.60,
        "annual_revenue": 0.6,
        "employee_count": 0.55,
    },
}
(LEGAL, PLACE, BARE, NO_FORM, SHORT_FORM, NO_TRADE, ENGLISH, PINYIN, BRAND, BOTH) = (
    range(10)
)
_CHINESE_STYLES: Final = {
    "erp": (0.80, 0.07, 0.03, 0.03, 0.045, 0.005, 0.01, 0.0, 0.0, 0.01),
    "zoho": (0.40, 0.06, 0.06, 0.07, 0.04, 0.02, 0.2, 0.05, 0.02, 0.08),
    "fxiaoke": (0.61, 0.09, 0.08, 0.1, 0.07, 0.04, 0.01, 0.0, 0.0, 0.0),
}
_WESTERN_STYLES: Final = {
    "erp": (0.8, 0.0, 0.0, 0.12, 0.06, 0.005),
    "zoho": (0.5, 0.0, 0.0, 0.22, 0.22, 0.025),
    "fxiaoke": (0.55, 0.0, 0.0, 0.22, 0.19, 0.03),
}
_NAME_TYPOS: Final = {"erp": 0.02, "zoho": 0.035, "fxiaoke": 0.035}
_OTHER_PHONE: Final = {"erp": 0.08, "zoho": 0.15, "fxiaoke": 0.2}
_REFERENCES: Final = (
    ("zoho", "erp", 0.35),
    ("fxiaoke", "erp", 0.3),
    ("fxiaoke", "zoho", 0.06),
)
_WRONG_REFERENCES: Final = 0.001
_JUNK_PHONES: Final = ("00000000", "123456", "-", "N/A", "无", "021-88888888")


@dataclass(frozen=True)
class Population:
    """The tables of a generated population; their columns are the schemas above."""

    records: pa.Table
    references: pa.Table
    truth: pa.Table
    notes: pa.Table


@dataclass(frozen=True)
class _Plan:
    """Which company each record of a silo is of and how its name is written, (records,)."""

    silo: str
    who: Ints
    duplicate: Flags
    style: Ints
    keys: Texts


def generate(companies: int, seed: int, duplicates_share: float = 0.04) -> Population:
    """The records of `companies` true companies in three systems.

    `duplicates_share` is the share of companies in a CRM that it holds twice or more.
    """
    rng = np.random.default_rng(seed)
    them = draw(companies, rng)
    plans = _plans(them, rng, duplicates_share)
    careful = np.zeros(companies, dtype=bool)
    for plan in plans:
        careful[plan.who[plan.style >= NO_TRADE]] = True
    careful |= them.former_stem != ""
    people = rng.integers(0, 1 << 30, (companies, 2))
    facts = {
        "employees": np.exp(rng.normal(4.0, 1.4, companies)).astype(np.int64) + 1,
        "since": rng.integers(0, 3650, companies),
    }
    facts["revenue"] = facts["employees"] * rng.integers(40_000, 400_000, companies)
    records, notes = [], []
    for plan in plans:
        table, noted = _records(them, plan, careful, people, facts, rng)
        records.append(table)
        notes.append(noted)
    truth = [
        pa.table(
            [
                pa.array([plan.silo] * len(plan.who)),
                pa.array(plan.keys, pa.string()),
                pa.array([f"C{n:07d}" for n in plan.who.tolist()]),
            ],
            schema=TRUTH,
        )
        for plan in plans
    ]
    return Population(
        pa.concat_tables(records),
        _references(plans, companies, rng),
        pa.concat_tables(truth),
        pa.concat_tables(notes),
    )


def _plans(
    them: Identities, rng: np.random.Generator, duplicates_share: float
) -> list[_Plan]:
    """Who is where, how often, under which key and in which style."""
    chinese = them.is_chinese()
    present = {
        silo: rng.random(len(them)) < np.where(chinese, *_PRESENCE[silo])
        for silo in SILOS
    }
    nowhere = ~np.logical_or.reduce(list(present.values()))
    present["erp"] |= nowhere
    plans = []
    for silo in SILOS:
        once = np.flatnonzero(present[silo])
        extra = once[rng.random(len(once)) < duplicates_share * (silo != "erp")]
        more = extra[rng.random(len(extra)) < 0.1]
        who = np.concatenate([once, extra, more])
        duplicate = np.arange(len(who)) >= len(once)
        order = rng.permutation(len(who))
        who, duplicate = who[order], duplicate[order]
        style = weighted(rng, _CHINESE_STYLES[silo], len(who))
        western = ~chinese[who]
        style[western] = weighted(rng, _WESTERN_STYLES[silo], int(western.sum()))
        # A brand needs one; near companies are told apart by their trade.
        style[(style == BRAND) & (them.brand[who] == "")] = ENGLISH
        close = (them.kind[who] != ALONE) & (style == NO_TRADE)
        style[close & (rng.random(len(who)) < 0.8)] = LEGAL
        plans.append(_Plan(silo, who, duplicate, style, _keys(silo, len(who), rng)))
    return plans


def _keys(silo: str, size: int, rng: np.random.Generator) -> Texts:
    """Keys in the style of a system, (size,)."""
    steps = np.cumsum(rng.integers(1, 4, size)).tolist()
    if silo == "erp":
        return texts([f"AW{n:08d}" for n in steps])
    if silo == "zoho":
        return texts([f"7328395{n * 1000 + 55:012d}" for n in steps])
    rest = rng.integers(0, 1 << 62, size).tolist()
    return texts(
        [f"{0x5F000000 + n * 37:08x}{r:016x}" for n, r in zip(steps, rest, strict=True)]
    )


# ------------------------------------------------------------------ names


_CHINESE_FORM_SHORT: Final = {
    "有限公司": "公司",
    "有限责任公司": "有限公司",
    "股份有限公司": "股份公司",
    "集团有限公司": "集团",
    "集团股份有限公司": "集团",
    "厂": "厂",
}
_LATIN_FORMS: Final = (
    " Co., Ltd.",
    " Co.,Ltd",
    " Co. Ltd",
    " Co Ltd",
    " Company Limited",
    " Ltd",
    "",
)
_AND: Final = {"DE": " und ", "FR": " et "}


def _chinese_record_name(them: Identities, n: int, style: int, bits: int) -> str:
    """A Chinese company's name as a record of this style has it."""
    stem = them.stem[n] if bits % 2 or not them.former_stem[n] else them.former_stem[n]
    sector, near = words.SECTORS[them.sector[n]], them.near[n]
    form, suffix = them.form[n], them.suffix[n]
    pattern, trade = int(them.pattern[n]), sector.chinese[near]
    if style in (ENGLISH, PINYIN, BRAND, BOTH):
        latin = _latin_name(them, n, style, stem, bits >> 8)
        if style != BOTH:
            return latin
    elif style == PLACE:
        city = words.CITIES[them.city[n, 0]]
        pattern = {
            PLACE_BEFORE: (PLACE_WITH_CITY, PLACE_IN_BRACKETS, PLACE_WITH_CITY)[
                (bits >> 1) % 3
            ],
            PLACE_WITH_CITY: PLACE_BEFORE,
            PLACE_IN_BRACKETS: (PLACE_IN_BRACKETS, PLACE_BEFORE)[(bits >> 1) % 2],
            PLACE_IS_PROVINCE: PLACE_IS_PROVINCE,
            NO_PLACE: PLACE_BEFORE,
        }[pattern]
        place = place_in_name(them, n, pattern)
        if pattern == PLACE_IS_PROVINCE and city.region != city.name:
            place += "省"
        name: str = chinese_name(place, stem, trade, form, pattern, suffix)
        return name.replace("（", "(").replace("）", ")")
    elif style == BARE:
        pattern = NO_PLACE
    elif style == NO_FORM:
        form = ""
    elif style == SHORT_FORM:
        form = _CHINESE_FORM_SHORT[form]
    elif style == NO_TRADE:
        trade, form = "", form if (bits >> 1) % 3 == 0 else ""
    place = place_in_name(them, n, pattern)
    name = chinese_name(place, stem, trade, form, pattern, suffix)
    if (bits >> 4) % 4 == 0:
        name = name.replace("（", "(").replace("）", ")")
    return f"{name} ({latin})" if style == BOTH else name


def _latin_name(them: Identities, n: int, style: int, stem: str, bits: int) -> str:
    """A Chinese company's name in English or in pinyin."""
    sector = words.SECTORS[them.sector[n]]
    city = words.CITIES[them.city[n, 0]].latin
    form = _LATIN_FORMS[bits % len(_LATIN_FORMS)]
    if "集团" in them.form[n] and bits % 3:
        form = " Group" + form
    syllables = pinyin_of(stem)
    joined = "".join(syllables).capitalize()
    if (bits >> 3) % 5 == 0:
        joined = " ".join(s.capitalize() for s in syllables)
    if style == BRAND:
        joined = them.brand[n]
    trade = sector.english[them.near[n]]
    if style == PINYIN:
        trade = "".join(lazy_pinyin(sector.chinese[them.near[n]])).capitalize()
        form = " Youxian Gongsi" if bits % 2 else " Co., Ltd."
    pattern = them.pattern[n]
    if pattern == PLACE_IN_BRACKETS:
        name = f"{joined} {trade} ({city}){form}"
    elif pattern == NO_PLACE:
        name = f"{joined} {trade}{form}"
    else:
        name = f"{city} {joined} {trade}{form}"
    return f"{name}{them.latin_suffix[n]}"


def _western_record_name(
    them: Identities, n: int, style: int, bits: int, silo: str
) -> str:
    """An English or European company's name as a record of this style has it."""
    country = words.COUNTRIES[them.country[n]]
    stem = them.stem[n] if bits % 2 or not them.former_stem[n] else them.former_stem[n]
    trade = words.SECTORS[them.sector[n]].western[country][them.near[n]]
    qualifier, form = them.qualifier[n], them.form[n]
    variants = words.FORM_VARIANTS[form]
    form = variants[0] if style == LEGAL else variants[(bits >> 1) % len(variants)]
    if style == NO_FORM:
        form = ""
    if style == NO_TRADE:
        qualifier = trade = ""
    if qualifier and (bits >> 4) % 97 == 0:
        qualifier = ""
    name = " ".join(part for part in (stem, qualifier, trade, form) if part)
    name = name.replace(" , ", ", ")
    if them.article[n] and (bits >> 6) % 2:
        name = f"The {name}"
    if style != LEGAL and (bits >> 8) % 5 == 0:
        name = " ".join(words.ABBREVIATIONS.get(w, w) for w in name.split(" "))
    if " & " in name and (bits >> 11) % 4 == 0:
        name = name.replace(" & ", _AND.get(country, " and "), 1)
    if country in ("DE", "FR", "ES") and (bits >> 13) % 6 == 0:
        name = ascii_of(name)
    name = f"{name}{them.suffix[n]}"
    if (bits >> 17) % 100 < (12 if silo == "erp" else 4):
        name = name.upper()
    elif (bits >> 17) % 100 == 99:
        name = name.lower()
    return name


def mistyped(text: str, draws: tuple[int, int, int], letters: str) -> str:
    """Text with one character inserted, left out, swapped with the next or replaced."""
    if len(text) < 3:
        return text
    kind, place, letter = draws
    at = place % len(text)
    other = letters[letter % len(letters)]
    if kind % 4 == 0:
        return text[:at] + other + text[at:]
    if kind % 4 == 1:
        return text[:at] + text[at + 1 :]
    if kind % 4 == 2:
        at = min(at, len(text) - 2)
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + other + text[at + 1 :]


_LETTERS: Final = "abcdefghijklmnoprstuvwy"
_FULL_WIDTH: Final = str.maketrans(
    {chr(c): chr(c + 0xFEE0) for c in range(0x21, 0x7F)} | {" ": "\u3000"}
)


def _names(
    them: Identities, plan: _Plan, rng: np.random.Generator
) -> tuple[Texts, dict[str, Flags]]:
    """The names of a silo's records and what was done to them, (records,) each."""
    who, silo, size = plan.who, plan.silo, len(plan.who)
    bits = rng.integers(0, 1 << 40, size)
    chinese = them.is_chinese()[who]
    names = texts(
        [
            _chinese_record_name(them, n, style, b)
            if is_chinese
            else _western_record_name(them, n, style, b, silo)
            for n, style, b, is_chinese in zip(
                who.tolist(),
                plan.style.tolist(),
                bits.tolist(),
                chinese.tolist(),
                strict=True,
            )
        ]
    )
    latin = chinese & np.isin(plan.style, (ENGLISH, PINYIN, BRAND))
    chance = rng.random((size, 4))
    traditional = chinese & ~latin
    traditional &= chance[:, 0] < {"erp": 0.01, "zoho": 0.08, "fxiaoke": 0.02}[silo]
    if traditional.any():
        joined = OpenCC("s2t").convert("\n".join(names[traditional]))
        names[traditional] = texts(joined.split("\n"))
    full_width = chance[:, 1] < {"erp": 0.004, "zoho": 0.0, "fxiaoke": 0.025}[silo]
    for n in np.flatnonzero(full_width).tolist():
        names[n] = names[n].translate(_FULL_WIDTH)
    typo = chance[:, 2] < _NAME_TYPOS[silo]
    draws = rng.integers(0, 1 << 30, (int(typo.sum()), 3)).tolist()
    for n, drawn in zip(np.flatnonzero(typo).tolist(), draws, strict=True):
        is_chinese = chinese[n] and not latin[n]
        letters = words.CHARACTERS if is_chinese else _LETTERS
        names[n] = mistyped(names[n], tuple(drawn), letters)
    for n in np.flatnonzero(chance[:, 3] < 0.025).tolist():
        name = names[n]
        names[n] = (
            f" {name}",
            f"{name} ",
            name.replace(" ", "  ", 1),
            name + ("." if name[-1].isascii() else "　"),
            f"{name} *" if plan.duplicate[n] else name,
        )[bits[n] % 5]
    former = (them.former_stem[who] != "") & (bits % 2 == 0)
    return names, {
        "name_changed_style": plan.style != LEGAL,
        "name_in_latin": latin,
        "name_has_typo": typo,
        "former_name": former,
        "traditional": traditional,
        "full_width": full_width,
    }


# ------------------------------------------------- phones, addresses, mail


def _phone(country: str, number: str, silo: str, bits: int) -> str:
    """A phone number as people write it."""
    area, local = number.split("|")
    forms: tuple[str, ...]
    kind = bits % 100
    extension = ""
    if area and (bits >> 7) % 100 < 6:
        room = 100 + (bits >> 14) % 900
        extension = (f"-{room}", f" ext. {room}", f" x{room}")[(bits >> 24) % 3]
        if country == "CN" and (bits >> 26) % 3 == 0:
            extension = f"转{room}"
    if country == "CN":
        if not area:
            a, b, c = local[:3], local[3:7], local[7:]
            forms = (
                local,
                local,
                local,
                f"+86 {local}",
                f"{a} {b} {c}",
                f"{a}-{b}-{c}",
            )
            forms += (f"0086{local}", f"86{local}", f"+86-{local}")
            return forms[kind % len(forms)]
        if kind < (4 if silo != "zoho" else 1):
            return local + extension
        half = f"{local[:4]} {local[4:]}"
        forms = (
            f"0{area}-{local}",
            f"0{area}-{local}",
            f"0{area}{local}",
            f"(0{area}){local}",
            f"0{area} {half}",
            f"+86 {area} {half}",
            f"+86-{area}-{local}",
            f"0086-{area}-{local}",
            f"（0{area}）{local}",
            f"86-0{area}-{local}",
        )
        return forms[kind % len(forms)] + extension
    code = {"US": "1", "GB": "44", "DE": "49", "FR": "33", "ES": "34"}[country]
    if country == "US":
        start, end = local[:3], local[3:]
        forms = (
            f"({area}) {start}-{end}",
            f"{area}-{start}-{end}",
            f"{area}.{start}.{end}",
            f"+1 {area} {start} {end}",
            f"+1{area}{local}",
            f"1-{area}-{start}-{end}",
            f"{area}{local}",
        )
    else:
        zero = "" if country == "ES" else "0"
        if country == "FR":
            pairs = " ".join(local[i : i + 2] for i in range(0, len(local), 2))
        else:
            pairs = f"{local[:3]} {local[3:]}"
        between = " " if area and country != "FR" else ""
        first = f"{zero}{area}"
        home = f"{first} {pairs}" if area else f"{zero}{pairs}"
        forms = (
            home,
            home,
            f"{first}{between}{local}",
            f"+{code} {area}{between}{pairs}",
            f"+{code}{area}{local}",
            f"00{code} {area}{between}{local}",
            f"+{code} ({zero}){area}{between}{pairs}" if zero else home,
            f"{first}/{local}" if country == "DE" and area else home,
        )
    return forms[kind % len(forms)] + extension


def _phones(
    them: Identities,
    plan: _Plan,
    careful: Flags,
    rng: np.random.Generator,
) -> tuple[Texts, Flags]:
    """Phones, and which are not the company's main one, (records,) each."""
    who, size = plan.who, len(plan.who)
    other = rng.random(size) < _OTHER_PHONE[plan.silo] * np.where(careful[who], 0.3, 1)
    numbers = them.phone[who, other.astype(np.int64)]
    bits = rng.integers(0, 1 << 40, size).tolist()
    countries = [words.COUNTRIES[c] for c in them.country[who].tolist()]
    found = texts(
        [
            _phone(country, number, plan.silo, b)
            for country, number, b in zip(countries, numbers, bits, strict=True)
        ]
    )
    for n in np.flatnonzero(rng.random(size) < 0.008).tolist():
        at = bits[n] % len(found[n])
        if found[n][at].isdigit():
            found[n] = found[n][:at] + str(bits[n] % 10) + found[n][at + 1 :]
    for n in np.flatnonzero(rng.random(size) < 0.004).tolist():
        found[n] = _JUNK_PHONES[bits[n] % len(_JUNK_PHONES)]
    return found, other


def _address(
    city: words.City, at: tuple[int, ...], silo: str, bits: int, branch: bool
) -> tuple[str, str]:
    """Street and postal code as people write them; `at` is in the order of `street`."""
    number, road, road_kind, building, room, district = at
    kind = bits % 20
    if city.country == "CN":
        index = road % len(words.CHINESE_ROADS)
        words_kind = words.CHINESE_ROAD_KINDS[
            0 if road_kind % 5 < 3 else 1 + road_kind % 2
        ]
        postal = f"{city.postal}{(index * 7 + road_kind % 5) % 90 * 10:03d}"
        number = number * 3 + 1
        floor, door = 1 + room // 80, 1 + room % 20
        name = words.CHINESE_ROADS[index]
        if silo == "zoho" and kind < 9:
            latin = "".join(lazy_pinyin(name)).capitalize()
            street = f"No. {number} {latin} {words_kind[1]}"
            if kind < 4:
                street = f"Room {floor}{door:02d}, {street}"
            return street, postal
        street = f"{name}{words_kind[0]}{number}号"
        where = words.DISTRICTS[district % len(words.DISTRICTS)]
        if kind < 12:
            street = where + street
        if kind < 3:
            street = f"{city.name}市{street}"
        if building < len(words.BUILDINGS) and kind % 5:
            house = ("大厦", "广场", "中心")[building % 3]
            street += words.BUILDINGS[building] + house
        if kind % 3 and not branch:
            street += (f"{floor}楼{door:02d}室", f"{floor}{door:02d}室", f"{floor}层")[
                (bits >> 5) % 3
            ]
        if silo == "fxiaoke" and kind == 19:
            street = street.translate(_FULL_WIDTH)
        return street, postal
    roads, kinds = words.STREETS[city.country], words.STREET_KINDS[city.country]
    index = road % len(roads)
    name = roads[index].replace("_", " ")
    full, short = kinds[road_kind % len(kinds)]
    written = short if kind < 6 else full
    number += 1
    mixed = index * 7 + road_kind % len(kinds)
    if city.country == "GB":
        letters = "ABDEFGHJLNPQRSTUWXYZ"
        postal = (
            f"{city.postal} {mixed % 9 + 1}{letters[index % 20]}{letters[mixed % 20]}"
        )
        if silo == "fxiaoke" and kind % 4 == 0:
            postal = postal.replace(" ", "")
        street = f"{number} {name} {written}"
        if room % 5 == 0 and kind % 3:
            street = f"Unit {room // 80 + 1}, {street}"
    elif city.country == "US":
        postal = f"{city.postal}{mixed % 60:02d}"
        if kind % 8 == 0:
            postal += f"-{1000 + number * 7}"
        street = f"{number * 7} {name} {written}"
        if room % 2 == 0 and kind % 3:
            suite = ("Suite", "Ste.", "#")[(bits >> 5) % 3]
            street += f", {suite} {room}"
    elif city.country == "DE":
        postal = f"{city.postal}{mixed % 60:02d}"
        street = f"{name}{written} {number}"
    else:
        postal = f"{city.postal}{mixed % 20 + 1:02d}"
        french = city.country == "FR"
        street = f"{number} {written}{name}" if french else f"{written}{name}, {number}"
    if silo == "erp" and kind == 19:
        street = street.upper()
    return street, postal


def _places(
    them: Identities, plan: _Plan, rng: np.random.Generator
) -> tuple[dict[str, Texts], Flags]:
    """The columns of the address, and which are of before a move, (records,) each."""
    who, silo, size = plan.who, plan.silo, len(plan.who)
    now = (rng.random(size) < {"erp": 0.7, "zoho": 0.5, "fxiaoke": 0.6}[silo]).astype(
        int
    )
    # The number of a moved company's house is another one nearly always.
    moved = them.street["number"][:, 0] != them.street["number"][:, 1]
    at = np.stack([array[who, now] for array in them.street.values()], axis=1).tolist()
    cities = [words.CITIES[c] for c in them.city[who, now].tolist()]
    bits = rng.integers(0, 1 << 30, size).tolist()
    branch = (them.kind == BRANCHES)[who].tolist()
    street, postal, region, city = [], [], [], []
    for place, where, b, is_branch in zip(cities, at, bits, branch, strict=True):
        one, two = _address(place, tuple(where), silo, b, is_branch)
        street.append(one)
        postal.append(two)
        kind = (b >> 10) % 10
        if place.country == "CN":
            latin = silo == "zoho" and kind < 6
            municipal = place.name == place.region
            if latin:
                region.append(place.region_short)
                city.append(place.latin)
            else:
                long = (kind % 2 == 0) == (silo == "erp")
                region.append(
                    place.region + (("市" if municipal else "省") if long else "")
                )
                city.append(place.name + ("市" if long or kind == 9 else ""))
        else:
            region.append(place.region_short if kind < 6 else place.region)
            city.append(
                place.latin if (silo != "erp" and kind < 6) or kind == 0 else place.name
            )
    for n in np.flatnonzero(rng.random(size) < 0.02).tolist():
        draws = (bits[n], bits[n] >> 4, bits[n] >> 9)
        letters = _LETTERS if cities[n].country != "CN" else words.CHARACTERS
        street[n] = mistyped(street[n], draws, letters)
    for n in np.flatnonzero(rng.random(size) < 0.008).tolist():
        city[n] = mistyped(city[n], (bits[n], bits[n] >> 4, bits[n] >> 9), _LETTERS)
    columns = {
        "street": texts(street),
        "postal_code": texts(postal),
        "region": texts(region),
        "city": texts(city),
    }
    columns["country"] = texts([words.COUNTRY_NAMES[silo][c.country] for c in cities])
    return columns, moved[who] & (now == 0)


def _mail(
    them: Identities, plan: _Plan, people: Ints, rng: np.random.Generator
) -> dict[str, Texts]:
    """E-mail addresses and web sites, (records,) each."""
    who, silo, size = plan.who, plan.silo, len(plan.who)
    which = (rng.random(size) < 0.5).astype(int)
    bits = rng.integers(0, 1 << 40, size).tolist()
    persons = people[who].tolist()
    email, website = [], []
    for n, domain, b, pair in zip(
        who.tolist(), them.domain[who, which], bits, persons, strict=True
    ):
        chinese = them.country[n] == 0
        mailbox, host = them.free_mail[n], domain
        kind = b % 20
        person = pair[0] if (b >> 5) % 3 else pair[1]
        if them.agency_email[n] and kind < 14:
            email.append(them.agency_email[n])
        elif mailbox and kind < 15:
            email.append(mailbox)
        else:
            shared_mail = ("info", "sales", "office", "accounts", "ap", "invoices")
            if chinese:
                names = words.PINYIN_PEOPLE
                first = names[person % len(names)]
                last = names[(person >> 8) % len(names)]
                local = (f"{first}.{last}", first + last, f"{first}{last[0]}")[
                    (pair[0] >> 16) % 3
                ]
                shared_mail = ("info", "sales", "market", "caiwu", "hr", "service")
            else:
                country = words.COUNTRIES[them.country[n]]
                given, family = words.GIVEN_NAMES[country], words.SURNAMES[country]
                first = ascii_of(given[person % len(given)]).lower()
                last = ascii_of(family[(person >> 8) % len(family)]).lower()
                last = last.replace("'", "")
                local = (f"{first}.{last}", f"{first[0]}{last}", first)[
                    (pair[0] >> 16) % 3
                ]
            if them.hosted[n]:
                local = f"{local}{n % 997}"
            elif kind < (12 if silo == "erp" else 5):
                local = shared_mail[(b >> 9) % 6]
            if mailbox:
                boxes = words.FREE_MAIL[words.COUNTRIES[them.country[n]]]
                local, host = f"{local}{b % 1000}", boxes[b % len(boxes)]
            email.append(f"{local}@{host}")
        if (b >> 12) % 25 == 0:
            email[-1] = email[-1].upper() if kind % 2 else email[-1].title()
        if mailbox and (b >> 18) % 10 < 7:
            website.append("")
            continue
        site = f"shop{n % 99991}.{domain}" if them.hosted[n] else domain
        if mailbox:
            site = them.domain[n, 0]
        forms = [f"www.{site}", f"http://www.{site}", f"https://{site}/", site]
        forms += [f"https://www.{site}/", f"http://www.{site}/index.html"]
        website.append(forms[(b >> 23) % len(forms)])
    for n in np.flatnonzero(rng.random(size) < 0.01).tolist():
        email[n] = mistyped(email[n], (bits[n], bits[n] >> 6, bits[n] >> 11), _LETTERS)
    return {"email": texts(email), "website": texts(website)}


def _registration(number: str, silo: str, bits: int) -> str:
    """A registration number as it is written down."""
    kind = bits % 10
    if number[0] == "9" and len(number) == 18:
        return number.lower() if kind == 0 else number
    if number.startswith("HRB"):
        return number.replace("HRB ", "HRB") if kind < 3 else number
    if kind < 2:
        return number.replace("-", "")
    if kind < 5 and silo != "erp" and number.isalnum() and len(number) > 8:
        groups = (number[:-6], number[-6:-3], number[-3:])
        return " ".join(groups)
    return number


# ---------------------------------------------------------------- assembly


def _records(
    them: Identities,
    plan: _Plan,
    careful: Flags,
    people: Ints,
    facts: dict[str, Ints],
    rng: np.random.Generator,
) -> tuple[pa.Table, pa.Table]:
    """The records of one silo and the notes about them."""
    who, silo, size = plan.who, plan.silo, len(plan.who)
    columns: dict[str, Texts] = {"customer_type": texts(["company"] * size)}
    columns["customer_name"], noted = _names(them, plan, rng)
    columns["phone"], noted["other_phone"] = _phones(them, plan, careful, rng)
    places, noted["former_address"] = _places(them, plan, rng)
    columns |= places | _mail(them, plan, people, rng)
    bits = rng.integers(0, 1 << 40, size).tolist()
    numbers = texts(
        [
            _registration(number, silo, b)
            for number, b in zip(them.registration[who], bits, strict=True)
        ]
    )
    for n in np.flatnonzero(rng.random(size) < 0.007).tolist():
        draws = (bits[n], bits[n] >> 7, bits[n] >> 13)
        numbers[n] = mistyped(numbers[n], draws, "0123456789")
    columns["registration_number"] = numbers
    columns["industry"] = texts(
        [
            {
                "erp": f"{10 + s * 3:02d}00",
                "zoho": words.SECTORS[s].label,
                "fxiaoke": words.SECTORS[s].chinese_label,
            }[silo]
            for s in them.sector[who].tolist()
        ]
    )
    sellers = (
        words.CHINESE_PEOPLE
        if silo == "fxiaoke"
        else [f"{a} {b}" for a, b in pairwise(words.SURNAMES["GB"][:120:4])]
    )
    columns["owner"] = texts(list(sellers))[rng.integers(0, len(sellers), size)]
    missing = {}
    for name, share in _MISSING[silo].items():
        # What is known under a hard name only is kept with more care otherwise.
        kind = name in ("phone", "email", "website", "street")
        scale = np.where(careful[who] & kind, 0.4, 1.0)
        missing[name] = rng.random(size) < share * scale
    arrays: dict[str, pa.Array] = {
        "source": pa.array([silo] * size),
        "source_customer_id": pa.array(plan.keys, pa.string()),
    }
    for name in TEXT_COLUMNS:
        values = columns.pop(name)
        gone = missing.get(name, np.zeros(size, dtype=bool)) | (values == "")
        arrays[name] = pa.array(values, pa.string(), mask=gone)
    noise = np.exp(rng.normal(0, 0.15, size))
    revenue = np.round(facts["revenue"][who] * noise, -3 if silo == "erp" else -5)
    arrays["annual_revenue"] = pa.array(revenue, mask=missing["annual_revenue"])
    staff = np.maximum(1, np.round(facts["employees"][who] * noise)).astype(np.int32)
    arrays["employee_count"] = pa.array(staff, mask=missing["employee_count"])
    day = np.datetime64("2014-01-01") + facts["since"][who]
    arrays["acquired_on"] = pa.array(day + rng.integers(0, 200, size), pa.date32())
    updated = np.datetime64("2025-01-01T00:00:00", "us") + rng.integers(
        0, 365 * 86400 * 1_000_000, size
    )
    arrays["updated_at"] = pa.array(updated, pa.timestamp("us"))
    first = _first_record(who, len(them))
    parent = them.parent[who]
    known = np.where(parent >= 0, first[parent], -1)
    known[rng.random(size) < 0.4] = -1
    arrays["parent_source_customer_id"] = pa.array(
        plan.keys[known], pa.string(), mask=known < 0
    )
    noted["shared_phone"] = them.shares_phone[who]
    noted["free_mail"] = them.free_mail[who] != ""
    noted["duplicate"] = plan.duplicate
    noted["in_family"] = them.kind[who] != ALONE
    key = [arrays["source"], arrays["source_customer_id"]]
    return (
        pa.table([arrays[name] for name in RECORDS.names], schema=RECORDS),
        pa.table([*key, *(pa.array(noted[name]) for name in NOTED)], schema=NOTES),
    )


def _first_record(who: Ints, companies: int) -> Ints:
    """The place of a record of each company, or -1, (companies,)."""
    first = np.full(companies, -1)
    first[who[::-1]] = np.arange(len(who))[::-1]
    return first


def _references(
    plans: list[_Plan], companies: int, rng: np.random.Generator
) -> pa.Table:
    """What systems say themselves of each other's keys."""
    by_name = {plan.silo: plan for plan in plans}
    tables = []
    for silo, other, share in _REFERENCES:
        mine, theirs = by_name[silo], by_name[other]
        target = _first_record(theirs.who, companies)[mine.who]
        held = np.flatnonzero((target >= 0) & (rng.random(len(target)) < share))
        target = target[held]
        wrong = rng.random(len(held)) < _WRONG_REFERENCES
        target[wrong] = rng.integers(0, len(theirs.who), int(wrong.sum()))
        tables.append(
            pa.table(
                [
                    pa.array([silo] * len(held), pa.string()),
                    pa.array(mine.keys[held], pa.string()),
                    pa.array([other] * len(held), pa.string()),
                    pa.array(theirs.keys[target], pa.string()),
                ],
                schema=REFERENCES,
            )
        )
    return pa.concat_tables(tables)


# ----------------------------------------------------------------- measures

_MEASURED: Final = r"""
create temp table plain as
select
    r.*, t.identity,
    regexp_replace(lower(nfc_normalize(customer_name)), '[^\p{L}\p{N}]', '', 'g') as name,
    right(
        regexp_replace(
            regexp_replace(phone, '(转|x|ext|-[0-9]{3}$).*', ''), '[^0-9]', '', 'g'
        ), 7
    ) as digits,
    case when split_part(lower(email), '@', 2) not in (select * from free)
        then split_part(lower(email), '@', 2) end as mail_domain,
    regexp_replace(lower(website), '^(https?://)?(www\.)?|/.*$', '', 'g') as host,
    lower(regexp_replace(registration_number, '[^0-9A-Za-z]', '', 'g')) as number,
    regexp_replace(lower(street), '[^\p{L}\p{N}]', '', 'g') as place,
    hash(source || source_customer_id) as key
from records as r inner join truth as t using (source, source_customer_id);

create temp table held as
select hash(source || source_customer_id) as a,
    hash(other_source || other_source_customer_id) as b
from refs;

create temp table pairs as
select
    a.source <> b.source as across,
    coalesce(a.number = b.number, false) as number,
    h.a is not null as reference,
    coalesce(lower(a.email) = lower(b.email), false) as email,
    coalesce(length(a.digits) = 7 and a.digits = b.digits, false) as phone,
    coalesce(
        a.mail_domain in (b.mail_domain, b.host) or a.host in (b.mail_domain, b.host), false
    ) as domain,
    coalesce(a.place = b.place, false) or coalesce(a.postal_code = b.postal_code, false)
        as address,
    a.name = b.name as name
from plain as a
inner join plain as b on a.identity = b.identity and a.key < b.key
left join (select a, b from held union select b, a from held) as h
    on h.a = a.key and h.b = b.key;
"""


def difficulties(population: Population) -> dict[str, float]:
    """How hard a population is, measured from its tables by plain comparisons.

    What is compared here is what a person sees at a glance: letters and digits of names,
    the last seven digits of phones, domains, streets or post codes. The shares of pairs
    are of all true pairs.
    """
    free = sorted({domain for some in words.FREE_MAIL.values() for domain in some})
    with duckdb.connect() as db:
        db.execute("set threads = 2")
        db.register("records", population.records)
        db.register("truth", population.truth)
        db.register("refs", population.references)
        db.register("free", pa.table({"domain": free}))
        for statement in _MEASURED.split(";\n"):
            if statement.strip():
                db.execute(statement)
        columns = ("number", "reference", "email", "phone", "domain", "address", "name")
        each = ", ".join(f"avg({c}::int) as same_{c}" for c in columns)
        hard = "not (number or reference or email or phone or domain)"
        found = db.execute(
            f"""select count(*) as true_pairs, {each},
            avg(({hard} and not address)::int) as only_name_in_common,
            avg(({hard} and not address and not name)::int) as only_a_name_variant
            from pairs"""
        ).fetchdf()
        same = db.execute(
            """with names as (
                select customer_name, city, identity from plain
                where source = 'erp' and customer_name is not null and city is not null),
            taken as (select customer_name, city, count(distinct identity) as owners
                from names group by all)
            select avg((owners > 1)::int) from names
            inner join taken using (customer_name, city)"""
        ).fetchone()
        phones = db.execute(
            """with shared as (select digits, count(distinct identity) as owners
                from plain where length(digits) = 7 group by all)
            select avg((owners > 2)::int) from plain inner join shared using (digits)"""
        ).fetchone()
    return (
        {"records": float(population.records.num_rows)}
        | {name: float(found[name][0]) for name in found.columns}
        | {
            "same_name_and_city_as_another": float(same[0]) if same else 0.0,
            "phones_of_three_or_more": float(phones[0]) if phones else 0.0,
        }
        | {f"records_{name}": pc.mean(population.notes[name]).as_py() for name in NOTED}
    )


def write(population: Population, folder: Path) -> None:
    """Writes the tables into a folder, one Parquet file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("records", "references", "truth", "notes"):
        pq.write_table(getattr(population, name), folder / f"{name}.parquet")


@click.command()
@click.option("--companies", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--measure/--no-measure", default=True, help="Say how hard it is.")
def main(companies: int, seed: int, out: Path, measure: bool) -> None:
    """Writes a population of companies as Parquet files."""
    population = generate(companies, seed)
    write(population, out)
    if measure:
        click.echo(json.dumps(difficulties(population), indent=2))


if __name__ == "__main__":
    main()
