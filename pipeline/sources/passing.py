"""Which errors of a source may pass by themselves, so that reading it again can help.

Recognised by what drivers and systems number, not by their prose, where there are
numbers. What is not known to pass does not: a wrong password that is tried again locks
the account.
"""

from __future__ import annotations

import errno
import re
from typing import Any, Final

_ERRNOS: Final = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.ECONNABORTED,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.EIO,
    errno.ENETDOWN,
    errno.ENETRESET,
    errno.ENETUNREACH,
    errno.ENOTCONN,
    errno.EPIPE,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.ETXTBSY,
}

# Of SQL's own codes: the connection is gone, no resources, a deadlock, a lock that was not
# to be had, a statement that was cancelled, a server that stops or starts.
_STATES: Final = re.compile(
    r"08...|53...|40...|55P03|55006|57014|57P0[1235]|58030|HYT.."
)

# MySQL and MariaDB: cannot connect, too many connections, the server stops, a lock that
# was not to be had, a deadlock, interrupted, killed, gone.
_MYSQL: Final = {
    1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1226, 1317, 1927, 1969,
    2002, 2003, 2005, 2006, 2013, 2055, 3024, 4031,
}  # fmt: skip

# SQLite's busy, locked, error of the disk and of the locking protocol.
_SQLITE: Final = {5, 6, 10, 15}

# An error without a number: libpq when it connects, SQLAlchemy, DuckDB. These texts are
# made on this side of the connection and are not translated.
_TEXTS: Final = re.compile(
    r"connection refused|connection reset|connection timed out|timeout expired"
    r"|connection timeout|could not translate host name|temporary failure in name"
    r"|no route to host|network is unreachable|host is down"
    r"|closed the connection unexpectedly|connection is lost|connection is closed"
    r"|ssl syscall error|broken pipe|the database system is (starting|shutting)"
    r"|not yet accepting connections|too many (clients|connections)"
    r"|remaining connection slots|database is locked|could not set lock on file",
    re.IGNORECASE,
)


def may_pass(error: BaseException) -> bool:
    """Whether an error, or one that it was raised from, is known to pass at times."""
    seen: BaseException | None = error
    while seen is not None:
        if (verdict := _verdict(seen)) is not None:
            return verdict
        seen = getattr(seen, "orig", None) or seen.__cause__
    return False


def status_may_pass(status: int) -> bool:
    """Whether an answer of a web service with this status is worth asking again."""
    return status in {408, 425, 429} or (
        500 <= status <= 599 and status not in {501, 505}
    )


def _verdict(error: BaseException) -> bool | None:
    """What the error itself says; None where it says nothing either way."""
    explicit = getattr(error, "may_pass", None)
    if explicit is not None:
        return bool(explicit) or None
    if isinstance(error, ConnectionError | TimeoutError):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _ERRNOS
    if state := getattr(error, "sqlstate", None):
        return _STATES.fullmatch(str(state)) is not None
    code: Any = getattr(error, "sqlite_errorcode", None)
    if code is not None:
        return (code & 0xFF) in _SQLITE
    module = type(error).__module__
    arguments = error.args
    if module.startswith("pymysql") and arguments and isinstance(arguments[0], int):
        return arguments[0] in _MYSQL
    if getattr(error, "orig", None) is None and _is_of_a_driver(module):
        return _TEXTS.search(str(error)) is not None
    return None


def _is_of_a_driver(module: str) -> bool:
    known = {
        "psycopg",
        "adbc_driver_manager",
        "sqlite3",
        "duckdb",
        "_duckdb",
        "sqlalchemy",
    }
    return module.partition(".")[0] in known
