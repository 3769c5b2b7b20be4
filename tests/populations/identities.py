"""The true companies of a generated population: what they are, not how they are written.

What lives here: names in parts, places, numbers, groups of companies and everything that
different companies share in life (a switchboard, a domain, an agency). What does not:
what a system keeps of them, see companies.py.

Every array has the shape (companies,) or (companies, 2). Of two, the first is what was
and the second what is now, or the main one and another one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pypinyin import lazy_pinyin

from tests.populations import words

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

USCC_CHARACTERS: Final[str] = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ORGANISATION_CHARACTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

ALONE, GROUP, BRANCHES, SISTERS, CHAIN = range(5)
# kind: share of companies, sizes of a family
_FAMILIES: Final = {
    GROUP: (0.05, (2, 8)),
    BRANCHES: (0.02, (5, 50)),
    SISTERS: (0.03, (2, 4)),
    CHAIN: (0.01, (3, 6)),
}
# How a Chinese name tells the place: before, in brackets, the province, not, with 市.
PLACE_BEFORE, PLACE_IN_BRACKETS, PLACE_IS_PROVINCE, NO_PLACE, PLACE_WITH_CITY = range(5)


def uscc_check_character(code: str) -> str:
    """The 18th character of a 统一社会信用代码 (GB 32100-2015), from the first 17."""
    total = sum(
        USCC_CHARACTERS.index(character) * pow(3, place, 31)
        for place, character in enumerate(code[:17])
    )
    return USCC_CHARACTERS[-total % 31]


def organisation_check_character(code: str) -> str:
    """The 9th character of a 组织机构代码 (GB 11714-1997), from the first 8."""
    total = sum(
        _ORGANISATION_CHARACTERS.index(character) * weight
        for character, weight in zip(code[:8], (3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return "0123456789X"[-total % 11]


def texts(values: list[str]) -> Texts:
    """An array of Python strings, (n,)."""
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def weighted(rng: np.random.Generator, weights: Any, size: int) -> Ints:
    """Draws `size` places of `weights`, each as often as its weight says."""
    edges = np.cumsum(np.asarray(weights, dtype=float))
    drawn = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    return np.asarray(np.minimum(drawn, len(edges) - 1), dtype=np.int64)


def repeated(values: Iterable[Hashable]) -> Flags:
    """Which values were there before, (n,)."""
    seen: set[Hashable] = set()
    found = []
    for value in values:
        found.append(value in seen)
        seen.add(value)
    return np.array(found, dtype=bool)


_characters: Final = texts(list(dict.fromkeys(words.CHARACTERS)))
_pinyin: Final = {c: lazy_pinyin(c)[0] for c in _characters}
_city_country: Final = np.array(
    [words.COUNTRIES.index(c.country) for c in words.CITIES]
)
_city_weight: Final = np.array([c.weight for c in words.CITIES])


def pinyin_of(stem: str) -> list[str]:
    """The syllables of a 字号."""
    return [_pinyin[character] for character in stem]


@dataclass
class Identities:
    """The true companies; a text that a company does not have is empty."""

    country: Ints
    city: Ints
    sector: Ints
    near: Ints
    form: Texts
    pattern: Ints
    stem: Texts
    former_stem: Texts
    qualifier: Texts
    article: Flags
    suffix: Texts
    latin_suffix: Texts
    brand: Texts
    kind: Ints
    head: Ints
    place_in_family: Ints
    parent: Ints
    # number, road, kind of road, building, room, district: (companies, 2) each
    street: dict[str, Ints]
    registration: Texts = field(default_factory=lambda: texts([]))
    phone: Texts = field(default_factory=lambda: texts([]))
    domain: Texts = field(default_factory=lambda: texts([]))
    free_mail: Texts = field(default_factory=lambda: texts([]))
    hosted: Flags = field(default_factory=lambda: np.array([], dtype=bool))
    agency_email: Texts = field(default_factory=lambda: texts([]))
    shares_phone: Flags = field(default_factory=lambda: np.array([], dtype=bool))

    def __len__(self) -> int:
        return len(self.country)

    def is_chinese(self) -> Flags:
        """Which companies are Chinese, (companies,)."""
        return np.asarray(self.country == 0)


def draw(companies: int, rng: np.random.Generator) -> Identities:
    """Draws the true companies, from their names to what they share."""
    them = _separate_companies(companies, rng)
    _form_families(them, rng)
    _refuse_taken_names(them, rng)
    _add_histories(them, rng)
    them.registration = _registrations(them, rng)
    _give_phones(them, rng)
    _give_domains(them, rng)
    _share_phones(them, rng)
    return them


def _separate_companies(companies: int, rng: np.random.Generator) -> Identities:
    """Companies that have nothing to do with each other."""
    country = weighted(rng, words.COUNTRY_SHARES, companies)
    city = np.empty(companies, dtype=np.int64)
    for code in range(len(words.COUNTRIES)):
        places = np.flatnonzero(_city_country == code)
        mine = country == code
        city[mine] = places[weighted(rng, _city_weight[places], int(mine.sum()))]
    form, qualifier = texts([""] * companies), texts([""] * companies)
    for code, name in enumerate(words.COUNTRIES):
        mine = country == code
        forms = words.CHINESE_FORMS if name == "CN" else words.FORMS[name]
        drawn = weighted(rng, [share for _, share in forms], int(mine.sum()))
        form[mine] = texts([f for f, _ in forms])[drawn]
        if name != "CN":
            some = mine & (rng.random(companies) < 0.4)
            known = texts(list(words.QUALIFIERS[name]))
            qualifier[some] = known[rng.integers(0, len(known), int(some.sum()))]
    sector = weighted(rng, 1 / (np.arange(len(words.SECTORS)) + 8.0) ** 0.7, companies)
    empty = texts([""] * companies)
    cities = np.stack([city, city], axis=1)
    street = {
        name: np.repeat(rng.integers(0, most, (companies, 1)), 2, axis=1)
        for name, most in (
            ("number", 300),
            ("road", 100_000),
            ("road_kind", 100_000),
            ("building", 40),
            ("room", 2400),
            ("district", 100_000),
        )
    }
    them = Identities(
        country=country,
        city=cities,
        sector=sector,
        near=weighted(rng, (0.34, 0.22, 0.18, 0.14, 0.12), companies),
        form=form,
        pattern=weighted(rng, (0.6, 0.13, 0.1, 0.07, 0.1), companies),
        stem=empty.copy(),
        former_stem=empty.copy(),
        qualifier=qualifier,
        article=(country > 0) & (rng.random(companies) < 0.05),
        suffix=empty.copy(),
        latin_suffix=empty.copy(),
        brand=empty.copy(),
        kind=np.zeros(companies, dtype=np.int64),
        head=np.arange(companies),
        place_in_family=np.zeros(companies, dtype=np.int64),
        parent=np.full(companies, -1),
        street=street,
    )
    them.stem = _stems(country, rng)
    return them


def _stems(country: Ints, rng: np.random.Generator, longer: bool = False) -> Texts:
    """What is a name's own in it: 字号, a surname or two, a made-up word, letters."""
    found = texts([""] * len(country))
    mine = np.flatnonzero(country == 0)
    popular = 1 / (np.arange(len(_characters)) + 40.0) ** 0.5
    three = _characters[weighted(rng, popular, 3 * len(mine))].reshape(-1, 3)
    has_three = rng.random(len(mine)) < (0.8 if longer else 0.25)
    found[mine] = three[:, 0] + three[:, 1] + np.where(has_three, three[:, 2], "")
    for code, name in enumerate(words.COUNTRIES[1:], start=1):
        mine = np.flatnonzero(country == code)
        kinds = weighted(
            rng,
            (0.08, 0.3, 0.22, 0.22, 0.1, 0.08)
            if longer
            else (0.3, 0.15, 0.1, 0.28, 0.12, 0.05),
            len(mine),
        )
        surnames, given = words.SURNAMES[name], words.GIVEN_NAMES[name]
        heads, tails = words.HEADS[name], words.TAILS[name]
        joint = {"DE": " & ", "FR": " & ", "ES": " y "}.get(name, " & ")
        sons = {"DE": " & Söhne", "FR": " & Fils", "ES": " e Hijos"}.get(
            name, " & Sons"
        )
        bits = rng.integers(0, 1 << 30, (len(mine), 4)).tolist()
        made = []
        for kind, (a, b, c, d) in zip(kinds.tolist(), bits, strict=True):
            surname = surnames[a % len(surnames)]
            if kind == 0:
                made.append(surname)
            elif kind == 1:
                made.append(surname + joint + surnames[b % len(surnames)])
            elif kind == 2:
                first = given[b % len(given)] if c % 3 else "ABCDEFGHJKLMPRSTW"[c % 17]
                made.append(f"{first} {surname}{sons if d % 4 == 0 else ''}")
            elif kind == 3:
                made.append(heads[a % len(heads)] + tails[b % len(tails)])
            elif kind == 4:
                parts = [words.SYLLABLES[x % len(words.SYLLABLES)] for x in (a, b, c)]
                made.append("".join(parts[: 2 + d % 2]).capitalize())
            else:
                letters = "ABCDEFGHIJKLMNOPRSTVWXZ"
                made.append("".join(letters[x % len(letters)] for x in (a, b, c)))
        found[mine] = texts(made)
    return found


