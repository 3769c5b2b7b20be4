"""Reads Parquet: types are the file's own, unless sources.yaml declares others."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.base import Rejected
from pipeline.sources.entity import Entity
from pipeline.sources.files.parts import READ_ERRORS, Part, cause
from pipeline.sources.files.typed import Typing, declared

ROWS_PER_BATCH = 65_536


def read(
    part: Part, entity: Entity, limit: int | None, rejected: list[Rejected]
) -> Iterator[pa.RecordBatch]:
    """The rows in the file's order; a line is the number of a row, from 1.

    Raises:
        SourceUnavailable: The file is none, is damaged, or misses a declared column.
    """
    import pyarrow.parquet as pq

    try:
        left = limit
        before = 0
        with part.as_file() as path, pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            columns = declared(entity, schema.names, part.where)
            typing = Typing(columns, schema)
            yield typing.split(pa.RecordBatch.from_pylist([], schema=schema))[0]
            for whole in file.iter_batches(ROWS_PER_BATCH):
                batch = whole if left is None else whole.slice(0, left)
                if left is not None:
                    left -= batch.num_rows
                sound, bad = typing.split(batch)
                for at, reason in bad:
                    (row,) = batch.slice(at, 1).to_pylist()
                    text = json.dumps(row, ensure_ascii=False, default=str)
                    rejected.append(Rejected(before + at + 1, text, reason))
                before += batch.num_rows
                yield sound
                if left == 0:
                    return
    except (pa.ArrowException, *READ_ERRORS) as error:
        raise SourceUnavailable(
            f"{part.where} is no readable Parquet file: {cause(error)}"
        ) from error
