"""What calls are made of: tokens, windows, the count of a day, and records as Arrow."""

from __future__ import annotations

import datetime as dt
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.common.errors import SourceUnavailable
from pipeline.common.secrets import cleared
from pipeline.sources.base import Rejected
from pipeline.sources.http import (
    Answer,
    CallBudget,
    Clock,
    RateLimiter,
    RecordColumn,
    ServiceError,
    Token,
    TokenCache,
    batches_of,
    shared_cache,
    to_batch,
)
from pipeline.sources.http.budget import calendar_day
from pipeline.sources.http.columns import Kind, _row_by_row
from tests.profiles import examples
from tests.standins.base import ManualClock

START = dt.datetime(2026, 6, 1, 12, 30, tzinfo=dt.UTC)


# Tokens


def test_many_who_ask_at_once_cause_one_request() -> None:
    fetched = []

    def fetch() -> Token:
        time.sleep(0.05)
        fetched.append(1)
        return Token(f"token-{len(fetched)}", 3600)

    cache = TokenCache()
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(cache.current(fetch).value))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["token-1"] * 20
    # Twenty who were refused with it give up one token, and none that came since.
    refused = cache.current(fetch)
    cache.reject(refused)
    assert cache.current(fetch).value == "token-2"
    cache.reject(refused)
    assert cache.current(fetch).value == "token-2"


@pytest.mark.parametrize(
    ("seconds", "used"), [(3600, 3540), (100, 50)], ids=["an hour", "a short one"]
)
def test_a_token_is_given_up_before_its_end(seconds: float, used: float) -> None:
    time_of = ManualClock(START)
    values = iter(["a", "b"])
    # A machine that is five minutes off, and set right in the middle.
    cache = TokenCache(clock=time_of.as_clock(dt.timedelta(minutes=5)))

    def current() -> str:
        return cache.current(lambda: Token(next(values), seconds)).value

    assert current() == "a"
    time_of.advance(used - 1)
    assert current() == "a"
    time_of.advance(1)
    assert current() == "b"


def test_a_token_that_was_not_given_is_asked_for_again() -> None:
    cache = TokenCache()

    def fail() -> Token:
        raise ServiceError("no")

    with pytest.raises(ServiceError):
        cache.current(fail)
    assert cache.current(lambda: Token("given", 60)).value == "given"


def test_the_same_credentials_share_a_token() -> None:
    first = shared_cache(["https://a.example", "id", "secret"])
    assert shared_cache(["https://a.example", "id", "secret"]) is first
    assert shared_cache(["https://a.example", "id", "other"]) is not first
    # No two lists are one by where they are cut.
    assert shared_cache(["https://a.example", "idsecret", ""]) is not first


def test_a_token_is_cleared_from_every_text() -> None:
    TokenCache().current(lambda: Token("1000.abcdef0123", 3600))
    assert "abcdef" not in cleared("Authorization: 1000.abcdef0123 was refused")


# Limits


@given(st.integers(1, 5), st.floats(0.5, 30), st.lists(st.floats(0, 10), max_size=40))
def test_no_window_holds_more_than_its_calls(
    calls: int, seconds: float, pauses: list[float]
) -> None:
    time_of = ManualClock(START)
    limiter = RateLimiter(calls, seconds, time_of.as_clock())
    taken = []
    for pause in pauses:
        time_of.advance(pause)
        limiter.acquire()
        taken.append(time_of.seconds)
    for at in range(len(taken) - calls):
        assert taken[at + calls] - taken[at] >= seconds - 1e-6


def test_the_count_is_kept_and_two_processes_add_up(tmp_path: Path) -> None:
    time_of = ManualClock(START)
    first, second = (
        CallBudget("shop", tmp_path / "shop", clock=time_of.as_clock()) for _ in "ab"
    )
    first.spend(3)
    second.spend()
    assert first.used() == second.used() == 4
    assert (first.spent_here, second.spent_here) == (3, 1)
    time_of.advance(23 * 3600)
    assert first.used() == 4
    time_of.advance(2 * 3600)
    assert first.used() == 0


def test_a_call_that_would_pass_the_limit_is_not_counted(tmp_path: Path) -> None:
    budget = CallBudget("shop", tmp_path / "shop", most=4)
    budget.spend(3)
    with pytest.raises(SourceUnavailable):
        budget.spend(2)
    budget.spend(1)
    assert budget.used() == 4


