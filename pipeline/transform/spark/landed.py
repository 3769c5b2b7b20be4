"""What is in force of a landed entity, as SQL of Spark's.

The twin of `LandedEntity.relation`, which says the same to DuckDB; a test holds the two
together. The rows stay where they landed: Spark reads the Parquet files as they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.common import sql
from pipeline.landing.batches import Batch
from pipeline.landing.entity import LandedEntity

# Name and Arrow type of each column of a file.
Columns = tuple[tuple[str, pa.DataType], ...]


def quoted(identifier: str) -> str:
    """The identifier as Spark takes it, whatever stands in it."""
    return "`" + identifier.replace("`", "``") + "`"


def relation(landed: LandedEntity, batches: Sequence[Batch]) -> str | None:
    """A query of the batches' rows in force, markers of deleted ones too.

    Args:
        landed: The entity.
        batches: Batches of the entity, oldest first.

    Returns:
        None where no batch has a file.
    """
    files = [path for batch in batches if (path := landed.data_file(batch)).exists()]
    if not files:
        return None
    query = _rows(list(dict.fromkeys(files)))
    if others := landed.foreign(batches):
        listed = ", ".join(map(sql.literal, others))
        query = f"select * from ({query}) as packed where _batch_id not in ({listed})"
    if landed.entity.replaced_by and len(batches) > 1:
        whole = ", ".join(map(quoted, landed.entity.replaced_by))
        query = (
            f"select * from ({query}) as landed qualify _deleted or _batch_id = "
            f"max(_batch_id) over (partition by {whole})"
        )
    first = landed.generations(batches)
    if len(first) == 1:
        return query
    # The newest generation that a row is not older than.
    begins = " ".join(
        f"when _batch_id >= {sql.literal(batch.batch_id)} "
        f"then {sql.literal(batch.batch_id)}"
        for batch in reversed(first)
    )
    key = ", ".join(map(quoted, landed.entity.key))
    return (
        f"select * from ({query}) as landed qualify (case {begins} end) = "
        f"max(case {begins} end) over (partition by {key})"
    )


def _rows(files: Iterable[Path]) -> str:
    """A query of the rows of files, whose columns are matched by name."""
    alike: dict[Columns, list[Path]] = defaultdict(list)
    for path in files:
        schema = pq.read_schema(path)
        alike[tuple(zip(schema.names, schema.types, strict=True))].append(path)
    # In the order in which they came, and spelt as they came first, as DuckDB does it.
    names: dict[str, str] = {}
    known: set[str] = set()
    for columns in alike:
        for name, kind in columns:
            names.setdefault(name.lower(), name)
            if not pa.types.is_null(kind):
                known.add(name.lower())
    return " union all ".join(
        _of_files(dict(columns), paths, names, known)
        for columns, paths in alike.items()
    )


def _of_files(
    columns: dict[str, pa.DataType],
    paths: Sequence[Path],
    names: dict[str, str],
    known: set[str],
) -> str:
    """A query of files with the same columns, with all the columns of the entity."""
    there = {name.lower(): name for name, kind in columns.items() if _is_known(kind)}
    selected = ", ".join(
        f"{quoted(there[key])} as {quoted(name)}"
        if key in there
        else f"{'null' if key in known else 'cast(null as string)'} as {quoted(name)}"
        for key, name in names.items()
    )
    (folder,) = {path.parent for path in paths}
    file = ",".join(_plain(path.name) for path in paths)
    if len(paths) > 1:
        file = f"{{{file}}}"
    return f"select {selected} from parquet.{quoted(f'{_plain(str(folder))}/{file}')}"


def _is_known(kind: pa.DataType) -> bool:
    return not pa.types.is_null(kind)


def _plain(path: str) -> str:
    """A path in which nothing is a pattern: a home may be called `data [old]`."""
    return re.sub(r"([*?\[\]{}\\,])", r"\\\1", path)
