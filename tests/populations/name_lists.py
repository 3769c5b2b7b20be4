"""Names only, as lists of many hands have them: organisations beside their likenesses.

Harder than `spellings`: names are cut at the width of a column, written in another
alphabet, without accents, as an acronym, with the town behind them; and nearly every
organisation stands beside another that a careless eye takes for it: a bank and an
insurance of one house, a university of a town and one of a new town, a branch with
another number. Written from lists of real kinds of names, not from the seeds. Not here:
slips of the pen in large numbers (`spellings`).
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa


@dataclass(frozen=True)
class Organisation:
    """What one organisation is called.

    Attributes:
        name: In Latin letters, without its legal form.
        forms: Its legal form as it may be written; empty where it has none.
        town: Where it is.
        native: In its own letters, where those are others.
        words: Its name word for word in another order, where it is so called as well.
    """

    name: str
    forms: tuple[str, ...] = ()
    town: str = ""
    native: str = ""
    words: str = ""


_INC = ("Inc", "Inc.", ", Inc.", "Incorporated", "Corp.", "Corporation")
_LTD = ("Ltd", "Ltd.", "Limited", "LTD.", "Company Limited")
_GMBH = ("GmbH", "G.m.b.H.", "Gesellschaft mbH", "GmbH & Co. KG")
_SA = ("SA", "S.A.", "Société Anonyme")
_SPA = ("SpA", "S.p.A.", "Società per Azioni")
_AB = ("AB", "Aktiebolag", "A.B.")
_CN = ("Co., Ltd.", "Co Ltd", "Company Limited", "Co., Limited")

# In groups whose members are taken for each other.
ORGANISATIONS: Final = (
    Organisation("University of York", town="York", words="York University of"),
    Organisation("New York University", town="New York"),
    Organisation("York St John University", town="York"),
    Organisation("University of New Castle upon Tyne", town="Newcastle"),
    Organisation("Boston University", town="Boston"),
    Organisation("Boston College", town="Chestnut Hill"),
    Organisation("University of Washington", town="Seattle"),
    Organisation("Washington State University", town="Pullman"),
    Organisation("Washington University in St. Louis", town="St. Louis"),
    Organisation("Technical University of Munich", town="München"),
    Organisation("Technical University of Vienna", town="Wien"),
    Organisation("National Institute of Standards and Technology", town="Gaithersburg"),
    Organisation("National Institute of Health Sciences", town="Tokyo"),
    Organisation("Massachusetts General Hospital", town="Boston"),
    Organisation("Massachusetts Eye and Ear Infirmary", town="Boston"),
    Organisation("Brightwell Bank", _INC, "Denver"),
    Organisation("Brightwell Insurance", _INC, "Denver"),
    Organisation("Brightwell Asset Management", _INC, "Denver"),
    Organisation("Orsini Assicurazioni", _SPA, "Torino"),
    Organisation("Orsini Costruzioni", _SPA, "Torino"),
    Organisation("Hällström Skogsindustri", _AB, "Umeå"),
    Organisation("Hällström Fastigheter", _AB, "Umeå"),
    Organisation("Müller & Söhne Maschinenbau", _GMBH, "Köln"),
    Organisation("Müller & Söhne Werkzeugbau", _GMBH, "Köln"),
    Organisation("Société Électrique de Besançon", _SA, "Besançon"),
    Organisation("Société Hydraulique de Besançon", _SA, "Besançon"),
    Organisation("Pacific Northern Railway", _INC, "Tacoma"),
    Organisation("Pacific Southern Railway", _INC, "Fresno"),
    Organisation("Atlantic Seafood International", _LTD, "Grimsby"),
    Organisation("Atlantic Seafood Processing", _LTD, "Hull"),
    Organisation("Third Street Partners", _INC, "Austin"),
    Organisation("Fourth Street Partners", _INC, "Austin"),
    Organisation("Granite Peak Fund II", ("LP", "L.P."), "Boulder"),
    Organisation("Granite Peak Fund III", ("LP", "L.P."), "Boulder"),
    Organisation("Redwood Hotel 21", _INC, "Eureka"),
    Organisation("Redwood Hotel 12", _INC, "Eureka"),
    Organisation("Kestrel Semiconductor Devices", _INC, "San Jose"),
    Organisation("Kestrel Precision Optics", _INC, "San Jose"),
    Organisation("Veridian Therapeutics", _INC, "Cambridge"),
    Organisation("Meridian Therapeutics", _INC, "Durham"),
    Organisation("Blackthorn Environmental Services", _LTD, "Leeds"),
    Organisation("Whitethorn Environmental Services", _LTD, "Leeds"),
    Organisation("Nordhavn Skibsværft", ("A/S", "Aktieselskab"), "Ålborg"),
    Organisation("Sydhavn Skibsværft", ("A/S", "Aktieselskab"), "Ålborg"),
    Organisation("Tanaka Seimitsu Kogyo", ("K.K.", "Co., Ltd."), "Osaka", "田中精密工業"),
    Organisation("Tanaka Denki Kogyo", ("K.K.", "Co., Ltd."), "Osaka", "田中電機工業"),
    Organisation("Ruilong Huagong", _CN, "Nanjing", "瑞龙化工有限公司"),
    Organisation("Ruifeng Huagong", _CN, "Nanjing", "瑞丰化工有限公司"),
    Organisation("Minghai Dianzi Keji", _CN, "Shenzhen", "深圳明海电子科技有限公司"),
    Organisation("Minghai Wuliu", _CN, "Shenzhen", "深圳明海物流有限公司"),
    Organisation("Severny Metall", ("OOO", "LLC"), "Perm", "ООО Северный Металл"),
    Organisation("Yuzhny Metall", ("OOO", "LLC"), "Perm", "ООО Южный Металл"),
    Organisation("Global Instruments Manufacturing", _INC, "Toledo"),
    Organisation("General Instruments Manufacturing", _INC, "Dayton"),
    Organisation("American Society of Mechanical Designers", town="Chicago"),
    Organisation("American Society of Electrical Designers", town="Chicago"),
    Organisation("Department of Water Resources", town="Sacramento"),
    Organisation("Royal Thornbury Infirmary", town="Thornbury"),
    Organisation("Royal Thornbury Academy", town="Thornbury"),
    Organisation("Castellano Hermanos Alimentación", ("S.L.", "SL", "S.A."), "Sevilla"),
    Organisation("Castellano Hermanos Transportes", ("S.L.", "SL", "S.A."), "Sevilla"),
    Organisation("International Bureau of Cartography", town="Geneva"),
    Organisation("Wexler Pharmaceutical Laboratories", _INC, "Newark"),
    Organisation("Wexler Consumer Products", _INC, "Newark"),
    Organisation("Dalmore Electric Power Development", _LTD, "Inverness"),
    Organisation("Dalmore Gas Distribution", _LTD, "Inverness"),
    Organisation("Zielińska Fabryka Mebli", ("Sp. z o.o.", "S.A."), "Łódź"),
    Organisation("Zielińska Odlewnia Żeliwa", ("Sp. z o.o.", "S.A."), "Łódź"),
    Organisation("Öztürk Tekstil Sanayi", ("A.Ş.", "AS"), "Bursa"),
    Organisation("Öztürk Gıda Sanayi", ("A.Ş.", "AS"), "Bursa"),
)  # fmt: skip

_SHORT: Final = {
    "University": ("Univ.", "Univ", "U."),
    "International": ("Intl", "Int'l", "Intl."),
    "Institute": ("Inst.", "Inst"),
    "National": ("Natl.", "Nat'l", "Nat."),
    "Technology": ("Tech.", "Technol."),
    "Technical": ("Tech.",),
    "Services": ("Svcs", "Serv."),
    "Management": ("Mgmt", "Mgt."),
    "Manufacturing": ("Mfg", "Mfg."),
    "Department": ("Dept.", "Dept"),
    "Laboratories": ("Labs", "Lab."),
    "Pharmaceutical": ("Pharm.",),
    "Hospital": ("Hosp.",),
    "Development": ("Dev.",),
    "Electric": ("Elec.",),
    "Electrical": ("Elec.", "Electr."),
    "Mechanical": ("Mech.",),
    "Environmental": ("Env.", "Environ."),
    "Semiconductor": ("Semicond.",),
    "Railway": ("Rly", "Rwy"),
    "Society": ("Soc.",),
    "American": ("Amer.", "Am."),
    "Instruments": ("Instr.",),
    "Street": ("St.",),
    "Society of": ("Soc.",),
}
_PARTS: Final = (
    "Legal Department", "Accounts Payable", "Purchasing Dept.", "Finance Department",
    "Department of Physics", "School of Medicine", "Research Division",
    "Human Resources", "IT Department", "Office of the President",
)  # fmt: skip


@dataclass(frozen=True)
class NameList:
    """Records of nothing but a name, and which organisation each is.

    Attributes:
        records: source, source_customer_id, customer_type, customer_name.
        truth: Key → the organisation's name.
        ways: Key → how the name was changed.
    """

    records: pa.Table
    truth: dict[str, str]
    ways: dict[str, tuple[str, ...]]


def generate(spellings: int, seed: int) -> NameList:
    """Draws a list.

    Args:
        spellings: About how many distinct spellings of all; sizes fall like 1 / rank.
        seed: For the generator.
    """
    draw = random.Random(seed)
    order = list(ORGANISATIONS)
    draw.shuffle(order)
    total = sum(1 / rank for rank in range(1, len(order) + 1))
    rows: list[tuple[str, str, tuple[str, ...]]] = []
    for rank, organisation in enumerate(order, start=1):
        wanted = max(2, round(spellings / rank / total))
        found: dict[str, tuple[str, ...]] = {}
        for _ in range(20 * wanted):
            text, ways = _spelt(draw, organisation)
            found.setdefault(text, ways)
            if len(found) == wanted:
                break
        rows += [
            (text, organisation.name, ways) for text, ways in sorted(found.items())
        ]
    draw.shuffle(rows)
    keys = [str(number) for number in range(len(rows))]
    return NameList(
        pa.table(
            {
                "source": ["list"] * len(rows),
                "source_customer_id": keys,
                "customer_type": ["company"] * len(rows),
                "customer_name": [text for text, _, _ in rows],
            }
        ),
        {key: name for key, (_, name, _) in zip(keys, rows, strict=True)},
        {key: ways for key, (_, _, ways) in zip(keys, rows, strict=True)},
    )


def _spelt(
    draw: random.Random, organisation: Organisation
) -> tuple[str, tuple[str, ...]]:
    """One way to write a name, and what was done to it."""
    ways: list[str] = []

    def happens(way: str, chance: float) -> bool:
        is_so = draw.random() < chance
        if is_so:
            ways.append(way)
        return is_so

    if organisation.native and happens("native", 0.25):
        return organisation.native, tuple(ways)
    words = organisation.name.split()
    if len(words) >= 4 and happens("acronym", 0.03):
        return "".join(word[0] for word in words if word[0].isupper()), tuple(ways)
    if organisation.words and happens("order", 0.1):
        words = organisation.words.removesuffix(" of").split()
    elif words[:2] == ["University", "of"] and happens("order", 0.15):
        words = [*words[2:], "University"]
    if happens("short", 0.35):
        words = [draw.choice(_SHORT.get(word, (word,))) for word in words]
    if happens("slip", 0.25):
        words = _slips(draw, words, 1 if draw.random() < 0.7 else 2)
    if "&" in words and happens("and", 0.5):
        words = ["and" if word == "&" else word for word in words]
    found = " ".join(words)
    if organisation.forms and happens("form", 0.65):
        found = f"{found} {draw.choice(organisation.forms)}".replace(" ,", ",")
    if not organisation.forms and happens("the", 0.15):
        found = f"The {found}"
    if organisation.town and happens("town", 0.12):
        town = organisation.town
        found = draw.choice(
            [f"{found}, {town}", f"{found} ({town})", f"{found} - {town}"]
        )
    elif happens("part", 0.1):
        part = draw.choice(_PARTS)
        found = draw.choice(
            [f"{found}, {part}", f"{found} - {part}", f"{part}, {found}"]
        )
    if happens("case", 0.35):
        found = _plain(found).upper() if draw.random() < 0.7 else found.lower()
    elif happens("accents", 0.3):
        found = _plain(found)
    if happens("signs", 0.1):
        found = found.replace(".", "").replace(",", " ")
    for width in (30, 40):
        if len(found) > width and happens("cut", 0.08):
            found = found[:width].rstrip()
    return found, tuple(ways)


def _plain(text: str) -> str:
    """Without accents, as a machine does it."""
    for letter, written in (
        ("ł", "l"),
        ("Ł", "L"),
        ("ø", "o"),
        ("æ", "ae"),
        ("ı", "i"),
    ):
        text = text.replace(letter, written)
    return "".join(
        letter
        for letter in unicodedata.normalize("NFD", text)
        if not unicodedata.combining(letter)
    )


def _slips(draw: random.Random, words: Sequence[str], count: int) -> list[str]:
    """One letter or two left out, doubled, replaced or swapped, not the first."""
    found = list(words)
    for _ in range(count):
        long = [place for place, word in enumerate(found) if len(word) >= 5]
        if not long:
            break
        place = draw.choice(long)
        word = found[place]
        at = draw.randrange(1, len(word) - 1)
        found[place] = draw.choice(
            [
                word[:at] + word[at + 1 :],
                word[:at] + word[at] + word[at:],
                word[:at] + draw.choice("aeiourstnl") + word[at + 1 :],
                word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            ]
        )
    return found
