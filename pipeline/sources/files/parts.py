"""What a file holds: itself, what its .gz unpacks to, or the members of its .zip.

Bytes only, and their limits. Not here: which files count (`reader`) and what the bytes
mean (a module a format).
"""

from __future__ import annotations

import fnmatch
import gzip
import io
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO

import duckdb

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.entity import Entity

CHUNK = 1 << 20

# What opening, unpacking and reading raise when the bytes are not what they should be.
READ_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    zipfile.BadZipFile,
    NotImplementedError,
)

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xls": "xls",
    ".parquet": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


# What DuckDB may use for its buffers; the rest of the 1 GB is Arrow's and Python's.
DUCKDB_MEMORY = "400MB"


@contextmanager
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB within its share of the memory, and silent on standard output."""
    with duckdb.connect(config={"memory_limit": DUCKDB_MEMORY}) as connection:
        connection.execute("set enable_progress_bar = false")
        yield connection


@dataclass(frozen=True)
class Part:
    """One stream of bytes that is one extract.

    Attributes:
        origin: The file's name, with the member's for a zip: `a.zip/b.csv`.
        where: Source, entity and origin, as messages begin.
        name: What the format is detected from: without `.gz`, of a zip the member's.
        member: The member's own name as the zip spells it; None outside of a zip.
    """

    origin: str
    where: str
    path: Path
    name: str
    packing: str
    most: int
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The unpacked bytes, which end with an error at `max_unpacked_bytes`."""
        if self.packing == "plain":
            with self.path.open("rb") as file:
                yield file
        elif self.packing == "gz":
            with gzip.open(self.path) as packed:
                yield self._limited(packed)
        else:
            assert self.member is not None
            with (
                zipfile.ZipFile(self.path) as archive,
                archive.open(self.member) as packed,
            ):
                yield self._limited(packed)

    def _limited(self, packed: IO[bytes] | gzip.GzipFile) -> BinaryIO:
        return io.BufferedReader(_Limited(packed, self), CHUNK)

    @contextmanager
    def as_file(self) -> Iterator[Path]:
        """A path of the unpacked bytes, for libraries that jump about in a file."""
        is_plain = self.packing == "plain"
        if is_plain and printable(self.path.name) == self.path.name:
            yield self.path
            return
        with temporary_folder() as folder:
            path = folder / f"part{PurePosixPath(self.name).suffix}"
            if is_plain:  # under a name that is no text for these libraries
                path.symlink_to(self.path.absolute())
                yield path
                return
            with self.open() as packed, path.open("wb") as file:
                shutil.copyfileobj(packed, file, CHUNK)
            yield path

    def format(self, entity: Entity) -> str:
        """The declared format, else that of the name.

        Raises:
            SourceUnavailable: The name says none.
        """
        if entity.format:
            return entity.format
        suffix = PurePosixPath(self.name).suffix.lower()
        if suffix not in FORMATS:
            raise SourceUnavailable(
                f"{self.where} is of no known format; say `format: csv`, `tsv`, `xlsx`, "
                "`xls`, `parquet`, `json` or `jsonl`."
            )
        return FORMATS[suffix]


class _Limited(io.RawIOBase):
    """Counts what comes out of an archive; a bomb is stopped while it goes off.

    The size that the archive claims is not asked: whoever builds a bomb writes it.
    """

    def __init__(self, packed: Any, part: Part) -> None:
        self._packed = packed
        self._part = part
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count: int = self._packed.readinto(buffer)
        self._count += count
        if self._count > self._part.most:
            raise SourceUnavailable(
                f"{self._part.where} unpacks to more than {self._part.most:,} bytes; if "
                "that is right, raise `max_unpacked_bytes` in sources.yaml."
            )
        return count


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that goes away with everything in it; `TMPDIR` says where."""
    with tempfile.TemporaryDirectory(prefix="customer-tiers-") as folder:
        yield Path(folder)


def printable(name: str) -> str:
    """A file's name as text of one line: other bytes and controls as escapes."""
    text = name.encode(errors="surrogateescape").decode(errors="backslashreplace")
    return "".join(
        character
        if character.isprintable() or character == " "
        else ascii(character)[1:-1]
        for character in text
    )


def parts_of(path: Path, entity: Entity, where: str) -> list[Part]:
    """What the file holds, in the order of the members' names.

    Raises:
        SourceUnavailable: It is no archive although its name says so, no member is
            wanted, or a member is named as if it belonged outside of the archive.
    """
    suffix = path.suffix.lower()
    most = entity.max_unpacked_bytes
    if suffix != ".zip":
        packing, name = ("gz", path.stem) if suffix == ".gz" else ("plain", path.name)
        return [Part(printable(path.name), where, path, name, packing, most)]
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except READ_ERRORS as error:
        raise SourceUnavailable(
            f"{where} is no readable zip file: {cause(error)}; fetch it again."
        ) from error
    found = [
        (_spelt(member), member)
        for member in members
        if not member.is_dir() and not member.filename.startswith("__MACOSX/")
    ]
    for name, member in found:
        _refuse_to_climb(name, member, where)
    wanted = sorted(
        (name, member)
        for name, member in ((n, m.filename) for n, m in found)
        if _is_wanted(name, entity)
    )
    if not wanted:
        asked = f"`member: {entity.member}`" if entity.member else "a known format"
        holds = ", ".join(name for name, _ in found[:10]) or "nothing"
        raise SourceUnavailable(
            f"{where} has no member of {asked}; it holds {holds}. Mend `member` in "
            "sources.yaml."
        )
    locked = {member.filename for _, member in found if member.flag_bits & 0x1}
    for name, member_name in wanted:
        if member_name in locked:
            raise SourceUnavailable(
                f"{where}/{name} is locked by a password; bring a zip without one."
            )
    return [
        Part(
            printable(f"{path.name}/{name}"),
            f"{where}/{printable(name)}",
            path,
            name,
            "zip",
            most,
            member_name,
        )
        for name, member_name in wanted
    ]


def _is_wanted(name: str, entity: Entity) -> bool:
    if entity.member:
        return fnmatch.fnmatchcase(name, entity.member)
    return bool(entity.format) or PurePosixPath(name).suffix.lower() in FORMATS


def _spelt(member: zipfile.ZipInfo) -> str:
    """The member's name; Windows in Chinese writes GB18030 where zip knows cp437 only."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    try:
        raw = member.filename.encode("cp437")
    except UnicodeEncodeError:
        return member.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return member.filename


def _refuse_to_climb(name: str, member: zipfile.ZipInfo, where: str) -> None:
    # Nothing is ever written under a member's name, but an archive that tries is not
    # one that a colleague's export made.
    parts = name.replace("\\", "/").split("/")
    is_link = stat.S_ISLNK(member.external_attr >> 16)
    if parts[0] == "" or parts[0].endswith(":") or ".." in parts or is_link:
        what = "a link" if is_link else "outside of the archive"
        raise SourceUnavailable(
            f"{where} is refused: its member {name!r} is {what}. Ask who made it."
        )


def cause(error: BaseException) -> str:
    """What went wrong in a few words: the system's own where there are any."""
    if isinstance(error, EOFError):
        return "it ends too early"
    text = getattr(error, "strerror", None) or str(error).split("\n")[0]
    return text or type(error).__name__
