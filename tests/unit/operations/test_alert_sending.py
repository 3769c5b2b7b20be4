"""Alerts on their way: formats and signatures of each service, mail servers, and faults.

Every server is a real one on loopback; what goes wrong goes wrong there.
"""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.operations import freshness
from pipeline.operations.alerts import config, ledger, mail, webhooks
from pipeline.operations.alerts import run as alerting
from pipeline.operations.alerts.message import Message
from pipeline.operations.alerts.run import Dispatched
from pipeline.operations.alerts.sending import NotSent, Patience
from tests.conftest import environment
from tests.unit import support
from tests.unit.operations import alerting as given
from tests.unit.operations.alerting import Answer, as_json

QUICK = Patience(tries=3, first_pause=0.01, longest_pause=0.5)

MESSAGE = Message(
    id="refused-000001-r000002-20140131",
    kind="refused",
    language="zh",
    title="[customer-tiers] 刷新 r000002-20140131 被拒绝",
    sections=[
        ("发生了什么", ["2014-01-31 的刷新在 `gate out` 被拒绝。<b>&amp; *x*"]),
        ("最先失败的检查", ["marts.customers：names_are_unique 失败，12 行"]),
    ],
    raised_at="2014-02-01T05:00:00+00:00",
    facts={"refresh_id": "r000002-20140131"},
)
LONG = Message(
    **{
        **vars(MESSAGE),
        "sections": [("发生了什么", ["很长的说明。" * 40] * 60)],
    }
)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def webhook(**values: Any) -> config.Webhook:
    return config.Webhook.model_validate({"name": "ops", "timeout_seconds": 5} | values)


def send(channel: config.Webhook, message: Message = MESSAGE) -> None:
    webhooks.send(channel, message, time.time())


# Each service


@pytest.mark.parametrize("message", [MESSAGE, LONG], ids=["short", "long"])
def test_slack(message: Message) -> None:
    with given.chat(given.slack) as room:
        send(webhook(kind="slack", url=f"{room.url}/services/T/B/secret"), message)
        (request,) = room.requests
        assert request.headers["Content-Type"].startswith("application/json")
        value = request.json()
        assert value["text"] == message.title
        assert "*发生了什么*" in value["blocks"][1]["text"]["text"]
        with pytest.raises(NotSent, match="404: no_service"):
            send(webhook(kind="slack", url=f"{room.url}/gone"), message)
    if message is MESSAGE:
        assert "&lt;b&gt;&amp;amp;" in value["blocks"][1]["text"]["text"]


@pytest.mark.parametrize("message", [MESSAGE, LONG], ids=["short", "long"])
@pytest.mark.parametrize("secret", [None, "feishu-secret"])
def test_feishu(message: Message, secret: str | None) -> None:
    with given.chat(given.feishu(secret)) as room:
        channel = webhook(kind="feishu", url=f"{room.url}/hook/x", secret=secret)
        send(channel, message)
        (request,) = room.requests
        post = request.json()["content"]["post"]["zh_cn"]
        assert post["title"] == message.title
        assert post["content"][0] == [{"tag": "text", "text": "【发生了什么】"}]
        assert ("sign" in request.json()) == (secret is not None)
        if secret:
            wrong = channel.model_copy(update={"secret": "another"})
            with pytest.raises(NotSent, match="code 19021: sign match fail"):
                send(wrong, message)


@pytest.mark.parametrize("message", [MESSAGE, LONG], ids=["short", "long"])
@pytest.mark.parametrize("secret", [None, "SEC/+= sign"])
def test_dingtalk(message: Message, secret: str | None) -> None:
    with given.chat(given.dingtalk(secret)) as room:
        url = f"{room.url}/robot/send?access_token=ding-token"
        channel = webhook(kind="dingtalk", url=url, secret=secret)
        send(channel, message)
        text = room.requests[0].json()["markdown"]["text"]
        assert text.startswith("### [customer-tiers]")
        if message is MESSAGE:
            assert "＜b＞&amp; ＊x＊" in text
        if secret:
            wrong = channel.model_copy(update={"secret": "another"})
            with pytest.raises(NotSent, match="code 310000: sign not match"):
                send(wrong, message)
        nobody = channel.model_copy(update={"url": url.replace("ding-", "no-")})
        with pytest.raises(NotSent, match="code 300001"):
            send(nobody, message)


