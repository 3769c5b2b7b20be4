"""The picture and the tables of `docs/performance.md`, from the files of results.

    python -m benchmarks.bench_page

Written between two marks in the page; what stands around them is written by hand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1] / "docs"
PAGE = DOCS / "performance.md"
PICTURE = DOCS / "images" / "performance.svg"
BEGIN = "<!-- measured: written by benchmarks/bench_page.py -->"
END = "<!-- end of what was measured -->"

Result = Mapping[str, Any]

RUNS = {
    "floor": "floor",
    "full": "full refresh",
    "day": "day with 0.1 % more",
    "unchanged": "unchanged day",
}
# Stages in their order; what has another name is drawn with the first.
COLOURS = {
    "start and between": "#8c8c8c",
    "landing": "#4e79a7",
    "gate in": "#f28e2b",
    "transform": "#59a14f",
    "gate out": "#e15759",
    "publish": "#b07aa1",
    "report": "#edc948",
}
FLOOR_COLOUR = "#2f4b7c"
WIDTH, LEFT, RIGHT, ROW, GAP, TOP = 760, 170, 90, 24, 34, 46


def results(folder: Path) -> list[Result]:
    """The results of all sizes, the smallest first."""
    found = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in folder.glob("lines-*.json")
    ]
    return sorted(found, key=lambda result: int(result["lines"]))


def parts(run: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Stage → processor seconds, in the order of COLOURS; one part without stages."""
    sums: dict[str, float] = {}
    for stage in run["stages"]:
        if stage["processor_seconds"] is not None:
            name = stage["name"] if stage["name"] in COLOURS else next(iter(COLOURS))
            sums[name] = sums.get(name, 0.0) + stage["processor_seconds"]
    if not sums:
        return [("floor", run["processor_seconds"])]
    return [(name, sums[name]) for name in COLOURS if name in sums]


def _text(x: float, y: float, words: str, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{escape(words)}</text>'


def draw(found: Sequence[Result]) -> str:
    """Bars of processor seconds, each size on a scale of its own, as SVG."""
    rows = []
    y = TOP
    for result in found:
        rows.append(_text(12, y + 4, f"{result['lines']:,} lines", 'class="size"'))
        y += 14
        longest = max(result[run]["processor_seconds"] for run in RUNS)
        for run, title in RUNS.items():
            x = float(LEFT)
            rows.append(_text(LEFT - 8, y + 15, title, 'text-anchor="end"'))
            for name, seconds in parts(result[run]):
                width = max(seconds, 0.0) / longest * (WIDTH - LEFT - RIGHT)
                colour = COLOURS.get(name, FLOOR_COLOUR)
                rows.append(
                    f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW - 4}" '
                    f'fill="{colour}"><title>{escape(name)}: {seconds:.1f} s</title>'
                    "</rect>"
                )
                x += width
            total = result[run]["processor_seconds"]
            rows.append(_text(x + 6, y + 15, f"{total:.1f} s"))
            y += ROW
        y += GAP
    x = 12.0
    for name, colour in {"floor": FLOOR_COLOUR, **COLOURS}.items():
        rows.append(
            f'<rect x="{x:.1f}" y="12" width="11" height="11" fill="{colour}"/>'
            + _text(x + 15, 22, name)
        )
        x += 28 + 6.6 * len(name)
    height = y - GAP + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" '
        'aria-label="Processor seconds of the floor and of refreshes, by stage">\n'
        "<style>text { font: 12px sans-serif; fill: #222 } "
        ".size { font-weight: bold }</style>\n"
        '<rect width="100%" height="100%" fill="#fff"/>\n'
        + "\n".join(rows)
        + "\n</svg>\n"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _runs_table(result: Result) -> str:
    rows = [
        [
            title,
            f"{result[run]['wall_seconds']:.1f}",
            f"{result[run]['processor_seconds']:.1f}",
            f"{result[run]['peak_megabytes']:,.0f}",
        ]
        for run, title in {**RUNS, "day_floor": "floor of that day"}.items()
    ]
    return _table(["", "seconds", "of processor", "MB at the peak"], rows)


def _stages_table(result: Result) -> str:
    runs = ("full", "day", "unchanged")
    names = dict.fromkeys(s["name"] for run in runs for s in result[run]["stages"])
    rows = []
    for name in names:
        row = [name]
        for run in runs:
            stage = next((s for s in result[run]["stages"] if s["name"] == name), None)
            wall = stage["wall_seconds"] if stage else 0.0
            used = stage["processor_seconds"] if stage else None
            row.append(f"{wall:.1f}" + ("" if used is None else f" ({used:.1f})"))
        rows.append(row)
    return _table(["seconds (of processor)", *(RUNS[run] for run in runs)], rows)


def _nodes_table(result: Result) -> str:
    runs = ("full", "day", "unchanged")
    rows = [
        [name, *(f"{result[run]['node_seconds'].get(name, 0):.1f}" for run in runs)]
        for name in result["full"]["node_seconds"]
    ]
    rows.append(["tests", *(f"{result[run]['test_seconds']:.1f}" for run in runs)])
    return _table(["seconds of dbt's nodes", *(RUNS[run] for run in runs)], rows)


def measured(found: Sequence[Result]) -> str:
    """The picture and the tables, as Markdown."""
    blocks = [f"![Processor seconds by stage](images/{PICTURE.name})"]
    sizes = [f"{result['lines']:,} lines" for result in found]
    ratios = {
        "refresh_to_floor": "refresh without gates, tests and report ÷ floor",
        "whole_refresh_to_floor": "whole refresh ÷ floor",
        "day_to_full": "day with 0.1 % more ÷ full refresh",
        "unchanged_to_full": "unchanged day ÷ full refresh",
    }
    blocks.append(
        _table(
            ["processor seconds", *sizes],
            [
                [title, *(f"{result['ratios'][name]:.2f}" for result in found)]
                for name, title in ratios.items()
            ],
        )
    )
    on_disk = {
        "sources": "sources",
        "floor": "floor",
        "landing": "landing",
        "release": "release",
        "home": "home after one refresh",
        "unchanged": "more after the unchanged day",
        "day": "more after the day with 0.1 % more",
    }
    blocks.append(
        _table(
            ["MB on disk", *sizes],
            [
                [title, *(f"{result['bytes'][name] / 1e6:,.1f}" for result in found)]
                for name, title in on_disk.items()
            ],
        )
    )
    for result, lines in zip(found, sizes, strict=True):
        machine = result["machine"]
        blocks += [
            f"### {lines}",
            f"{result['measured_on']}, {machine['processors']} processors "
            f"({machine['architecture']}), Python {machine['python']}, DuckDB "
            f"{machine['duckdb']}, median of {result['repeat']}.",
            _runs_table(result),
            _stages_table(result),
            _nodes_table(result),
        ]
    return "\n\n".join(blocks)


def write(folder: Path, page: Path = PAGE, picture: Path = PICTURE) -> list[Path]:
    """Draws the results and writes them into the page.

    Returns:
        The files that were written.

    Raises:
        SystemExit: The page lacks the marks between which they go.
    """
    found = results(folder)
    text = page.read_text(encoding="utf-8")
    if not (0 <= text.find(BEGIN) < text.find(END)):
        raise SystemExit(
            f"{page} needs the lines `{BEGIN}` and `{END}`, in that order."
        )
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    picture.write_text(draw(found), encoding="utf-8")
    page.write_text(
        f"{before}{BEGIN}\n\n{measured(found)}\n\n{END}{after}", encoding="utf-8"
    )
    return [picture, page]


if __name__ == "__main__":
    write(Path(__file__).parent / "results")
