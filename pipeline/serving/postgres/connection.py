"""Connections to the PostgreSQL that is served, and what its errors mean to a person.

No secret and no value of a row is in what is said: of an error the server's first
sentence, not its details. Not here: what is done over a connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.secrets import SHORTEST, cleared, in_url, remember
from pipeline.common.settings import POSTGRES

LEAST_VERSION = 13

# Unless the URL says otherwise. A server that went away without a word is noticed within
# a minute, rather than never.
_OPTIONS: Mapping[str, Any] = {
    "application_name": "customer-tiers export",
    "connect_timeout": 15,
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}

# An administrator may have set others for the database or the role.
_SETTINGS = (
    "set timezone = 'UTC'",
    "set datestyle = 'ISO, YMD'",
    "set statement_timeout = 0",
    "set lock_timeout = 0",
    "set idle_in_transaction_session_timeout = 0",
    "set client_min_messages = warning",
    "set search_path = pg_catalog",
)


class PostgresUnavailable(CustomerTiersError):
    """The database cannot be reached."""

    exit_code = 5


class ExportRefused(CustomerTiersError):
    """Something in the database stands in the way; readers see what they saw."""

    exit_code = 3


class ExportFailed(CustomerTiersError):
    """The server refused a step; readers see what they saw."""


@dataclass(frozen=True)
class Database:
    """The database that is served.

    Attributes:
        url: With its password, if it has one.
        address: The same for people: name and host.
    """

    url: str = field(repr=False)
    address: str

    @classmethod
    def of(cls, url: str) -> Database:
        """The database of a URL.

        Raises:
            ConfigurationError: There is no URL, or it is none.
        """
        if not url:
            raise ConfigurationError(
                f"Which database? Set {POSTGRES} to a URL such as "
                "postgresql://exporter@db.example.com/customers; the password may stand "
                "in ~/.pgpass."
            )
        remember(text for text in in_url(url) if len(text) >= SHORTEST)
        scheme, mark, rest = url.partition("://")
        try:
            if not mark or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
                raise ValueError
            if _is_cut(rest):
                raise ValueError
            rest = rest.replace(" ", "%20")
            found = conninfo_to_dict(f"postgresql://{rest}")
        except (psycopg.Error, ValueError):
            # Its error may repeat a part of the URL.
            raise ConfigurationError(
                f"{POSTGRES} is no URL of PostgreSQL; write it as "
                "postgresql://user:password@host/database, and @, / and % of a password "
                "as %40, %2F and %25."
            ) from None
        name = found.get("dbname") or found.get("user") or "the default database"
        host = found.get("host") or found.get("hostaddr") or "localhost"
        port = f":{found['port']}" if found.get("port") else ""
        return cls(f"postgresql://{rest}", f"{name} at {host}{port}")

    def connect(self) -> psycopg.Connection[Any]:
        """A connection that commits each statement by itself.

        Raises:
            PostgresUnavailable: It cannot be reached; says why without a secret.
        """
        options = {
            option: value
            for option, value in _OPTIONS.items()
            if f"{option}=" not in self.url
        }
        try:
            connection = psycopg.connect(self.url, autocommit=True, **options)
        except (psycopg.Error, OSError, UnicodeError) as error:
            reason = cleared(str(error)).strip().splitlines() or ["no reason given"]
            # Outside of the handler, and `from None`: a driver may repeat the password.
            raise PostgresUnavailable(
                f"{self.address} cannot be reached: {reason[0]}. Readers see what they "
                f"saw. Check the server and {POSTGRES}; then `customer-tiers export "
                "postgres` tries again."
            ) from None
        for setting in _SETTINGS:
            connection.execute(cast(Any, setting))
        with suppress(psycopg.Error):
            # The server notices within seconds that an export was killed; since 14.
            connection.execute("set client_connection_check_interval = '2s'")
        return connection


def _is_cut(rest: str) -> bool:
    """Whether a bare @ or / of a password would make its end the host or the port."""
    login, mark, behind = rest.partition("@")
    if not mark or "?" in login:
        return False
    return "/" in login or "@" in behind.partition("?")[0]


@contextmanager
def explained(database: Database) -> Iterator[None]:
    """Says of an error of the server what it means.

    Raises:
        PostgresUnavailable: The connection broke.
        ExportFailed: The server refused a statement.
    """
    try:
        yield
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).strip() or "nothing"
        reason = cleared(said.splitlines()[0])
        is_gone = error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))
        kind = PostgresUnavailable if is_gone else ExportFailed
        raise kind(
            f"{database.address}: {reason}. Readers see what they saw; "
            "`customer-tiers export postgres` tries again."
        ) from None


def name(*parts: str) -> sql.Identifier:
    """A name in quotes, such as `"marts"."customers"`."""
    return sql.Identifier(*parts)


def refuse_unfit(connection: psycopg.Connection[Any], database: Database) -> None:
    """Raises ConfigurationError where the server is too old, or not of Unicode."""
    version = connection.info.server_version // 10_000
    if version < LEAST_VERSION:
        raise ConfigurationError(
            f"{database.address} is PostgreSQL {version}; the copy needs "
            f"{LEAST_VERSION} or newer."
        )
    (encoding,) = connection.execute("show server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        raise ConfigurationError(
            f"{database.address} keeps its texts as {encoding}, which cannot hold every "
            "name; create the database with `encoding 'UTF8'`."
        )
