"""The words for tables and columns, from the YAML files in `vocabulary/`.

A phrase is compared with a name word by word. How well they agree is a number from 0 to 1
that depends on the names alone; what the values say is `recognition`'s work.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.profiling import names

FOLDER = Path(__file__).parent / "vocabulary"

# Words that say nothing of what a table or column holds.
NOISE = {
    "the", "of", "a", "dim", "fact", "tbl", "table", "data", "dataset", "list", "export",
    "full", "all", "raw", "src", "csv", "master", "report", "english", "u", "c", "sys",
    "my", "new", "t", "f", "d", "local", "sample", "file", "rec", "record", "pk", "fk",
    "eur", "usd", "gbp", "chf", "cny", "rmb",
}  # fmt: skip
# In the names of columns: a legal name is that of a company.
_OF_COMPANY_NAMES = {
    "company", "firma", "firmenname", "unternehmen", "raison", "société", "entreprise",
    "razón", "razon", "empresa", "organisation", "organization",
}  # fmt: skip
# In the names of days: the last purchase of a customer is no order by itself.
_ONE_OF_SEVERAL = {
    "last", "latest", "first", "previous", "recent", "next", "letzte", "letzter",
    "letztes", "erste", "dernier", "dernière", "premier", "première", "último", "última",
    "ultimo", "ultima", "primera", "primer",
}  # fmt: skip
# A name that agrees more than so with a phrase of a language is of that language.
SPEAKS = 0.7
# Words that are written together are parted into known ones of so many letters, and these.
LEAST_OF_A_PART = 3
_SHORT_PARTS = {"id", "no", "nr"}
_BEFORE_A_NAME = {"tbl", "dim", "fact", "stg"}
# Classes that alone say too little: they must be the whole name.
_BARE = {"{id}", "{name}", "{day}", "{amount}"}
_CLASS = re.compile(r"\{(\w+)\}")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Phrase:
    """What something may be called.

    Attributes:
        words: In the order of the name.
        rank: Its place in the list; the first is the surest.
        is_bare: It is one word, and alone says little.
        is_generic: It names no kind of thing such as a customer.
    """

    words: Words
    rank: int
    is_bare: bool
    is_generic: bool


@dataclass(frozen=True)
class Role:
    """What a table may be: see the head of `vocabulary/roles.yml`."""

    name: str
    entity: str
    needed: Sequence[str]
    evidence_weights: Mapping[str, float]
    speaks_against: Sequence[str]
    key: str | None
    enough: Sequence[Sequence[str]] = ()
    asked: Sequence[str] = ()


@functools.cache
def _files() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    loaded = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*.yml"))
    }
    return loaded.pop("roles"), list(loaded.values())


@functools.cache
def roles() -> dict[str, Role]:
    """Name → role."""
    return {
        name: Role(
            name,
            found["entity"],
            found["needed"],
            found["tells"],
            found["speaks_against"],
            found.get("key"),
            found.get("enough", ()),
            found.get("asked", ()),
        )
        for name, found in _files()[0]["roles"].items()
    }


@functools.cache
def kind_of(column: str) -> str:
    """What the values of a column of this meaning must be."""
    for kind, columns in _files()[0]["kinds"].items():
        if column in columns:
            return str(kind)
    raise KeyError(column)


def is_money(column: str) -> bool:
    """Whether the values of a column of this meaning are amounts of money."""
    return column.endswith("_amount") or column in _files()[0]["kinds"]["money"]


@functools.cache
def column_phrases(role: str) -> dict[str, list[Phrase]]:
    """Column → what it may be called in a table of the role."""
    found: dict[str, list[Phrase]] = {}
    for language in _files()[1]:
        for column, phrases in language["columns"].get(_lines(role), {}).items():
            found.setdefault(column, []).extend(_expanded(phrases, language["words"]))
    return found


@functools.cache
def table_phrases() -> dict[str, list[Phrase]]:
    """Role → what its tables may be called; `none` for those that have none."""
    found: dict[str, list[Phrase]] = {}
    for language in _files()[1]:
        for role, phrases in language["tables"].items():
            found.setdefault(role, []).extend(_expanded(phrases, language["words"]))
    return found


def names_a_company(name: str) -> bool:
    """Whether a column of this name holds names of companies."""
    return bool(_OF_COMPANY_NAMES & {*stems(name)}) or any(
        word in name for word in ("公司", "企业", "单位")
    )


def is_one_of_several(words: Words) -> bool:
    """Whether a name is that of the first or last of several days, which sums go with."""
    return bool(_ONE_OF_SEVERAL & {*words}) or any(
        mark in word
        for word in words
        for mark in ("最近", "最后", "上次", "末次", "首次")
    )


def country_of(columns: Iterable[tuple[str, str]]) -> str | None:
    """Where a company most likely is whose columns have such names, if they say it.

    Args:
        columns: Role and name of each recognised column.

    Returns:
        The country of a language that names three columns at least which English does
        not, and more than any other language does; None where there is none.
    """
    named: Counter[str] = Counter()
    for role, name in columns:
        words = stems(name)
        speaks = {
            at
            for at, language in enumerate(_files()[1])
            for phrases in language["columns"].get(_lines(role), {}).values()
            if agreement(words, [*_expanded(phrases, language["words"])], frozenset())
            > SPEAKS
        }
        countries = {_files()[1][at].get("country") for at in speaks}
        # What English says as well speaks for nobody.
        if None not in countries:
            named.update(str(country) for country in countries)
    (first, times), *others = [*named.most_common(2), ("", 0)]
    return first if times >= 3 and all(times > other for _, other in others) else None


def _lines(role: str) -> str:
    """Orders are called as their lines are."""
    return "order_lines" if role == "orders" else role


def _expanded(
    phrases: Sequence[str], classes: Mapping[str, Sequence[str]]
) -> Iterator[Phrase]:
    for rank, phrase in enumerate(phrases):
        used = _CLASS.findall(phrase)
        # Of a class, the first words are the commonest, and nothing depends on it.
        for chosen in itertools.product(*(classes[name] for name in used)):
            text = phrase
            for name, word in zip(used, chosen, strict=True):
                text = text.replace(f"{{{name}}}", str(word), 1)
            words = stems(str(text))
            yield Phrase(
                words,
                rank,
                is_bare=phrase in _BARE or len(words) == 1,
                is_generic=not set(used) - {"id", "name", "day", "amount"},
            )


def stems(name: str) -> Words:
    """The words of a name, plurals as their singular, without the clock of a time.

    What is written together is parted: `CUSTOMERNAME` is customer, name.
    """
    words = [
        _singular(part)
        for word in names.words(name)
        for part in _parted(word) or [word]
    ]
    return tuple(words[:-1] if words[1:] and words[-1] in {"utc", "gmt"} else words)


@functools.cache
def _known_words() -> frozenset[str]:
    """Every word of a phrase, in all languages."""
    phrases = itertools.chain.from_iterable(
        _texts(language[part])
        for language in _files()[1]
        for part in ("words", "tables", "columns")
    )
    return frozenset(word for phrase in phrases for word in names.words(phrase))


def _texts(found: object) -> Iterator[str]:
    """The texts of nested lists and mappings; keys are none of them."""
    if isinstance(found, Mapping):
        found = list(found.values())
    if isinstance(found, list):
        for each in found:
            yield from _texts(each)
    else:
        yield str(found)


@functools.cache
def _parted(word: str) -> Words | None:
    """The fewest known words of which an unknown one is made; None where it is not."""
    known = _known_words()
    if not word.isascii() or {word, _singular(word)} & known:
        return None
    # Length of the beginning → the words of which it is made.
    made: dict[int, Words] = {0: ()}
    made |= {len(each): (each,) for each in _BEFORE_A_NAME if word.startswith(each)}
    for end in range(1, len(word) + 1):
        ways = [
            (*before, word[start:end])
            for start, before in made.items()
            if (end - start >= LEAST_OF_A_PART or word[start:end] in _SHORT_PARTS)
            and {word[start:end], _singular(word[start:end])} & known
        ]
        if ways and end not in made:
            made[end] = min(ways, key=len)
    return made.get(len(word))


def _singular(word: str) -> str:
    if len(word) < 4 or not word.isascii():
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us")) else word


def agreement(name: Words, phrases: Sequence[Phrase], context: frozenset[str]) -> float:
    """How well a name agrees with the best of the phrases: 0 to 1.

    Args:
        name: The words of the name.
        phrases: What is looked for.
        context: Words that add nothing here, such as those of the table's name.
    """
    known = frozenset(name)
    is_chinese = len(name) == 1 and names.is_chinese(name[0])
    return max(
        (
            _agreement(name, phrase, context)
            for phrase in phrases
            # Most phrases share no word with the name; Chinese is one word.
            if is_chinese or known.issuperset(phrase.words)
        ),
        default=0.0,
    )


def _agreement(name: Words, phrase: Phrase, context: frozenset[str]) -> float:
    sure = max(0.8, 1 - 0.02 * phrase.rank)
    if name == phrase.words:
        return sure
    if len(name) == 1 and len(phrase.words) == 1 and names.is_chinese(name[0]):
        return _chinese(name[0], phrase) * sure
    length = len(phrase.words)
    for at in range(len(name) - length, -1, -1):
        if name[at : at + length] != phrase.words:
            continue
        rest = {*name[:at], *name[at + length :]}
        if not {word for word in rest if not word.isdigit()} - NOISE - context:
            return 0.95 * sure
        if phrase.is_bare:
            is_last = at == len(name) - length
            is_content = phrase.words[0] not in _class_words()
            return 0.5 * sure if is_last and is_content else 0.0
        coverage = length / len(name)
        is_last = at == len(name) - length
        return (0.55 if is_last else 0.45) * sure + 0.35 * coverage * sure
    return 0.0


def _chinese(name: str, phrase: Phrase) -> float:
    own = phrase.words[0]
    if own not in name or len(own) < 2 or own in _class_words():
        return 0.0
    coverage = len(own) / len(name)
    return (0.6 if name.endswith(own) else 0.45) + 0.35 * coverage


@functools.cache
def _class_words() -> frozenset[str]:
    return frozenset(
        word
        for language in _files()[1]
        for name in ("id", "name", "day", "amount")
        for spelt in language["words"][name]
        for word in stems(str(spelt))
    )
