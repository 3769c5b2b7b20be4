"""One read-only connection to a source, at one moment, and no secret in what it says.

The moment is fixed when the connection is opened: PostgreSQL by a repeatable-read
transaction, MariaDB and MySQL by a consistent snapshot (of InnoDB tables; MyISAM has
none), SQLite by a read transaction. Other servers give what SQLAlchemy's default gives.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from pipeline.common.errors import SourceUnavailable
from pipeline.common.secrets import cleared
from pipeline.sources.database.columns import Backend
from pipeline.sources.passing import may_pass

# What people write, and the drivers that come with this package.
_DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
_PACKAGES = {
    "psycopg": "psycopg[binary]",
    "MySQLdb": "mysqlclient",
    "cx_Oracle": "cx-Oracle",
    "psycopg2": "psycopg2-binary",
}
_SECONDS_TO_CONNECT = 15

# Both ways of reading PostgreSQL run under these, so that both see the same text. The
# transaction stays open, idle at times, until all tables are read.
POSTGRESQL_SETTINGS = (
    "set local time zone 'UTC'",
    "set local datestyle = 'ISO, YMD'",
    "set local intervalstyle = 'iso_8601'",
    "set local extra_float_digits = 1",
    "set local bytea_output = 'hex'",
    "set local idle_in_transaction_session_timeout = 0",
)
_MYSQL_SETTINGS = (
    "set session time_zone = '+00:00'",
    # The server hangs up on who does not fetch for a minute; a gate may take longer.
    "set session net_write_timeout = 3600",
    "set session wait_timeout = 28800",
    "set session transaction isolation level repeatable read",
    "start transaction with consistent snapshot, read only",
)


def parse_url(text: str, source: str) -> sa.URL:
    """The URL, with our driver where it names none.

    Raises:
        SourceUnavailable: It is no URL.
    """
    try:
        if _has_two_ats(text):
            raise ValueError
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        # The error may repeat a part of the URL, a password with a slash among it.
        raise SourceUnavailable(
            f"{source}: the url in sources.yaml is not one SQLAlchemy understands; write "
            "the password as ${NAME}, which is encoded where it stands, or @ and / in it "
            "as %40 and %2F."
        ) from None
    return url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))


def _has_two_ats(text: str) -> bool:
    """Whether a password with a bare @ would be cut there, and its rest be the host."""
    _, _, rest = text.partition("://")
    login, _, behind = rest.partition("@")
    if login.startswith("/"):  # a path, without a login
        return False
    place, _, query = behind.partition("?")
    return "@" in place or any(
        "@" in part.partition("=")[0] for part in query.split("&")
    )


def backend_of(url: sa.URL) -> Backend:
    """Whose values come over the connection, as `columns` has to know it."""
    if url.drivername == "postgresql+psycopg":
        return "postgresql"
    if url.drivername in {"mysql+pymysql", "mariadb+pymysql"}:
        return "mysql"
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return "sqlite"
    return "other"


def connect(url: sa.URL, source: str) -> sa.Connection:
    """A connection in a read-only transaction whose moment is fixed.

    Closing it is the caller's work, with `disconnect`.

    Raises:
        SourceUnavailable: The database cannot be reached; says why without a secret.
    """
    # A password may stand in the query of a URL as well as in its place.
    address = url.set(query={}).render_as_string(hide_password=True)
    connection = None
    passes = False
    try:
        engine = _engine(url)
        connection = engine.connect()
        _fix_the_moment(connection, backend_of(url))
    except ImportError as error:
        package = _PACKAGES.get(error.name or "", error.name)
        missing = f"its driver is not installed; run: pip install '{package}'"
        error_text = missing if package else without_secrets(cause(error), url)
    except (sa.exc.SQLAlchemyError, OSError, ValueError, TypeError) as error:
        error_text = without_secrets(cause(error), url)
        passes = may_pass(error)
    else:
        return connection
    if connection is not None:
        disconnect(connection)
    # `from None` and outside of the handler: a driver may repeat the password, and the
    # chain of errors ends up in Dagster's log.
    raise SourceUnavailable(
        f"{source}: {address} cannot be reached: {error_text}", may_pass=passes
    ) from None


def disconnect(connection: sa.Connection) -> None:
    """Ends the transaction and the connection, whatever state it is in."""
    try:
        connection.close()
    except sa.exc.SQLAlchemyError:
        # The server is gone, and with it the transaction.
        connection.invalidate()
    connection.engine.dispose()


def _engine(url: sa.URL) -> sa.Engine:
    """An engine that creates no empty database where one is missing."""
    backend = backend_of(url)
    arguments: dict[str, Any] = {}
    options: dict[str, Any] = {}
    if url.get_backend_name() == "duckdb":
        arguments["read_only"] = True
    if backend == "postgresql":
        options["isolation_level"] = "REPEATABLE READ"
        if "connect_timeout" not in url.query:
            arguments["connect_timeout"] = _SECONDS_TO_CONNECT
    if backend == "mysql":
        arguments["conv"] = _mysql_values()
        if "connect_timeout" not in url.query:
            arguments["connect_timeout"] = _SECONDS_TO_CONNECT
    is_file = backend == "sqlite" and url.database
    if is_file and not str(url.database).startswith("file:"):
        url = url.set(
            database=f"file:{quote(str(url.database))}",
            query={"mode": "ro", "uri": "true"},
        )
    engine = sa.create_engine(
        url,
        poolclass=sa.NullPool,
        connect_args=arguments,
        hide_parameters=True,
        **options,
    )
    if backend == "sqlite":
        sa.event.listen(engine, "connect", _prepare_sqlite)
        # Python's driver begins no transaction for a query by itself.
        sa.event.listen(engine, "begin", _begin)
    if backend == "postgresql":
        sa.event.listen(engine, "connect", _prepare_postgresql)
    return engine


def _fix_the_moment(connection: sa.Connection, backend: Backend) -> None:
    """The first read of a transaction is what fixes its moment."""
    if backend == "postgresql":
        connection.execution_options(postgresql_readonly=True)
        for statement in POSTGRESQL_SETTINGS:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("select 1 from pg_catalog.pg_class limit 1")
    elif backend == "mysql":
        for statement in _MYSQL_SETTINGS:
            connection.exec_driver_sql(statement)
    elif backend == "sqlite":
        connection.exec_driver_sql("select 1 from sqlite_master limit 1").all()


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    connection.text_factory = _text_or_bytes


def _text_or_bytes(raw: bytes) -> str | bytes:
    """A text that is none stays bytes, so that its row is rejected and not the table."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def _prepare_postgresql(connection: Any, _record: object) -> None:
    """Days and moments come as text: Python's types have no `infinity`."""
    from psycopg.types.string import TextLoader

    for kind in ("date", "timestamp", "timestamptz"):
        connection.adapters.register_loader(kind, TextLoader)


