"""Builds the demonstration company's ERP as an SQLite database.

What lives here: the schema of that ERP, with its types, keys and indexes, and the one
function that fills it from the Parquet files in `sample_data/erp`. A database source of
the demonstration then reads it like any other.

What does not live here: where the sample comes from and what in it is real
(`sample_data/build.py`, `sample_data/README.md`), and how a database is read
(`sources/database.py`).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import duckdb

from pipeline.common import engine
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import sync_file, sync_folder

# Parents before children. A column is declared with the type that SQLAlchemy reflects.
# SQLite stores NUMERIC as a double, which holds any amount below 10^11 to four
# decimals; SQLAlchemy reads it back as the exact Decimal by the declared scale.
TABLES: Final[dict[str, str]] = {
    "territories": """
        territory_id INTEGER NOT NULL PRIMARY KEY,
        region TEXT NOT NULL,
        country TEXT NOT NULL,
        territory_group TEXT NOT NULL
    """,
    "currencies": """
        currency_code TEXT NOT NULL PRIMARY KEY,
        currency_name TEXT NOT NULL
    """,
    "currency_rates": """
        currency_code TEXT NOT NULL REFERENCES currencies,
        rate_date DATE NOT NULL,
        average_rate REAL NOT NULL,
        end_of_day_rate REAL NOT NULL,
        PRIMARY KEY (currency_code, rate_date)
    """,
    "customers": """
        customer_number TEXT NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('company', 'person')),
        name TEXT NOT NULL,
        first_name TEXT,
        last_name TEXT,
        email TEXT,
        phone TEXT,
        address_line TEXT,
        city TEXT,
        state TEXT,
        postal_code TEXT,
        country_code TEXT NOT NULL,
        country TEXT NOT NULL,
        territory_id INTEGER NOT NULL REFERENCES territories,
        created_on DATE
    """,
    "company_profiles": """
        customer_number TEXT NOT NULL PRIMARY KEY REFERENCES customers,
        business_type TEXT,
        product_line TEXT,
        number_employees INTEGER,
        annual_sales NUMERIC(19, 4),
        annual_revenue NUMERIC(19, 4),
        year_opened INTEGER,
        bank_name TEXT
    """,
    "person_profiles": """
        customer_number TEXT NOT NULL PRIMARY KEY REFERENCES customers,
        birth_date DATE,
        gender TEXT,
        marital_status TEXT,
        yearly_income NUMERIC(19, 4),
        education TEXT,
        occupation TEXT,
        total_children INTEGER,
        number_cars_owned INTEGER,
        house_owner INTEGER,
        commute_distance TEXT
    """,
    "products": """
        product_id INTEGER NOT NULL PRIMARY KEY,
        product_number TEXT NOT NULL,
        product_name TEXT NOT NULL,
        subcategory TEXT,
        category TEXT,
        list_price NUMERIC(19, 4),
        standard_cost NUMERIC(19, 4),
        color TEXT,
        size TEXT,
        model_name TEXT,
        valid_from DATE NOT NULL,
        valid_to DATE,
        status TEXT
    """,
    "orders": """
        order_number TEXT NOT NULL PRIMARY KEY,
        channel TEXT NOT NULL CHECK (channel IN ('reseller', 'internet')),
        customer_number TEXT NOT NULL REFERENCES customers,
        order_date DATE NOT NULL,
        due_date DATE NOT NULL,
        ship_date DATE,
        currency_code TEXT NOT NULL REFERENCES currencies,
        booked_currency TEXT NOT NULL REFERENCES currencies,
        territory_id INTEGER NOT NULL REFERENCES territories,
        salesperson_id INTEGER,
        purchase_order_number TEXT,
        status TEXT NOT NULL
    """,
    "order_lines": """
        order_number TEXT NOT NULL REFERENCES orders,
        line_number INTEGER NOT NULL,
        product_id INTEGER NOT NULL REFERENCES products,
        quantity INTEGER NOT NULL,
        unit_price NUMERIC(19, 4) NOT NULL,
        unit_price_discount NUMERIC(19, 4) NOT NULL,
        discount_amount NUMERIC(19, 4) NOT NULL,
        sales_amount NUMERIC(19, 4) NOT NULL,
        standard_cost NUMERIC(19, 4) NOT NULL,
        total_product_cost NUMERIC(19, 4) NOT NULL,
        tax_amount NUMERIC(19, 4) NOT NULL,
        freight_amount NUMERIC(19, 4) NOT NULL,
        PRIMARY KEY (order_number, line_number)
    """,
    "invoices": """
        invoice_number TEXT NOT NULL PRIMARY KEY,
        order_number TEXT NOT NULL REFERENCES orders,
        customer_number TEXT NOT NULL REFERENCES customers,
        invoiced_on DATE NOT NULL,
        due_date DATE NOT NULL,
        paid_on DATE,
        amount NUMERIC(19, 4) NOT NULL,
        currency_code TEXT NOT NULL REFERENCES currencies
    """,
    "customer_origins": """
        customer_number TEXT NOT NULL PRIMARY KEY REFERENCES customers,
        origin TEXT NOT NULL
    """,
}

INDEXES: Final = (
    "CREATE INDEX customers_territory ON customers (territory_id)",
    "CREATE INDEX customers_name ON customers (name)",
    "CREATE INDEX products_number ON products (product_number, valid_from)",
    "CREATE INDEX orders_customer ON orders (customer_number, order_date)",
    "CREATE INDEX orders_date ON orders (order_date)",
    "CREATE INDEX order_lines_product ON order_lines (product_id)",
    "CREATE INDEX invoices_customer ON invoices (customer_number, due_date)",
)

ROWS_PER_CHUNK: Final = 20_000


def build_database(sample_dir: Path, database: Path) -> Path:
    """Makes `database` hold the ERP of the sample, and does nothing when it does.

    The database is built beside its place and renamed, so that a kill at any point
    leaves the old one or none. Two processes that come at once build it once.

    Args:
        sample_dir: The folder `sample_data`, with one Parquet file a table in `erp/`.
        database: Where the SQLite file belongs; its folder is made when missing.

    Returns:
        `database`.

    Raises:
        ConfigurationError: The sample is incomplete or does not fit the schema, or
            the database cannot be written, or another file is in its place.
    """
    fingerprint = _fingerprint(sample_dir)
    if _fingerprint_of(database) == fingerprint:
        return database
    try:
        database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(database):
            if _fingerprint_of(database) != fingerprint:
                _replace(database, sample_dir, fingerprint)
    except (duckdb.Error, sqlite3.IntegrityError) as error:
        raise ConfigurationError(
            f"The sample in {sample_dir} cannot be made a database: {error}. "
            "Restore the folder from the repository."
        ) from error
    except (OSError, sqlite3.Error) as error:
        raise ConfigurationError(
            f"{database} cannot be written: {error}. Choose another home."
        ) from error
    return database


def _parquet(sample_dir: Path, table: str) -> Path:
    return sample_dir / "erp" / f"{table}.parquet"


def _fingerprint(sample_dir: Path) -> str:
    """The hash of every Parquet file's bytes and of the schema they are laid out in."""
    digest = hashlib.sha256("".join(INDEXES).encode())
    for table, columns in TABLES.items():
        try:
            content = _parquet(sample_dir, table).read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"The demonstration needs {_parquet(sample_dir, table)}: "
                f"{error.strerror}. Restore the folder from the repository."
            ) from error
        digest.update(f"{table}{columns}{len(content)}".encode())
        digest.update(content)
    return digest.hexdigest()


