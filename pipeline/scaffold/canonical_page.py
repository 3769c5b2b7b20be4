"""Writes docs/canonical.md: every canonical entity and column, as it is declared.

    python -m pipeline.scaffold.canonical_page

A test holds that the page is what would be written. Not here: the declarations
(`pipeline.transform.canonical`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.common.settings import PROJECT_ROOT
from pipeline.transform import canonical

PAGE = PROJECT_ROOT / "docs" / "canonical.md"

_HEAD = """\
# Canonical entities

Written by `python -m pipeline.scaffold.canonical_page`; what is changed here is lost.

A source gives an entity by a staging model `stg_<source>__<entity>` with these columns
([bring-your-own-data.md](bring-your-own-data.md#4-staging-your-columns-our-names)).

- **Needed** columns are those without which an entity says nothing; `check-sources` asks for
  them, or for the parts that one may be made of. Leave any other out if the source does not
  know it: it is null, and never 0. A column that is not listed is refused with its name.
- Types are cast for you. What cannot be cast stops the refresh: make null of it, or clean it,
  in the staging model.
- **Times** are moments. One without a zone is taken to be on the clock of `time_zone` in
  `sources.yaml`; hand on one that is in UTC as `{{ local_to_utc("opened_at", "UTC") }}`, one
  of another place as `{{ local_to_utc("opened_at", "Europe/London") }}`. One with a zone is
  taken as it is. **Days** are days of the business.
- **Money** is exact to four decimals, in the currency of its row where it has a column
  `currency`, which is converted at the rate of the day; else as the column says.
- What happened after the as-of day needs no filter. A row begins on the day that is named
  under its entity, and is not known before; what is later is not known yet.
- Bounds are those of any company: values outside are counted, and many of them warn.
"""


def render() -> str:
    """The page."""
    parts = [_HEAD]
    for entity, (meaning, _) in canonical.ENTITIES.items():
        columns = canonical.described(entity)
        parts.append(f"\n## {entity}\n\n{meaning[:1].upper()}{meaning[1:]}.\n")
        parts += [f"\n{sentence}\n" for sentence in _times(entity)]
        parts.append("\n" + "".join(f"{row}\n" for row in _table(columns)))
    return "".join(parts)


def _times(entity: str) -> Iterator[str]:
    """What the times of an entity mean on the as-of day."""
    times = canonical.event_times(entity)
    if begins := times.get("begins"):
        first, *others = [f"`{name}`" for name in begins]
        otherwise = "".join(f", else with {name}" for name in others)
        yield f"A row begins with {first}{otherwise}."
    if later := times.get("later"):
        names = ", ".join(f"`{name}`" for name in later)
        ends = " The row is open then." if times.get("ends") else ""
        yield f"Not known yet when later than the as-of day: {names}.{ends}"


def _table(columns: Sequence[canonical.Column]) -> Iterator[str]:
    yield "| column | type | what it holds | when it is missing |"
    yield "|---|---|---|---|"
    for column in columns:
        name = f"**`{column.name}`**" if column.is_needed else f"`{column.name}`"
        holds = column.means
        if column.unit:
            holds += f"; {column.unit}"
        if column.values:
            holds += ": " + ", ".join(f"`{value}`" for value in column.values)
        if column.bounds:
            holds += f" ({column.bounds})"
        missing = column.missing or ("needed" if column.is_needed else "not known")
        yield f"| {name} | {column.kind} | {holds} | {missing} |"


def write(page: Path = PAGE) -> None:
    """Writes the page."""
    page.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    write()
