"""What only all records together can tell of one: what is shared, rare or misspelt.

A telephone number that many names carry is a switchboard, whatever it looks like; a name
that many companies carry identifies none of them; a word that stands once beside one that
stands a hundred times and differs in a letter is that word misspelt. These columns are made
anew in every refresh and are part of a record's print, so that a score that rests on them
is worked out again when they change. Not here: forms that a record has by itself (`normal`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import duckdb

from pipeline.identity import organisations
from pipeline.identity.policy import Policy
from pipeline.identity.templates import TEMPLATES, create

# Columns that stand beside the normal forms of a record.
COLUMNS: Final = (
    "word_key",
    "word_guess",
    "acronym_key",
    "organisation_key",
    "organisation_part",
    "name_is_common",
    "name_is_rare",
    "phone_is_shared",
    "email_is_shared",
    "domain_is_shared",
    "door_is_shared",
    "birth_date_is_shared",
)


@dataclass(frozen=True)
class Carrier:
    """A form that several customers may share, and what it loses its weight by.

    Attributes:
        flag: The column that says so of a record.
        keys: The forms that together are the value.
        masked: The form that then says nothing.
        is_crowded: Many names have it by chance: it is shared where it has three times
            the most names and five times as many as such a value has on average.
    """

    flag: str
    keys: tuple[str, ...]
    masked: str
    is_crowded: bool = False

    @property
    def is_there(self) -> str:
        """SQL: whether a record has the value."""
        return " and ".join(f"{key} is not null" for key in self.keys)

    def matches(self, forms: str) -> str:
        """SQL: whether a record of `forms` has the value of a row of the shared ones."""
        return " and ".join(
            f"{forms}.{key} = {self.flag}.{key}"
            for key in ("customer_type", *self.keys)
        )


CARRIERS: Final = (
    Carrier("phone_is_shared", ("phone_key",), "phone_key"),
    Carrier("email_is_shared", ("email_key",), "email_key"),
    Carrier("domain_is_shared", ("domain_key",), "domain_key"),
    Carrier(
        "door_is_shared", ("street_key", "street_number", "city_key"), "street_number"
    ),
    # What a system writes where nobody gave a date, and the day of who knows the year only.
    Carrier("birth_date_is_shared", ("birth_date",), "birth_date", is_crowded=True),
)


def add(connection: duckdb.DuckDBPyConnection, policy: Policy, forms: str) -> str:
    """SQL of the forms with `COLUMNS`.

    Args:
        connection: A connection that may create temporary tables.
        policy: The seeds.
        forms: Table of records with the columns of `normal.FORMS`.
    """
    targets = policy.vocabulary.targets
    connection.execute(
        "create or replace temp table _identity_known_words as "
        "select unnest(?::varchar[]) as word, unnest(?::varchar[]) as meaning",
        [list(targets), list(targets.values())],
    )
    create(connection, "_identity_names", "names", forms=forms)
    create(connection, "_identity_words", "words")
    create(connection, "_identity_corrections", "word_corrections")
    create(connection, "_identity_word_keys", "word_keys")
    organisations.add(connection, policy.vocabulary, forms)
    for carrier in CARRIERS:
        create(
            connection,
            f"_identity_{carrier.flag}",
            "shared_values",
            forms=forms,
            carrier=carrier,
            rules=policy,
        )
    return TEMPLATES.render(
        "shared_forms", forms=forms, carriers=CARRIERS, rules=policy
    )


def weighed(forms: str) -> str:
    """A relation of the forms in which a value that is shared by many says nothing.

    Args:
        forms: Relation that `add` made.
    """
    replacements = ", ".join(
        f"case when not {carrier.flag} then {carrier.masked} end as {carrier.masked}"
        for carrier in CARRIERS
    )
    return TEMPLATES.render("weighed_forms", forms=forms, replacements=replacements)
