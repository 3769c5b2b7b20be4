"""From `init` to a release of one's own data, as a newcomer goes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
from pathlib import Path

import duckdb
import pytest
import yaml

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.scaffold import new_project as project
from pipeline.scaffold.new_project import init
from pipeline.sources import Entity, load_sources
from pipeline.transform import canonical
from pipeline.transform import dbt as transform
from pipeline.transform.canonical import ENTITIES
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE
from tests.conftest import command, environment, invoke

FILLED = {
    "customers": {
        "source_customer_id": "id",
        "customer_type": "'company'",
        "customer_name": "name",
    },
    "products": {"source_product_id": "id", "product_name": "name"},
    "order_lines": {
        "order_id": "id",
        "line_number": "1",
        "customer_source": "'shop'",
        "source_customer_id": "customer",
        "source_product_id": "product",
        "ordered_at": "cast(day as timestamp)",
        "order_date": "cast(day as date)",
        "quantity": "cast(quantity as integer)",
        "net_amount": "cast(amount as decimal(18, 2))",
        "is_return": "cast(quantity as integer) < 0",
        "currency": "'USD'",
    },
}
FILES = {
    "customers.csv": "id,name\n1,Ann & Co\n2,Ben Ltd\n3,Never bought\n",
    "products.csv": "id,name\np,Pump\n",
    "order_lines_1.csv": "id,customer,product,day,quantity,amount\n"
    "a,1,p,2026-01-05,2,200\nb,2,p,2026-02-05,1,100\n",
    "order_lines_2.csv": "id,customer,product,day,quantity,amount\n"
    "c,1,p,2026-03-05,-1,-100\n",
}


def drop_files(folder: Path) -> Path:
    """Puts the shop's files into the inbox of a project, as if a while ago."""
    inbox = folder / "inbox"
    inbox.mkdir()
    for name, text in FILES.items():
        (inbox / name).write_text(text)
        os.utime(inbox / name, (0, 0))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    init(folder, "shop")
    return drop_files(folder)


def fill_in(folder: Path) -> None:
    """Does what the templates ask a person to do."""
    for entity, columns in FILLED.items():
        path = folder / f"dbt_project/models/staging/shop/stg_shop__{entity}.sql"
        text = path.read_text()
        for name, expression in columns.items():
            text, found = re.subn(
                rf"-- TODO\n\s+cast\(null as [^\n]*\) as {name}(,?)\n",
                rf"{expression} as {name}\1\n",
                text,
            )
            assert found == 1, name
        path.write_text(text)


@pytest.mark.slow
def test_what_is_missing_is_said_and_then_it_works(folder: Path) -> None:
    on: list[str | Path] = [
        "--home",
        folder / "data",
        "--sources",
        folder / "sources.yaml",
    ]
    first = command("check-sources", *on)
    assert first.returncode == 2
    words = " ".join(first.stdout.split())
    assert "still to be filled in: source_customer_id, customer_type" in words
    assert words.count("still to be filled in") == 3

    fill_in(folder)
    second = command("check-sources", *on)
    assert second.returncode == 0, second.stdout + second.stderr
    assert second.stdout.count("good") == 3

    refreshed = command("refresh", *on)
    assert refreshed.returncode == 0, refreshed.stderr
    assert customers(folder) == [
        ("Ann & Co", 1, 100),
        ("Ben Ltd", 1, 100),
        ("Never bought", 0, 0),
    ]


def customers(folder: Path) -> list[tuple[str, int, int]]:
    """What the release in a project's home says of each customer."""
    path = (folder / "data" / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(
            """
            select customer_name, order_count, revenue::integer
            from marts.customer_value inner join marts.customers using (customer_id)
            order by all
            """
        ).fetchall()


def test_a_project_holds_what_is_its_own_and_nothing_else(folder: Path) -> None:
    found = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.parent != folder / "inbox"
    }
    staging = "dbt_project/models/staging/shop/"
    assert {name for name in found if not name.startswith(staging)} == {
        "README.md",
        ".gitignore",
        "sources.yaml",
        "expectations/landing/shop.py",
        *(
            f"dbt_project/seeds/{path.name}"
            for path in [
                *(PACKAGE / "seeds").glob("*.csv"),
                *NEUTRAL_SEEDS.rglob("*.csv"),
            ]
        ),
    }
    assert f"{staging}stg_shop__customers.sql" in found


