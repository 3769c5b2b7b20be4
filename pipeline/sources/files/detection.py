"""Detects a text file's encoding and delimiter from its bytes, or refuses to guess.

The rule for encodings, in this order:

1. A byte order mark says it: UTF-8, UTF-16, UTF-32, GB18030.
2. UTF-8 when every byte of the file is valid UTF-8. Text in another encoding hardly ever
   is by accident.
3. GB18030 when it is clear Chinese, and Latin-1 when no other encoding fits that would
   make another text of it (`encodings` says what fits).
4. Everything else is refused with the encodings that fit.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pipeline.common.errors import SourceUnavailable
from pipeline.sources.files import encodings
from pipeline.sources.files.parts import CHUNK, Part

# UTF-32 begins as UTF-16 does, and so comes first.
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
    b"\x84\x31\x95\x33": "gb18030",
}

DELIMITERS = (",", ";", "\t", "|")

_ODD = re.compile(rb"""[\r\n"',;|\t]=\"|^=\"|[\r\n](?:\xef\xbb\xbf|\x841\x953)""")
SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?", re.IGNORECASE)

# So much of the lines that are not plain ASCII is examined.
EVIDENCE = 1 << 20
_ASCII = bytes(range(0x80))
SAMPLE = 1 << 18


class Utf8Check:
    """Notes, chunk by chunk, whether bytes are UTF-8 and where they cease to be."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._read = 0
        self.failed_at: int | None = None
        self.beginning = b""

    def feed(self, chunk: bytes, final: bool = False) -> None:
        """Takes in the next bytes of the file."""
        if not self._read:
            self.beginning = chunk[:4096]
        if self.failed_at is None:
            try:
                self._decoder.decode(chunk, final)
            except UnicodeDecodeError as error:
                # The decoder puts the bytes that it held back before the chunk.
                held = len(error.object) - len(chunk)
                self.failed_at = max(self._read - held + error.start, 0)
        self._read += len(chunk)


class Oddities:
    """Notes whether a file holds what DuckDB would read as it stands.

    A byte order mark or the header once more where another file was put behind the
    first, and cells such as `="00123"`.
    """

    def __init__(self) -> None:
        self._tail = b""
        self._header: bytes | None = None
        self.are_there = False

    def feed(self, chunk: bytes) -> None:
        """Takes in the next bytes of the file."""
        if self.are_there or not chunk:
            return
        if self._header is None:
            chunk = chunk.removeprefix(codecs.BOM_UTF8)
            self._header = re.split(rb"[\r\n]", chunk[:SAMPLE], maxsplit=1)[0]
        seen = self._tail + chunk
        header = self._header
        self.are_there |= _ODD.search(seen) is not None or (
            len(header) > 1
            and re.search(rb"[\r\n]" + re.escape(header) + rb"[\r\n]", seen) is not None
        )
        self._tail = seen[-(len(header) + 8) :]


def marked(beginning: bytes) -> str | None:
    """The encoding that a byte order mark declares, if there is one."""
    return next((MARKS[mark] for mark in MARKS if beginning.startswith(mark)), None)


class AmbiguousEncoding(SourceUnavailable):
    """The bytes of a file allow more than one encoding.

    Attributes:
        fits: Those that fit, the likeliest first.
    """

    def __init__(self, message: str, fits: Sequence[encodings.Candidate]) -> None:
        super().__init__(message)
        self.fits = fits


def encoding_of(part: Part, check: Utf8Check) -> str:
    """The file's encoding, by the rule at the top of this module.

    Raises:
        AmbiguousEncoding: The bytes allow more than one; says what to declare.
        SourceUnavailable: It is no text.
    """
    beginning = check.beginning
    if found := marked(beginning):
        return found
    if _is_likely_utf16(beginning):
        raise SourceUnavailable(
            f"{part.where} looks like UTF-16 without a byte order mark; declare "
            "`encoding: utf-16-le` (or utf-16-be) in sources.yaml."
        )
    if check.failed_at is None:
        return "utf-8"
    if beginning.startswith((b"PK\x03\x04", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"PAR1")):
        raise SourceUnavailable(
            f"{part.where} cannot be read as text: it is an archive, a workbook or a "
            "Parquet file under a wrong name; declare its `format`, or name it properly."
        )
    evidence = _evidence(part, check.failed_at)
    if encodings.is_clear_chinese(evidence):
        return "gb18030"
    fits = encodings.candidates(evidence)
    if encodings.is_clear_western(fits):
        return "latin-1"
    fitting = (
        f"these fit: {', '.join(map(str, fits[:6]))}. Declare `encoding` in sources.yaml "
        "as the one that reads right"
        if fits
        else "no other fits well. Declare `encoding` in sources.yaml, such as gb18030 for "
        "Chinese, cp1252 for Western languages"
    )
    raise AmbiguousEncoding(
        f"{part.where}: its encoding is ambiguous: byte {check.failed_at + 1:,} is no "
        f"UTF-8, and {fitting}, or as utf-8 to send such rows to the quarantine.",
        fits,
    )


def _is_likely_utf16(beginning: bytes) -> bool:
    even, odd = beginning[0::2], beginning[1::2]
    shares = [half.count(0) / max(len(half), 1) for half in (even, odd)]
    return len(beginning) >= 8 and max(shares) > 0.4 and min(shares) < 0.05


def _evidence(part: Part, start: int) -> encodings.Evidence:
    decoder = codecs.getincrementaldecoder("gb18030")("strict")
    decodes = True
    high: set[int] = set()
    lines = bytearray()
    rest = b""
    read = 0
    with part.open() as file:
        while chunk := file.read(CHUNK):
            if decodes:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    decodes = False
            high.update(chunk.translate(None, _ASCII))
            read += len(chunk)
            if read > start and len(lines) < EVIDENCE:
                *whole, rest = re.split(rb"[\r\n]+", rest + chunk)
                for line in whole:
                    if not line.isascii():
                        lines += line + b"\n"
    if len(lines) < EVIDENCE and not rest.isascii():
        lines += rest
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        decodes = False
    return encodings.Evidence(bytes(lines), frozenset(high), decodes)


def separator_line(beginning: bytes, encoding: str) -> str | None:
    """The delimiter that a first line such as `sep=;` says, as Excel has it."""
    text = beginning.decode(encoding, errors="replace").removeprefix("\ufeff")
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]
    found = SEPARATOR_LINE.fullmatch(first)
    return found[1] if found else None


def delimiter_of(part: Part, encoding: str, quote: str, header_row: int) -> str:
    """The character that divides the header, and the rows below it alike.

    Raises:
        SourceUnavailable: More than one does.
    """
    with part.open() as file:
        sample = _beginning(file, encoding)
    # Every file is scanned in every refresh, so the rows only if the header needs them.
    divides = [
        delimiter
        for delimiter in DELIMITERS
        if next(_widths(sample, delimiter, quote, header_row), 0) > 1
    ]
    if len(divides) <= 1:
        return next(iter(divides), ",")  # of one column, any will do
    widths = {
        delimiter: list(_widths(sample, delimiter, quote, header_row))
        for delimiter in divides
    }
    sound = [delimiter for delimiter, found in widths.items() if len(set(found)) == 1]
    if len(sound) == 1 and len(widths[sound[0]]) > 1:
        return sound[0]
    raise SourceUnavailable(
        f"{part.where}: its columns could be divided by "
        f"{' or '.join(repr(delimiter) for delimiter in divides)}; declare `delimiter` "
        "in sources.yaml."
    )


def _beginning(file: BinaryIO, encoding: str) -> list[str]:
    raw = file.read(SAMPLE)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    lines = decoder.decode(raw).removeprefix("\ufeff").splitlines(keepends=True)
    return lines[:-1] if len(raw) == SAMPLE and len(lines) > 1 else lines


def _widths(
    lines: list[str], delimiter: str, quote: str, header_row: int
) -> Iterator[int]:
    """The number of cells of the header and of each row in the sample below it."""
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    try:
        for number, cells in enumerate(reader, 1):
            if number >= header_row and cells:
                yield len(cells)
    except csv.Error:
        return