@pytest.mark.parametrize("message", [MESSAGE, LONG], ids=["short", "long"])
def test_wecom(message: Message) -> None:
    with given.chat(given.wecom) as room:
        url = f"{room.url}/cgi-bin/webhook/send?key=wecom-key-0001"
        send(webhook(kind="wecom", url=url), message)
        content = room.requests[0].json()["markdown"]["content"]
        assert content.startswith("**[customer-tiers]")
        with pytest.raises(NotSent, match="code 93000"):
            send(webhook(kind="wecom", url=url.replace("0001", "0002")), message)


def test_json_with_a_signature_over_the_very_bytes() -> None:
    import hashlib
    import hmac

    with given.chat() as room:
        channel = webhook(
            kind="json",
            url=f"{room.url}/hook",
            secret="json-secret",
            headers={"Authorization": "Bearer token"},
        )
        send(channel)
    (request,) = room.requests
    stamp = request.headers["X-Customer-Tiers-Timestamp"]
    digest = hmac.new(
        b"json-secret", f"{stamp}.".encode() + request.body, hashlib.sha256
    )
    signed = request.headers["X-Customer-Tiers-Signature"]
    assert signed == f"sha256={digest.hexdigest()}"
    assert request.headers["Authorization"] == "Bearer token"
    assert {k.lower(): v for k, v in request.headers.items()}[
        "idempotency-key"
    ] == MESSAGE.id
    value = request.json()
    assert (value["id"], value["event"]) == (MESSAGE.id, "refused")
    assert value["facts"] == {"refresh_id": "r000002-20140131"}
    assert value["may_be_repeat"] is False


# Answers that are no good


@pytest.mark.parametrize(
    ("kind", "answer", "expected", "again"),
    [
        (
            "feishu",
            as_json({"code": 19024, "msg": "Key Words Not Found"}),
            "19024",
            False,
        ),
        ("feishu", as_json({"StatusCode": 0, "StatusMessage": "success"}), None, False),
        ("feishu", as_json({"code": 11232, "msg": "frequency limited"}), "11232", True),
        ("feishu", as_json({"code": "0"}), "code 0", False),
        ("feishu", as_json({"msg": "ok"}), "code None", False),
        ("feishu", as_json({"code": False}), "code False", False),
        ("feishu", (200, {}, b"<html>"), "no JSON", False),
        ("feishu", as_json([0]), "no JSON object", False),
        (
            "dingtalk",
            as_json({"errcode": 130101, "errmsg": "send too fast"}),
            "130101",
            True,
        ),
        ("dingtalk", as_json({"errcode": -1, "errmsg": "busy"}), "code -1", True),
        (
            "wecom",
            as_json({"errcode": 45009, "errmsg": "freq out of limit"}),
            "45009",
            True,
        ),
        ("wecom", as_json({"errcode": 40058, "errmsg": "too long"}), "40058", False),
        ("slack", (200, {}, b"ok"), None, False),
        ("slack", (400, {}, b"invalid_payload"), "400: invalid_payload", False),
        ("slack", (410, {}, b"channel_is_archived"), "410", False),
        ("json", (204, {}, b""), None, False),
        ("json", (302, {"Location": "http://127.0.0.1:1/"}, b""), "302", False),
        ("json", (500, {}, b"oops"), "500", True),
        ("json", (503, {"Retry-After": "7"}, b""), "503", True),
        ("json", (429, {"Retry-After": "7"}, b""), "429", True),
    ],
)
def test_answers(kind: str, answer: Answer, expected: str | None, again: bool) -> None:
    with given.chat(lambda _: answer) as room:
        channel = webhook(kind=kind, url=f"{room.url}/x?access_token=t")
        if expected is None:
            send(channel)
            return
        with pytest.raises(NotSent, match=expected) as failure:
            send(channel)
    assert failure.value.again is again
    if "Retry-After" in answer[1]:
        assert failure.value.wait == 7


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3.0), ("soon", None), ("-4", 0.0), (None, None)],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    assert webhooks._retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    found = webhooks._retry_after(format_datetime(later, usegmt=True))
    assert found is not None
    assert 80 < found <= 90


def test_a_redirection_carries_the_message_nowhere() -> None:
    with (
        given.chat() as elsewhere,
        given.chat(lambda _: (307, {"Location": elsewhere.url}, b"")) as room,
    ):
        with pytest.raises(NotSent, match="307"):
            send(webhook(kind="json", url=room.url))
        assert elsewhere.requests == []


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(
        NotSent, match="cannot be reached: Connection refused"
    ) as failure:
        send(webhook(kind="json", url=f"http://127.0.0.1:{port}/s3cret-path"))
    assert (failure.value.again, failure.value.is_uncertain) == (True, False)
    assert "s3cret" not in str(failure.value)


