"""Names only, as authors write where they work: departments, streets, towns and slips.

One column, and in it all that a person found worth writing: the department in front or
behind, a division of it, the street, town, state, code and country, each abbreviated or
not, in an order and with signs of the writer's own; the organisation itself by its full
name, an older or foreign one, its letters, or with the town of its campus behind "at", a
hyphen, a comma or nothing. Organisations stand beside others that look alike: campuses of
one university, a university and a state university, two of one name. The organisations are
real and the spellings are written from memory of how they are cited; none comes from a
benchmark. Not here: made-up names beside their likenesses (`name_lists`).
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from tests.populations.name_lists import NameList

FOLDER: Final = Path(__file__).parents[1] / "data" / "affiliations"
LISTS: Final = ("databases", "medicine", "engineering")


@dataclass(frozen=True)
class Organisation:
    """What one organisation is called, and where it is.

    Attributes:
        key: Its name among the others of the list.
        names: What it is called; `~` stands before a campus.
        places: Town, state and code, country, as lists of parts.
        streets: Its doors.
        letters: Acronyms.
        kind: Of which units it has: u(niversity), c(ompany), h(ospital).
    """

    key: str
    names: tuple[str, ...]
    places: tuple[tuple[str, ...], ...]
    streets: tuple[str, ...]
    letters: tuple[str, ...]
    kind: str


def by_hand() -> NameList:
    """Two hundred spellings of thirty-five organisations, written one by one."""
    lines = (FOLDER / "by_hand.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("|", 1) for line in lines]
    keys = [str(place) for place in range(len(pairs))]
    return NameList(
        pa.table(
            {
                "source": ["list"] * len(pairs),
                "source_customer_id": keys,
                "customer_type": ["company"] * len(pairs),
                "customer_name": [text for _, text in pairs],
            }
        ),
        {key: name for key, (name, _) in zip(keys, pairs, strict=True)},
        dict.fromkeys(keys, ()),
    )


def read(name: str) -> tuple[list[Organisation], dict[str, tuple[str, ...]]]:
    """The organisations of one of `LISTS`, and the units that each kind of them has.

    A line each, fields between `|`: `u`, `c` or `h`, names, places, streets, letters;
    or `unit` and a kind, and units of that kind.
    """
    found: list[Organisation] = []
    units: dict[str, tuple[str, ...]] = {}
    for line in (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        kind, names, *rest = (field.strip() for field in line.split("|"))
        if kind.startswith("unit "):
            units[kind.removeprefix("unit ")] = _several(names)
            continue
        places, streets, letters = [*rest, "", "", ""][:3]
        several = _several(names)
        found.append(
            Organisation(
                several[0],
                several,
                tuple(
                    tuple(part.strip() for part in place.split(","))
                    for place in _several(places)
                ),
                _several(streets),
                _several(letters),
                kind,
            )
        )
    return found, units


def _several(field: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in field.split(";") if part.strip())


_SHORT: Final = {
    "University": ("Univ.", "Univ", "Univ.", "U."),
    "Universität": ("Univ.",),
    "Université": ("Univ.",),
    "Università": ("Univ.",),
    "Department": ("Dept.", "Dept", "Dep.", "Dept."),
    "Institute": ("Inst.", "Inst"),
    "Institut": ("Inst.",),
    "Laboratory": ("Lab.", "Lab"),
    "Laboratories": ("Labs", "Labs.", "Lab."),
    "Technology": ("Tech.", "Technol."),
    "Technical": ("Tech.",),
    "National": ("Natl.", "Nat."),
    "Research": ("Res.", "Res"),
    "Center": ("Ctr.", "Centre", "Ctr"),
    "Centre": ("Ctr.", "Center"),
    "Engineering": ("Eng.", "Engg.", "Engrg."),
    "Science": ("Sci.", "Sc."),
    "Sciences": ("Sci.",),
    "Computer": ("Comp.", "Comput."),
    "Electrical": ("Elec.", "Electr.", "Elect."),
    "Mathematics": ("Math.", "Maths"),
    "Medicine": ("Med.",),
    "Medical": ("Med.",),
    "Hospital": ("Hosp.",),
    "Information": ("Info.", "Inform."),
    "Division": ("Div.",),
    "College": ("Coll.",),
    "Corporation": ("Corp.", "Corp"),
    "International": ("Intl.", "Int'l"),
    "State": ("St.",),
    "Management": ("Mgmt.",),
    "School": ("Sch.",),
    "California": ("Calif.", "Calif.", "Cal."),
    "Massachusetts": ("Mass.",),
    "Michigan": ("Mich.",),
    "and": ("&",),
    "für": ("f.",),
}


@dataclass(frozen=True)
class Manner:
    """How the people of a list write; the chance of each way."""

    unit: float = 0.55
    unit_behind: float = 0.25
    unit_unseparated: float = 0.1
    two_units: float = 0.15
    street: float = 0.12
    town: float = 0.6
    code: float = 0.6
    country: float = 0.35
    letters: float = 0.05
    short: float = 0.4
    slip: float = 0.06
    upper: float = 0.05
    signs: float = 0.05
    dash: float = 0.06


def generate(
    name: str, spellings: int, seed: int, manner: Manner | None = None
) -> NameList:
    """Draws a list.

    Args:
        name: Which of `LISTS`.
        spellings: About how many distinct spellings of all; sizes fall like 1 / rank.
        seed: For the generator.
        manner: How its people write; as `Manner` has it without one.
    """
    manner = manner or Manner()
    draw = random.Random(seed)
    order, units = read(name)
    draw.shuffle(order)
    total = sum(1 / (rank + 2) for rank in range(1, len(order) + 1))
    rows: list[tuple[str, str, tuple[str, ...]]] = []
    for rank, organisation in enumerate(order, start=1):
        wanted = max(3, round(spellings / (rank + 2) / total))
        found: dict[str, tuple[str, ...]] = {}
        for _ in range(20 * wanted):
            text, ways = _spelt(draw, organisation, units[organisation.kind], manner)
            found.setdefault(text, ways)
            if len(found) == wanted:
                break
        rows += [(text, organisation.key, ways) for text, ways in sorted(found.items())]
    draw.shuffle(rows)
    keys = [str(place) for place in range(len(rows))]
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
    draw: random.Random,
    organisation: Organisation,
    units: Sequence[str],
    manner: Manner,
) -> tuple[str, tuple[str, ...]]:
    """One way to write where somebody works, and what was done."""
    ways: list[str] = []

    def happens(way: str, chance: float) -> bool:
        is_so = draw.random() < chance
        if is_so:
            ways.append(way)
        return is_so

    first = draw.random() < 0.5
    name = organisation.names[0] if first else draw.choice(organisation.names)
    if not first:
        ways.append("other name" if name != organisation.names[0] else "name")
    if organisation.letters and happens("letters", manner.letters):
        name = draw.choice(organisation.letters)
    elif organisation.letters and happens("letters in brackets", manner.letters):
        name = f"{name} ({draw.choice(organisation.letters)})"
    if "~" in name:
        head, campus = (part.strip() for part in name.split("~"))
        glue = draw.choice((", ", ", ", ", ", " at ", "-", " ", " - ", ", "))
        ways.append(f"campus{glue}")
        name = f"{head}{glue}{campus}"
    parts = [name]
    if happens("unit", manner.unit):
        unit = draw.choice(units)
        if happens("two units", manner.two_units):
            unit = f"{draw.choice(units)}, {unit}"
        is_behind = happens("unit behind", manner.unit_behind)
        between = ", "
        if happens("unit unseparated", manner.unit_unseparated):
            between = draw.choice((" ", " ", " - ", "/", "  "))
        parts = [f"{name}{between}{unit}" if is_behind else f"{unit}{between}{name}"]
    if organisation.streets and happens("street", manner.street):
        parts.append(draw.choice(organisation.streets))
    if organisation.places and happens("town", manner.town):
        parts += _place(draw, draw.choice(organisation.places), manner, ways)
    found = ", ".join(parts)
    if len(parts) == 2 and happens("dash", manner.dash):
        found = " - ".join(parts)
    return _written(draw, found, manner, happens), tuple(ways)


def _place(
    draw: random.Random, place: Sequence[str], manner: Manner, ways: list[str]
) -> list[str]:
    """Town, state with its code, country; some of it left out, some run together."""
    town, *rest = place
    found = [town]
    if rest and rest[0] and draw.random() < manner.code:
        code = rest[0]
        if draw.random() < 0.4:
            code = re.sub(r"(?:^|\s)\S*\d\S*(?: \S*\d\S*)?$", "", code) or code
        if draw.random() < 0.2:
            found = [f"{town} {code}"]
            ways.append("code behind the town")
        else:
            found.append(code)
    if len(rest) > 1 and draw.random() < manner.country:
        found.append(rest[1])
    return found


def _written(draw: random.Random, found: str, manner: Manner, happens: object) -> str:
    """Shortened, with a slip, in capitals, without signs."""
    if draw.random() < manner.short:
        found = re.sub(
            r"[^\W\d_]+",
            lambda match: (
                draw.choice(_SHORT[match.group()])
                if match.group() in _SHORT and draw.random() < 0.75
                else match.group()
            ),
            found,
        ).replace("..", ".")
    if callable(happens) and happens("slip", manner.slip):
        words = found.split(" ")
        long = [n for n, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
        if long:
            place = draw.choice(long)
            word = words[place]
            at = draw.randrange(1, len(word) - 1)
            words[place] = draw.choice(
                [
                    word[:at] + word[at + 1 :],
                    word[:at] + word[at] + word[at:],
                    word[:at] + draw.choice("aeioustrnl") + word[at + 1 :],
                    word[:at] + word[at + 1] + word[at] + word[at + 2 :],
                ]
            )
            found = " ".join(words)
    if draw.random() < 0.3:
        found = "".join(
            letter
            for letter in unicodedata.normalize("NFD", found)
            if not unicodedata.combining(letter)
        )
    if draw.random() < manner.upper:
        found = found.upper()
    if draw.random() < manner.signs:
        found = draw.choice(
            [found.replace(".", ""), found.replace(",", ""), found.replace(", ", ",")]
        )
    return found