def _form_families(them: Identities, rng: np.random.Generator) -> None:
    """Groups, branches, sisters and chains; each company is in one of them at most."""
    total = len(them)
    free = rng.permutation(total)
    for kind, (share, (least, most)) in _FAMILIES.items():
        wanted = int(total * share)
        members, free = free[:wanted], free[wanted:]
        if wanted < least:
            continue
        sizes = rng.integers(least, most + 1, wanted)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        starts = starts[starts < wanted]
        family = np.searchsorted(starts, np.arange(wanted), side="right") - 1
        them.kind[members] = kind
        them.head[members] = members[starts[family]]
        them.place_in_family[members] = np.arange(wanted) - starts[family]

    later = them.place_in_family > 0
    head = them.head
    for array in (them.country, them.stem):
        array[later] = array[head[later]]
    chosen = rng.random(total)
    same_city = later & (
        (them.kind != GROUP) | (them.country[head] != them.country) | (chosen < 0.5)
    )
    # Branches are all over the country of the chain.
    same_city &= ~((them.kind == BRANCHES) & (chosen < 0.8))
    elsewhere = np.flatnonzero(later & ~same_city)
    for code in range(len(words.COUNTRIES)):
        mine = elsewhere[them.country[elsewhere] == code]
        places = np.flatnonzero(_city_country == code)
        drawn = places[weighted(rng, _city_weight[places], len(mine))]
        them.city[mine] = drawn[:, None]
    them.city[same_city] = them.city[head[same_city]]
    them.form[later] = them.form[head[later]]
    them.pattern[later] = them.pattern[head[later]]
    them.qualifier[later] = them.qualifier[head[later]]
    them.article[later] = them.article[head[later]]

    # Same stem, another of the five near trades; a chain of branches has one trade.
    related = later & (them.kind != GROUP)
    related |= later & (them.place_in_family < 5) & (rng.random(total) < 0.4)
    them.sector[related] = them.sector[head[related]]
    them.near[related] = (them.near[head] + them.place_in_family)[related] % 5
    plain = later & np.isin(them.kind, (BRANCHES, CHAIN))
    them.near[plain] = them.near[head[plain]]
    _name_branches(them, np.flatnonzero(later & (them.kind == BRANCHES)))

    owned = later & np.isin(them.kind, (GROUP, BRANCHES))
    them.parent[owned] = head[owned]
    sisters = later & (them.kind == SISTERS) & (rng.random(total) < 0.6)
    for array in them.street.values():
        array[sisters] = array[head[sisters]]

    # Each link of a chain is one letter away from the link before it.
    chain = np.flatnonzero(later & (them.kind == CHAIN))
    chain = chain[np.lexsort((them.place_in_family[chain], head[chain]))]
    before = np.where(them.place_in_family[chain] == 1, head[chain], np.roll(chain, 1))
    for n, other in zip(chain.tolist(), before.tolist(), strict=True):
        stem = str(them.stem[other])
        at = int(rng.integers(0, len(stem)))
        others = _characters if them.country[n] == 0 else texts(list("aeiourstlnm"))
        new = str(rng.choice([c for c in others if c != stem[at].lower()]))
        them.stem[n] = stem[:at] + (new.upper() if at == 0 else new) + stem[at + 1 :]
        # In turn: only the near name; a phone and a near trade (see _give_phones); an
        # address and a near trade. More in common would be more than a person can tell.
        link = them.place_in_family[n] % 3
        them.near[n] = (them.near[other] + int(link != 1)) % 5
        if link == 0:
            for array in them.street.values():
                array[n] = array[other]
    them.head[chain] = before