def test_a_server_that_is_too_slow_may_have_it() -> None:
    with given.chat(None, 30.0) as room:
        channel = webhook(kind="json", url=room.url, timeout_seconds=0.2)
        with pytest.raises(NotSent, match=r"did not answer in 0\.2 s") as failure:
            send(channel)
    assert (failure.value.again, failure.value.is_uncertain) == (True, True)


def test_a_server_that_hangs_up_may_have_it() -> None:
    with given.chat(None, None) as room:
        with pytest.raises(NotSent, match="broke off") as failure:
            send(webhook(kind="json", url=room.url))
        assert len(room.requests) == 1
    assert failure.value.is_uncertain is True


# TLS and proxies


def test_https_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    trusted, context = given.certificate(tmp_path / "certificates", "127.0.0.1")
    with given.chat(context=context) as room:
        send(webhook(kind="json", url=room.url, ca_file=trusted))
        assert len(room.requests) == 1
        with pytest.raises(
            NotSent, match=r"certificate of 127\.0\.0\.1 is not good"
        ) as bad:
            send(webhook(kind="json", url=room.url))
        assert bad.value.again is False
        assert len(room.requests) == 1


def test_a_certificate_for_another_host_is_not_good(tmp_path: Path) -> None:
    trusted, context = given.certificate(tmp_path / "certificates", "other.example.com")
    with (
        given.chat(context=context) as room,
        pytest.raises(NotSent, match=r"certificate .* is not good"),
    ):
        send(webhook(kind="json", url=room.url, ca_file=trusted))
    assert room.requests == []


def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
            url = "http://alerts.example.com/hook"
            send(webhook(kind="json", url=url, allow_http=True))
            monkeypatch.setenv("no_proxy", "127.0.0.1")
            with given.chat() as room:
                send(webhook(kind="json", url=room.url))
                assert len(room.requests) == 1
        finally:
            proxy.shutdown()
            thread.join()
    assert seen == [url]


# E-mail


def mailbox(office: given.PostOffice, **values: Any) -> config.Email:
    usual = {
        "name": "mail",
        "kind": "email",
        "host": "127.0.0.1",
        "port": office.port,
        "security": "none",
        "from": "tiers@example.com",
        "to": ["ops@example.com", "data@example.com"],
        "timeout_seconds": 5,
    }
    return config.Email.model_validate(usual | values)


def post(channel: config.Email, message: Message = MESSAGE) -> str | None:
    return mail.send(channel, message, time.time())


