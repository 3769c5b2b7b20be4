"""Names only: organisations and how several hundred people spelt each of them.

Nothing but a name is known: case, punctuation, legal forms, abbreviations, slips of the
pen, the order of words, and departments that write under their company's name. A few
organisations have most of the spellings, and many share words with others, as the
universities of two towns do. Written without a look at the words of the seeds. Not here:
companies with addresses and telephones (`companies`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pyarrow as pa

_ROOTS = [
    "Aldworth", "Bexhill", "Carnforth", "Dunstable", "Eversholt", "Farndale",
    "Glastonbury", "Hexworthy", "Ilfracombe", "Jarrow", "Kettlewell", "Lavenham",
    "Masham", "Nidderdale", "Otterburn", "Pickering", "Quorndon", "Rothbury",
    "Swaledale", "Thornaby", "Uppingham", "Ventnor", "Wensley", "Yarmouth", "Zennor",
    "Ashbourne", "Brixham", "Clitheroe", "Dartmeet", "Elterwater",
]  # fmt: skip
_MAKERS = [
    "Kaltenbrunner", "Vasquero", "Ostrowiec", "Takamori", "Lindholmen", "Brugnoli",
    "Hartzenberg", "Papadakis", "Szentgyorgyi", "Mirzoyan", "Oyelaran", "Castelnuovo",
    "Wrangell", "Dubrovin", "Saarinen", "Halvorsen", "Teixeira", "Quintanar", "Zylstra",
    "Ravindran",
]  # fmt: skip
_LINES = (
    "Pharmaceuticals", "Semiconductor Technologies", "Marine Engineering",
    "Chemical Industries", "Precision Instruments", "Electric Power Systems",
    "Aerospace Manufacturing", "Medical Laboratories", "Telecommunications",
    "Petroleum Products", "Food Processing", "Automotive Components",
)  # fmt: skip
_LEGAL = (
    "Inc", "Inc.", "Incorporated", "Corp", "Corp.", "Corporation", "Co.", "Company",
    "Ltd", "Ltd.", "Limited", "LLC", "L.L.C.", "GmbH", "AG", "S.A.", "S.p.A.", "B.V.",
    "N.V.", "A/S", "Oy", "AB", "PLC", "K.K.", "Co., Ltd.", "Pty Ltd",
)  # fmt: skip
_SHORT = {
    "Pharmaceuticals": ["Pharm.", "Pharma", "Pharmaceut."],
    "Semiconductor": ["Semicond."],
    "Technologies": ["Tech.", "Technol.", "Tech"],
    "Engineering": ["Eng.", "Engrg."],
    "Chemical": ["Chem."],
    "Industries": ["Ind.", "Inds."],
    "Instruments": ["Instr."],
    "Electric": ["Elec."],
    "Systems": ["Syst.", "Sys."],
    "Manufacturing": ["Mfg.", "Mfg"],
    "Medical": ["Med."],
    "Laboratories": ["Labs", "Lab."],
    "Telecommunications": ["Telecom"],
    "Products": ["Prods."],
    "University": ["Univ.", "Univ"],
    "Institute": ["Inst."],
    "Technology": ["Technol.", "Tech."],
    "National": ["Natl.", "Nat'l"],
    "International": ["Intl.", "Int'l", "Internat."],
    "Hospital": ["Hosp."],
    "Services": ["Svcs."],
    "Management": ["Mgmt."],
    "Research": ["Res."],
}
_DEPARTMENTS = (
    "Legal Department", "Dept. of Physics", "Research Division", "Patent Department",
    "Accounts Payable", "Purchasing Dept", "Department of Chemistry",
    "Faculty of Medicine", "Finance Department", "Headquarters",
)  # fmt: skip


@dataclass(frozen=True)
class Spellings:
    """Records of nothing but a name, and which organisation each is.

    Attributes:
        records: source, source_customer_id, customer_type, customer_name.
        truth: source, source_customer_id, identity.
    """

    records: pa.Table
    truth: pa.Table


def generate(organisations: int, spellings: int, seed: int) -> Spellings:
    """Draws a population.

    Args:
        organisations: How many there are.
        spellings: How many distinct spellings of them all; sizes fall like 1 / rank.
        seed: For the generator.
    """
    draw = random.Random(seed)
    names = _names(draw, organisations)
    total = sum(1 / rank for rank in range(1, organisations + 1))
    rows: list[tuple[str, str]] = []
    for rank, name in enumerate(names, start=1):
        wanted = max(1, round(spellings / rank / total))
        found: set[str] = set()
        for _ in range(20 * wanted):
            found.add(_spelt(draw, name))
            if len(found) == wanted:
                break
        rows += [(text, name) for text in sorted(found)]
    draw.shuffle(rows)
    keys = [str(number) for number in range(len(rows))]
    source = pa.array(["list"] * len(rows))
    return Spellings(
        pa.table(
            {
                "source": source,
                "source_customer_id": keys,
                "customer_type": pa.array(["company"] * len(rows)),
                "customer_name": [text for text, _ in rows],
            }
        ),
        pa.table(
            {
                "source": source,
                "source_customer_id": keys,
                "identity": [name for _, name in rows],
            }
        ),
    )


def _names(draw: random.Random, count: int) -> list[str]:
    """Names, of which many share all but one word."""
    every = [
        *(f"University of {root}" for root in _ROOTS),
        *(f"{root} Institute of Technology" for root in _ROOTS[:15]),
        *(f"{root} National Hospital" for root in _ROOTS[:12]),
        *(f"{maker} {line}" for maker in _MAKERS for line in draw.sample(_LINES, 2)),
        *(f"{maker} International" for maker in _MAKERS[:6]),
        *(f"{root} Research Services Management" for root in _ROOTS[15:]),
    ]
    return draw.sample(every, count)


def _spelt(draw: random.Random, name: str) -> str:
    """One way to write a name."""
    words = [
        draw.choice(_SHORT[word]) if word in _SHORT and draw.random() < 0.3 else word
        for word in name.split()
    ]
    if draw.random() < 0.35:
        place = draw.randrange(len(words))
        words[place] = _slip(draw, words[place])
        if draw.random() < 0.3:
            place = draw.randrange(len(words))
            words[place] = _slip(draw, words[place])
    if len(words) > 2 and draw.random() < 0.08:
        words = [*words[1:], words[0]]
    if words[1:2] == ["of"] and draw.random() < 0.2:
        words = [*words[2:], words[0]]
    found = " ".join(words)
    if draw.random() < 0.6:
        found = f"{found}{draw.choice([' ', ', '])}{draw.choice(_LEGAL)}"
    if draw.random() < 0.15:
        department = draw.choice(_DEPARTMENTS)
        found = draw.choice(
            [f"{found}, {department}", f"{found} - {department}",
             f"{department}, {found}"]
        )  # fmt: skip
    if draw.random() < 0.1:
        found = found.replace(" ", "  ", 1)
    if draw.random() < 0.1:
        found = found.replace(".", "")
    kind = draw.random()
    return found.upper() if kind < 0.3 else found.lower() if kind < 0.4 else found


def _slip(draw: random.Random, word: str) -> str:
    """A letter left out, doubled, replaced or swapped with the next, not the first."""
    if len(word) < 5:
        return word
    place = draw.randrange(1, len(word) - 1)
    kind = draw.randrange(4)
    if kind == 0:
        return word[:place] + word[place + 1 :]
    if kind == 1:
        return word[:place] + word[place] + word[place:]
    if kind == 2:
        return word[:place] + draw.choice("aeiourstnl") + word[place + 1 :]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
