"""The unit files of deploy/systemd, as systemd itself sees them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT, Settings

UNITS = PROJECT_ROOT / "deploy" / "systemd"
SERVICES = sorted(UNITS.glob("*.service"))


def test_systemd_takes_them(tmp_path: Path) -> None:
    """With the commands of this environment in the place of those in /opt."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    commands = Path(sys.executable).parent
    for path in [*SERVICES, *UNITS.glob("*.timer")]:
        text = path.read_text()
        for name in re.findall(r"/opt/customer-tiers/\.venv/bin/([\w-]+)", text):
            assert (commands / name).exists(), name
        text = text.replace("/opt/customer-tiers/.venv/bin", str(commands))
        text = text.replace("/opt/customer-tiers", str(PROJECT_ROOT))
        (tmp_path / path.name).write_text(text.replace("=customer-tiers\n", "=root\n"))
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"},
    )
    ours = [line for line in done.stderr.splitlines() if "customer-tiers" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.stem)
def test_each_service_is_private_and_not_root(path: Path) -> None:
    text = path.read_text()
    for line in (
        "User=customer-tiers",
        "UMask=0077",
        "EnvironmentFile=/etc/customer-tiers/customer-tiers.env",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
    ):
        assert line in text.splitlines()
    assert "0.0.0.0" not in text


def test_each_timer_makes_up_for_what_was_missed() -> None:
    timers = sorted(UNITS.glob("*.timer"))
    assert len(timers) == 3
    for path in timers:
        assert "Persistent=true" in path.read_text().splitlines()
        assert path.with_suffix(".service").exists()


def test_the_settings_of_the_example_are_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each variable is read, and changes something."""
    for name in [name for name in os.environ if name.startswith("CUSTOMER_TIERS_")]:
        monkeypatch.delenv(name)
    plain = Settings.load()
    lines = (UNITS / "customer-tiers.env").read_text().splitlines()
    found = dict(
        line.split("=", 1) for line in lines if line.startswith("CUSTOMER_TIERS_")
    )
    assert len(found) >= 8
    for name, value in found.items():
        text = "17" if value.isdigit() else value
        monkeypatch.setenv(name, text.replace("UTC", "Asia/Shanghai"))
        changed = Settings.load()
        differs = {
            field
            for field in Settings.__dataclass_fields__
            if field != "environment"
            and getattr(plain, field) != getattr(changed, field)
        }
        assert len(differs) == 1, name
        monkeypatch.delenv(name)
