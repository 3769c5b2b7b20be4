"""The pages of a home over HTTP, for this machine: report, Data Docs, dictionary, dbt's docs.

A browser does not open a `file://` link of a page that came over HTTP, as Dagster's does,
so the pages are served beside it. Only what is made to be looked at is: never a database,
whatever address is asked for.

    /                              what there is
    /report/...                    of the current release, whichever that is at the moment
    /dictionary/en.html, zh.html   of the current release; made when it is first asked for
    /releases/<id>/report/...      of a kept release
    /releases/<id>/dictionary/...
    /data_docs/<id>/...            of a refresh, refused ones too
    /dbt/                          dbt's own, as `docs --dbt` or `make docs` made them

Not here: what stands on the pages (`reports`, `gates.data_docs`).
"""

from __future__ import annotations

import html
import re
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote, unquote, urlsplit

from pipeline.common.errors import ConfigurationError, CustomerTiersError
from pipeline.common.home import Home
from pipeline.release import catalogue
from pipeline.reports import dictionary

ADDRESS = "127.0.0.1"
INDEX = "index.html"
# What a page may be made of; a file of another kind is none.
_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ID = re.compile(r"r\d{6,}-\d{8}")
_ALLOWED = "GET, HEAD"


@dataclass(frozen=True)
class Pages:
    """Finds the file of an address.

    Attributes:
        dbt_docs: Where dbt's own pages may lie; the first that is there is served.
    """

    home: Home
    dbt_docs: Sequence[Path] = ()

    def find(self, path: str) -> Path | None:
        """The file; None where there is none that may be served.

        Args:
            path: Of the address, decoded; begins with a slash.
        """
        match path.split("/")[1:]:
            case ["report", *rest]:
                return _inside(self._reports(self.home.current), rest)
            case ["dictionary", name]:
                return self._dictionary(self.home.current, name)
            case ["releases", release_id, "report", *rest] if _ID.fullmatch(release_id):
                return _inside(self._reports(self.home.releases / release_id), rest)
            case ["releases", release_id, "dictionary", name] if _ID.fullmatch(
                release_id
            ):
                return self._dictionary(self.home.releases / release_id, name)
            case ["data_docs", refresh_id, *rest] if _ID.fullmatch(refresh_id):
                return _inside(self.home.data_docs / refresh_id, rest)
            case ["dbt", ""]:
                return next((page for page in self.dbt_docs if page.is_file()), None)
        return None

    @staticmethod
    def _reports(release: Path) -> Path:
        return release / "reports"

    def _dictionary(self, release: Path, name: str) -> Path | None:
        languages = [one for one in dictionary.LANGUAGES if name == f"{one}.html"]
        if not languages or not release.exists():
            return None
        path = dictionary.default_path(release, languages[0])
        with _MAKING:
            if not path.exists():
                dictionary.build(release, languages[0])
        return path

    def index(self) -> str:
        """The page that names the others."""
        links: list[tuple[str, str]] = []
        try:
            release = catalogue.chosen(self.home)
        except CustomerTiersError:
            said = "Nothing is published yet. 尚未发布任何版本。"
        else:
            said = f"{release.refresh_id}, {release.as_of_date}"
            links += [("/report/", "Report 报告")]
            links += [("/dictionary/en.html", "Data dictionary")]
            links += [("/dictionary/zh.html", "数据字典")]
        found = sorted(
            (path.name for path in self.home.data_docs.glob("r*-*")), reverse=True
        )
        links += [
            (f"/data_docs/{quote(name)}/", f"Data Docs 检查结果: {name}")
            for name in found
            if _ID.fullmatch(name)
        ]
        if self.find("/dbt/"):
            links.append(("/dbt/", "dbt"))
        items = "\n".join(
            f'<li><a href="{html.escape(address)}">{html.escape(text)}</a></li>'
            for address, text in links
        )
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            "<title>customer-tiers</title></head>\n"
            f"<body><h1>customer-tiers</h1>\n<p>{html.escape(said)}</p>\n"
            f"<ul>\n{items}\n</ul></body></html>\n"
        )