def opened(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
@pytest.mark.parametrize("login", [None, ("me", "pass-wörd")])
def test_mail(tmp_path: Path, security: str, login: tuple[str, str] | None) -> None:
    trusted, context = given.certificate(tmp_path / "certificates", "127.0.0.1")
    tls_context = None if security == "none" else context
    with given.post_office(tls_context, tls=security == "tls", login=login) as office:
        user, password = login or (None, None)
        channel = mailbox(
            office, security=security, ca_file=trusted, user=user, password=password
        )
        assert post(channel) is None
    (content,) = office.mails
    assert office.was_encrypted == [security != "none"]
    assert office.recipients == [["ops@example.com", "data@example.com"]]
    found = opened(content)
    assert found["Subject"] == MESSAGE.title
    assert found["X-Customer-Tiers-Event"] == MESSAGE.id
    assert found["Message-ID"].endswith("@example.com>")
    plain, rich = found.get_body(("plain",)), found.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert "names_are_unique 失败，12 行" in plain.get_content()
    assert "&lt;b&gt;&amp;amp; *x*" in rich.get_content()


def test_a_mail_is_known_again_by_its_id() -> None:
    with given.post_office() as office:
        channel = mailbox(office)
        post(channel)
        post(channel)
        post(channel, Message(**{**vars(MESSAGE), "id": "another"}))
    first, again, another = (opened(content)["Message-ID"] for content in office.mails)
    assert first == again != another


@pytest.mark.parametrize(
    ("how", "expected", "again", "is_uncertain"),
    [
        ({"fault": "busy"}, "answered 421", True, False),
        ({"fault": "silent"}, "no answer in 0.5 s", True, False),
        ({"fault": "no after data"}, "answered 554", False, False),
        ({"fault": "hang up"}, "broke off while it was sent", True, True),
        ({"login": ("me", "right")}, "refuses the login", False, False),
        (
            {"refuses": {"ops@example.com", "data@example.com"}},
            "none of the recipients",
            False,
            False,
        ),
    ],
)
def test_mail_servers_that_do_not_take_it(
    how: dict[str, Any], expected: str, again: bool, is_uncertain: bool
) -> None:
    with given.post_office(**how) as office:
        login = {"user": "me", "password": "wr0ng-word"} if "login" in how else {}
        channel = mailbox(office, timeout_seconds=0.5, **login)
        with pytest.raises(NotSent, match=expected) as failure:
            post(channel)
    assert (failure.value.again, failure.value.is_uncertain) == (again, is_uncertain)
    assert "example.com" not in str(failure.value)
    assert "wr0ng" not in str(failure.value)


def test_recipients_that_the_server_does_not_know_are_named() -> None:
    with given.post_office(refuses={"data@example.com"}) as office:
        found = post(mailbox(office))
    assert found == "127.0.0.1 did not take it for 1 of 2 addresses"
    assert office.recipients == [["ops@example.com"]]


def test_no_password_without_the_encryption_that_was_asked_for(tmp_path: Path) -> None:
    login = {"user": "me", "password": "secret-word"}
    with given.post_office(login=("me", "secret-word")) as office:
        channel = mailbox(office, security="starttls", **login)
        with pytest.raises(NotSent, match="does not offer what is asked"):
            post(channel)
    _, context = given.certificate(tmp_path / "certificates", "127.0.0.1")
    with given.post_office(context, login=("me", "secret-word")) as office:
        channel = mailbox(office, security="starttls", **login)
        with pytest.raises(NotSent, match=r"certificate of 127\.0\.0\.1 is not good"):
            post(channel)
    assert office.mails == []


# One look after another


def hook(server: str, **changes: Any) -> dict[str, Any]:
    values = {
        "name": "ops",
        "kind": "json",
        "url": f"{server}/hook",
        "timeout_seconds": 5,
    }
    return values | changes


def dispatch(settings: Settings, home: Home, patience: Patience = QUICK) -> Dispatched:
    dispatched = alerting.dispatch(
        settings, home, freshness.assess(settings, home), patience
    )
    assert dispatched is not None
    return dispatched


def only(home: Home) -> ledger.Delivery:
    """The one delivery of the one event."""
    (event,) = ledger.read(home).events
    (delivery,) = event.deliveries.values()
    return delivery


def test_what_may_help_is_tried_again_within_a_dispatch(home: Home) -> None:
    script: list[Answer] = [(500, {}, b""), (429, {"Retry-After": "0"}, b"")]
    with given.chat(None, *script) as room:
        settings = given.settings_of(home, [hook(room.url)])
        given.failed(home)
        dispatched = dispatch(settings, home)
        assert dispatched.pending == 0
        assert len(room.requests) == 3
        assert dispatch(settings, home).sent == []
        assert len(room.requests) == 3
    assert (only(home).state, only(home).tries) == ("sent", 3)
    # A server that answered 500 may have it: the next tries say so.
    doubts = [request.json()["may_be_repeat"] for request in room.requests]
    assert doubts == [False, True, True]
    assert len({request.json()["id"] for request in room.requests}) == 1


def test_what_was_not_sent_is_sent_at_the_next_dispatch_and_says_so(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = given.settings_of(home, [hook(f"http://127.0.0.1:{port}")])
    given.failed(home)
    dispatched = dispatch(settings, home)
    assert (dispatched.sent, dispatched.pending) == ([], 1)
    assert only(home).error == "127.0.0.1 cannot be reached: Connection refused"
    assert only(home).tries == QUICK.tries
    with given.chat() as room:
        settings = given.settings_of(home, [hook(room.url)])
        assert len(dispatch(settings, home).sent) == 1
        assert len(dispatch(settings, home).sent) == 0
    (request,) = room.requests
    assert request.json()["may_be_repeat"] is False, "it is certain that nobody has it"


def test_an_error_in_json_under_200_is_tried_again_at_the_next_dispatch(
    home: Home,
) -> None:
    wrong = as_json({"code": 19021, "msg": "sign match fail"})
    with given.chat(given.feishu("right"), wrong) as room:
        channel = hook(room.url, kind="feishu", secret="right")
        settings = given.settings_of(home, [channel])
        given.failed(home)
        assert dispatch(settings, home).pending == 1
        assert len(room.requests) == 1, "again at once would not help"
        assert "19021" in (only(home).error or "")
        assert dispatch(settings, home).pending == 0


def test_a_long_wait_is_waited_for_by_the_next_dispatches(home: Home) -> None:
    with given.chat(None, (429, {"Retry-After": "1800"}, b"")) as room:
        settings = given.settings_of(home, [hook(room.url)])
        given.failed(home)
        assert dispatch(settings, home).pending == 1
        assert dispatch(settings, home).pending == 1
        assert len(room.requests) == 1
        # The clock is set back: a wait that seems endless is none.
        state = ledger.read(home)
        far = dt.datetime.now(dt.UTC) + dt.timedelta(days=30)
        state.events[0].deliveries["ops"].not_before = far.isoformat()
        ledger.write(home, state)
        assert dispatch(settings, home).pending == 0


def test_one_channel_that_is_down_holds_up_no_other(home: Home) -> None:
    with given.chat(lambda _: (500, {}, b"")) as down, given.chat() as room:
        channels = [hook(down.url, name="down"), hook(room.url, name="up")]
        settings = given.settings_of(home, channels)
        given.failed(home)
        dispatch(settings, home)
        given.failed(home)
        dispatched = dispatch(settings, home)
    assert [name for _, name in dispatched.sent] == ["up"]
    assert dispatched.pending == 2
    assert len(room.requests) == 2
    # One event is tried, the other waits for its turn.
    assert len({request.json()["id"] for request in down.requests}) == 1


def test_events_arrive_in_their_order(home: Home) -> None:
    answer: Answer = (500, {}, b"")
    with given.chat(None, *[answer] * 3) as room:
        settings = given.settings_of(home, [hook(room.url)])
        given.published(home)
        given.failed(home)
        dispatch(settings, home)
        given.refused(home)
        given.published(home)
        assert dispatch(settings, home).pending == 0
    found = [request.json()["event"] for request in room.requests[3:]]
    assert found == ["failed", "refused", "recovered"]


DISPATCH = """
import sys
from pathlib import Path
from pipeline.operations import freshness
from pipeline.operations.alerts import run as alerting
from pipeline.operations.alerts.sending import Patience
from pipeline.common.home import Home
from pipeline.common.settings import Settings

root = Path(sys.argv[1])
settings = Settings(home=root, sources_file=root.parent / "sources.yaml")
home = Home.open(root)
print("ready", flush=True)
sys.stdin.readline()
alerting.dispatch(settings, home, freshness.assess(settings, home), Patience(tries=1))
"""


DISPATCH_AT_ONCE = DISPATCH.replace("sys.stdin.readline()", "").replace(
    'print("ready", flush=True)', ""
)


def start_dispatch(home: Home) -> subprocess.Popen[str]:
    """A process that is about to dispatch."""
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DISPATCH), str(home.root)],
        cwd=PROJECT_ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_killed_between_sending_and_noting(home: Home) -> None:
    """The server has the message; the process dies before it hears of it."""
    processes: list[subprocess.Popen[str]] = []

    def answer(_: given.Request) -> Answer:
        if processes:
            os.kill(processes.pop().pid, signal.SIGKILL)
        return 200, {}, b"ok"

    with given.chat(answer) as room:
        settings = given.settings_of(home, [hook(room.url)])
        given.failed(home)
        process = start_dispatch(home)
        processes.append(process)
        go(process)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        assert only(home).state == "sending"
        assert len(dispatch(settings, home).sent) == 1
        assert len(dispatch(settings, home).sent) == 0
    # Not lost; and where it may be there already, the repeat says so, with the same id.
    first, second = (request.json() for request in room.requests)
    assert first["id"] == second["id"]
    assert (first["may_be_repeat"], second["may_be_repeat"]) == (False, True)
    assert "may be a repeat" in second["text"]


