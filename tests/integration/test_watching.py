"""How the outside learns how real refreshes go: their logs, metrics and alerts."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT
from pipeline.journal import log_reading
from tests.conftest import command, environment, invoke
from tests.unit.operations import alerting
from tests.unit.operations.test_metrics import parsed, value

# What `make ui` does for the schedule and the launchpad: the job, without our command.
LAUNCHED = """
    import sys
    import dagster as dg
    from pipeline.orchestration.definitions import build_definitions
    from pipeline.common.settings import Settings
    settings = Settings.load(sys.argv[1])
    instance = dg.DagsterInstance.from_config(sys.argv[1] + "/dagster")
    job = build_definitions(settings).resolve_job_def("refresh")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    raise SystemExit(0 if result.success else 1)
"""


def test_a_refresh_can_be_followed_from_stage_to_stage(published_home: Path) -> None:
    home = Home(published_home)
    (log,) = log_reading.kept(home)
    lines = log_reading.read(home, log.refresh_id)
    assert {line["refresh_id"] for line in lines} == {log.refresh_id}
    assert len({line["run_id"] for line in lines}) == 1
    assert lines[0]["message"] == "preparing"
    begun = [line["stage"] for line in lines if line["event"] == "stage_begin"]
    ended = [line["stage"] for line in lines if line["event"] == "stage_end"]
    assert begun == ended
    assert begun[0] == "open candidate"
    assert begun[-2:] == ["publish", "report"]
    assert {"read erp", "gate in: erp", "transform", "gate out"} <= set(begun)
    models = {
        line["model"]: line["seconds"] for line in lines if line["event"] == "model"
    }
    assert {"customer_tiers", "core_order_lines", "tier_rules"} <= set(models)
    assert sum(models.values()) > 0
    rows = log_reading.rows_by_source(lines)
    assert set(rows) == {"crm", "erp", "helpdesk"}
    assert rows["helpdesk"] == {"landed": 32_476, "quarantined": 0}


def test_no_customer_stands_in_the_log(published_home: Path) -> None:
    """A check of leads failed, so there was something to tell: its rows, not their keys."""
    (log,) = log_reading.kept(Home(published_home))
    text = log.path.read_text()
    path = (published_home / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        keys = connection.execute(
            "select source_customer_id from marts.customer_source_keys "
            "where length(source_customer_id) >= 6 union select lead_id from marts.leads"
        ).fetchall()
        names = connection.execute(
            "select customer_name from marts.customers_private "
            "where customer_name like '% %' "
            "union select email from marts.customers_private where email is not null"
        ).fetchall()
    assert len(keys) > 2_000
    assert len(names) > 500
    assert '"failing_rows": 10' in text
    words = set(re.findall(r"[\w-]+", text))
    assert words.isdisjoint(str(key) for (key,) in keys)
    assert not any(name in text for (name,) in names)
    assert "@" not in text


def test_the_metrics_of_a_published_refresh(published_home: Path) -> None:
    file = published_home / "metrics" / "customer_tiers.prom"
    samples = parsed(file.read_text())
    assert value(samples, "status_exit_code") == 0
    assert value(samples, "last_attempt_state", state="published") == 1
    assert value(samples, "last_attempt_rows", source="erp", outcome="landed") > 50_000
    passed = value(
        samples, "last_attempt_checks", outcome="passed", severity="critical"
    )
    assert passed > 100
    assert value(samples, "release_warnings") > 0
    assert value(samples, "home_bytes", folder="releases") > 1e6
    told = invoke("status", "--check", "--home", published_home)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("Fine: release r000001-20140131")


@pytest.mark.slow
def test_a_failure_is_told_whoever_launched_the_run(tmp_path: Path) -> None:
    empty = tmp_path / "helpdesk"
    empty.mkdir()
    described = yaml.safe_load((PROJECT_ROOT / "sources.yaml").read_text())
    (source,) = [item for item in described["sources"] if item["name"] == "helpdesk"]
    for entity in source["entities"].values():
        entity.pop("personal", None)
    sources = {
        "version": 1,
        "sources": [{**source, "path": str(empty), "provides": ["service_tickets"]}],
    }
    (tmp_path / "sources.yaml").write_text(yaml.safe_dump(sources))
    home = Home(tmp_path / "home")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    variables = {
        "CUSTOMER_TIERS_SOURCES": str(tmp_path / "sources.yaml"),
        "CUSTOMER_TIERS_ALERTS": str(tmp_path / "alerts.yaml"),
        "HOOK_SECRET": "hook-secret",
    }
    with alerting.chat() as room:
        channels: list[dict[str, Any]] = [
            {"name": "dead", "kind": "json", "url": f"http://127.0.0.1:{port}/x"},
            {
                "name": "ops",
                "kind": "json",
                "url": room.url,
                "secret": "${HOOK_SECRET}",
            },
        ]
        alerting.settings_of(home, channels)
        result = command("refresh", "--home", home.root, **variables)
        # What cannot be told changes nothing of how the refresh ends.
        assert result.returncode == 5, result.stderr
        assert "dead" in result.stderr
        assert "Traceback" not in result.stderr
        launched = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(LAUNCHED), str(home.root)],
            cwd=PROJECT_ROOT,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert launched.returncode == 1, launched.stderr
        asked = ["status", "--check", "--notify", "--home", str(home.root)]
        checked = command(*asked, **variables)
        assert checked.returncode == 5, checked.stderr
        assert "2 alerts could not be sent" in checked.stderr
    first, second = (request.json() for request in room.requests)
    assert [told["event"] for told in (first, second)] == ["failed", "failed"]
    ids = [told["facts"]["refresh_id"] for told in (first, second)]
    assert [item.refresh_id for item in log_reading.kept(home)] == ids[::-1]
    assert first["facts"]["exit_code"] == 5
    assert "check-sources" in first["text"]
    assert second["facts"]["in_a_row"] == 2
    for refresh_id in ids:
        lines = log_reading.read(home, refresh_id)
        (ended,) = [line for line in lines if line["event"] == "attempt_end"]
        assert (ended["state"], ended["exit_code"]) == ("failed", 5)
        stopped = [line for line in lines if line["event"] == "stage_end"][-1]
        assert stopped["stage"] == "read helpdesk"
        assert "SourceUnavailable" in stopped["exception"]
    state = json.loads((home.alerts / "state.json").read_text())
    assert "hook-secret" not in json.dumps(state)
