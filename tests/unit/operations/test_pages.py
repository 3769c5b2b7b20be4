"""The pages over HTTP: what is served, what never is, and who may ask."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.operations import pages
from tests.unit.serving.releases import publish


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


@pytest.fixture
def server(home: Home, tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    (tmp_path / "dbt.html").write_text("dbt's own")
    found = pages.serve(pages.Pages(home, [home.dbt_docs, tmp_path / "dbt.html"]), 0)
    threading.Thread(target=found.serve_forever, daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


Answer = tuple[int, str, http.client.HTTPMessage]


def ask(
    server: ThreadingHTTPServer, path: str, method: str = "GET", host: str = ""
) -> Answer:
    port = server.server_address[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.putheader("Content-Length", "0")
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def with_pages(home: Home, text: str) -> Path:
    """A release with a report, account plans and Data Docs; its folder."""
    folder = publish(home).path
    for name in ("index.html", "zh/index.html", "data_docs/index.html", "style.css"):
        path = folder / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text} {name}")
    (home.data_docs).mkdir(exist_ok=True)
    (home.data_docs / folder.name).symlink_to(folder / "reports" / "data_docs")
    return folder


def test_the_report_is_that_of_the_release_that_is_current(
    home: Home, server: ThreadingHTTPServer
) -> None:
    assert ask(server, "/report/")[0] == 404  # nothing is published yet
    assert "Nothing is published yet" in ask(server, "/")[1]
    first = with_pages(home, "first")
    status, text, headers = ask(server, "/report/")
    assert (status, text) == (200, "first index.html")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert ask(server, "/report/zh/index.html")[1] == "first zh/index.html"
    assert ask(server, "/report/style.css")[2]["Content-Type"].startswith("text/css")
    with_pages(home, "second")
    assert ask(server, "/report/index.html?x=1")[1] == "second index.html"
    kept = f"/releases/{first.name}/report/"
    assert ask(server, kept)[1] == "first index.html"
    assert ask(server, f"/data_docs/{first.name}/")[1] == "first data_docs/index.html"
    assert ask(server, "/dbt/")[1] == "dbt's own"
    index = ask(server, "/")[1]
    for link in ("/report/", "/dictionary/zh.html", f"/data_docs/{first.name}/"):
        assert f'href="{link}"' in index


def test_a_folder_without_its_slash_is_sent_to_it(
    home: Home, server: ThreadingHTTPServer
) -> None:
    with_pages(home, "first")
    status, _, headers = ask(server, "/report/zh")
    assert (status, headers["Location"]) == (302, "/report/zh/")
    assert ask(server, "/report")[2]["Location"] == "/report/"


def test_the_dictionary_is_made_when_it_is_asked_for(
    home: Home, server: ThreadingHTTPServer
) -> None:
    folder = with_pages(home, "first")
    assert not (folder / "reports" / "dictionary.zh.html").exists()
    status, text, _ = ask(server, "/dictionary/zh.html")
    assert status == 200
    assert "数据字典" in text
    assert ask(server, f"/releases/{folder.name}/dictionary/en.html")[0] == 200
    for path in (
        "/dictionary/fr.html",
        "/releases/r999999-20240131/dictionary/en.html",
    ):
        assert ask(server, path)[0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "/report/../warehouse.duckdb",
        "/report/%2e%2e/warehouse.duckdb",
        "/report/..%2fwarehouse.duckdb",
        "/report/zh/../../release.json",
        "/report/%2Fetc%2Fpasswd",
        "/report//etc/passwd",
        "/report/..%5cwarehouse.duckdb",
        "/report/%00",
        "/report/secret.html",
        "/report/private.duckdb",
        "/report/zh/",
        "/releases/{id}/warehouse.duckdb",
        "/releases/{id}/release.json",
        "/releases/../logs/report/",
        "/releases/{id}%2f..%2f..%2flogs/report/",
        "/data_docs/{id}/../index.html",
        "/data_docs/../current/release.json",
        "/private.duckdb",
        "/current/warehouse.duckdb",
        "/dictionary/../release.json",
        "//etc/passwd",
        "/dbt/../dbt_project.yml",
    ],
)
def test_nothing_else_is_served(
    home: Home, server: ThreadingHTTPServer, path: str, tmp_path: Path
) -> None:
    folder = with_pages(home, "first")
    (folder / "reports" / "zh" / "index.html").unlink()
    (tmp_path / "secret.html").write_text("secret")
    (folder / "reports" / "secret.html").symlink_to(tmp_path / "secret.html")
    (folder / "reports" / "private.duckdb").write_text("secret")
    assert (folder / "warehouse.duckdb").exists()
    status, text, _ = ask(server, path.format(id=folder.name))
    assert (status, text) == (404, "404 Not Found\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "NONSENSE"])
def test_pages_are_only_read(
    home: Home, server: ThreadingHTTPServer, method: str
) -> None:
    with_pages(home, "first")
    status, _, headers = ask(server, "/report/", method)
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    status, text, headers = ask(server, "/report/", "HEAD")
    assert (status, text) == (200, "")
    assert headers["Content-Length"] == str(len("first index.html"))


def test_who_comes_by_another_name_is_sent_away(
    home: Home, server: ThreadingHTTPServer
) -> None:
    """A page of another site whose name points here reads nothing."""
    with_pages(home, "first")
    port = server.server_address[1]
    assert ask(server, "/report/", host=f"localhost:{port}")[0] == 200
    for host in ("evil.example.com", f"evil.example.com:{port}", "127.0.0.1", "x"):
        assert ask(server, "/report/", host=host)[:2] == (
            421,
            "421 Misdirected Request\n",
        )


def test_it_listens_on_this_machine_alone_and_says_when_it_cannot(
    home: Home, server: ThreadingHTTPServer, tmp_path: Path
) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"Port {port} .*--pages-port"):
            pages.serve(pages.Pages(home), port)


def test_a_page_has_its_address_where_pages_are_served(home: Home) -> None:
    folder = with_pages(home, "first")
    report = folder / "reports" / "index.html"
    docs = home.data_docs / folder.name / "index.html"
    base = "http://127.0.0.1:3001/"
    assert pages.address_of("", report, home) == report.as_uri()
    found = pages.address_of(base, report, home)
    assert found == f"{base}releases/{folder.name}/report/index.html"
    assert pages.address_of(base, docs, home) == (
        f"{base}data_docs/{folder.name}/index.html"
    )
    other = home.logs / "x.html"
    assert pages.address_of(base, other, home) == other.as_uri()
