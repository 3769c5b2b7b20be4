"""The content hash: of the rows, not of how they are cut into batches or stored."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.landing.content_hash import ContentHash

DAY = dt.date(2014, 1, 31)
MOMENT = dt.datetime(2014, 1, 31, 23, 59, 58, 1)
WORDS = st.sampled_from(["", "a", "b", "ab", "\0", "客户", "null"])
NUMBERS = st.integers(0, 3)
LISTS = st.lists(st.none() | NUMBERS, max_size=2)
ITEMS = st.fixed_dictionaries(
    {"n": st.none() | NUMBERS, "words": st.none() | st.lists(WORDS, max_size=2)}
)

# Few values of each type, so that two tables often differ in next to nothing.
TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "int64": (pa.int64(), NUMBERS),
    "int8": (pa.int8(), st.integers(-2, 2)),
    "float": (pa.float64(), st.sampled_from([0.0, 0.1, 1e300, float("inf")])),
    "boolean": (pa.bool_(), st.booleans()),
    "decimal": (
        pa.decimal128(19, 4),
        st.sampled_from([Decimal(n) for n in ("0", "1.5", "-2")]),
    ),
    "day": (pa.date32(), st.sampled_from([DAY, dt.date(1, 1, 1)])),
    "moment": (pa.timestamp("us"), st.sampled_from([MOMENT, dt.datetime(1, 1, 1)])),
    "nothing": (pa.null(), st.none()),
    "text": (pa.string(), WORDS),
    "large text": (pa.large_string(), WORDS),
    "text view": (pa.string_view(), WORDS),
    "bytes": (pa.binary(), st.binary(max_size=2)),
    "two bytes": (pa.binary(2), st.binary(min_size=2, max_size=2)),
    "dictionary": (pa.dictionary(pa.int32(), pa.string()), WORDS),
    "list": (pa.list_(pa.int64()), LISTS),
    "large list": (pa.large_list(pa.int64()), LISTS),
    "list view": (pa.list_view(pa.int64()), LISTS),
    "pair": (pa.list_(pa.int64(), 2), st.lists(NUMBERS, min_size=2, max_size=2)),
    "lists": (pa.list_(pa.list_(pa.string())), st.lists(st.lists(WORDS), max_size=2)),
    "struct": (
        pa.struct([("n", pa.int64()), ("words", pa.list_(pa.string()))]),
        ITEMS,
    ),
    "map": (
        pa.map_(pa.string(), pa.int64()),
        st.lists(st.tuples(st.sampled_from("ab"), NUMBERS), max_size=2),
    ),
}
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in TYPES.items()])
CELLS = {name: st.none() | values for name, (_, values) in TYPES.items()}
ROW = st.fixed_dictionaries(CELLS)
ROWS = st.lists(ROW, max_size=6)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    columns = [pa.array([row[name] for row in rows], kind) for name, kind in _fields()]
    return pa.table(columns, schema=SCHEMA)


def _fields() -> list[tuple[str, pa.DataType]]:
    return [(field.name, field.type) for field in SCHEMA]


def digest(*tables: pa.Table) -> str:
    """Of the tables one after the other, each in the batches that it is made of."""
    content = ContentHash()
    for table in tables:
        for batch in table.to_batches() or [_empty(table.schema)]:
            content.feed(batch)
    return content.hexdigest()


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch([pa.array([], kind) for kind in schema.types], schema=schema)


@given(before=ROWS, rows=ROWS, after=ROWS, data=st.data())
def test_how_rows_are_cut_and_where_they_lie_does_not_count(
    before: list[dict[str, Any]],
    rows: list[dict[str, Any]],
    after: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    """Batches that are slices of others begin anywhere in their buffers."""
    expected = digest(table_of(rows))
    larger = table_of([*before, *rows, *after])
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    bounds = [0, *cuts, len(rows)]
    slices = [
        larger.slice(len(before) + start, end - start)
        for start, end in pairwise(bounds)
    ]
    assert digest(*slices) == expected
    anew = [table_of(rows[start:end]) for start, end in pairwise(bounds)]
    assert digest(*anew) == expected


@given(left=ROWS, right=ROWS)
def test_other_rows_have_another_hash(
    left: list[dict[str, Any]], right: list[dict[str, Any]]
) -> None:
    same = table_of(left).to_pylist() == table_of(right).to_pylist()
    assert (digest(table_of(left)) == digest(table_of(right))) == same


@given(rows=st.lists(ROW, min_size=1, max_size=6), data=st.data())
def test_every_cell_counts(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in TYPES if name != "nothing"]))
    at = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(CELLS[name].filter(lambda value: value != rows[at][name]))
    changed = [*rows[:at], {**rows[at], name: other}, *rows[at + 1 :]]
    assert digest(table_of(changed)) != digest(table_of(rows))


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.Table:
    return pa.table({"a": pa.array(values, kind)})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (column([None, 0]), column([0, None])),
        (column(["ab", "c"]), column(["a", "bc"])),
        (column([None], pa.string()), column([""])),
        (column(["a", None]), column(["a"])),
        (column([""]), column(["", ""])),
        (column([None], pa.null()), column([None, None], pa.null())),
        (column([1]), column([1.0])),
        (column([1], pa.int32()), column([1])),
        (column([1], pa.date32()), column([1], pa.int32())),
        (column([MOMENT]), column([MOMENT], pa.timestamp("us", tz="UTC"))),
        (column([0.0]), column([-0.0])),
        (column([[1], [2]]), column([[1, 2], []])),
        (column([[1], None]), column([[1], []])),
        (column([[None]], pa.list_(pa.int64())), column([[]], pa.list_(pa.int64()))),
        (column([[[1], [2]]]), column([[[1, 2]]])),
        (column([{"n": 1}]), column([{"m": 1}])),
        (column([{"n": None}, {"n": 1}]), column([None, {"n": 1}])),
        (pa.table({"a": [1], "b": [2]}), pa.table({"b": [1], "a": [2]})),
        (pa.table({"a": [1], "b": [2]}), pa.table({"a": [2], "b": [1]})),
        (pa.table({"a": [1]}), pa.table({"A": [1]})),
        (pa.table({'a", "b': [1]}), pa.table({"a": [1]})),
        (column([], pa.int64()), column([], pa.string())),
        (column([], pa.int64()), pa.table({})),
    ],
)
def test_what_might_be_taken_for_the_same(left: pa.Table, right: pa.Table) -> None:
    assert digest(left) != digest(right)


def test_what_lies_under_a_null_does_not_count() -> None:
    validity = pa.array([True, False]).buffers()[1]
    integers = [
        pa.Array.from_buffers(pa.int64(), 2, [validity, pa.array([1, n]).buffers()[1]])
        for n in (2, 9)
    ]
    texts = [
        pa.Array.from_buffers(
            pa.string(), 2, [validity, *pa.array(["a", text]).buffers()[1:]]
        )
        for text in ("b", "long")
    ]
    for left, right in (integers, texts):
        assert left.equals(right)
        assert digest(pa.table({"a": left})) == digest(pa.table({"a": right}))


@pytest.mark.parametrize("values", [[1, 1, None, 2], ["a", None, "a", "b"]])
def test_another_dictionary_in_each_batch_is_the_same_column(values: list[Any]) -> None:
    encoded = pa.array(values).dictionary_encode()
    pieces = [pa.array(values[at : at + 2]).dictionary_encode() for at in (0, 2)]
    whole = digest(pa.table({"a": encoded}))
    assert digest(*(pa.table({"a": piece}) for piece in pieces)) == whole
    runs = pa.table({"a": pc.run_end_encode(pa.array(values))})
    assert digest(runs.slice(0, 1), runs.slice(1)) == digest(runs)


def test_batches_of_other_columns_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="follow on"):
        digest(column([1]), column(["a"]))


def test_a_type_whose_values_cannot_be_distinguished_is_refused() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    with pytest.raises(TypeError, match="union"):
        digest(pa.table({"a": union}))
