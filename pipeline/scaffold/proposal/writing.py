"""Writes a proposal down as a project: sources.yaml, staging models, MAPPING.md."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.errors import ConfigurationError
from pipeline.profiling import databases
from pipeline.profiling.tables import Table
from pipeline.scaffold import new_project
from pipeline.scaffold.proposal import page, staging
from pipeline.scaffold.proposal.mapping import Mapping
from pipeline.scaffold.proposal.project import Proposal
from pipeline.sources.entity import POSITION

# Columns that hold nothing but what is personal, and those that others have as well.
PERSONAL = ("customer_name", "contact_name", "given_name", "family_name", "email", "phone",
            "street", "birth_date", "lead_name")  # fmt: skip
COMMON = {"given_name", "family_name", "street", "birth_date"}
_MASTER = {"customers", "contacts"}
# The share of its values from which a column is one of addresses.
_MOSTLY = 0.5


def write(
    connection: duckdb.DuckDBPyConnection, proposal: Proposal, folder: Path
) -> list[Path]:
    """Writes the project into an empty or missing folder.

    Returns:
        The files that a person should look at, in that order.

    Raises:
        ConfigurationError: The folder holds something already, or cannot be written.
    """
    source = proposal.draft.source
    new_project.init(folder, source)
    try:
        models = folder / "dbt_project" / "models" / "staging" / source
        entities = list(dict.fromkeys(item.entity for item in proposal.mappings))
        for path in models.glob("stg_*.sql"):
            entity = path.stem.partition("__")[2]
            if entity not in entities:
                path.rename(path.with_name(f"{path.name}.template"))
        for entity in entities:
            own = [item for item in proposal.mappings if item.entity == entity]
            name = f"stg_{source}__{entity}.sql"
            (models / f"{name}.template").unlink(missing_ok=True)
            text = staging.model(source, entity, own, proposal.business.currency)
            (models / name).write_text(text, encoding="utf-8")
        for total in (item.order_total for item in proposal.mappings):
            if total is not None:
                tests = folder / "dbt_project" / "tests"
                tests.mkdir(parents=True, exist_ok=True)
                name = f"{source}_orders_are_the_sum_of_their_lines.sql"
                text = staging.test_of_orders(source, total)
                (tests / name).write_text(text, encoding="utf-8")
        described = _sources_yaml(proposal, folder)
        (folder / "sources.yaml").write_text(described, encoding="utf-8")
        mapping = folder / "MAPPING.md"
        mapping.write_text(page.page(connection, proposal), encoding="utf-8")
        readme = folder / "README.md"
        readme.write_text(page.readme(proposal), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror} ({error.filename})."
        ) from error
    return [mapping, folder / "sources.yaml", *sorted(models.glob("stg_*.sql"))]


def _sources_yaml(proposal: Proposal, folder: Path) -> str:
    draft, business = proposal.draft, proposal.business
    lines = [
        f"# Where the data is, as found in {draft.profile.what}. MAPPING.md says in plain",
        "# words what was made of it; docs/bring-your-own-data.md explains the options.",
        "version: 1",
        "",
        "business:",
        *_comment(f"{business.zone_why}", 2),
        f"  time_zone: {business.time_zone}",
        *_comment(business.currency_why, 2),
        f"  reporting_currency: {business.currency}",
    ]
    if business.last_day is not None:
        mark = "" if business.as_of else "# "
        stated = business.as_of_why
        stated += (
            "; the data end in the past"
            if business.as_of
            else ("; the company goes on: each refresh knows all up to yesterday")
        )
        lines += [*_comment(stated, 2), f"  {mark}as_of: {business.last_day}"]
    provides = list(dict.fromkeys(item.entity for item in proposal.mappings))
    lines += ["", "sources:", f"  - name: {draft.source}"]
    lines += [f"    {line}" for line in _place(proposal, folder)]
    lines.append(f"    provides: [{', '.join(provides)}]")
    if proposal.unknown_customers:
        lines.append(f"    unknown_customers: {proposal.unknown_customers}")
    lines.append("    entities:")
    for table in _used(proposal):
        lines += [f"      {line}".rstrip() for line in _entity(proposal, table)]
    return "\n".join(lines) + "\n"


def _place(proposal: Proposal, folder: Path) -> Iterator[str]:
    """How the source is reached."""
    profile = proposal.draft.profile
    first = next(iter(profile.tables.values())).source
    if profile.url is not None:
        variable = f"{proposal.draft.source.upper()}_PASSWORD"
        yield "kind: database"
        yield f"url: {json.dumps(databases.without_password(profile.url, variable))}"
        return
    assert first.path is not None
    near = os.path.relpath(first.path.resolve(), folder.resolve())
    path = near if near.count("..") <= 2 else str(first.path.resolve())
    yield "kind: files"
    yield f"path: {json.dumps(path, ensure_ascii=False)}"


def _used(proposal: Proposal) -> list[Table]:
    """The tables that a mapping takes or looks up."""
    names = dict.fromkeys(
        table.name
        for mapping in proposal.mappings
        for table in (mapping.table, *(join.table for join in mapping.joins))
    )
    return [proposal.draft.profile.tables[name] for name in names]


def _entity(proposal: Proposal, table: Table) -> Iterator[str]:
    """An entity of sources.yaml."""
    entity = table.entity
    yield f"{table.name}:"
    yield f"  description: {_quoted(table.title)}"
    if entity.table:
        yield f"  table: {_quoted(entity.table)}"
    if entity.files:
        yield f"  files: {_quoted(entity.files)}"
    if table.encodings:
        yield from _comment(f"these fit too: {', '.join(table.encodings[1:])}", 2)
    for name in ("member", "sheet", "format", "encoding"):
        if chosen := getattr(entity, name):
            yield f"  {name}: {_quoted(chosen)}"
    if entity.header_row > 1:
        yield f"  header_row: {entity.header_row}"
    if entity.repeated_columns != "refuse":
        yield from _comment(f"read under numbered names: {_listed(table.numbered)}", 2)
        yield f"  repeated_columns: {entity.repeated_columns}"
    yield from _key(proposal, table)
    declared = proposal.draft.declared.get(table.name, {})
    if declared:
        yield "  columns:"
        for column, kind in declared.items():
            yield f"    {_quoted(column)}: {_quoted(kind)}"
    yield from _personal(proposal, table)
    yield from _becomes(proposal, table)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more


def _key(proposal: Proposal, table: Table) -> Iterator[str]:
    """The key, and what a new file of the table means."""
    key = table.wide.key if table.wide else table.key
    if key and tuple(key) != POSITION:
        counted = "the rows" if table.wide else table.sampled
        yield from _comment(f"tells {counted} apart", 2)
        yield f"  key: [{', '.join(map(_quoted, key))}]"
    else:
        yield from _comment(
            "no column, pair or triple tells the rows apart: their place does", 2
        )
        yield "  key: position"
    several = len(table.parts) > 1 and table.source.kind == "files"
    is_snapshot = not several or table.is_repeated
    if several and table.is_repeated:
        yield from _comment("each file holds nearly all of the one before", 2)
    yield f"  load: {'snapshot' if is_snapshot else 'append'}"
    if order := proposal.draft.replaced.get(table.name):
        yield from _comment(f"the newest file's lines of each {order} count", 2)
        yield f"  replace: [{_quoted(order)}]"


def _personal(proposal: Proposal, table: Table) -> Iterator[str]:
    """Where data of customers stand, for `customer-tiers forget`."""
    own = [mapping for mapping in proposal.mappings if mapping.table is table]
    item = proposal.draft.found[table.name]
    found = item.meanings.get("source_customer_id")
    if found is None:
        yield "  personal: none"
        return
    column = table.columns[found.column]
    changed = {*proposal.draft.prefixes, *proposal.draft.identities}
    refers = {
        one.to_table
        for one in proposal.draft.profile.from_table(table.name)
        if one.column == found.column
    }
    is_plain = column.landed != "VARCHAR" or column.kind in {"text", "integer"}
    is_plain = is_plain and not column.parts
    if not is_plain or column.is_padded or changed & {table.name, *refers}:
        yield from _comment(
            "TODO say where data of customers stand (`personal`), for `customer-tiers "
            "forget`: staging changes the key, so that it is not proposed",
            2,
        )
        return
    key = {*(table.key or ()), found.column}
    named: dict[str, str] = {}
    for mapping in own:
        for meaning, one in mapping.recognised.meanings.items():
            if meaning in PERSONAL and one.column not in key:
                # Of a member of an object the object is what is landed.
                for name in table.columns[one.column].parts or [one.column]:
                    named[name] = meaning
    for column in table.columns.values():
        # An address is personal, whatever its column is called and wherever it goes.
        if column.share("email") > _MOSTLY and column.name not in key:
            for name in column.parts or [column.name]:
                named.setdefault(name, "email")
    is_master = (
        any(mapping.entity in _MASTER for mapping in own) and item.role in _MASTER
    )
    yield "  personal:"
    yield f"    customer: {_quoted(found.column)}"
    if is_master:
        yield "    rows: drop"
    if named:
        yield f"    columns: [{', '.join(map(_quoted, named))}]"
        common = [name for name, meaning in named.items() if meaning in COMMON]
        if common:
            yield f"    common: [{', '.join(map(_quoted, common))}]"


def _becomes(proposal: Proposal, table: Table) -> Iterator[str]:
    """What the rows become, so that each refresh counts it."""
    found = [
        item
        for mapping in proposal.mappings
        # Of months or years in columns, no row of the source is a row of anything.
        if mapping.table is table and table.wide is None
        for item in [_becomes_of(proposal, mapping)]
        if item is not None
    ]
    if not found:
        return
    yield "  becomes:"
    for item in found:
        first = True
        for name, value in item.items():
            yield f"    {'-' if first else ' '} {name}: {value}"
            first = False


def _becomes_of(proposal: Proposal, mapping: Mapping) -> dict[str, Any] | None:
    tests = mapping.where if mapping.landed_where is None else mapping.landed_where
    if not all(mapping.is_own(test) for test in (*tests, *mapping.newest_of)):
        return None
    found: dict[str, Any] = {"entity": mapping.entity}
    together = [item for item in proposal.mappings if item.entity == mapping.entity]
    if all(item.amount and item.is_own(item.amount) for item in together):
        found["amount"] = _quoted(mapping.landed(str(mapping.amount)))
    if mapping.newest_of:
        each = ", ".join(_quoted(mapping.landed(part)) for part in mapping.newest_of)
        found["each"] = f"[{each}]"
    if tests:
        found["where"] = _quoted(" and ".join(map(mapping.landed, tests)))
    return found


def _quoted(text: str) -> str:
    """The text as YAML: bare where it may be."""
    plain = text.replace("_", "").replace(" ", "")
    words = {"yes", "no", "true", "false", "null", "on", "off", "y", "n"}
    is_bare = plain.isalnum() and text[0].isalpha() and text == text.strip()
    if is_bare and text.lower() not in words:
        return text
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str, indent: int) -> list[str]:
    blank = " " * indent
    return [
        f"{blank}# {line}"
        for line in textwrap.wrap(text, 84 - indent, break_long_words=False)
    ]
