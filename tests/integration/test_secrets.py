"""A password with every odd sign works, and nothing that a home holds has a piece of it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa

from tests.conftest import command
from tests.integration import servers
from tests.integration.shop import PROJECT, Shop, export_days
from tests.unit.support import found_in

PASSWORD = "Zw7qK9vx@Lm3pTn5c$Rd8fYb2g/Hj4kWs6n#Vc1tMx0z %41Qp9lEu3r \"Gb5y'Ok7d"
PIECES = re.findall(r"\w{8}", PASSWORD)
WRITTEN = [
    PASSWORD,
    quote(PASSWORD),
    quote(PASSWORD, ""),
    quote_plus(PASSWORD),
    base64.b64encode(PASSWORD.encode()).decode(),
    *PIECES,
]


@pytest.fixture
def database() -> Iterator[sa.URL]:
    """A server whose reader has that password."""
    with servers.postgresql() as url:
        owner = servers.Database("postgresql", url, "")
        written = PASSWORD.replace("'", "''")
        owner.run(
            f"alter role reader password '{written}'",
            "create table notes (id integer primary key, paid money)",
            "insert into notes values (1, '1234.50')",
            "grant select on notes to reader",
        )
        yield url


def sources(folder: Path, url: sa.URL, user: str, table: str) -> Path:
    """The shop's sources and one more, in the database."""
    host = url.query["host"]
    path = folder / "sources.yaml"
    path.write_text(
        f"dbt_project: {PROJECT / 'dbt_project'}\n"
        f"expectations: {PROJECT / 'expectations'}\n"
        + (PROJECT / "sources.yaml").read_text()
        + f"""
  - name: crm
    kind: database
    url: postgresql://{user}:${{CRM_PASSWORD}}@/{url.database}?host={host}
    provides: []
    retry: {{tries: 1}}
    entities:
      notes: {{key: [id], table: {table}, load: snapshot}}
"""
    )
    return path


@pytest.mark.slow
def test_no_file_and_no_answer_holds_a_secret(tmp_path: Path, database: sa.URL) -> None:
    assert len(PIECES) == 6
    days = tmp_path / "days"
    days.mkdir()
    shop = Shop(tmp_path / "shop")
    shop.drop(export_days(days)[-10:])
    variables = {**shop.variables, "CRM_PASSWORD": PASSWORD}
    said = []

    def run(name: str, *arguments: str | Path) -> int:
        result = command(name, "--home", shop.home, *arguments, **variables)
        said.append(result.stdout + result.stderr)
        return result.returncode

    for user, table in [
        ("nobody", "notes"),
        ("reader", "missing"),
        ("reader", "notes"),
    ]:
        path = sources(tmp_path, database, user, table)
        variables["CUSTOMER_TIERS_SOURCES"] = str(path)
        code = run("refresh")
        is_right = (user, table) == ("reader", "notes")
        assert code == (0 if is_right else 5), said[-1]
        run("status", "--json")
        run("logs")
        checked = command("check-sources", "--sources", path, **variables)
        said.append(checked.stdout + checked.stderr)
        for piece in WRITTEN:
            assert piece not in "".join(said), piece
    # What SQLite wrote beside a file first: whoever opens and closes the file takes it in.
    files = sorted(
        (path for path in shop.home.rglob("*") if path.is_file()),
        key=lambda path: not path.name.endswith(("-wal", "-shm")),
    )
    assert len(files) > 20
    names = [path.name for path in files]
    assert "release.json" in names
    assert "warehouse.duckdb" in names
    holding = {path: found for path in files if (found := found_in(path, WRITTEN))}
    assert holding == {}
    # The home does hold what the database gave.
    assert any("/crm/notes/" in str(path) for path in files)