def _fingerprint_of(database: Path) -> str | None:
    """The fingerprint that a database was laid out from; None where nothing is yet.

    Raises:
        ConfigurationError: The file holds something that was not made here.
    """
    if not database.exists():
        return None
    try:
        uri = f"{database.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            tables = {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master")
            }
            if not tables:  # whoever connects to a missing file leaves an empty one
                return None
            if "_layout" in tables:
                row = connection.execute("SELECT fingerprint FROM _layout").fetchone()
                return None if row is None else str(row[0])
            reason = "it has no table _layout"
    except sqlite3.Error as error:
        reason = str(error)
    raise ConfigurationError(
        f"{database} is not a database of the demonstration ({reason}). "
        "Move it away; nothing of it was changed."
    )


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Waits until no other process lays this database out.

    The kernel frees the lock however its holder ends.
    """
    path = database.with_name(f".{database.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(database: Path, sample_dir: Path, fingerprint: str) -> None:
    """Builds the database under another name and moves it to its place."""
    partial = database.with_name(f".{database.name}.partial")
    # Whoever left one behind is dead, or the lock would not be ours.
    partial.unlink(missing_ok=True)
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        _fill(partial, sample_dir, fingerprint)
        sync_file(partial)
        for leftover in ("-journal", "-wal", "-shm"):
            # It belongs to the old file and would be replayed into the new one.
            database.with_name(database.name + leftover).unlink(missing_ok=True)
        partial.replace(database)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(database.parent)


def _fill(partial: Path, sample_dir: Path, fingerprint: str) -> None:
    """Writes the whole database into an empty file that nobody else knows."""
    with (
        duckdb.connect(config=engine.config()) as parquet,
        closing(sqlite3.connect(partial, isolation_level=None)) as erp,
    ):
        # Durability comes from the sync and the rename, not from a journal.
        erp.execute("PRAGMA journal_mode = OFF")
        erp.execute("PRAGMA synchronous = OFF")
        erp.execute("BEGIN")
        for table, columns in TABLES.items():
            erp.execute(f"CREATE TABLE {table} ({columns})")
            declared = erp.execute(f"PRAGMA table_info({table})").fetchall()
            # Decimals go in as text, which SQLite turns into the nearest double.
            wanted = ", ".join(
                f"{name}::varchar" if kind == "DATE" or "NUMERIC" in kind else name
                for _, name, kind, *_ in declared
            )
            rows = parquet.execute(
                f"select {wanted} from read_parquet(?)",
                [str(_parquet(sample_dir, table))],
            )
            insert = f"INSERT INTO {table} VALUES ({', '.join('?' * len(declared))})"
            while chunk := rows.fetchmany(ROWS_PER_CHUNK):
                erp.executemany(insert, chunk)
        for index in INDEXES:
            erp.execute(index)
        if orphan := erp.execute("PRAGMA foreign_key_check").fetchone():
            raise sqlite3.IntegrityError(
                f"row {orphan[1]} of {orphan[0]} refers to no row of {orphan[2]}"
            )
        erp.execute("CREATE TABLE _layout (fingerprint TEXT NOT NULL)")
        erp.execute("INSERT INTO _layout VALUES (?)", (fingerprint,))
        erp.execute("COMMIT")
