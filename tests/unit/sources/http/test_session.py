"""Calls of a web service, through real HTTP on loopback: what is tried again and what not.

And that no secret is in an error or in a log, whatever goes wrong.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.common.errors import ConfigurationError, SourceUnavailable
from pipeline.sources.access import Connection, Retry
from pipeline.sources.http import (
    Answer,
    CallBudget,
    RateLimiter,
    Request,
    ServiceError,
    Session,
    Token,
    TokenCache,
    TokenRefused,
)
from pipeline.sources.http.session import status_error
from tests.standins.base import HTML, Asked, ManualClock, Reply, Standin, json_reply
from tests.unit.operations.alerting import certificate

START = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
SECRET = "s3cr3t/with+signs"


class Echo(Standin):
    """Answers with the number of the call."""

    def answer(self, asked: Asked) -> Reply:
        return json_reply({"call": len(self.asked)})


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo(ManualClock(START)).serving() as server:
        yield server


def session(
    echo: Echo,
    *,
    tries: int = 4,
    most: int | None = None,
    folder: Path | None = None,
    limiter: RateLimiter | None = None,
    connection: Connection | None = None,
) -> Session:
    clock = echo.clock.as_clock()
    return Session(
        "shop",
        connection or Connection(timeout_seconds=5),
        retry=Retry(tries=tries, first_seconds=4, longest_seconds=60),
        budget=CallBudget("shop", folder, most=most, clock=clock),
        limiters=[limiter] if limiter else [],
        clock=clock,
    )


def get(echo: Echo, path: str = "/rows") -> Request:
    return Request("GET", echo.base_url + path, params={"token": SECRET})


def test_a_good_answer_is_asked_for_once(echo: Echo) -> None:
    with session(echo) as open_session:
        assert open_session.ask(get(echo)).json() == {"call": 1}
    assert len(echo.asked) == 1
    assert echo.clock.slept == []


PASSING = [
    pytest.param(Reply(429), id="429"),
    pytest.param(Reply(500, b"oops"), id="500"),
    pytest.param(Reply(503, HTML.body), id="503 in HTML"),
    pytest.param(Reply(200, b'{"call": 1}', cut_after=4), id="cut in the middle"),
    pytest.param(Reply(200, b'{"call": 1}', cut_after=0), id="cut at once"),
]


@pytest.mark.parametrize("reply", PASSING)
def test_what_may_pass_is_asked_again(echo: Echo, reply: Reply) -> None:
    echo.next_replies("/rows", [reply, reply])
    with session(echo) as open_session:
        assert open_session.ask(get(echo)).json() == {"call": 3}
    first, second = echo.clock.slept
    assert 2 <= first <= 4 <= second <= 8, "waits double, less up to a half by chance"


@pytest.mark.parametrize("reply", PASSING)
def test_what_does_not_pass_is_not_tried_for_ever(echo: Echo, reply: Reply) -> None:
    echo.next_replies("/rows", [reply] * 9)
    with session(echo, tries=3) as open_session, pytest.raises(ServiceError) as error:
        open_session.ask(get(echo))
    assert len(echo.asked) == 3
    assert str(error.value).endswith("It was tried 3 times.")
    assert not error.value.may_pass, "the whole source is not read again for it"


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 501])
def test_what_cannot_pass_is_not_asked_again(echo: Echo, status: int) -> None:
    echo.once("/rows", Reply(status, b"no", {"location": "https://elsewhere.example"}))
    with session(echo) as open_session, pytest.raises(ServiceError, match=str(status)):
        open_session.ask(get(echo))
    assert len(echo.asked) == 1


def test_a_service_may_ask_for_a_longer_wait_but_not_for_any(echo: Echo) -> None:
    replies = [Reply(429, headers={"retry-after": str(s)}) for s in (30, 86_400)]
    echo.next_replies("/rows", replies)
    with session(echo) as open_session:
        open_session.ask(get(echo))
    assert echo.clock.slept == [30, 60]


def test_html_in_place_of_json_is_said(echo: Echo) -> None:
    echo.once("/rows", HTML)
    with session(echo) as open_session, pytest.raises(ServiceError) as error:
        open_session.ask(get(echo)).json()
    assert "a page of HTML in place of JSON" in str(error.value)
    assert "shop: GET /rows" in str(error.value)


def test_who_does_not_listen_is_named(echo: Echo) -> None:
    url = "http://127.0.0.1:9/rows"
    with session(echo, tries=2) as open_session, pytest.raises(ServiceError) as error:
        open_session.ask(Request("GET", url))
    assert "127.0.0.1 cannot be reached" in str(error.value)
    assert "tried 2 times" in str(error.value)


def test_no_secret_is_in_errors_or_logs(
    echo: Echo, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    echo.next_replies("/rows", [Reply(500), Reply(200, b"{", cut_after=0), Reply(400)])
    with session(echo) as open_session, pytest.raises(ServiceError) as error:
        open_session.ask(get(echo))
    chain = [error.value, error.value.__cause__, error.value.__context__]
    said = caplog.text + "".join(map(repr, chain)) + repr(get(echo))
    assert "s3cr3t" not in said
    assert "try 2 of 4" in caplog.text


# Tokens


def authorized(
    echo: Echo, cache: TokenCache, fetched: list[str]
) -> Callable[[Request], tuple[Request, Callable[[], None]]]:
    def fetch() -> Token:
        fetched.append(f"token-{len(fetched) + 1}")
        return Token(fetched[-1], 3600)

    def authorize(request: Request) -> tuple[Request, Callable[[], None]]:
        token = cache.current(fetch)
        return request.with_headers(auth=token.value), lambda: cache.reject(token)

    return authorize


def refuse_401(answer: Answer) -> None:
    if answer.status == 401:
        raise TokenRefused("the token is refused", status=401)
    if answer.status != 200:
        raise status_error(answer)


def test_a_token_that_ends_in_the_middle_is_fetched_again_once(echo: Echo) -> None:
    fetched: list[str] = []
    authorize = authorized(echo, TokenCache(clock=echo.clock.as_clock()), fetched)
    echo.once("/rows", Reply(401), after=2)
    with session(echo) as open_session:
        for _ in range(4):
            open_session.ask(get(echo), refuse_401, authorize=authorize)
    assert fetched == ["token-1", "token-2"]
    assert [asked.headers["auth"][-1] for asked in echo.asked] == list("11122")
    assert echo.clock.slept == [], "a new token is no reason to wait"


def test_a_new_token_that_is_refused_too_ends_it(echo: Echo) -> None:
    fetched: list[str] = []
    authorize = authorized(echo, TokenCache(clock=echo.clock.as_clock()), fetched)
    echo.next_replies("/rows", [Reply(401)] * 9)
    with session(echo) as open_session, pytest.raises(TokenRefused):
        open_session.ask(get(echo), refuse_401, authorize=authorize)
    assert len(fetched) == 2


# Limits


def test_calls_keep_to_the_rate(echo: Echo) -> None:
    limiter = RateLimiter(3, 20, echo.clock.as_clock())
    with session(echo, limiter=limiter) as open_session:
        for _ in range(10):
            open_session.ask(get(echo))
    assert sum(echo.clock.slept) == pytest.approx(60)


def test_the_allowance_of_a_day_ends_before_the_call(
    echo: Echo, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "customer_tiers.http")
    with session(echo, most=3, folder=tmp_path / "calls") as open_session:
        open_session.ask(get(echo))
    assert "1 calls, 1 within a day; 2 of 3 left" in caplog.text
    with session(echo, most=3, folder=tmp_path / "calls") as open_session:
        open_session.ask(get(echo))
        open_session.ask(get(echo))
        with pytest.raises(SourceUnavailable, match=r"3 of the 3 calls.*calls_per_day"):
            open_session.ask(get(echo))
    assert len(echo.asked) == 3
    echo.clock.advance(26 * 3600)
    with session(echo, most=3, folder=tmp_path / "calls") as open_session:
        open_session.ask(get(echo))


def test_tries_count_too(echo: Echo, tmp_path: Path) -> None:
    echo.next_replies("/rows", [Reply(500)] * 2)
    with session(echo, folder=tmp_path / "calls") as open_session:
        open_session.ask(get(echo))
        assert open_session.budget.used() == len(echo.asked) == 3


# Files


def test_a_file_that_is_cut_is_fetched_again(echo: Echo, tmp_path: Path) -> None:
    body = bytes(range(256)) * 400
    whole = Reply(200, body, {"content-type": "application/zip"})
    echo.next_replies("/file", [Reply(200, body, cut_after=50_000), whole])
    with session(echo) as open_session:
        open_session.download(get(echo, "/file"), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == body


# TLS


def test_a_private_authority_is_trusted_when_it_is_named(tmp_path: Path) -> None:
    trusted, context = certificate(tmp_path / "certificates", "127.0.0.1")
    with Echo(ManualClock(START)).serving(context) as echo:
        with (
            session(echo) as open_session,
            pytest.raises(ServiceError, match=r"certificate .* connection\.ca_file"),
        ):
            open_session.ask(get(echo))
        assert echo.asked == []
        trusting = Connection(ca_file=trusted)
        with session(echo, connection=trusting) as open_session:
            assert open_session.ask(get(echo)).json() == {"call": 1}


def test_a_file_without_certificates_is_refused(echo: Echo, tmp_path: Path) -> None:
    for name, text in (("none.pem", None), ("text.pem", "no certificate")):
        path = tmp_path / name
        if text:
            path.write_text(text)
        with pytest.raises(ConfigurationError, match="give a file in PEM"):
            session(echo, connection=Connection(ca_file=path))


def test_a_proxy_that_is_none_is_refused(echo: Echo) -> None:
    with pytest.raises(ConfigurationError, match=r"connection\.proxy"):
        session(echo, connection=Connection(proxy=f"ftp://user:{SECRET}@proxy"))


def test_nothing_is_taken_from_the_environment(
    echo: Echo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with session(echo) as open_session:
        open_session.ask(get(echo))
    assert len(echo.asked) == 1
