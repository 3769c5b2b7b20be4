"""The unit files of deploy/systemd, as systemd itself sees them."""

from __future__ import annotations

import os
import re
import shutil
import stat
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


def test_systemd_makes_the_group_of_readers_and_lets_it_in(tmp_path: Path) -> None:
    """Accounts first, then rights: in a root folder of the test's own."""
    if os.getuid() != 0 or shutil.which("systemd-sysusers") is None:
        pytest.skip("not root, or no systemd here")
    below = tmp_path / "var" / "lib" / "customer-tiers"
    (below / "project").mkdir(parents=True)
    (tmp_path / "etc").mkdir()

    def systemd(*command: str) -> None:
        name, *options = command
        (file,) = UNITS.glob(f"*.{name}")
        done = subprocess.run(
            [f"systemd-{name}", f"--root={tmp_path}", *options, str(file)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, file.name in done.stderr) == (0, False), done

    systemd("sysusers")
    users = ids_of(tmp_path / "etc" / "passwd")
    groups = ids_of(tmp_path / "etc" / "group")
    owner = users["customer-tiers"]
    os.chown(below / "project", owner, groups["customer-tiers"])
    systemd("tmpfiles", "--create")
    members = {
        line.split(":")[0]: {*line.split(":")[3].split(",")}
        for line in (tmp_path / "etc" / "group").read_text().splitlines()
    }
    assert members["customer-tiers-readers"] == {
        "customer-tiers",
        "customer-tiers-reader",
    }
    ours, readers = groups["customer-tiers"], groups["customer-tiers-readers"]
    found = {
        path.relative_to(below).as_posix(): (
            oct(stat.S_IMODE(path.stat().st_mode)),
            path.stat().st_uid,
            path.stat().st_gid,
        )
        for path in (below, *below.rglob("*"))
    }
    assert found == {
        ".": ("0o710", owner, readers),
        "project": ("0o700", owner, ours),
        "home": ("0o710", owner, readers),
        "home/releases": ("0o750", owner, readers),
    }


def ids_of(path: Path) -> dict[str, int]:
    """Name → number, of users or groups."""
    lines = [line.split(":") for line in path.read_text().splitlines()]
    return {fields[0]: int(fields[2]) for fields in lines}