def _name_branches(them: Identities, members: Ints) -> None:
    """Gives branches the city and the road that tell them apart."""
    them.street["road_kind"][members] = 0
    for n in members.tolist():
        city = words.CITIES[them.city[n, 0]]
        if city.country == "CN":
            road = words.CHINESE_ROADS[
                them.street["road"][n, 0] % len(words.CHINESE_ROADS)
            ]
            them.suffix[n] = f"{city.name}{road}路分公司"
            them.latin_suffix[n] = f" {city.latin} {_capital(road)} Branch"
        else:
            roads = words.STREETS[city.country]
            road = roads[them.street["road"][n, 0] % len(roads)].replace("_", " ")
            them.suffix[n] = them.latin_suffix[n] = f" - {city.name} {road}"


def _capital(chinese: str) -> str:
    """Characters as one capitalised word of pinyin."""
    return "".join(lazy_pinyin(chinese)).capitalize()


def place_in_name(them: Identities, n: int, pattern: int) -> str:
    """The place as a Chinese name tells it."""
    city: words.City = words.CITIES[them.city[n, 0]]
    if pattern == NO_PLACE:
        return ""
    if pattern == PLACE_IS_PROVINCE:
        return city.region
    return city.name + ("市" if pattern == PLACE_WITH_CITY else "")


