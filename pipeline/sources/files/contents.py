"""What bytes are when they are not what their name says: HTML, text, a PDF, an archive.

For the message of a refusal only: nothing is read in another way than was declared.
"""

from __future__ import annotations

import re

# As much of a file as is read.
BEGINNING = 4_096

_MARKUP = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_HTML = re.compile(rb"<!doctype html|<html|<head|<body|<table|<meta", re.IGNORECASE)
_SPREADSHEET_XML = re.compile(
    rb"urn:schemas-microsoft-com:office:spreadsheet|progid=.Excel\.Sheet"
)
_EXPORT = "open it in a spreadsheet and save it as .xlsx, or have CSV exported"


def markup(beginning: bytes) -> str | None:
    """What a file is that begins as HTML, XML or a PDF, and what to do; else None."""
    start = beginning.replace(b"\0", b"")
    for mark in _MARKUP:
        start = start.removeprefix(mark)
    start = start.lstrip()
    if start.startswith(b"%PDF"):
        return "a PDF document; have the data exported as CSV or as a workbook"
    if not start.startswith(b"<"):
        return None
    if _SPREADSHEET_XML.search(start):
        return f"an XML spreadsheet of Excel 2003; {_EXPORT}"
    if start.startswith(b"<?xml") and not _HTML.search(start):
        return f"XML; {_EXPORT}"
    if _HTML.search(start):
        return (
            "an HTML page, as systems export tables or answer who is not logged in; "
            f"look at it in a browser, then {_EXPORT}"
        )
    return None


def under_the_name_of_a_workbook(content: bytes) -> str | None:
    """What a file is that should be a workbook and is none, and what to do; else None."""
    if not content:
        return "empty; bring it again"
    beginning = content[:BEGINNING]
    if found := markup(beginning):
        return found
    if content.startswith(b"\x1f\x8b"):
        return "packed by gzip; call it .xlsx.gz or .xls.gz"
    if content.startswith(b"PAR1"):
        return "Parquet; call it .parquet, or declare `format: parquet`"
    if re.match(rb"\x09[\x00\x02\x04]\x04?[\x00-\x06]", content):
        return "a workbook of Excel 4 or older; save it as .xlsx"
    if beginning.startswith(b"ID;P"):
        return f"a SYLK spreadsheet; {_EXPORT}"
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")) or _is_text(beginning):
        first = beginning.replace(b"\0", b"").split(b"\n", 1)[0]
        if b"\t" in first:
            return (
                "tab-separated text; declare `format: tsv` in sources.yaml, or save it "
                "as .xlsx"
            )
        return "plain text; declare `format: csv` in sources.yaml, or save it as .xlsx"
    return None


def in_an_archive(members: list[str], kind: bytes) -> str | None:
    """What a zip file is that should be a workbook and is none; None if it may be one.

    Args:
        members: The names in it.
        kind: What its member `mimetype` holds, if there is one.
    """
    if b"opendocument" in kind:
        return "an OpenDocument file; save it as .xlsx"
    if any(name.lower().startswith("xl/") for name in members):
        return None
    if any(name.lower().startswith(("word/", "ppt/")) for name in members):
        return "a document of Word or PowerPoint; bring the workbook"
    return "a zip archive and no workbook; call it .zip"


def _is_text(beginning: bytes) -> bool:
    controls = re.findall(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]", beginning)
    return not controls and any(mark in beginning for mark in b"\t,;|\r\n")
