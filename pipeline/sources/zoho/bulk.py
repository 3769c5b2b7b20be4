"""A whole module as files: a job for each 200,000 records, a ZIP with one CSV of each.

The files come in no order, so that what changes meanwhile is read afterwards (`crm`), and
what is missing is found by Zoho's own count.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pipeline.sources.http import RateLimiter, ServiceError
from pipeline.sources.http.columns import Kind
from pipeline.sources.zoho.client import ZohoClient
from pipeline.sources.zoho.fields import ID

_BULK: Final = "/crm/bulk/v8/read"
# [M] What a job costs of the day's credits.
_CREDITS: Final = 50
_DOWNLOADS_A_MINUTE: Final = 10
_ROWS: Final = 5_000
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0
# A job that takes longer is one that hangs; limit_minutes may end it before.
_MOST_SECONDS: Final = 6 * 3600
# A text of a record may be long; csv's own limit is 128 KiB.
_CELL_BYTES: Final = 16 * 2**20


class BulkReading:
    """Reads modules by bulk read."""

    def __init__(self, client: ZohoClient) -> None:
        self._client = client
        self._downloads = RateLimiter(_DOWNLOADS_A_MINUTE, 60, client.clock)

    def pages(
        self, module: str, names: Sequence[str], kinds: Mapping[str, Kind]
    ) -> Iterator[list[dict[str, Any]]]:
        """All records of a module, some thousands at a time.

        Args:
            module: The API name.
            names: Fields.
            kinds: What the values of a field are; lists are joined by `;` in the file.

        Raises:
            ServiceError: Its code is MODULE_NOT_SUPPORTED where there is no bulk read.
        """
        lists = {name for name, kind in kinds.items() if kind == "json"}
        number, token = 1, None
        with tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder:
            path = Path(folder) / "page.zip"
            while True:
                result = self._done(module, names, number, token)
                self._downloads.acquire()
                self._client.download(f"{_BULK}/{result['id']}/result", path, _is_whole)
                count = 0
                for records in _read(path, lists):
                    count += len(records)
                    yield records
                if count != int(result.get("count") or 0):
                    raise ServiceError(
                        f"{self._client.source}: the bulk read of {module} says that it "
                        f"has {result.get('count')} records, and its file has {count}."
                    )
                if not result.get("more_records"):
                    return
                number += 1
                token = result.get("next_page_token")

    def _done(
        self, module: str, names: Sequence[str], number: int, token: str | None
    ) -> dict[str, Any]:
        """The result of a job, once it is there."""
        query: dict[str, Any] = {"module": {"api_name": module}, "fields": list(names)}
        if token:
            query["page_token"] = token
        else:
            query["page"] = number
        answer = self._client.post(
            _BULK, {"query": query, "file_type": "csv"}, credits=_CREDITS
        )
        job = str(answer["data"][0]["details"]["id"])
        wait, waited = _FIRST_WAIT_SECONDS, 0.0
        while True:
            state = self._client.get(f"{_BULK}/{job}")["data"][0]
            if state["state"] == "COMPLETED":
                return {"id": job, **state["result"]}
            if state["state"] in {"FAILURE", "FAILED"}:
                said = (state.get("result") or {}).get("error_message") or {}
                raise ServiceError(
                    f"{self._client.source}: Zoho could not do the bulk read of {module}: "
                    f"{said.get('code')} {said.get('message')}. Set `bulk: false` under "
                    "zoho in sources.yaml to read it page by page.",
                    code=str(said.get("code") or ""),
                )
            if waited > _MOST_SECONDS:
                raise ServiceError(
                    f"{self._client.source}: the bulk read of {module} is "
                    f"{state['state']} after {waited / 3600:.0f} hours."
                )
            self._client.clock.sleep(wait)
            waited += wait
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


def _is_whole(path: Path) -> None:
    """Raises unless every member of the ZIP can be read and is what it was."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        broken = path.name
    if broken is not None:
        raise ServiceError("the file of a bulk read came damaged", may_pass=True)


def _read(path: Path, lists: set[str]) -> Iterator[list[dict[str, Any]]]:
    csv.field_size_limit(_CELL_BYTES)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if not name.endswith(".csv"):
                continue
            with archive.open(name) as raw:
                text = io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")
                rows = csv.reader(text)
                header = [_name(column) for column in next(rows, [])]
                records: list[dict[str, Any]] = []
                for row in rows:
                    records.append(_record(header, row, lists))
                    if len(records) == _ROWS:
                        yield records
                        records = []
                if records:
                    yield records


def _record(
    header: Sequence[str], row: Sequence[str], lists: set[str]
) -> dict[str, Any]:
    if len(row) != len(header):
        raise ServiceError(
            f"the file of a bulk read has a row of {len(row)} cells under a header of "
            f"{len(header)}."
        )
    record: dict[str, Any] = dict(zip(header, row, strict=True))
    for name in lists & record.keys():
        record[name] = record[name].split(";") if record[name] else None
    return record


def _name(column: str) -> str:
    return ID if column == "Id" else column