@pytest.mark.slow
def test_killed_at_each_step(tmp_path: Path) -> None:
    """Whenever it dies, the next dispatch sends; what may arrive twice says so."""
    for moment in range(1, 50):
        home = Home.open(tmp_path / f"{moment}" / "home")
        with given.chat() as room:
            settings = given.settings_of(home, [hook(room.url)])
            given.failed(home)
            code, _ = support.run(
                f"die_at({moment}, {str(home.alerts)!r})" + DISPATCH_AT_ONCE,
                home.root,
                prelude=support.DIE_AT,
            )
            sent_before = len(room.requests)
            dispatch(settings, home)
        ids = {request.json()["id"] for request in room.requests}
        doubts = [request.json()["may_be_repeat"] for request in room.requests]
        assert len(ids) == 1
        assert only(home).state == "sent"
        assert len(room.requests) <= 2
        if sent_before and len(room.requests) == 2:
            assert doubts == [False, True]
        if code == 0:
            assert len(room.requests) == 1
            break
        assert code == -signal.SIGKILL
    assert 5 < moment < 49, "it was killed at several steps, and once at none"


def test_two_dispatches_at_once_send_once(home: Home) -> None:
    with given.chat(None, 0.3, 0.3, 0.3) as room:
        given.settings_of(home, [hook(room.url)])
        for _ in range(3):
            given.failed(home)
        # The first dispatch of all takes the newest only; the others are new after it.
        processes = [start_dispatch(home) for _ in range(3)]
        for process in processes:
            go(process)
        for process in processes:
            _, output = process.communicate(timeout=60)
            assert process.returncode == 0, output
    assert len(room.requests) == 1
    assert only(home).state == "sent"


