"""How often two people agree by chance, where they do so more often than declared.

The declared u is that of a whole country. Where all customers live in one town the town
says nothing, and where a tenth of them are called 王 the family name says little: with the
declared weights any two of one name in one town would be one customer. u of an agreement
is therefore never less than the share of pairs of different people that agree, and never
more than m, at which it says nothing. It is raised by doubling, so that the weights, and
with them all scores that are kept, do not change with each new customer.

Only of persons: companies are compared within blocks, and their u is the share among pairs
that were compared (`benchmarks/match_weights.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import duckdb

from pipeline.identity.templates import TEMPLATES

Weights = Mapping[tuple[str, str, str], tuple[float, float]]

# Comparison → the form of which two people may have the same.
COMPARED: Final[Mapping[str, Mapping[str, str]]] = {
    "person": {
        "given name": "given_key",
        "family name": "family_key",
        "street": "street_key",
        "postal": "postal_key",
        "city": "city_key",
    }
}
# Among fewer people than these a share is itself by chance.
LEAST_PEOPLE: Final = 50
_SAME: Final = "same"


def raised(
    connection: duckdb.DuckDBPyConnection, forms: str, kind: str, weights: Weights
) -> Weights:
    """The weights, with each u at least what these people agree by chance.

    Args:
        connection: A connection that may create temporary tables.
        forms: Relation of records with their normal forms, what is shared left out.
        kind: The type of customer.
        weights: Type, comparison and level → m and u.

    Returns:
        The same levels; m as before.
    """
    compared = COMPARED.get(kind)
    if compared is None:
        return weights
    found = connection.execute(
        TEMPLATES.render("chance", forms=forms, kind=kind, agreements=compared)
    ).fetchall()
    raised_weights = dict(weights)
    for comparison, records, share in found:
        if not share or records < LEAST_PEOPLE:
            continue
        key = (kind, comparison, _SAME)
        m, u = weights[key]
        if share > u:
            doubled = u * 2.0 ** math.ceil(math.log2(share / u))
            raised_weights[key] = (m, min(m, doubled))
    return raised_weights
