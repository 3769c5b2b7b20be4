"""Pages read back: what tables of a report say, cell by cell, as a reader sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

SPACES = re.compile(r"[\s\N{NO-BREAK SPACE}]+")


@dataclass
class Table:
    """A table: its caption, its heads, and its rows by the names of their columns.

    Attributes:
        figures: Of each row what stands in columns of numbers, in their order.
    """

    caption: str = ""
    heads: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    figures: list[list[str]] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.row: dict[str, str] | None = None
        self.into: tuple[str, str] | None = None
        self.text = ""
        self.aside = 0
        self.is_number = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "table":
            self.tables.append(Table())
        elif tag == "tr":
            self.row = {}
            self.tables[-1].figures.append([])
        elif tag in {"caption", "th", "td"}:
            self._end()
            name = given.get("data-name") or given.get("scope") or ""
            self.into, self.text = (tag, name), ""
            self.is_number = "number" in (given.get("class") or "").split()
        elif tag == "span" and "aside" in (given.get("class") or ""):
            self.aside += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in {"caption", "th", "td"}:
            self._end()
        elif tag == "tr" and self.row is not None:
            if len(self.row) > 1:
                self.tables[-1].rows.append(self.row)
            self.row = None
        elif tag == "span" and self.aside:
            self.aside -= 1

    def handle_data(self, data: str) -> None:
        if self.into and not self.aside:
            self.text += data

    def _end(self) -> None:
        if self.into is None:
            return
        (tag, name), text = self.into, SPACES.sub(" ", self.text).strip()
        self.into, self.aside = None, 0
        if tag == "caption":
            self.tables[-1].caption = text
        elif name == "col":
            self.tables[-1].heads.append(text)
        elif self.row is not None and (name or tag == "th"):
            if self.is_number:
                self.tables[-1].figures[-1].append(text)
            self.row["" if name in {"row", "rowgroup"} else name] = text


def tables(page: str) -> list[Table]:
    """The tables of a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.tables


def number(text: str) -> float | None:
    """The number that a cell shows; None where it shows none."""
    found = re.match(r"^([+−-]?)([\d,]+(?:\.\d+)?)( %|%)?", text)
    if found is None:
        return None
    value = float(found[2].replace(",", ""))
    return (-value if found[1] in {"−", "-"} else value) / (100 if found[3] else 1)


def percentages(page: str) -> Iterator[float]:
    """All percentages that a page prints in its text."""
    body = re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page, flags=re.DOTALL)
    for found in re.finditer(r"([+−]?)([\d,]+\.\d+)\N{NO-BREAK SPACE}?%", body):
        value = float(found[2].replace(",", ""))
        yield -value if found[1] == "−" else value
