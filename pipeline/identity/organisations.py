"""Which organisation a name of several parts means, as all names together tell it.

"Dept. of Physics, Univ. of Leeds, Leeds LS2 9JT" is the University of Leeds: what stands
between two signs in many names is an organisation, what stands beside many of them a
department, and a town that belongs to the name of several makes campuses of them. The
words and their kinds come from `name_parts`. Not here: pairs (`pairs`), and what one name
alone can tell.
"""

from __future__ import annotations

from typing import Final

import duckdb

from pipeline.identity.templates import create
from pipeline.identity.vocabulary import Vocabulary

# In the order in which they rest on each other.
STEPS: Final = (
    "parts",
    "words",
    "read",
    "anchors",
    "unit_words",
    "departments",
    "surroundings",
    "trims",
    "mentions",
    "tails",
    "orders",
    "ordered",
    "campuses",
    "campus_of",
    "universities",
    "targets",
    "sources",
    "contexts",
    "aliases",
    "beside",
    "company_departments",
    "towns",
    "companies",
    "swallowed",
    "found",
    "ambiguous",
)
_TABLES: Final = {
    "parts": "_identity_parts",
    "words": "_identity_part_words",
    "found": "_identity_organisations",
}


def add(
    connection: duckdb.DuckDBPyConnection, vocabulary: Vocabulary, forms: str
) -> None:
    """Makes `_identity_organisations`: name, organisation, is_part.

    Args:
        connection: A connection that may create temporary tables, with those of `shared`.
        vocabulary: The seeds.
        forms: Table of records with the columns of `normal.FORMS`.
    """
    connection.execute(
        "create or replace temp table _identity_renderings as "
        "select unnest(?::varchar[]) as word, unnest(?::varchar[]) as meaning",
        [list(vocabulary.renderings), list(vocabulary.renderings.values())],
    )
    # A project of an earlier version has seeds without these words: a list of none.
    words = {
        "general": vocabulary.general_words,
        "unit_heads": vocabulary.unit_heads,
        "unit_ends": vocabulary.unit_ends,
        "countries": vocabulary.countries,
        "institutions": vocabulary.institutions,
    }
    for step in STEPS:
        create(
            connection,
            _TABLES.get(step, f"_identity_{step}"),
            f"organisation_{step}",
            forms=forms,
            **{name: sorted(listed) or [""] for name, listed in words.items()},
        )