def _mysql_values() -> dict[Any, Any]:
    """PyMySQL's conversions without those that lose something or are slow.

    Days come as text because Python's have no `0000-00-00`, times because theirs end
    after 24 hours, decimals because Arrow reads their text faster.
    """
    from pymysql import converters
    from pymysql.constants import FIELD_TYPE

    as_text = {
        FIELD_TYPE.DATE,
        FIELD_TYPE.DATETIME,
        FIELD_TYPE.TIMESTAMP,
        FIELD_TYPE.TIME,
        FIELD_TYPE.DECIMAL,
        FIELD_TYPE.NEWDECIMAL,
    }
    return {
        kind: convert
        for kind, convert in converters.conversions.items()
        if kind not in as_text
    }


def without_secrets(text: str, url: sa.URL) -> str:
    """The text with every value of the URL that may be a secret blotted out."""
    secrets = [
        secret
        for value in (url.password, *url.query.values())
        for secret in ((value,) if isinstance(value, str) else value or ())
    ]
    return cleared(text, secrets, "***")


def cause(error: BaseException) -> str:
    """The driver's own words, without SQLAlchemy's statement and parameters."""
    original: Any = getattr(error, "orig", None) or error
    arguments: tuple[Any, ...] = original.args
    if type(original).__module__.startswith("pymysql") and len(arguments) == 2:
        return str(arguments[1]).split("\n")[0]
    return str(original).strip().split("\n")[0]
