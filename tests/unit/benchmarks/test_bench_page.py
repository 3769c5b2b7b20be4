"""The page of what was measured: drawn from all results, between its marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks import bench_page
from benchmarks.bench_page import BEGIN, END


def run(processor: float, **stages: float) -> dict[str, Any]:
    return {
        "wall_seconds": processor,
        "processor_seconds": processor,
        "peak_megabytes": 100.0,
        "stages": [
            {"name": name, "wall_seconds": used, "processor_seconds": used}
            for name, used in stages.items()
        ],
        "node_seconds": {"core": 1.0},
        "test_seconds": 0.5,
    }


def result(lines: int) -> dict[str, Any]:
    return {
        "lines": lines,
        "measured_on": "2026-01-01",
        "machine": {
            "processors": 2,
            "architecture": "x86_64",
            "python": "3.11",
            "duckdb": "1.5.5",
        },
        "repeat": 3,
        "floor": run(2.0),
        "full": run(20.0, landing=4.0, transform=15.0, other=1.0),
        "day": run(10.0, transform=10.0),
        "unchanged": run(5.0, transform=5.0),
        "day_floor": run(2.0),
        "bytes": dict.fromkeys(
            ["sources", "floor", "landing", "release", "home", "unchanged", "day"], 1e6
        ),
        "ratios": dict.fromkeys(
            [
                "refresh_to_floor",
                "whole_refresh_to_floor",
                "day_to_full",
                "unchanged_to_full",
            ],
            1.5,
        ),
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for lines in (1_000_000, 200_000):
        path = tmp_path / f"lines-{lines}.json"
        path.write_text(json.dumps(result(lines)))
    return tmp_path


def test_what_was_measured_replaces_what_stood_there(folder: Path) -> None:
    page, picture = folder / "page.md", folder / "picture.svg"
    page.write_text(f"before\n{BEGIN}\nold figures\n{END}\nafter\n")
    for _ in range(2):
        bench_page.write(folder, page, picture)
        text = page.read_text()
        assert text.startswith(f"before\n{BEGIN}\n")
        assert text.endswith(f"{END}\nafter\n")
        assert "old figures" not in text
        assert text.index("### 200,000 lines") < text.index("### 1,000,000 lines")


def test_a_page_without_marks_is_refused(folder: Path) -> None:
    page = folder / "page.md"
    page.write_text(f"{END}\n{BEGIN}\n")
    with pytest.raises(SystemExit, match="needs the lines"):
        bench_page.write(folder, page, folder / "picture.svg")
    assert not (folder / "picture.svg").exists()


def test_a_bar_is_as_long_as_its_run(folder: Path) -> None:
    drawn = ElementTree.fromstring(bench_page.draw([result(1_000_000)]))
    bars = [
        float(bar.attrib["width"])
        for bar in drawn.iter("{http://www.w3.org/2000/svg}rect")
        if len(bar)
    ]
    # The floor; the refresh with what has no colour of its own; the day; the unchanged day.
    assert [round(bar / 25) for bar in bars] == [2, 1, 4, 15, 10, 5]


def test_the_committed_page_is_that_of_the_committed_results(tmp_path: Path) -> None:
    page, picture = tmp_path / "performance.md", tmp_path / "performance.svg"
    page.write_bytes(bench_page.PAGE.read_bytes())
    bench_page.write(bench_page.DOCS.parent / "benchmarks" / "results", page, picture)
    assert page.read_text() == bench_page.PAGE.read_text()
    assert picture.read_text() == bench_page.PICTURE.read_text()