def test_an_allowance_may_begin_at_midnight(tmp_path: Path) -> None:
    time_of = ManualClock(dt.datetime(2026, 6, 1, 15, 0, tzinfo=dt.UTC))
    budget = CallBudget(
        "shop",
        tmp_path / "shop",
        window=calendar_day("Asia/Shanghai"),
        clock=time_of.as_clock(),
    )
    budget.spend(5)
    assert budget.used() == 5
    time_of.advance(3600)  # midnight in Shanghai
    assert budget.used() == 0


def test_hours_that_no_window_reaches_are_removed(tmp_path: Path) -> None:
    time_of = ManualClock(START)
    budget = CallBudget("shop", tmp_path / "shop", clock=time_of.as_clock())
    budget.spend()
    time_of.advance(5 * 86_400)
    budget.spend()
    budget.tidy()
    assert [path.name for path in (tmp_path / "shop").iterdir()] == ["2026-06-06T12"]


# Answers


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"<html>", "a page of HTML"),
        (b"", "nothing in place of JSON"),
        (b"OK", "no JSON: OK"),
        (b'{"a": NaN}', "no JSON"),
        (b"[1]", "no object"),
        (b"[" * 100_000, "no JSON"),
    ],
)
def test_what_is_no_json_is_said(content: bytes, text: str) -> None:
    with pytest.raises(ServiceError, match=text):
        Answer("shop: GET /rows", 200, {}, content).object()


def test_numbers_stay_exact() -> None:
    answer = Answer(
        "shop: GET /rows", 200, {}, b'{"a": 0.1, "b": 12345678901234567890}'
    )
    assert answer.json() == {"a": "0.1", "b": 12345678901234567890}
    # Parsed once, however many ask.
    assert answer.json() is answer.object()


# Records


def converted(value: Any, kind: Kind) -> tuple[Any, list[Rejected]]:
    rejected: list[Rejected] = []
    batch = to_batch([{"f": value}], [RecordColumn("f", kind, ("f",))], rejected)
    return (batch.column(0)[0].as_py() if batch.num_rows else None), rejected


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ("123456789012345678", "text", "123456789012345678"),
        (123456789012345678, "text", "123456789012345678"),
        (True, "text", "true"),
        (["a", "b"], "text", '["a", "b"]'),
        ("1234.50", "decimal", Decimal("1234.5")),
        (Decimal("0.30000000000000004"), "decimal", Decimal("0.3")),
        ("", "decimal", None),
        ("12", "integer", 12),
        ("true", "boolean", True),
        ("2026-05-17", "date", dt.date(2026, 5, 17)),
        (
            "2026-05-14T11:36:09+03:00",
            "instant",
            dt.datetime(2026, 5, 14, 8, 36, 9, tzinfo=dt.UTC),
        ),
        (
            "2026-06-11T16:11:59.000Z",
            "instant",
            dt.datetime(2026, 6, 11, 16, 11, 59, tzinfo=dt.UTC),
        ),
        (
            1715659200123,
            "epoch_ms",
            dt.datetime(2024, 5, 14, 4, 0, 0, 123000, tzinfo=dt.UTC),
        ),
        (
            "1715659200123",
            "epoch_ms",
            dt.datetime(2024, 5, 14, 4, 0, 0, 123000, dt.UTC),
        ),
        ({"b": 1, "a": Decimal("1.5")}, "json", '{"a": "1.5", "b": 1}'),
        (None, "decimal", None),
    ],
)
def test_values_become_what_they_are(value: Any, kind: Kind, expected: Any) -> None:
    found, rejected = converted(value, kind)
    assert (found, rejected) == (expected, [])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1,5", "decimal"),
        ("NaN", "decimal"),
        (True, "decimal"),
        (Decimal("1e300"), "decimal"),
        ("1.5", "integer"),
        (10**20, "integer"),
        ("perhaps", "boolean"),
        ("2026-02-30", "date"),
        ("2026-05-14T11:36:09", "instant"),
        ("yesterday", "epoch_ms"),
        (10**18, "epoch_ms"),
    ],
)
def test_values_that_are_not_are_rejected(value: Any, kind: Kind) -> None:
    found, rejected = converted(value, kind)
    assert found is None
    assert len(rejected) == 1
    assert rejected[0].reason.startswith("f is no ")


