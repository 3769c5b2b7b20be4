"""A server on loopback: requests in, answers out, faults on order, and a clock.

Not here: what any service answers (one module each).
"""

from __future__ import annotations

import datetime as dt
import http.server
import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from pipeline.sources.http import Clock


class ManualClock:
    """Time that passes only by sleeping, or when a test says so.

    `ahead` is how far `now` is from the true time, as on a machine that is set wrongly.
    """

    def __init__(self, start: dt.datetime) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self._start = start
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        return self._start + dt.timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self.seconds += seconds

    def as_clock(self, ahead: dt.timedelta = dt.timedelta(0)) -> Clock:
        """The same time for a reader, whose machine may be set wrongly."""
        return Clock(
            now=lambda: self.now() + ahead,
            monotonic=self.monotonic,
            sleep=self.sleep,
        )


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """An answer.

    Attributes:
        cut_after: Hang up after so many bytes of the body.
        then: Called once all of it that is sent has been sent.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    then: Callable[[], None] = lambda: None


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """JSON; decimals are written as numbers, exactly as they are."""
    return Reply(
        status,
        written(value).encode(),
        {"content-type": "application/json;charset=UTF-8", **headers},
    )


def written(value: Any) -> str:
    """JSON in which a decimal is a number with all its digits."""
    if isinstance(value, Mapping):
        items = (
            f"{json.dumps(str(key))}:{written(item)}" for key, item in value.items()
        )
        return "{" + ",".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(written, value)) + "]"
    if isinstance(value, Decimal):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


HTML = Reply(
    200,
    b"<!DOCTYPE html><html><body>Please log in</body></html>",
    {"content-type": "text/html;charset=UTF-8"},
)

# Gives a reply in place of the stand-in's own, or None to leave it to that; it may also
# change the stand-in's data just before a request is answered.
Fault = Callable[[Asked], Reply | None]


class Standin:
    """A server whose answers are `answer`; use `serving()` as a context manager.

    Attributes:
        clock: The server's time.
        asked: Every request, in the order in which they came.
        faults: Asked before `answer`, in order; the first that replies wins.
        base_url: Where it listens; empty while it does not.
    """

    def __init__(self, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock(dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.base_url = ""
        # One request at a time: a stand-in's data is plain Python.
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Reply:
        """What the service answers."""
        raise NotImplementedError

    def calls(self, part: str) -> list[Asked]:
        """The requests whose path has this part."""
        return [asked for asked in self.asked if part in asked.path]

    def once(self, part: str, reply: Reply, *, after: int = 0) -> None:
        """One request whose path has this part is answered so, after so many others."""
        self.next_replies(part, [reply], after=after)

    def next_replies(self, part: str, replies: list[Reply], *, after: int = 0) -> None:
        """The next requests whose path has this part are answered so."""
        left, seen = deque(replies), 0

        def fault(asked: Asked) -> Reply | None:
            nonlocal seen
            if part not in asked.path or not left:
                return None
            seen += 1
            return left.popleft() if seen > after else None

        self.faults.append(fault)

    def before(self, part: str, change: Callable[[], None], *, after: int = 0) -> None:
        """Changes the data once, before the request with this part is answered."""
        seen = 0

        def fault(asked: Asked) -> Reply | None:
            nonlocal seen
            if part in asked.path:
                seen += 1
                if seen == after + 1:
                    change()
            return None

        self.faults.append(fault)

    def reply(self, asked: Asked) -> Reply:
        with self._lock:
            self.asked.append(asked)
            for fault in self.faults:
                if (reply := fault(asked)) is not None:
                    return reply
            return self.answer(asked)

    @contextmanager
    def serving(self, context: ssl.SSLContext | None = None) -> Iterator[Self]:
        """Listens on a free port of loopback, with TLS if a context is given."""
        standin = self

        class Handler(_Handler):
            def respond(self, asked: Asked) -> Reply:
                return standin.reply(asked)

        server = _Server(("127.0.0.1", 0), Handler)
        if context is not None:
            server.socket = context.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        scheme = "https" if context is not None else "http"
        self.base_url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
            self.base_url = ""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    # Those that a client keeps open end with the test.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, or does not trust us, is part of the tests."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # One packet an answer, or each would wait for the one before to be acknowledged.
    wbufsize = 2**20

    def respond(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def _serve(self) -> None:
        address = urlsplit(self.path)
        length = int(self.headers.get("content-length") or 0)
        asked = Asked(
            self.command,
            address.path,
            dict(parse_qsl(address.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        reply = self.respond(asked)
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status not in {204, 304}:
            self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        body = reply.body if reply.cut_after is None else reply.body[: reply.cut_after]
        self.wfile.write(body)
        self.wfile.flush()
        reply.then()
        if reply.cut_after is not None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = _serve  # noqa: N815 - the name that http.server calls
    do_POST = _serve  # noqa: N815
    do_PUT = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""