def test_a_dispatch_that_cannot_have_the_lock_leaves_it_to_the_other(
    home: Home,
) -> None:
    with given.chat() as room:
        given.settings_of(home, [hook(room.url)])
        given.failed(home)
        with ledger.held(home) as first, ledger.held(home, patience=0.1) as second:
            assert (first, second) == (True, False)
        with ledger.held(home) as free:
            assert free


def test_no_secret_reaches_the_state_or_the_log(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    def echo(request: given.Request) -> Answer:
        return (
            403,
            {},
            request.path.encode() + request.headers["Authorization"].encode(),
        )

    with given.chat(echo) as room:
        url = f"{room.url}/hook/s3cret-path?key=s3cret-key"
        channel = hook(room.url, url=url, headers={"Authorization": "s3cret-token"})
        settings = given.settings_of(home, [channel])
        given.failed(home)
        dispatch(settings, home)
    text = (home.alerts / "state.json").read_text() + caplog.text
    assert "answered 403" in text
    assert "s3cret" not in text


def test_every_kind_at_once_from_the_file(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of alerts.yaml, with servers of ours behind its addresses."""
    example = yaml.safe_load((PROJECT_ROOT / "alerts.yaml.example").read_text())
    answers: dict[str, Callable[[given.Request], Answer]] = {
        "SLACK_WEBHOOK": given.slack,
        "FEISHU_WEBHOOK": given.feishu("feishu-secret"),
        "DINGTALK_WEBHOOK": given.dingtalk("ding-secret"),
        "WECOM_WEBHOOK": given.wecom,
        "PAGER_WEBHOOK": lambda _: (202, {}, b""),
    }
    paths = {
        "SLACK_WEBHOOK": "/services/T/B/slack-secret",
        "DINGTALK_WEBHOOK": "/robot/send?access_token=ding-token",
        "WECOM_WEBHOOK": "/cgi-bin/webhook/send?key=wecom-key-0001",
    }
    login = ("smtp-user", "smtp-password")
    trusted, context = given.certificate(tmp_path / "certificates", "127.0.0.1")
    hidden = {
        "FEISHU_SECRET": "feishu-secret",
        "DINGTALK_SECRET": "ding-secret",
        "PAGER_SECRET": "pager-secret",
        "PAGER_TOKEN": "pager-token",
        "SMTP_USER": login[0],
        "SMTP_PASSWORD": login[1],
    }
    from contextlib import ExitStack

    with ExitStack() as stack:
        rooms = {n: stack.enter_context(given.chat(a)) for n, a in answers.items()}
        hidden |= {n: f"{r.url}{paths.get(n, '/hook')}" for n, r in rooms.items()}
        office = stack.enter_context(given.post_office(context, login=login))
        for channel in example["channels"]:
            channel.pop("events", None)
            if channel["kind"] == "email":
                server = {"host": "127.0.0.1", "port": office.port}
                channel |= {**server, "ca_file": str(trusted)}
        settings = given.settings_of(home, example["channels"], **hidden)
        given.published(home)
        dispatch(settings, home)
        given.refused(home)
        dispatched = dispatch(settings, home)
        assert dispatched.pending == 0, (home.alerts / "state.json").read_text()
        assert len(dispatched.sent) == 6
        assert all(len(room.requests) == 1 for room in rooms.values())
        assert len(office.mails) == 1
        outcome = alerting.test(settings, home, None, QUICK)
        assert set(outcome.values()) == {None}
        assert json.loads(rooms["PAGER_WEBHOOK"].requests[-1].body)["event"] == "test"
    state = (home.alerts / "state.json").read_text()
    assert not any(secret in state for secret in hidden.values())