# Values as services write them, and those that a parser may take and another not.
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": st.one_of(st.text(), st.integers(), st.booleans(), st.just("\ud800")),
    "decimal": st.one_of(
        st.decimals(places=12).map(str),
        st.floats(allow_nan=False).map(repr),
        st.integers(-(10**30), 10**30),
        st.sampled_from(["", " 1", "1_0", "5.", "+.5", "1e5", "NaN", "x", True, "１"]),
    ),
    "integer": st.one_of(
        st.integers(-(2**64), 2**64),
        st.sampled_from(["", "0x1F", "012", "1.0", " 7", "2.5", True, "+3"]),
    ),
    "boolean": st.one_of(
        st.booleans(), st.sampled_from(["true", "1", 0, "", "no", "TRUE "])
    ),
    "date": st.one_of(
        st.dates().map(str),
        st.sampled_from(["", "20260514", "2026-5-14", "0000-01-01", "2026-02-30", 5]),
    ),
    "instant": st.one_of(
        st.datetimes(timezones=st.timezones()).map(dt.datetime.isoformat),
        st.sampled_from(
            [
                "",
                "2026-06-11T16:11:59.000Z",
                "2026-06-11T16:11:59",
                "2026-06-11 16:11:59+0800",
                "2026-06-11T16:11:59.1234567Z",
                "0000-01-01T00:00:00Z",
                "0001-01-01T00:00:00+14:00",
                "9999-12-31T23:00:00-05:00",
                "2026-06-11T16:11:60Z",
            ]
        ),
    ),
    "epoch_ms": st.one_of(
        st.integers(-(10**14), 3 * 10**14),
        st.integers(-(10**14), 3 * 10**14).map(str),
        st.sampled_from(["", "soon", 10**18, -1, "-1", 10**30, "1.0"]),
    ),
    "json": st.one_of(st.text(), st.lists(st.integers()), st.just({"b": 1, "a": "x"})),
}


@settings(max_examples=examples(400, 100))
@given(st.data())
def test_a_column_as_a_whole_is_its_values_one_by_one(data: st.DataObject) -> None:
    """What Arrow's parsers take, and what they do not, is what each value alone is."""
    kinds = get_args(Kind)
    assert set(kinds) == set(_VALUES)
    columns = [RecordColumn(kind, kind, (kind,)) for kind in kinds]
    shanghai = dt.timezone(dt.timedelta(hours=8))
    columns.append(RecordColumn("day", "date", ("epoch_ms",), shanghai))
    records = data.draw(
        st.lists(
            st.fixed_dictionaries(
                {}, optional={k: st.none() | v for k, v in _VALUES.items()}
            ),
            max_size=6,
        )
    )
    for column in columns:
        together: list[Rejected] = []
        alone: list[Rejected] = []
        found = to_batch(records, [column], together).column(0).to_pylist()
        # Each with a value that no parser takes as a whole.
        rows = [_row_by_row([record], [column], alone, None) for record in records]
        assert found == [value for (row,) in rows for value in row.to_pylist()]
        assert together == alone


def test_records_of_many_pages_are_some_batches() -> None:
    pages = [[{"f": f"{page}-{row}"} for row in range(700)] for page in range(20)]
    columns = [RecordColumn("f", "text", ("f",))]
    batches = list(batches_of(pages, columns, []))
    assert [batch.num_rows for batch in batches] == [0, 5_600, 5_600, 2_800]
    rows = [value for batch in batches for value in batch.column(0).to_pylist()]
    assert rows == [row["f"] for page in pages for row in page]


def test_what_a_record_does_not_have_is_null() -> None:
    columns = [
        RecordColumn("id", "text", ("id",)),
        RecordColumn("owner", "text", ("owner", "id")),
    ]
    records: list[dict[str, Any]] = [
        {"id": "1"},
        {"id": "2", "owner": None},
        {"id": "3", "owner": "x"},
    ]
    batch = to_batch(records, columns, [])
    assert batch.to_pydict() == {"id": ["1", "2", "3"], "owner": [None] * 3}


def test_the_system_clock_is_aware() -> None:
    assert Clock().now().tzinfo is not None
