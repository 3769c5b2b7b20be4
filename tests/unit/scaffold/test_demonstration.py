"""The demonstration's ERP: what it holds, and that it is there whole or not at all."""

import datetime as dt
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from pipeline.common.errors import ConfigurationError
from pipeline.scaffold.demonstration import TABLES, build_database

ROOT = Path(__file__).resolve().parents[3]
SAMPLE = ROOT / "sample_data"

LAY_OUT = """
import sys
from pathlib import Path
from typing import Any
from pipeline.scaffold.demonstration import build_database
build_database(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def start(sample: Path, database: Path) -> subprocess.Popen[bytes]:
    """Lays out in a process of its own, which can be killed."""
    return subprocess.Popen(
        [sys.executable, "-c", LAY_OUT, str(sample), str(database)], cwd=ROOT
    )


def scalar(database: Path, query: str) -> object:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchone()[0]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_database(SAMPLE, tmp_path_factory.mktemp("erp") / "new" / "erp.sqlite")


@pytest.fixture(scope="module")
def connection(laid_out: Path) -> Iterator[sa.Connection]:
    engine = sa.create_engine(f"sqlite:///{laid_out}")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(scope="module")
def first_orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of the first orders, laid out in a fraction of a second."""
    sample = tmp_path_factory.mktemp("first_orders")
    shutil.copytree(SAMPLE / "erp", sample / "erp")
    for table in ("orders", "order_lines", "invoices"):
        rewrite(sample, table, "select * from old where order_number < 'SO43700'")
    for table in ("currency_rates", "person_profiles"):
        rewrite(sample, table, "select * from old limit 10")
    return sample


@pytest.fixture
def sample(first_orders: Path, tmp_path: Path) -> Path:
    """A small sample that a test may change."""
    return Path(shutil.copytree(first_orders, tmp_path / "sample"))


@pytest.fixture
def database(first_orders: Path, tmp_path: Path) -> Path:
    """A database of the small sample that a test may spoil."""
    return build_database(first_orders, tmp_path / "erp.sqlite")


def rewrite(sample: Path, table: str, query: str) -> None:
    """Replaces a table of the sample by a query on `old`."""
    path = sample / "erp" / f"{table}.parquet"
    with duckdb.connect() as parquet:
        parquet.execute(f"create table old as from read_parquet('{path}')")
        parquet.sql(query).write_parquet(str(path))


def reflected(connection: sa.Connection, table: str) -> sa.Table:
    return sa.Table(table, sa.MetaData(), autoload_with=connection)


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("territories", 11),
        ("currencies", 105),
        ("currency_rates", 14_264),
        ("customers", 19_185),
        ("company_profiles", 701),
        ("person_profiles", 18_484),
        ("products", 606),
        ("orders", 31_455),
        ("order_lines", 121_253),
        ("invoices", 3_796),
        ("customer_origins", 16_613),
    ],
)
def test_rows(connection: sa.Connection, table: str, rows: int) -> None:
    query = sa.select(sa.func.count()).select_from(sa.table(table))
    assert connection.scalar(query) == rows


def test_companies_and_persons(connection: sa.Connection) -> None:
    query = sa.text("select kind, count(*) from customers group by kind order by kind")
    assert connection.execute(query).all() == [("company", 701), ("person", 18_484)]


def test_money_is_exact(connection: sa.Connection) -> None:
    lines = reflected(connection, "order_lines")
    orders = lines.metadata.tables["orders"]  # reflected by its foreign key
    query = sa.select(orders.c.channel, lines.c.sales_amount).join_from(lines, orders)
    rows: list[Any] = list(connection.execute(query))
    sales: dict[str, Decimal] = {}
    for channel, amount in rows:
        sales[channel] = sales.get(channel, Decimal(0)) + amount
    assert sales == {
        "reseller": Decimal("80450596.9823"),
        "internet": Decimal("29358677.2207"),
    }


def test_every_value_survives(connection: sa.Connection) -> None:
    """Reflection gives the types of the Parquet files and the values in them."""
    for name in TABLES:
        table = reflected(connection, name)
        keys = [column.name for column in table.primary_key]
        query = sa.select(table).order_by(*table.primary_key)
        with duckdb.connect() as parquet:
            expected = parquet.execute(
                f"from read_parquet(?) order by {', '.join(keys)}",
                [str(SAMPLE / "erp" / f"{name}.parquet")],
            )
            columns = [column[0] for column in expected.description or ()]
            assert columns == list(table.columns.keys())
            assert connection.execute(query).all() == expected.fetchall()


