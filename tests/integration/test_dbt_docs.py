"""dbt's own pages of the project: one file that needs no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.home import Home
from tests.conftest import invoke


@pytest.mark.slow
def test_dbts_own_pages_are_one_file(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    said = invoke("docs", "--dbt", "--home", home.root)
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip() == str(home.dbt_docs)
    page = home.dbt_docs.read_text(encoding="utf-8")
    assert "model.customer_tiers.customer_360" in page
    assert "What a person wants to see of a customer first" in page


def test_they_are_of_the_project_and_not_of_a_release(tmp_path: Path) -> None:
    said = invoke("docs", "r000001-20140131", "--dbt", "--home", tmp_path / "home")
    assert said.returncode == 2
    assert "not of a release" in said.stderr
