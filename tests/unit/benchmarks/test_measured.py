"""What a process used, and the stages of a refresh out of its log."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import measured
from benchmarks.measured import Usage
from pipeline.transform.package import PACKAGE


def test_a_command_is_accounted_for() -> None:
    code = "x = bytearray(60_000_000)\nfor _ in range(10_000_000): pass\nprint('done')"
    usage = measured.run([sys.executable, "-c", code])
    assert usage.output == "done\n"
    assert 0 < usage.processor_seconds <= 2 * usage.wall_seconds
    assert usage.peak_megabytes > 60


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")
def test_the_memory_of_who_measures_is_not_counted() -> None:
    held = b"x" * 300_000_000
    usage = measured.run([sys.executable, "-c", "import time; time.sleep(0.5)"])
    assert usage.peak_megabytes < len(held) / 1e6 / 2


def test_a_command_that_fails_ends_it_with_what_it_said() -> None:
    with pytest.raises(SystemExit, match="ended with 3:\nno source"):
        measured.run([sys.executable, "-c", "print('no source'); exit(3)"])


SAMPLED = Usage(10, 8, 100, samples=[(100, 0), (104, 2), (110, 8)])


@pytest.mark.parametrize(
    ("moment", "expected"), [(99, 0), (102, 1), (104, 2), (107, 5), (111, 8)]
)
def test_processor_seconds_lie_on_the_line_between_two_samples(
    moment: float, expected: float
) -> None:
    assert SAMPLED.processor_until(moment) == expected


def test_without_samples_nobody_knows() -> None:
    assert Usage(10, 8, 100).processor_until(105) is None


def logged(path: Path, *lines: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_stages_sum_to_the_whole(tmp_path: Path) -> None:
    ended = [("44", "read erp", 1), ("47", "read crm", 2), ("50", "transform", 3)]
    log = logged(
        tmp_path / "log.jsonl",
        {"event": "log", "ts": "1970-01-01T00:01:40Z", "message": "preparing"},
        *(
            {
                "event": "stage_end",
                "ts": f"1970-01-01T00:01:{second}Z",
                "stage": name,
                "seconds": seconds,
            }
            for second, name, seconds in ended
        ),
    )
    found = measured.stages(log, SAMPLED)
    assert [
        (stage.name, stage.wall_seconds, stage.processor_seconds) for stage in found
    ] == [("start and between", 4, 2.5), ("landing", 3, 2.5), ("transform", 3, 3)]


def test_nodes_are_added_up_by_layer(tmp_path: Path) -> None:
    nodes = {
        "stg_erp__orders": 1.0,
        "core_order_lines": 2.0,
        "core_payments": 3.0,
        "core_customer_links": 4.0,
        "core_forecast_history": 5.0,
        "order_lines": 6.0,
        "cost_pools": 7.0,
        "cost_rates": 8.0,
    }
    log = logged(
        tmp_path / "log.jsonl",
        *({"event": "model", "model": name, "seconds": s} for name, s in nodes.items()),
    )
    assert measured.node_seconds(log) == {
        "core": 5,
        "forecasts": 5,
        "identity": 4,
        "marts": 6,
        "meta": 7,
        "seeds": 8,
        "staging": 1,
    }


def test_the_named_models_are_models() -> None:
    models = {path.stem for path in (PACKAGE / "models").rglob("*.*")}
    assert models >= measured.IDENTITY
    assert models >= measured.FORECASTS