def test_types_that_a_reader_sees(connection: sa.Connection) -> None:
    row = connection.execute(
        sa.select(reflected(connection, "orders")).where(
            sa.column("order_number") == "SO43659"
        )
    ).one()
    assert row.order_date == dt.date(2010, 12, 29)
    price = reflected(connection, "order_lines").c.unit_price.type
    assert isinstance(price, sa.Numeric)
    assert (price.precision, price.scale) == (19, 4)


def test_keys_are_declared(connection: sa.Connection) -> None:
    inspector = sa.inspect(connection)
    assert all(
        inspector.get_pk_constraint(table)["constrained_columns"] for table in TABLES
    )
    referred = {
        key["referred_table"] for key in inspector.get_foreign_keys("order_lines")
    }
    assert referred == {"orders", "products"}


def test_only_the_owner_reads_it(laid_out: Path) -> None:
    assert stat.S_IMODE(laid_out.stat().st_mode) == 0o600
    assert names(laid_out.parent) == {"erp.sqlite", ".erp.sqlite.lock"}


def test_the_second_time_does_nothing(laid_out: Path) -> None:
    before = laid_out.stat()
    assert build_database(SAMPLE, laid_out) == laid_out
    after = laid_out.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_changed_sample_is_laid_out_again(
    first_orders: Path, sample: Path, database: Path
) -> None:
    rewrite(
        sample,
        "currencies",
        "select currency_code, upper(currency_name) as currency_name from old",
    )
    build_database(sample, database)
    query = "select currency_name from currencies where currency_code = 'USD'"
    assert scalar(database, query) == "US DOLLAR"
    build_database(first_orders, database)
    assert scalar(database, query) == "US Dollar"


@pytest.mark.parametrize("leftover", [".erp.sqlite.partial", "erp.sqlite-journal"])
def test_a_leftover_does_no_harm(
    first_orders: Path, tmp_path: Path, leftover: str
) -> None:
    (tmp_path / leftover).write_bytes(b"half of a page")
    database = build_database(first_orders, tmp_path / "erp.sqlite")
    assert scalar(database, "pragma integrity_check") == "ok"
    assert names(tmp_path) == {"erp.sqlite", ".erp.sqlite.lock"}


def test_an_empty_file_counts_as_missing(first_orders: Path, tmp_path: Path) -> None:
    database = tmp_path / "erp.sqlite"
    database.touch()
    build_database(first_orders, database)
    assert scalar(database, "select count(*) from customers") == 19_185


def test_a_kill_leaves_nothing_half(tmp_path: Path) -> None:
    database = tmp_path / "erp.sqlite"
    partial = tmp_path / ".erp.sqlite.partial"
    child = start(SAMPLE, database)
    while not partial.exists():
        assert child.poll() is None, "finished before it could be killed"
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not database.exists()
    build_database(SAMPLE, database)
    assert scalar(database, "select count(*) from order_lines") == 121_253
    assert names(tmp_path) == {"erp.sqlite", ".erp.sqlite.lock"}


def test_two_at_once(first_orders: Path, tmp_path: Path) -> None:
    database = tmp_path / "erp.sqlite"
    children = [start(first_orders, database) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    assert scalar(database, "pragma integrity_check") == "ok"
    assert names(tmp_path) == {"erp.sqlite", ".erp.sqlite.lock"}


@pytest.mark.parametrize("is_database", [True, False])
def test_a_file_of_somebody_else_is_left_alone(
    tmp_path: Path, is_database: bool
) -> None:
    database = tmp_path / "erp.sqlite"
    if is_database:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("create table precious (value text)")
    else:
        database.write_text("not a database at all, but somebody wrote it\n" * 50)
    before = database.read_bytes()
    with pytest.raises(ConfigurationError, match="Move it away"):
        build_database(SAMPLE, database)
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    ("table", "query"),
    [
        ("orders", "select * from old where order_number <> 'SO43659'"),
        ("orders", "from old union all from old"),
        ("orders", "select * exclude (order_date) from old"),
    ],
    ids=["orphan lines", "double key", "missing column"],
)
def test_a_spoilt_sample_changes_nothing(
    sample: Path, database: Path, table: str, query: str
) -> None:
    before = database.read_bytes()
    rewrite(sample, table, query)
    with pytest.raises(ConfigurationError, match="cannot be made a database"):
        build_database(sample, database)
    assert database.read_bytes() == before
    assert names(database.parent) == {"erp.sqlite", ".erp.sqlite.lock", "sample"}


def test_a_missing_table_is_named(sample: Path, tmp_path: Path) -> None:
    (sample / "erp" / "products.parquet").unlink()
    with pytest.raises(ConfigurationError, match=r"products\.parquet"):
        build_database(sample, tmp_path / "erp.sqlite")
    assert not (tmp_path / "erp.sqlite").exists()