def test_everything_is_found_beside_sources_yaml(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("CUSTOMER_TIERS_")]:
        monkeypatch.delenv(name)
    own = (folder / "dbt_project", folder / "expectations")
    settings = Settings.load(None, folder / "sources.yaml")
    assert (settings.dbt_project, settings.expectations) == own
    monkeypatch.chdir(folder)
    settings = Settings.load()
    assert (settings.dbt_project, settings.expectations) == own
    assert settings.sources_file == folder / "sources.yaml"
    monkeypatch.setenv("CUSTOMER_TIERS_DBT_PROJECT", str(tmp_path))
    monkeypatch.setenv("CUSTOMER_TIERS_EXPECTATIONS", str(tmp_path))
    settings = Settings.load()
    assert (settings.dbt_project, settings.expectations) == (tmp_path, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert Settings.load().sources_file == tmp_path / "sources.yaml"


@pytest.mark.slow
def test_a_new_entity_is_written_once(folder: Path) -> None:
    """In `sources.yaml`; dbt knows it from there."""
    path = folder / "sources.yaml"
    described = yaml.safe_load(path.read_text())
    (source,) = described["sources"]
    source["entities"]["tickets"] = {"files": "tickets*.csv", "key": ["id"]}
    source["provides"].append("service_tickets")
    path.write_text(yaml.safe_dump(described))
    staging = folder / "dbt_project" / "models" / "staging" / "shop"
    template = staging / "stg_shop__service_tickets.sql.template"
    text = template.read_text().replace('"service_tickets"', '"tickets"')
    (staging / "stg_shop__service_tickets.sql").write_text(text)
    settings = Settings.load(folder / "data", path)
    manifest = transform.parse(load_sources(settings), settings).manifest_json
    landed = manifest["sources"]["source.customer_tiers.shop.tickets"]
    assert (landed["schema"], landed["identifier"]) == ("landing", "shop__tickets")
    node = manifest["nodes"]["model.customer_tiers.stg_shop__service_tickets"]
    assert node["depends_on"]["nodes"] == [landed["unique_id"]]


def lacking(folder: Path) -> str:
    settings = Settings.load(folder / "data", folder / "sources.yaml")
    found = project.lacks(load_sources(settings), settings)
    return " ".join(finding.message for finding in found)


@pytest.mark.parametrize(
    "sql",
    [
        "select id as other_source_customer_id, 'x' as customer_type, customer_name",
        "select -- source_customer_id\n 'x' as customer_type, customer_name",
        "select {# source_customer_id #} 'x' as customer_type, customer_name",
        "select /* source_customer_id */ 'x' as customer_type, customer_name",
        "select 'source_customer_id' as customer_type, customer_name",
        "select source_customer_ids, customer_type, customer_name",
    ],
)
def test_a_column_that_is_not_given_is_missed(folder: Path, sql: str) -> None:
    fill_in(folder)
    assert lacking(folder) == ""
    staging = folder / "dbt_project" / "models" / "staging" / "shop"
    path = staging / "stg_shop__customers.sql"
    path.write_text(f'{sql} from {{{{ source("shop", "customers") }}}}\n')
    assert "does not give the column source_customer_id." in lacking(folder)


@pytest.mark.parametrize(
    ("given", "missed"),
    [
        ("customer_name", ""),
        ("given_name", ""),
        ("family_name", ""),
        ("city", "does not give the column customer_name."),
    ],
)
def test_a_name_may_be_given_in_parts(folder: Path, given: str, missed: str) -> None:
    fill_in(folder)
    staging = folder / "dbt_project" / "models" / "staging" / "shop"
    (staging / "stg_shop__customers.sql").write_text(
        f"select source_customer_id, 'person' as customer_type, {given} "
        'from {{ source("shop", "customers") }}\n'
    )
    assert lacking(folder).endswith(missed)
    assert bool(lacking(folder)) is bool(missed)


def test_a_column_that_is_given_is_not_missed(folder: Path) -> None:
    """In capitals, in quotes, from a loop, or with all columns of another model."""
    fill_in(folder)
    staging = folder / "dbt_project" / "models" / "staging" / "shop"
    (staging / "base_shop__people.sql").write_text(
        'select "SOURCE_CUSTOMER_ID", {% for name in ["customer_name"] %}{{ name }},'
        "{% endfor %} 'x' as customer_type from {{ source('shop', 'customers') }}"
    )
    (staging / "stg_shop__customers.sql").write_text(
        "select * from {{ ref('base_shop__people') }}"
    )
    assert lacking(folder) == ""


def test_check_sources_names_a_policy_of_an_older_version(folder: Path) -> None:
    seed = folder / "dbt_project" / "seeds" / "tiers.csv"
    seed.write_text("policy_id,tier_code\n")
    settings = Settings.load(folder / "data", folder / "sources.yaml")
    with pytest.raises(ConfigurationError, match=r"tiers\.csv lacks "):
        project.lacks(load_sources(settings), settings)


def test_nothing_is_overwritten(folder: Path) -> None:
    result = invoke("init", folder)
    assert result.returncode == 2
    assert "not empty" in result.stderr


def test_a_template_for_every_canonical_entity(tmp_path: Path) -> None:
    written = {path.name for path in init(tmp_path / "x", "erp")}
    for entity in ENTITIES:
        names = {f"stg_erp__{entity}.sql", f"stg_erp__{entity}.sql.template"}
        assert names & written, entity
        assert set(ENTITIES[entity][1]) <= set(canonical.columns(entity))


def test_every_option_is_explained(tmp_path: Path) -> None:
    init(tmp_path / "x", "erp")
    text = (tmp_path / "x" / "sources.yaml").read_text()
    for name in Entity.model_fields:
        assert name == "name" or re.search(rf"^      # {name}\b.* — ", text, re.M), name


def test_the_demonstration_lacks_nothing() -> None:
    settings = Settings.load()
    assert project.lacks(load_sources(settings), settings) == []


def installed(folder: Path) -> Path:
    """An environment with the built wheel in it, and the libraries of this one.

    Nothing is fetched, and nothing of the checkout is on its path.

    Returns:
        Its Python.
    """
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    checkout = folder / "checkout"
    needed: tuple[str, ...] = ("pipeline/", "expectations/", "dbt_project/")
    needed += ("pyproject.toml", "README.md", "LICENSE")
    for name in tracked:
        if name.startswith(needed) and (PROJECT_ROOT / name).exists():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT_ROOT / name, checkout / name)
    pip = ["-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    wheels = folder / "wheels"
    run(
        sys.executable,
        *pip,
        *("wheel", "--no-deps", "--no-build-isolation", "--no-index"),
        *("--wheel-dir", wheels, checkout),
    )
    shutil.rmtree(checkout)
    (wheel,) = wheels.glob("customer_tiers-*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    site = Path(
        run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    )
    # A file `.pth` only lengthens the path: the editable install beside those libraries
    # is not seen, because its own `.pth` is not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(
        sys.executable,
        *pip,
        *("--python", python, "install", "--no-deps", "--no-index", wheel),
    )
    return python


