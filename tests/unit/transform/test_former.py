"""An old project, with a whole copy of the product's models: what of it is its own."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.scaffold.upgrade import upgrade
from pipeline.sources import load_sources
from pipeline.transform import former, package, project
from pipeline.transform.package import PACKAGE

STAGING = {
    f"models/staging/shop/stg_shop__{entity}.sql"
    for entity in ("customers", "products", "order_lines")
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    archive = PROJECT_ROOT / "tests" / "data" / "old_project" / "project.tar.xz"
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    return tmp_path / "shop"


def append(path: Path, text: str = "\n-- ours\n") -> None:
    path.write_text(path.read_text() + text)


def test_what_nobody_changed_is_the_packages(old: Path) -> None:
    copy = former.classify(old / "dbt_project")
    own = {name for name in copy.own if not name.startswith("seeds/")}
    assert own == STAGING | {"models/staging/shop/_shop__sources.yml"}
    assert {name for name in copy.own if name.startswith("seeds/")} <= {
        f"seeds/{path.name}" for path in (PACKAGE / "seeds").rglob("*.csv")
    }
    assert (copy.replacing, copy.set_aside) == ([], {})
    assert copy.dropped > 100


def test_what_somebody_changed_is_kept_or_named(old: Path) -> None:
    folder = old / "dbt_project"
    append(folder / "models" / "marts" / "customers.sql")
    append(folder / "macros" / "dialect.sql")
    append(folder / "models" / "marts" / "_marts__models.yml", "\n# ours\n")
    append(folder / "dbt_project.yml", "\n# ours\n")
    mine = folder / "models" / "marts" / "our_mart.sql"
    mine.write_text("select 1 as one")
    seed = folder / "seeds" / "tier_overrides.csv"
    append(seed, "shop,1,key,they asked,Ann,2026-01-01,2027-01-01\n")
    copy = former.classify(folder)
    assert copy.replacing == ["models/marts/customers.sql"]
    assert set(copy.set_aside) == {
        "macros/dialect.sql",
        "models/marts/_marts__models.yml",
        "dbt_project.yml",
    }
    for path in (mine, seed):
        assert copy.own[path.relative_to(folder).as_posix()] == path
    sentences = " ".join(copy.sentences())
    for name in ("customers.sql", "dialect.sql", "_marts__models.yml"):
        assert name in sentences


def test_a_policy_that_nobody_wrote_and_none_can_read_gives_way(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former, "missing_columns", lambda *_: ["new"])
    copy = former.classify(old / "dbt_project")
    assert not [name for name in copy.own if name.startswith("seeds/")]
    path = old / "dbt_project" / "seeds" / "tiers.csv"
    append(path, "")
    assert "seeds/tiers.csv" not in former.classify(path.parents[1]).own
    append(path, "\n")
    assert "seeds/tiers.csv" in former.classify(path.parents[1]).own


def test_an_old_project_works_as_it_is(
    old: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings.load(old / "home", old / "sources.yaml")
    folder = project.compose(load_sources(settings), settings)
    found = package.files(folder)
    mart = "models/marts/customers.sql"
    assert found[mart].resolve() == PACKAGE / mart
    for name in STAGING:
        assert found[name].resolve() == old / "dbt_project" / name
    assert f"customer-tiers upgrade {old}" in caplog.text


def test_an_upgrade_leaves_what_is_the_projects_own(old: Path) -> None:
    before = {
        path.relative_to(old): path.read_bytes()
        for path in old.rglob("*")
        if path.is_file()
    }
    settings = Settings.load(old / "home", old / "sources.yaml")
    folder = project.compose(load_sources(settings), settings)
    as_it_was = {name: path.read_text() for name, path in package.files(folder).items()}
    done = upgrade(old)
    assert not former.is_copy(old / "dbt_project")
    there = set(package.files(old / "dbt_project"))
    assert there == set(done.own) >= STAGING
    assert list((old / "dbt_project").rglob("stg_shop__leads.sql.template"))
    assert not (old / "expectations" / "marts.py").exists()
    folder = project.compose(load_sources(settings), settings)
    assert as_it_was == {
        name: path.read_text() for name, path in package.files(folder).items()
    }
    # Nothing is lost: what is not in its place lies in before-upgrade.
    for name, content in before.items():
        places = [old / name, done.aside / name]
        assert content in [path.read_bytes() for path in places if path.exists()], name


def test_own_suites_of_before_are_kept_and_named(old: Path) -> None:
    append(old / "expectations" / "marts.py", "\n# ours\n")
    done = upgrade(old)
    assert (old / "expectations" / "marts.py").exists()
    assert "expectations/marts.py was changed here" in " ".join(done.sentences)


def test_nothing_is_upgraded_twice(old: Path) -> None:
    upgrade(old)
    with pytest.raises(ConfigurationError, match="there is nothing to upgrade"):
        upgrade(old)


def test_nothing_is_overwritten(old: Path) -> None:
    (old / "before-upgrade").mkdir()
    with pytest.raises(ConfigurationError, match="is there already"):
        upgrade(old)
