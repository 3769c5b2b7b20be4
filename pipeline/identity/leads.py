"""Leads that seem to be with somebody who is a customer already, and by what they seem so.

A lead is no record of a customer: it joins no group, gives no customer an attribute and
none of its figures. So weaker evidence will do than for one customer of two records: a
mailbox by itself, or a telephone. What points to two customers points to none. Not
here: leads that name their customer, as converted ones do (`core_leads`).
"""

from __future__ import annotations

from typing import Final

import duckdb
import pyarrow as pa

from pipeline.identity import normal, policy, shared
from pipeline.identity.comparisons import AGREEMENT_COLUMNS, AGREEMENTS
from pipeline.identity.resolve import SEEDS
from pipeline.identity.templates import TEMPLATES, create
from pipeline.identity.vocabulary import Vocabulary

# What a lead and a contact bring of what identifies a customer.
_LEAD_INPUTS: Final = ("customer_type", "customer_name", "email", "phone")
_FORMS: Final = (
    *("email_key", "domain_key", "phone_key"),
    *(name for name in AGREEMENT_COLUMNS if name in normal.FORMS.names),
)


def matches(
    connection: duckdb.DuckDBPyConnection,
    leads: str,
    contacts: str,
    forms: str,
    keys: str,
) -> duckdb.DuckDBPyRelation:
    """The customer that a lead without one seems to be with.

    Args:
        connection: dbt's session.
        leads: Relation of lead_id, customer_id, lead_name, customer_type, email, phone;
            leads with a customer_id are not asked about.
        contacts: Relation of customer_id, email and phone of people at customers.
        forms: Relation that `resolve.forms` made.
        keys: Relation of source, source_customer_id and customer_id.

    Returns:
        lead_id, matched_customer_id, matched_by: `e-mail`, `phone and name`, `domain and
        name`, `name` or `phone`, the strongest that points to one customer. No row for a
        lead that nothing or several customers answer to.
    """
    vocabulary = policy.read(connection, SEEDS).vocabulary
    _formed(
        connection,
        "_identity_lead_forms",
        connection.query(TEMPLATES.render("lead_inputs", leads=leads)),
        vocabulary,
    )
    _formed(
        connection,
        "_identity_contact_forms",
        connection.query(TEMPLATES.render("contact_inputs", contacts=contacts)),
        vocabulary,
    )
    create(
        connection,
        "_identity_known_names",
        "lead_customers",
        forms=shared.weighed(forms),
        keys=keys,
        form_columns=_FORMS,
    )
    return connection.query(
        TEMPLATES.render(
            "lead_matches",
            agreements=AGREEMENTS,
            agreement_columns=AGREEMENT_COLUMNS,
        )
    )


def _formed(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    inputs: duckdb.DuckDBPyRelation,
    vocabulary: Vocabulary,
) -> None:
    """Makes a table of `key`, `customer_type` and the normal forms of what is given."""
    given = inputs.to_arrow_table()
    nothing = pa.nulls(given.num_rows, pa.string())
    records = pa.table(
        {
            name: given.column(name) if name in _LEAD_INPUTS else nothing
            for name in normal.INPUTS
        }
    )
    found = normal.forms(records, vocabulary).select(_FORMS)
    formed = pa.table(
        [given.column("key"), given.column("customer_type"), *found.columns],
        names=["key", "customer_type", *found.column_names],
    )
    connection.register("_identity_formed", formed)
    connection.execute(
        f"create or replace temp table {table} as select * from _identity_formed"
    )
    connection.unregister("_identity_formed")