def chinese_name(
    place: str, stem: str, trade: str, form: str, pattern: int, suffix: str
) -> str:
    """A Chinese name from its parts."""
    if pattern == PLACE_IN_BRACKETS:
        return f"{stem}{trade}（{place}）{form}{suffix}"
    return f"{place}{stem}{trade}{form}{suffix}"


def legal_names(them: Identities) -> Texts:
    """The name that each company is registered under, (companies,)."""
    names = []
    for n in range(len(them)):
        sector = words.SECTORS[them.sector[n]]
        if them.country[n] == 0:
            pattern = int(them.pattern[n])
            names.append(
                chinese_name(
                    place_in_name(them, n, pattern),
                    them.stem[n],
                    sector.chinese[them.near[n]],
                    them.form[n],
                    pattern,
                    them.suffix[n],
                )
            )
        else:
            trade = sector.western[words.COUNTRIES[them.country[n]]][them.near[n]]
            parts = (them.stem[n], them.qualifier[n], trade, them.form[n])
            names.append(" ".join(part for part in parts if part) + them.suffix[n])
    return texts(names)


def _refuse_taken_names(them: Identities, rng: np.random.Generator) -> None:
    """Registrars refuse nearly every name that is already taken in a city."""
    for _ in range(4):
        taken = repeated(zip(legal_names(them), them.city[:, 0].tolist(), strict=True))
        mine = np.flatnonzero(
            taken & (them.kind == ALONE) & (rng.random(len(them)) > 0.1)
        )
        them.stem[mine] = _stems(them.country[mine], rng, longer=True)
        # A company of a group takes up another trade, a branch another road.
        mine = np.flatnonzero(taken & (them.kind == GROUP))
        them.sector[mine] = rng.integers(0, len(words.SECTORS), len(mine))
        mine = np.flatnonzero(
            taken & (them.kind == BRANCHES) & (them.place_in_family > 0)
        )
        roads = rng.integers(0, 100_000, len(mine))
        them.street["road"][mine] = roads[:, None]
        _name_branches(them, mine)


