"""The rooms of `pipeline/`: who may import whom, as `pyproject.toml` declares it."""

from __future__ import annotations

from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from pipeline.common.settings import PROJECT_ROOT


def test_the_import_contracts_hold(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(PROJECT_ROOT)
    status = lint_imports(
        config_filename=str(PROJECT_ROOT / "pyproject.toml"), no_cache=True
    )
    assert status == EXIT_STATUS_SUCCESS
