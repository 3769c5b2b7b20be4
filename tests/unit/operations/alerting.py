"""Homes in every state, and real servers on loopback that take alerts as the services do.

The servers check what the services check (signatures, formats, sizes) with code of their
own, and answer as they are asked to for tests of faults.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import http.server
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.journal import attempts, evidence
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import candidates, layout, promotion, sealing, verification

GATES = ["in.shop", "transform", "out"]
TODAY = dt.datetime.now(dt.UTC).date()

Answer = tuple[int, Mapping[str, str], bytes]


# Homes


def broken(name: str, **changes: Any) -> Check:
    """A critical check that failed, with an example that nobody outside may see."""
    values: dict[str, Any] = {
        "gate": "out",
        "subject": "marts.customers",
        "name": name,
        "severity": "critical",
        "outcome": "failed",
        "expected": "every customer is one",
        "observed": "'Jon Yang'",
        "failing_rows": 12,
        "examples": [{"customer_name": "Jon Yang", "email": "jon24@example.com"}],
    }
    return Check(**values | changes)


def begun(home: Home, *, as_of: dt.date | None = None) -> layout.Candidate:
    """An attempt that has begun and did not end."""
    return candidates.open_candidate(
        home,
        run_id="run",
        as_of_date=as_of or TODAY - dt.timedelta(days=1),
        time_zone="UTC",
        reporting_currency="USD",
    )


def published(
    home: Home, *, as_of: dt.date | None = None, age: dt.timedelta = dt.timedelta(0)
) -> str:
    """A release that was sealed so long ago."""
    candidate = begun(home, as_of=as_of)
    candidate.warehouse_file.write_bytes(b"a warehouse")
    for gate in GATES:
        check = broken("n", gate=gate, outcome="passed", failing_rows=None, examples=[])
        evidence.save(
            candidate.evidence_folder,
            Evidence(
                gate=gate,
                refresh_id=candidate.refresh_id,
                planned=1,
                checks=[check],
                files=verification.hashes(candidate),
            ),
        )
    sealing.seal(candidate, GATES)
    promotion.promote(home, candidate.refresh_id, GATES)
    attempts.end(home, candidate.refresh_id, "published")
    if age:
        shift(home, candidate.refresh_id, age)
    return candidate.refresh_id


def shift(home: Home, refresh_id: str, age: dt.timedelta) -> None:
    """Puts a release and its attempt into the past; with a negative age, the future."""
    path = home.releases / refresh_id / "release.json"
    record = read_json(path)
    sealed = dt.datetime.fromisoformat(record["sealed_at"]) - age
    write_json(path, {**record, "sealed_at": sealed.isoformat()})
    path = home.attempts / f"{refresh_id}.json"
    attempt = read_json(path)
    for name in ("started_at", "ended_at"):
        moment = dt.datetime.fromisoformat(attempt[name]) - age
        attempt[name] = moment.isoformat()
    write_json(path, attempt)


def refused(home: Home, checks: Sequence[Check] | None = None) -> str:
    """An attempt that a gate refused, with its evidence."""
    candidate = begun(home)
    found = list(checks if checks is not None else [broken("names_are_unique")])
    gate = Evidence("out", candidate.refresh_id, len(found), found)
    evidence.save(candidate.evidence_folder, gate)
    with attempts.stage(home, candidate.refresh_id, "gate out"):
        pass
    attempts.end(
        home,
        candidate.refresh_id,
        "refused",
        "gate out: " + "; ".join(gate.problems()),
        exit_code=3,
    )
    return candidate.refresh_id


def failed(home: Home, reason: str = "read shop: no file", exit_code: int = 1) -> str:
    """An attempt that failed."""
    candidate = begun(home)
    attempts.end(home, candidate.refresh_id, "failed", reason, exit_code=exit_code)
    return candidate.refresh_id


def settings_of(
    home: Home, channels: Sequence[Mapping[str, Any]], **environment: str
) -> Settings:
    """Settings with an alerts.yaml of these channels beside the sources."""
    folder = home.root.parent
    (folder / "alerts.yaml").write_text(
        yaml.safe_dump({"version": 1, "channels": list(channels)}, allow_unicode=True)
    )
    return Settings(
        home=home.root, sources_file=folder / "sources.yaml", environment=environment
    )


# Servers


@dataclass(frozen=True)
class Request:
    """What a server got."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Chat:
    """A web server that keeps what it got.

    `answer` makes the answer; `script` holds answers that come first, one a request.
    """

    url: str = ""
    answer: Callable[[Request], Answer] = field(default=lambda _: (200, {}, b"ok"))
    script: list[Answer | float | None] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def chat(
    answer: Callable[[Request], Answer] | None = None,
    *script: Answer | float | None,
    context: ssl.SSLContext | None = None,
) -> Iterator[Chat]:
    """A web server on loopback.

    Args:
        answer: Makes the answer; `200 ok` by default.
        script: First answers. A number waits so many seconds before it answers; None
            hangs up without a word.
        context: For https.
    """
    room = Chat(script=list(script))
    if answer is not None:
        room.answer = answer

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, dict(self.headers.items()), body)
            room.requests.append(request)
            planned = room.script.pop(0) if room.script else room.answer(request)
            if planned is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if isinstance(planned, int | float):
                room.stopped.wait(planned)
                planned = room.answer(request)
            status, headers, content = planned
            with suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def do_GET(self) -> None:
            room.requests.append(Request(self.path, dict(self.headers.items()), b""))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    scheme = "http"
    if context is not None:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        scheme = "https"
    room.url = f"{scheme}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield room
    finally:
        room.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def as_json(value: Any, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    return status, {"Content-Type": "application/json", **headers}, _bytes(value)


def _bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def slack(request: Request) -> Answer:
    """Slack's incoming webhook."""
    value = request.json()
    blocks = value.get("blocks", [])
    if not request.path.startswith("/services/"):
        return 404, {}, b"no_service"
    for block in blocks:
        text = block["text"]["text"]
        most = 150 if block["type"] == "header" else 3000
        kind = {"header": "plain_text", "section": "mrkdwn"}[block["type"]]
        if block["text"]["type"] != kind or not 0 < len(text) <= most:
            return 400, {}, b"invalid_blocks"
    return (200, {}, b"ok") if value.get("text") else (400, {}, b"no_text")


def feishu(secret: str | None) -> Callable[[Request], Answer]:
    """Feishu's robot, with or without a signature."""

    def answer(request: Request) -> Answer:
        value = request.json()
        if len(request.body) > 20 * 1024:
            return as_json({"code": 9499, "msg": "Bad Request"}, 400)
        if secret is not None:
            stamp = value.get("timestamp", "")
            key = (stamp + "\n" + secret).encode("utf-8")
            sign = base64.b64encode(hmac.digest(key, b"", hashlib.sha256)).decode()
            is_now = stamp.isdigit() and abs(int(stamp) - time.time()) < 3600
            if not is_now or sign != value.get("sign"):
                return as_json({"code": 19021, "msg": "sign match fail"})
        post = value["content"]["post"]
        (language,) = post
        if value["msg_type"] != "post" or language not in {"zh_cn", "en_us"}:
            return as_json({"code": 9499, "msg": "Bad Request"})
        for line in post[language]["content"]:
            for part in line:
                if part["tag"] != "text" or not isinstance(part["text"], str):
                    return as_json({"code": 9499, "msg": "Bad Request"})
        return as_json({"code": 0, "msg": "success", "data": {}})

    return answer


def dingtalk(secret: str | None) -> Callable[[Request], Answer]:
    """DingTalk's robot; it asks for the keyword `customer-tiers` too."""

    def answer(request: Request) -> Answer:
        query = parse_qs(urlsplit(request.path).query, strict_parsing=True)
        if query.get("access_token") != ["ding-token"]:
            return as_json({"errcode": 300001, "errmsg": "token is not exist"})
        if secret is not None:
            (stamp,) = query.get("timestamp", ["0"])
            content = f"{stamp}\n{secret}".encode()
            sign = base64.b64encode(hmac.digest(secret.encode(), content, "sha256"))
            is_now = abs(int(stamp) / 1000 - time.time()) < 3600
            if not is_now or query.get("sign") != [sign.decode()]:
                return as_json({"errcode": 310000, "errmsg": "sign not match"})
        value = request.json()
        text = value["markdown"]["text"]
        if "customer-tiers" not in text or not value["markdown"]["title"]:
            return as_json({"errcode": 310000, "errmsg": "keywords not in content"})
        is_whole = value["msgtype"] == "markdown" and len(request.body) <= 20_000
        return as_json({"errcode": 0 if is_whole else 400, "errmsg": "ok"})

    return answer


def wecom(request: Request) -> Answer:
    """WeCom's robot."""
    query = parse_qs(urlsplit(request.path).query)
    if query.get("key") != ["wecom-key-0001"]:
        return as_json({"errcode": 93000, "errmsg": "invalid webhook url"})
    value = request.json()
    content = value["markdown"]["content"]
    if value["msgtype"] != "markdown" or not 0 < len(content.encode()) <= 4096:
        return as_json(
            {"errcode": 40058, "errmsg": "markdown.content exceed max length"}
        )
    return as_json({"errcode": 0, "errmsg": "ok"})


@dataclass
class PostOffice:
    """A mail server: what it is, what it got, and how it is to behave.

    Attributes:
        login: The user and password that it asks for.
        refuses: Recipients that it does not know.
        fault: `busy` (421 at once), `silent` (never greets), `no after data` (554), `hang
            up` after the mail was taken and before that is said.
    """

    port: int = 0
    login: tuple[str, str] | None = None
    refuses: set[str] = field(default_factory=set)
    fault: str = ""
    mails: list[bytes] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)