def _add_histories(them: Identities, rng: np.random.Generator) -> None:
    """Moves, new names, and English names that say nothing of the Chinese one."""
    total = len(them)
    moved = (rng.random(total) < 0.08) & (them.kind != BRANCHES)
    mine = np.flatnonzero(moved)
    for name, array in them.street.items():
        most = {"number": 300, "building": 40, "room": 2400}.get(name, 100_000)
        array[mine, 1] = rng.integers(0, most, len(mine))
    away = mine[rng.random(len(mine)) < 0.3]
    for code in range(len(words.COUNTRIES)):
        here = away[them.country[away] == code]
        places = np.flatnonzero(_city_country == code)
        them.city[here, 1] = places[weighted(rng, _city_weight[places], len(here))]
    renamed = np.flatnonzero((rng.random(total) < 0.008) & (them.kind == ALONE))
    them.former_stem[renamed] = _stems(them.country[renamed], rng)
    branded = np.flatnonzero(them.is_chinese() & (rng.random(total) < 0.06))
    branded = branded[them.kind[branded] == ALONE]
    drawn = rng.integers(0, len(words.SYLLABLES), (len(branded), 3)).tolist()
    them.brand[branded] = texts(
        ["".join(words.SYLLABLES[x] for x in row).capitalize() for row in drawn]
    )


