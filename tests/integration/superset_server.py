"""A real Superset for the tests, in an environment of its own: `make superset-env`.

Superset pins other versions of SQLAlchemy, pandas and pyarrow than the pipeline, so it can
never be in ours. It is asked over HTTP as a person's browser asks it.
"""

from __future__ import annotations

import http.cookiejar
import json
import os
import secrets
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.settings import PROJECT_ROOT

CONFIG = """
SECRET_KEY = {key!r}
SQLALCHEMY_DATABASE_URI = {metadata!r}
TALISMAN_ENABLED = False
WTF_CSRF_ENABLED = False
RATELIMIT_ENABLED = False
"""


def environment() -> Path:
    """The folder of Superset's environment; skips the test where there is none."""
    folder = Path(os.environ.get("SUPERSET_VENV", PROJECT_ROOT / ".superset-venv"))
    if not (folder / "bin" / "superset").exists():
        pytest.skip(
            f"no Superset in {folder}; `make superset-env` installs it, or SUPERSET_VENV "
            "names a folder that has it"
        )
    return folder


class Superset:
    """A running Superset, and a client who has logged in.

    Attributes:
        address: Where it answers.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._token = ""
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
        )

    def login(self, name: str = "admin", password: str = "admin") -> None:
        """Every later request is this person's."""
        who = {"username": name, "password": password, "provider": "db"}
        self._token = self.post("/api/v1/security/login", who)["access_token"]

    def get(self, path: str) -> Any:
        """What it answers."""
        return self._ask(urllib.request.Request(self.address + path))

    def post(self, path: str, value: Mapping[str, Any]) -> Any:
        """What it answers to JSON."""
        request = urllib.request.Request(
            self.address + path, data=json.dumps(value).encode(), method="POST"
        )
        request.add_header("Content-Type", "application/json")
        return self._ask(request)

    def put(self, path: str, value: Mapping[str, Any]) -> Any:
        """What it answers to JSON that changes something."""
        request = urllib.request.Request(
            self.address + path, data=json.dumps(value).encode(), method="PUT"
        )
        request.add_header("Content-Type", "application/json")
        return self._ask(request)

    def import_bundle(
        self, file: Path, passwords: Mapping[str, str] | None = None
    ) -> None:
        """Imports a bundle whole, over what is there."""
        mark = secrets.token_hex(16)
        parts = [("bundle", f'; filename="{file.name}"', file.read_bytes())]
        if passwords:
            parts.append(("passwords", "", json.dumps(passwords).encode()))
        body = b""
        for name, more, value in parts:
            head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"{more}'
            body += f"{head}\r\n\r\n".encode() + value + b"\r\n"
        request = urllib.request.Request(
            f"{self.address}/api/v1/assets/import/",
            data=body + f"--{mark}--\r\n".encode(),
            method="POST",
        )
        request.add_header("Content-Type", f"multipart/form-data; boundary={mark}")
        self._ask(request)

    def charts(self, dashboard: str) -> dict[str, int]:
        """Its charts: name → id."""
        found = self.get(f"/api/v1/dashboard/{dashboard}/charts")["result"]
        return {chart["slice_name"]: chart["id"] for chart in found}

    def rows(self, chart: int) -> list[dict[str, Any]]:
        """What a chart shows, asked anew."""
        answer = self.get(f"/api/v1/chart/{chart}/data/?force=true")
        (result,) = answer["result"]
        assert result["error"] is None, result
        rows: list[dict[str, Any]] = result["data"]
        return rows

    def sql(self, database: int, query: str) -> list[dict[str, Any]]:
        """What somebody who writes SQL gets."""
        asked = {"database_id": database, "sql": query, "schema": "marts"}
        found: list[dict[str, Any]] = self.post("/api/v1/sqllab/execute/", asked)[
            "data"
        ]
        return found

    def _ask(self, request: urllib.request.Request) -> Any:
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=120) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise SupersetError(error.code, f"{request.full_url}: {text}") from error


class SupersetError(Exception):
    """What Superset refused: the code of HTTP, and what it said."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text[:3000]}")
        self.code = code


@contextmanager
def running(venv: Path, folder: Path, metadata: str) -> Iterator[Superset]:
    """A fresh Superset with an administrator, `admin`.

    Args:
        metadata: The URL of the database in which it keeps what it knows. Not SQLite's:
            there Superset holds a table's name only once, of whichever database it is.
    """
    config = folder / "superset_config.py"
    config.write_text(CONFIG.format(key=secrets.token_hex(24), metadata=metadata))
    known = {
        "PATH": f"{venv}/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "SUPERSET_CONFIG_PATH": str(config),
        "FLASK_APP": "superset",
        "OPENBLAS_NUM_THREADS": "1",
    }
    person = "--username admin --firstname A --lastname B --email a@example.com"
    for command in (
        "db upgrade",
        f"fab create-admin {person} --password admin",
        "init",
    ):
        done = subprocess.run(
            [venv / "bin" / "superset", *command.split()],
            env=known,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(venv / "bin" / "python", "-m", "gunicorn", "--bind"),
                *(f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"),
                *("--timeout", "120", "superset.app:create_app()"),
            ],
            env=known,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        superset = Superset(f"http://127.0.0.1:{port}")
        _until_it_answers(superset, process, folder / "log")
        superset.login()
        yield superset
    finally:
        process.terminate()
        process.wait(60)


def _until_it_answers(
    superset: Superset, process: subprocess.Popen[bytes], log: Path
) -> None:
    for _ in range(300):
        if process.poll() is not None:
            break
        with (
            suppress(OSError),
            socket.create_connection(
                ("127.0.0.1", int(superset.address.rpartition(":")[2])), timeout=1
            ),
        ):
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.2)
    pytest.fail(f"Superset does not answer: {log.read_text()[-3000:]}")