@contextmanager
def post_office(
    context: ssl.SSLContext | None = None, *, tls: bool = False, **how: Any
) -> Iterator[PostOffice]:
    """A mail server on loopback.

    Args:
        context: Its certificate; then it offers STARTTLS.
        tls: TLS from the first byte.
        how: See `PostOffice`.
    """
    office = PostOffice(**how)
    listening = socket.create_server(("127.0.0.1", 0))
    office.port = listening.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with suppress(OSError, ValueError):
                _talk(office, connection, context, tls=tls)
            with suppress(OSError):
                connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield office
    finally:
        office.stopped.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def _talk(
    office: PostOffice,
    connection: socket.socket,
    context: ssl.SSLContext | None,
    *,
    tls: bool,
) -> None:
    connection.settimeout(20)
    is_encrypted = tls
    if tls:
        assert context is not None
        connection = context.wrap_socket(connection, server_side=True)
    reader = connection.makefile("rb")

    def say(*lines: str) -> None:
        connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    if office.fault == "silent":
        office.stopped.wait(20)
        return
    if office.fault == "busy":
        say("421 try later")
        return
    say("220 post office")
    is_known = office.login is None
    recipients: list[str] = []
    while line := reader.readline():
        words = line.decode().strip()
        verb = words.split(" ")[0].upper()
        if verb == "EHLO":
            offers = ["250-post office", "250-8BITMIME"]
            offers += ["250-STARTTLS"] if context and not is_encrypted else []
            offers += ["250-AUTH PLAIN"] if office.login else []
            say(*offers, "250 SMTPUTF8")
        elif verb == "STARTTLS":
            assert context is not None
            say("220 go on")
            connection = context.wrap_socket(connection, server_side=True)
            reader = connection.makefile("rb")
            is_encrypted = True
        elif verb == "AUTH":
            given = base64.b64decode(words.split(" ")[2]).split(b"\0")[1:]
            is_known = tuple(item.decode() for item in given) == office.login
            say("235 welcome" if is_known else "535 who are you")
        elif verb == "MAIL":
            say("250 ok" if is_known else "530 log in first")
        elif verb == "RCPT":
            address = words[words.index("<") + 1 : words.index(">")]
            if address in office.refuses:
                say("550 nobody of that name")
            else:
                recipients.append(address)
                say("250 ok")
        elif verb == "DATA":
            say("354 go on")
            content = b""
            while (part := reader.readline()) != b".\r\n":
                content += part.removeprefix(b".") if part.startswith(b"..") else part
            if office.fault == "no after data":
                say("554 I do not like it")
                continue
            office.mails.append(content)
            office.recipients.append(recipients)
            office.was_encrypted.append(is_encrypted)
            recipients = []
            if office.fault == "hang up":
                connection.shutdown(socket.SHUT_RDWR)
                return
            say("250 taken")
        elif verb == "RSET":
            recipients = []
            say("250 ok")
        elif verb == "QUIT":
            say("221 bye")
            return
        else:
            say("502 what?")


def certificate(folder: Path, host: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate that vouches for itself, for this host name or address.

    Returns:
        The file that a client has to trust, and what a server shows.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    try:
        named: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        named = x509.DNSName(host)
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([named]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    trusted = folder / f"{host}.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = folder / f"{host}.key"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted, private)
    return trusted, context