def _distinct(total: int, most: int, rng: np.random.Generator) -> list[int]:
    """`total` different numbers below `most`, which is a power of ten, in no order."""
    step = int(rng.integers(most // 7, most // 3)) * 10 + 3
    start = int(rng.integers(0, most))
    return [(start + n * step) % most for n in range(total)]


def _registrations(them: Identities, rng: np.random.Generator) -> Texts:
    """A number of its own for each company, in the style of its country."""
    total = len(them)
    numbers = _distinct(total, 10**8, rng)
    kinds = rng.random((total, 2)).tolist()
    found = []
    for n, (number, (kind, other)) in enumerate(zip(numbers, kinds, strict=True)):
        country = words.COUNTRIES[them.country[n]]
        city = words.CITIES[them.city[n, 0]]
        if country == "CN":
            organisation = f"{number:08d}"
            if kind < 0.5:  # Since 2015 the codes of companies begin with MA.
                letters, rest = "", number
                for _ in range(6):
                    rest, digit = divmod(rest, 31)
                    letters = USCC_CHARACTERS[digit] + letters
                organisation = "MA" + letters
            organisation += organisation_check_character(organisation)
            district = int(city.division[:4] + f"{1 + int(other * 19):02d}")
            code = f"91{district}{organisation}"
            found.append(code + uscc_check_character(code))
        elif country == "GB":
            scottish = city.region == "Scotland"
            found.append(f"SC{number % 10**6:06d}" if scottish else f"{number:08d}")
        elif country == "US":
            found.append(f"{10 + int(kind * 80)}-{number % 10**7:07d}")
        elif country == "DE" and kind < 0.25:
            found.append(f"HRB {number % 250_000} {city.name}")
        elif country == "DE":
            found.append(f"DE{1 + int(other * 3)}{number:08d}")
        elif country == "FR":
            found.append(f"{3 + int(other * 6)}{number:08d}")
        else:
            found.append(f"{'B' if kind < 0.6 else 'A'}{number:08d}")
    # A few styles have less room than there are companies in 400,000.
    clash = repeated(found)
    for n in np.flatnonzero(clash).tolist():
        if found[n].startswith("SC"):
            found[n] = f"{numbers[n]:08d}"
        elif found[n].startswith("HRB"):
            found[n] = f"DE4{numbers[n]:08d}"
        elif "-" in found[n]:
            found[n] = f"{90 + n % 10}-{numbers[n] % 10**7:07d}"
    return texts(found)


def _give_phones(them: Identities, rng: np.random.Generator) -> None:
    """Two numbers for each, (companies, 2), as "area|number"; a mobile has no area."""
    total = len(them)
    mobile = rng.random((total, 2)) < np.array([0.18, 0.6])
    bits = rng.integers(0, 10**9, (total, 2, 3)).tolist()
    found = np.empty((total, 2), dtype=object)
    chinese_mobiles = (
        "135 136 137 138 139 150 151 152 158 159 180 181 182 186 187 188 189"
    )
    prefixes = chinese_mobiles.split()
    for n, (rows, mobiles) in enumerate(zip(bits, mobile.tolist(), strict=True)):
        city = words.CITIES[them.city[n, 0]]
        for place, ((a, b, c), is_mobile) in enumerate(zip(rows, mobiles, strict=True)):
            if city.country == "CN" and is_mobile:
                number = f"|{prefixes[a % len(prefixes)]}{b % 10**8:08d}"
            elif city.country == "GB" and is_mobile and a % 3 == 0:
                number = f"|7{(4, 7, 8, 9)[a % 4]}{b % 10**8:08d}"
            elif city.country == "US":
                number = f"{city.area}|{2 + a % 8}{2 + c % 8}{b % 10**5:05d}"
            else:
                first = 2 + a % 7
                if city.country == "GB":
                    # Where the numbers of a city begin, as far as they are given out.
                    starts = {"20": (7, 8, 3), "29": (2, 2, 2), "28": (9, 9, 9)}
                    starts["23"] = (8, 8, 8)
                    first = starts.get(city.area, (2, 3, 4))[a % 3]
                rest = city.digits - 1
                number = f"{city.area}|{first}{b % 10**rest:0{rest}d}"
            found[n, place] = number
    later = np.flatnonzero(them.place_in_family > 0)
    chance = rng.random(len(later))
    for n, luck in zip(later.tolist(), chance.tolist(), strict=True):
        kind, head = them.kind[n], them.head[n]
        shares = {SISTERS: luck < 0.35, GROUP: luck < 0.12, BRANCHES: luck < 0.25}
        if shares.get(kind, False) or (
            kind == CHAIN and them.place_in_family[n] % 3 == 2
        ):
            found[n, 0] = found[head, 0]
    them.phone = found
    them.shares_phone = np.zeros(total, dtype=bool)


def _give_domains(them: Identities, rng: np.random.Generator) -> None:
    """Domains, (companies, 2): one of its own, a group's, a host's, or a free mailbox."""
    total = len(them)
    bits = rng.integers(0, 1 << 30, (total, 3)).tolist()
    chance = rng.random((total, 3))
    own, free = [], []
    for n, (a, b, c) in enumerate(bits):
        country = words.COUNTRIES[them.country[n]]
        endings = words.ENDINGS[country]
        sector = words.SECTORS[them.sector[n]]
        if country == "CN":
            syllables = pinyin_of(them.stem[n])
            trade = sector.english[them.near[n]].split()[0].lower()[:4]
            city = words.CITIES[them.city[n, 0]].latin.lower().replace("'", "")
            base = "".join(syllables)
            short = "".join(s[0] for s in syllables)
            body = (
                base,
                base + trade,
                city[:2] + base,
                base + "-cn",
                short + trade,
                base + "group",
            )[a % 6]
            body = them.brand[n].lower() or body
        else:
            plain = ascii_of(them.stem[n]).lower().replace("&", "and")
            base = "".join(x for x in plain if x.isalnum())
            trade = sector.western[country][them.near[n]]
            word = "".join(x for x in ascii_of(trade).lower() if x.isalnum())
            body = (base, base + word, f"{base}-{word}", base + word[:4], base)[a % 5]
        own.append(body + endings[min(b % 7, b % len(endings))])
        mailboxes = words.FREE_MAIL[country]
        if mailboxes[c % len(mailboxes)] == "qq.com":
            free.append(f"{10**8 + b % 9 * 10**8 + a % 10**8}@qq.com")
        else:
            name = base[:12]
            free.append(f"{name}{b % 10**4}@{mailboxes[c % len(mailboxes)]}")
    # A domain has one owner: whoever comes later takes another one.
    for word in ("", "online", "intl", "hq"):
        again = repeated(own)
        for n in np.flatnonzero(again).tolist():
            head, dot, ending = own[n].partition(".")
            own[n] = f"{head}{word or str(bits[n][2] % 1000)}{dot}{ending}"
    domain = np.stack([texts(own)] * 2, axis=1)
    shares = {GROUP: 0.85, BRANCHES: 0.95, SISTERS: 0.45}
    for kind, share in shares.items():
        mine = np.flatnonzero(
            (them.kind == kind) & (them.place_in_family > 0) & (chance[:, 0] < share)
        )
        domain[mine] = domain[them.head[mine]]
    alone = them.kind == ALONE
    changed = np.flatnonzero(alone & (chance[:, 1] < 0.02))
    for n in changed.tolist():
        domain[n, 1] = (
            domain[n, 1].replace(".", "-new.", 1).replace("-cn-new", "-global")
        )
    is_chinese = them.is_chinese()
    uses_free = alone & (chance[:, 2] < np.where(is_chinese, 0.2, 0.1))
    them.free_mail = np.where(uses_free, texts(free), "")
    them.hosted = alone & ~uses_free & (chance[:, 0] > 0.98)
    for n in np.flatnonzero(them.hosted).tolist():
        hosters = words.HOSTERS["CN" if is_chinese[n] else "WEST"]
        domain[n] = hosters[bits[n][0] % len(hosters)]
    them.domain = domain
    them.agency_email = texts([""] * total)


def _share_phones(them: Identities, rng: np.random.Generator) -> None:
    """Office towers with one switchboard, and agencies that answer for their clients."""
    total = len(them)
    alone = rng.permutation(np.flatnonzero(them.kind == ALONE))
    cities = them.city[alone, 0]
    waiting = {city: alone[cities == city].tolist() for city in set(cities.tolist())}
    for share, is_agency in ((0.03, False), (0.012, True)):
        left = int(total * share)
        while left > 2:
            here = waiting[them.city[alone[rng.integers(0, len(alone))], 0]]
            size = int(3 * (1 - rng.random()) ** -0.8)
            size = min(size, 200, left, len(here) // 3)
            left -= max(size, 1)
            if size < 3:
                continue
            group, here[:] = here[:size], here[size:]
            them.phone[group, 0] = them.phone[group[0], 0]
            them.shares_phone[group] = True
            if is_agency and rng.random() < 0.5:
                ending = words.ENDINGS[words.COUNTRIES[them.country[group[0]]]][0]
                them.agency_email[group] = f"service@agency{group[0]}{ending}"
            if not is_agency and rng.random() < 0.7:
                for name, array in them.street.items():
                    if name != "room":
                        array[group] = array[group[0]]


_PLAIN: Final = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "Ä": "Ae",
        "Ö": "Oe",
        "Ü": "Ue",
        "ß": "ss",
        **dict(zip("éèêëáàâíóúñçÉÁ", "eeeeaaaiouncEA", strict=True)),
    }
)


def ascii_of(text: str) -> str:
    """Text without umlauts and accents, as keyboards without them write it."""
    return text.translate(_PLAIN)