def run(*words: str | Path, folder: Path | None = None) -> str:
    """Runs a program outside the checkout, and returns what it printed."""
    kept = {
        name: value for name, value in environment().items() if name != "PYTHONPATH"
    }
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder or Path(sys.prefix),
        env=kept,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def shout(model: Path, own: Path) -> None:
    """Writes a mart of one's own: the product's, with the names in capitals."""
    end = "\nselect * from final"
    text = model.read_text()
    assert text.rstrip().endswith(end)
    louder = "\nselect * replace (upper(product_name) as product_name) from final"
    own.write_text(text.replace(end, louder))


def products(folder: Path) -> list[str]:
    """The names of the products in the release of a project's home."""
    path = (folder / "data" / "current" / "warehouse.duckdb").resolve()
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("select product_name from marts.products").fetchall()
    return [name for (name,) in rows]


@pytest.mark.slow
def test_the_wheel_alone_is_enough(tmp_path: Path) -> None:
    """Installed outside the checkout, read-only: init, staging, refresh, dbt by hand."""
    python = installed(tmp_path)
    where = "import pipeline, dbt_project; print(pipeline.__file__)"
    site = Path(run(python, "-c", where)).parents[1]
    assert site.is_relative_to(tmp_path)
    package = site / "dbt_project"
    assert not [
        path for path in (package / "models/staging").iterdir() if path.is_dir()
    ]
    assert not (site / "expectations" / "landing").exists()
    assert not list(package.rglob("*__unit_tests.yml"))
    before = {path: path.stat().st_mtime_ns for path in package.rglob("*")}

    tiers = python.with_name("customer-tiers")
    project = tmp_path / "shop"
    run(tiers, "init", project, "--source", "shop")
    drop_files(project)
    fill_in(project)
    (project / "dbt_project" / "models" / "ours").mkdir()
    shout(
        PACKAGE / "models" / "marts" / "products.sql",
        project / "dbt_project" / "models" / "ours" / "products.sql",
    )
    run(tiers, "check-sources", folder=project)
    run(tiers, "refresh", folder=project)
    assert [name for name, *_ in customers(project)] == [
        "Ann & Co",
        "Ben Ltd",
        "Never bought",
    ]
    assert products(project) == ["PUMP"], "the project's own model"
    run(tiers, "refresh", "--no-publish", folder=project)
    (candidate,) = (project / "data" / "candidates").iterdir()
    by_hand = run(tiers, "dbt-project", folder=project)
    run(
        *("env", f"CUSTOMER_TIERS_CANDIDATE={candidate}"),
        *(python, "-m", "dbt.cli.main", "build", "--select", "+products"),
        *("--exclude", "resource_type:unit_test"),
        folder=Path(by_hand),
    )
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
def test_an_old_project_is_upgraded(tmp_path: Path) -> None:
    """One of before the package: it works as it is, and the same once it is upgraded."""
    archive = PROJECT_ROOT / "tests" / "data" / "old_project" / "project.tar.xz"
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    project = drop_files(tmp_path / "shop")
    mart = project / "dbt_project" / "models" / "marts" / "products.sql"
    shout(mart, mart)
    on = ("--sources", project / "sources.yaml", "--home", project / "data")
    first = command("refresh", *on)
    assert first.returncode == 0, first.stderr
    assert "a whole copy that an earlier version made" in first.stderr
    assert "products.sql was changed here, and takes the place" in first.stderr
    found = customers(project)
    assert len(found) == 3
    assert products(project) == ["PUMP"]

    done = command("upgrade", project)
    assert done.returncode == 0, done.stderr
    assert "products.sql was changed here" in " ".join(done.stdout.split())
    again = command("refresh", *on)
    assert again.returncode == 0, again.stderr
    assert "a whole copy" not in again.stderr
    assert customers(project) == found
    assert products(project) == ["PUMP"]