# A page that two people ask for is made once.
_MAKING = threading.Lock()


def _inside(folder: Path, rest: list[str]) -> Path | None:
    """A page in a folder, and in no other, by whatever links it is reached."""
    if any(part in (".", "..") or "\\" in part or "\0" in part for part in rest):
        return None
    try:
        root = folder.resolve(strict=True)
        found = root.joinpath(*rest).resolve(strict=True)
    except (OSError, ValueError):
        return None
    if found.is_dir() and rest and rest[-1] == "":
        found = found / INDEX
    is_page = found.suffix in _TYPES and found.is_file()
    return found if is_page and found.resolve().is_relative_to(root) else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "customer-tiers"
    sys_version = ""
    # A client that says nothing does not hold its thread for ever.
    timeout = 60

    def __init__(self, pages: Pages, *arguments: object) -> None:
        self._pages = pages
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Answers with a page."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answers with what goes before a page."""
        self._answer()

    def __getattr__(self, name: str) -> object:
        # http.server asks for do_POST and whatever else somebody sends.
        if name.startswith("do_"):
            return partial(self._refuse, HTTPStatus.METHOD_NOT_ALLOWED)
        raise AttributeError(name)

    def _answer(self) -> None:
        if not self._is_for_us():
            self._refuse(HTTPStatus.MISDIRECTED_REQUEST)
            return
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self._send(self._pages.index().encode(), _TYPES[".html"])
            return
        try:
            found = self._pages.find(path)
            if found is None and self._pages.find(f"{path}/") is not None:
                self._redirect(f"{path}/")
                return
            file = found.open("rb") if found is not None else None
        except (CustomerTiersError, OSError):
            file = None
        if found is None or file is None:
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        with file:
            self._stream(file, found)

    def _is_for_us(self) -> bool:
        """Whether the browser asked for this machine by its own name.

        A page of another site could otherwise have its name point here, and read.
        """
        port = getattr(self.server, "server_port", None)
        host = self.headers.get("Host", "").lower()
        return host in {f"{ADDRESS}:{port}", f"localhost:{port}"}

    def _stream(self, file: BinaryIO, path: Path) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        self._begin(HTTPStatus.OK, _TYPES[path.suffix], size)
        if self.command != "HEAD":
            shutil.copyfileobj(file, self.wfile)

    def _send(
        self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        self._begin(status, kind, len(content))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _begin(self, status: HTTPStatus, kind: str, size: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(size))
        # What is current is asked for anew each time.
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Referrer-Policy", "no-referrer")
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", _ALLOWED)
        if status != HTTPStatus.OK:
            self.send_header("Connection", "close")
        self.end_headers()

    def _refuse(self, status: HTTPStatus) -> None:
        self.close_connection = True
        self._send(f"{status.value} {status.phrase}\n".encode(), _TYPES[".txt"], status)

    def _redirect(self, path: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", quote(path))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: an address says which customer somebody looked at."""


def serve(pages: Pages, port: int) -> ThreadingHTTPServer:
    """Opens the port; `serve_forever` then answers.

    Raises:
        ConfigurationError: The port cannot be had.
    """
    try:
        return _Server((ADDRESS, port), partial(_Handler, pages))
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            f"Port {port} on {ADDRESS} cannot be had for the pages "
            f"({getattr(error, 'strerror', None) or error}); give another with "
            "--pages-port."
        ) from error


def address_of(base: str, file: Path, home: Home) -> str:
    """Where a page of the home is opened.

    Args:
        base: Where the pages are served, such as `http://127.0.0.1:3001`; empty where
            they are not.
        file: A page of a release or of the Data Docs.

    Returns:
        Its address below `base`; of the file itself, where there is none.
    """
    path = file.absolute()
    if base:
        root = base.rstrip("/")
        places = ((home.releases, "releases"), (home.data_docs, "data_docs"))
        for folder, name in places:
            if path.is_relative_to(folder.absolute()):
                first, *rest = path.relative_to(folder).parts
                if name == "releases" and rest[:1] == ["reports"]:
                    rest[0] = "report"
                return "/".join([root, name, first, *map(quote, rest)])
    return path.as_uri()
