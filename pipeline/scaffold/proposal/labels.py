"""Headers in a user's language, as fields of the system: by metadata, and by nothing else.

A table is of the module whose labels its headers are. A label that two fields of the
module have is no field; what is in no metadata keeps its own name. Both are said. Not here:
translations, of which there are none, and what the fields mean (`presets`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import duckdb

from pipeline.common import sql
from pipeline.profiling.field_labels import FieldLabel, Labels
from pipeline.profiling.tables import Column, Profile, Table

# Metadata that the API source landed is a table with these columns.
_LANDED = {"object", "api_name", "label", "option_value", "option_label"}
# So many of a table's headers must be labels of a module, and more than of any other.
LEAST_OF_HEADERS = 0.5
_ID = ".id"
# What exports call a field in English, where that is not its API name in words.
_ENGLISH = {
    "id": "Record Id",
    "Probability": "Probability (%)",
    "Converted__s": "Is Converted",
    "Call_Duration_in_seconds": "Call Duration (in seconds)",
    "What_Id": "Related To",
    "Who_Id": "Contact Name",
    "No_of_Employees": "No. of Employees",
}
# These begin with the name of their module.
_OF_THE_MODULE = {"Owner": "Owner", "Full_Name": "Name"}
# The modules of lines, whose labels stand in one header with those of their orders.
_LINES = {
    "Sales_Orders": "Ordered_Items",
    "Invoices": "Invoiced_Items",
    "Quotes": "Quoted_Items",
}
# Modules that have an old name too.
_NOW = {"Potentials": "Deals", "SalesOrders": "Sales_Orders"}


def resolve(connection: duckdb.DuckDBPyConnection, profile: Profile) -> None:
    """Says of each column which field it is, and of each word of a selection which option.

    Tables that are metadata are taken out of the profile.
    """
    modules = [*profile.labels, *_landed(connection, profile)]
    for table in profile.tables.values():
        chosen = _module_of(profile, table, modules)
        if chosen is not None:
            _name_columns(profile, table, chosen, modules)


def _landed(connection: duckdb.DuckDBPyConnection, profile: Profile) -> list[Labels]:
    """The modules of metadata that was landed by the API source, one row an option."""
    found: list[Labels] = []
    for table in list(profile.tables.values()):
        if not set(table.columns) >= _LANDED:
            continue
        rows = connection.execute(
            "select object, api_name, label, option_value, option_label "
            f"from {sql.quoted(table.relation)} order by all"
        ).fetchall()
        fields: dict[str, dict[str, tuple[str, dict[str, str]]]] = {}
        for module, name, label, value, seen in rows:
            own = fields.setdefault(module, {}).setdefault(name, (label, {}))
            if value:
                own[1][seen or value] = value
        found += [
            Labels(
                module,
                table.title,
                [FieldLabel(name, *said) for name, said in own.items()],
            )
            for module, own in fields.items()
        ]
        del profile.tables[table.name]
        profile.references = [
            one
            for one in profile.references
            if table.name not in (one.table, one.to_table)
        ]
    return found


def _module_of(
    profile: Profile, table: Table, modules: Sequence[Labels]
) -> Labels | None:
    """The module whose labels most headers of a table are, if they are of one."""
    headers = {_plain(_without_id(name)) for name in table.columns}
    shares = sorted(
        (
            (
                len(headers & {_plain(one.label) for one in module.fields})
                / len(headers),
                at,
            )
            for at, module in enumerate(modules)
        ),
        reverse=True,
    )
    if not shares or shares[0][0] < LEAST_OF_HEADERS:
        return None
    best = [modules[at] for share, at in shares if share == shares[0][0]]
    if len({module.module for module in best}) > 1:
        named = [
            one for one in best if _plain(table.name).startswith(_plain(one.module))
        ]
        if len(named) != 1:
            listed = " and ".join(sorted({module.module for module in best}))
            profile.notes.append(
                f"The headers of {table.title} are labels of {listed} alike: they are "
                "taken as they stand. Call the file as its module is called."
            )
            return None
        best = named
    return best[0]


def _name_columns(
    profile: Profile, table: Table, module: Labels, modules: Sequence[Labels]
) -> None:
    """Gives the columns of a table the names of a module's fields."""
    lines = _LINES.get(module.module)
    further = [
        one for other in modules if other.module == lines for one in other.fields
    ]
    unknown, ambiguous = [], []
    for at, column in enumerate(table.columns.values()):
        base, number = _numbered(table, column.name)
        label = _plain(_without_id(base))
        found = _of_label(module.fields, label) or _of_label(further, label)
        if len({one.api_name for one in found}) > 1:
            ambiguous.append(column.name)
        elif found:
            name = _standard(module.module, found[0].api_name)
            suffix = _ID if base.endswith(_ID) else ""
            column.standard = f"{name}{suffix}{number}"
            column.options = dict(found[0].options)
        elif at == 0 and _is_record_id(column):
            # The one header that is no label of a field.
            column.standard = _ENGLISH["id"]
        else:
            unknown.append(column.name)
    for columns, why in (
        (ambiguous, "more than one field has such a label"),
        (unknown, "no field has such a label"),
    ):
        if columns:
            profile.notes.append(
                f"{table.title}: {', '.join(columns)} as in {module.origin}: {why}, so "
                "that they are taken as they stand."
            )


def _of_label(fields: Sequence[FieldLabel], label: str) -> list[FieldLabel]:
    return [one for one in fields if _plain(one.label) == label]


def _numbered(table: Table, name: str) -> tuple[str, str]:
    """A header that stood there before was read with a number behind it."""
    if name not in table.numbered:
        return name, ""
    base, _, number = name.rpartition(" ")
    return base, f" {number}"


def _is_record_id(column: Column) -> bool:
    return bool(column.prefix) and column.is_unique


def _standard(module: str, api_name: str) -> str:
    """What an export in English calls a field."""
    module = _NOW.get(module, module)
    if api_name in _OF_THE_MODULE:
        one = module.replace("_", " ").removesuffix("s")
        return f"{one} {_OF_THE_MODULE[api_name]}"
    plain = api_name.removesuffix("__s").replace("_", " ")
    return _ENGLISH.get(api_name, plain)


def _without_id(name: str) -> str:
    return name.removesuffix(_ID)


def _plain(text: str) -> str:
    """Without what a spreadsheet or a person may change in a label."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
