"""Products: from a table of their own, or distilled from the lines."""

from __future__ import annotations

from pipeline.profiling.tables import Column
from pipeline.scaffold.proposal import distilling, joins, values
from pipeline.scaffold.proposal.mapping import Answer, Draft, Mapping, of
from pipeline.scaffold.proposal.recognition import Meaning, Recognised

PRODUCT_COLUMNS = ("category", "subcategory", "list_price", "unit_cost")


def products(draft: Draft) -> list[Mapping]:
    """Products, from their tables; else distilled from the lines."""
    tables = draft.of_role("products")
    if tables:
        return [_products_of(draft, item) for item in tables[:1]]
    for item in draft.of_role("order_lines"):
        column = item.column("source_product_id")
        if column is None:
            named = distilling.distilled(item, "products").get("product_name")
            column = item.table.columns[named.column] if named else None
        if column is not None:
            return [_distilled_products(draft, item, column)]
    return []


def _products_of(draft: Draft, item: Recognised) -> Mapping:
    mapping = Mapping("products", item)
    key = item.column("source_product_id")
    assert key is not None
    value = of(item.table, values.text(key))
    found = item.meanings["source_product_id"]
    mapping.add(
        "source_product_id",
        Answer(value, found.confidence, f"{key.name}: {found.evidence}", [key.name]),
    )
    _describe_products(draft, mapping)
    if not key.is_unique:
        mapping.newest_of = [value]
        mapping.order = distilling.newest(item.table)
        if key.nulls:
            mapping.where.append(f"{value} is not null")
    return mapping


def _describe_products(draft: Draft, mapping: Mapping) -> None:
    item = mapping.recognised
    named = values.answer(draft, item, "product_name")
    if named is None:
        key = mapping.columns["source_product_id"]
        named = Answer(key.sql, 0.5, "no column is a name; the key stands for it")
    else:
        key_sql = mapping.columns["source_product_id"].sql
        named = Answer(
            f"coalesce({named.sql}, {key_sql})",
            named.confidence,
            named.evidence,
            named.columns,
        )
    mapping.add("product_name", named)
    for name in PRODUCT_COLUMNS:
        found = values.answer(draft, item, name)
        is_category = item.role == "products" and name in {"category", "subcategory"}
        if is_category and (found is None or found.confidence < 0.93):
            other = joins.from_elsewhere(draft, mapping, name, "products")
            found = other[1] if other else found
        mapping.add(name, found)


def _distilled_products(draft: Draft, item: Recognised, key: Column) -> Mapping:
    own: dict[str, Meaning] = {
        name: found
        for name, found in distilling.distilled(item, "products").items()
        if name in {"product_name", "category", "subcategory"}
    }
    found = item.meanings.get("source_product_id") or own["product_name"]
    own["source_product_id"] = found
    mapping = Mapping(
        "products",
        Recognised(
            item.table,
            item.role,
            item.confidence,
            item.evidence,
            own,
            preset=item.preset,
        ),
    )
    value = of(item.table, values.text(key))
    mapping.add(
        "source_product_id",
        Answer(value, found.confidence, f"{key.name}: {found.evidence}", [key.name]),
    )
    mapping.newest_of = [value]
    mapping.order = distilling.newest(item.table, distilling.latest_moment(draft, item))
    mapping.where.append(f"{value} is not null")
    _describe_products(draft, mapping)
    mapping.notes.append(
        f"No table lists the products: they are taken from {item.table.title}, each as "
        "its newest row has it."
    )
    return mapping
