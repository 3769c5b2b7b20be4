"""The words behind the normal forms: the seeds that a business may add to, and a list.

Legal forms come from `cleanco`, which keeps them for the world's jurisdictions, and from
the seed `match_legal_forms`, which has what that list lacks. Not here: how the seeds are
read (`policy`) and how words are used (`company_names`, `normal`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pipeline.identity.scripts import CJK, SOUNDS, folded, spoken, text


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What normal forms know of words.

    Attributes:
        legal_forms: Words for the legal form of a company, in normal form.
        front_forms: Those that also stand in front of a name, as they are written.
        places: Chinese names of places that stand before a company's own name.
        free_mail: Domains at which anybody has an address.
        role_mailboxes: Local parts of mailboxes that are of a role.
        placeholders: Kind (email, phone, registration_number, name, birth_date) →
            values that say nothing.
        words: Kind of `match_words` → word → what it stands for, or nothing.
    """

    legal_forms: frozenset[str]
    front_forms: frozenset[str]
    places: frozenset[str]
    free_mail: frozenset[str]
    role_mailboxes: frozenset[str]
    placeholders: Mapping[str, frozenset[str]]
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @functools.cached_property
    def spoken_forms(self) -> tuple[str, ...]:
        """Chinese legal forms in pinyin, the longest first."""
        sounds = {
            form.translate(SOUNDS) for form in self.legal_forms if CJK.search(form)
        }
        return tuple(sorted(sounds, key=lambda form: (-len(form), form)))

    @functools.cached_property
    def spoken_places(self) -> frozenset[str]:
        """The places in pinyin."""
        return frozenset(spoken(place) for place in self.places)

    @functools.cached_property
    def placeholder_names(self) -> frozenset[str]:
        """Names that say nothing, in normal form."""
        return frozenset(text(name) for name in self.placeholders.get("name", ()))

    @functools.cached_property
    def abbreviations(self) -> Mapping[str, str]:
        """Abbreviation → the word that it stands for."""
        return self.words.get("abbreviation", {})

    @functools.cached_property
    def fillers(self) -> frozenset[str]:
        """Words that say nothing in a name."""
        return frozenset(self.words.get("filler", ()))

    @functools.cached_property
    def countries(self) -> frozenset[str]:
        """Names of countries as they end an address."""
        return frozenset(self.words.get("country", ()))

    @functools.cached_property
    def institutions(self) -> frozenset[str]:
        """Words that a university or an institute is known by."""
        return frozenset(self.words.get("institution", ()))

    @functools.cached_property
    def is_institution(self) -> re.Pattern[str]:
        """Finds what may be such a word or an abbreviation of one in a normal text."""
        words = {
            *self.institutions,
            *(
                word
                for kind in (self.abbreviations, self.renderings)
                for word, meaning in kind.items()
                if meaning in self.institutions
            ),
        }
        return re.compile(rf"\b(?:u|{'|'.join(sorted(words))})\b")

    @functools.cached_property
    def own_bodies(self) -> frozenset[str]:
        """Words for what is an organisation beside its university: hospital, press."""
        return frozenset(self.words.get("own body", ()))

    @functools.cached_property
    def unit_heads(self) -> frozenset[str]:
        """Words that begin a part of an organisation."""
        return frozenset(self.words.get("unit head", ()))

    @functools.cached_property
    def unit_ends(self) -> frozenset[str]:
        """Words that end a part of an organisation."""
        return frozenset(self.words.get("unit end", ()))

    @functools.cached_property
    def general_words(self) -> frozenset[str]:
        """Words of which several organisations of a country consist: National University."""
        return frozenset(
            {
                *self.words.get("general", ()), *self.institutions, *self.own_bodies,
                *self.unit_heads, *self.unit_ends, "of",
            }
        )  # fmt: skip

    @functools.cached_property
    def renderings(self) -> Mapping[str, str]:
        """A word in another language → in English, where a university is called so."""
        return self.words.get("rendering", {})

    @functools.cached_property
    def departments(self) -> frozenset[str]:
        """Words for a part of a company."""
        return frozenset(self.words.get("department", ()))

    @functools.cached_property
    def department_heads(self) -> tuple[str, ...]:
        """What a part of a company begins with: office of, human resources."""
        return tuple(f"{head} " for head in self.words.get("department head", ()))

    @functools.cached_property
    def form_beginnings(self) -> frozenset[str]:
        """How a legal form begins that the width of a column has cut, without blanks."""
        return frozenset(
            plain[:length]
            for form in self.legal_forms
            if (plain := form.replace(" ", "")).isascii()
            for length in range(1, len(plain) + 1)
        )

    @functools.cached_property
    def department_modifiers(self) -> frozenset[str]:
        """What stands before such a word: legal, purchasing."""
        return frozenset(self.words.get("department modifier", ()))

    @functools.cached_property
    def idle_words(self) -> frozenset[str]:
        """Words that tell no two companies apart: fillers, forms, departments, history."""
        return frozenset(
            {
                *self.fillers, *self.legal_forms, *self.departments,
                *self.department_modifiers, "formerly", "former", "ex", "aka", "dba",
                "new", "old", "closed", "inactive", "test", "duplicate",
            }
        )  # fmt: skip

    @functools.cached_property
    def department_words(self) -> frozenset[str]:
        """Both, but for those that any name may have."""
        heads = {word for head in self.department_heads for word in head.split()}
        return self.departments | (self.department_modifiers | heads) - self.fillers

    @functools.cached_property
    def chinese_front_forms(self) -> tuple[str, ...]:
        """The legal forms in Chinese letters that stand in front of a name."""
        return tuple(
            sorted(form for form in self.front_forms if CJK.search(form) and form[1:])
        )

    @functools.cached_property
    def known_words(self) -> frozenset[str]:
        """Words that are no misspelling of another."""
        listed = {*self.words.get("known", ()), *self.abbreviations.values()}
        return frozenset(folded(word) for word in listed)

    @functools.cached_property
    def targets(self) -> Mapping[str, str]:
        """Word that others may be a misspelling of → the word that it stands for."""
        return {word: word for word in self.known_words} | {
            folded(short): folded(meaning)
            for short, meaning in self.abbreviations.items()
            if len(short) >= LONG
        }


# An abbreviation that is a word itself: "technologies", not "tech".
LONG: Final = 7


def legal_forms(own: frozenset[str], refused: frozenset[str]) -> frozenset[str]:
    """The legal forms in normal form: a kept list's and our own.

    Args:
        own: The words of the seed.
        refused: Words that are something else more often than a legal form.
    """
    from cleanco import termdata

    listed = {
        text(term).replace(" ", "")
        for terms in (
            *termdata.terms_by_type.values(),
            *termdata.terms_by_country.values(),
        )
        for term in terms
        if term.isascii() or term.isalpha()
    }
    listed -= refused
    return frozenset(
        {*(text(form) for form in own), *(form for form in listed if len(form) > 1)}
    )
