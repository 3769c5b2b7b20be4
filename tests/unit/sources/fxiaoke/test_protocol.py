"""Fxiaoke's tokens, limits and codes, through real HTTP: what is tried again and what not.

A refusal is an error in plain words and never an object without records.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import ValidationError

from pipeline.common.errors import SourceUnavailable
from pipeline.common.home import Home
from pipeline.sources.fxiaoke import errors
from pipeline.sources.fxiaoke_settings import FxiaokeApi
from tests.standins import fxiaoke
from tests.standins.base import HTML, ManualClock, Reply, json_reply
from tests.standins.fxiaoke import (
    BY_MOBILE,
    CORP_TOKEN,
    DESCRIBE,
    QUERY,
    TOKEN,
    FxiaokeStandin,
)
from tests.unit.operations.alerting import certificate
from tests.unit.sources.fxiaoke.tenant import (
    FIELDS,
    START,
    read,
    reader_of,
    serving,
    source_of,
)

SECRETS = [fxiaoke.APP_SECRET, fxiaoke.PERMANENT_CODE]


@pytest.fixture
def tenant() -> Iterator[FxiaokeStandin]:
    with serving() as standin:
        for number in range(250):
            standin.put("AccountObj", name=f"客户 {number}")
        yield standin


def refusal(code: int) -> Reply:
    return json_reply({"errorCode": code, "errorMessage": "text", "traceId": "E-O.1"})


def test_one_token_is_used_for_all_calls(tenant: FxiaokeStandin) -> None:
    read(tenant)
    read(tenant)
    assert len(tenant.calls(TOKEN)) == 1
    asked = tenant.calls(QUERY)[0]
    assert asked.headers["x-fs-ea"] == fxiaoke.EA
    assert asked.headers["x-fs-userid"] == "1000"


def test_a_token_that_ends_in_the_middle_is_replaced(tenant: FxiaokeStandin) -> None:
    tenant.before(QUERY, lambda: tenant.clock.advance(7_300), after=1)
    assert len({row["_id"] for row in read(tenant)}) == 250
    assert len(tenant.calls(TOKEN)) == 2


def test_a_token_that_is_withdrawn_is_replaced(tenant: FxiaokeStandin) -> None:
    tenant.before(QUERY, tenant.replace_token, after=1)
    assert len(read(tenant)) == 250
    assert len(tenant.calls(TOKEN)) == 2


def test_a_token_is_asked_for_before_the_old_one_ends(tenant: FxiaokeStandin) -> None:
    read(tenant)
    tenant.clock.advance(6_700)
    before = len(tenant.calls(QUERY))
    read(tenant)
    # No call was refused on the way.
    assert len(tenant.calls(QUERY)) - before == 3
    assert len(tenant.calls(TOKEN)) == 2


def test_a_new_token_that_is_refused_is_an_error(tenant: FxiaokeStandin) -> None:
    tenant.next_replies(QUERY, [refusal(20016)] * 20)
    with pytest.raises(SourceUnavailable, match=r"errorCode 20016.*still authorised"):
        read(tenant)
    assert len(tenant.calls(QUERY)) == 2


@pytest.mark.parametrize("option", ["app_secret", "permanent_code", "app_id"])
def test_wrong_credentials_are_named_and_not_tried_again(
    tenant: FxiaokeStandin, option: str
) -> None:
    source = source_of(tenant, None, connection=None, **{option: "wrong-and-secret"})
    with pytest.raises(SourceUnavailable, match="permanent_code is wrong") as error:
        read(tenant, source)
    assert len(tenant.calls(TOKEN)) == 1
    assert not error.value.may_pass
    assert "wrong-and-secret" not in str(error.value)


def test_the_older_protocol_has_its_token_in_the_body(tenant: FxiaokeStandin) -> None:
    source = source_of(
        tenant, protocol="corp_token", user_id=None, mobile=fxiaoke.MOBILE
    )
    assert len(read(tenant, source)) == 250
    assert len(tenant.calls(BY_MOBILE)) == len(tenant.calls(CORP_TOKEN)) == 1
    body = tenant.calls(QUERY)[0].json()
    assert body["currentOpenUserId"] == fxiaoke.OPEN_USER_ID
    assert "authorization" not in tenant.calls(QUERY)[0].headers


def test_a_token_that_ends_is_replaced_in_the_older_protocol_too(
    tenant: FxiaokeStandin,
) -> None:
    source = source_of(tenant, protocol="corp_token", user_id=fxiaoke.OPEN_USER_ID)
    tenant.before(QUERY, lambda: tenant.clock.advance(7_300), after=1)
    assert len({row["_id"] for row in read(tenant, source)}) == 250
    assert len(tenant.calls(CORP_TOKEN)) == 2


def test_nobody_with_the_telephone_number(tenant: FxiaokeStandin) -> None:
    source = source_of(tenant, protocol="corp_token", user_id=None, mobile="1")
    with pytest.raises(SourceUnavailable, match="no employee has the telephone"):
        read(tenant, source)


@pytest.mark.parametrize("code", [-1, -2, 50009, 30004, 14001])
def test_what_may_pass_is_asked_again(tenant: FxiaokeStandin, code: int) -> None:
    tenant.once(QUERY, refusal(code), after=1)
    assert len(read(tenant)) == 250
    assert len(tenant.calls(QUERY)) == 4
    assert sum(tenant.clock.slept) >= (20 if code in {30004, 14001} else 0.5)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (15003, "permission is missing"),
        (20020, "permission is missing"),
        (20021, "permission is missing"),
        (20022, "permission is missing"),
        (30002, "calls of this day are used up"),
        (30003, "No calls have been bought"),
        (10006, "does not know the object, a field or a parameter"),
        (10013, "does not know the object, a field or a parameter"),
        (99999, "vendor's list"),
    ],
)
@pytest.mark.parametrize("path", [DESCRIBE, QUERY])
def test_what_does_not_pass_is_said_at_once(
    tenant: FxiaokeStandin, code: int, said: str, path: str
) -> None:
    tenant.next_replies(path, [refusal(code)] * 9)
    with pytest.raises(SourceUnavailable, match=said) as error:
        read(tenant)
    assert f"errorCode {code}" in str(error.value)
    assert "AccountObj" in str(error.value)
    assert len(tenant.calls(path)) == 1
    assert not error.value.may_pass


def test_what_never_passes_ends(tenant: FxiaokeStandin) -> None:
    tenant.next_replies(QUERY, [refusal(-1)] * 9)
    with pytest.raises(SourceUnavailable, match="It was tried 3 times"):
        read(tenant)


def test_every_code_of_the_list_has_a_meaning_and_advice() -> None:
    codes = [0, -1, -2, 50009, 10006, 10013, 20016, 20017, 30002, 30003, 30004]
    codes += [14001, 15003, 20020, 20021, 20022]
    for code in codes:
        assert errors.meaning_of(code) != "unknown"
        assert code == 0 or errors.advice(code)
    assert errors.meaning_of(1) == "unknown"


def test_an_object_that_is_hidden_is_no_empty_one(tenant: FxiaokeStandin) -> None:
    tenant.hidden.add("AccountObj")
    with pytest.raises(SourceUnavailable, match="right to read this object"):
        read(tenant)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (HTML, "HTML in place of JSON"),
        (Reply(302, b"", {"location": "/login"}), "sends us to another address"),
        (Reply(200, b"[1]", {}), "JSON, but no object"),
        (json_reply({"data": {}}), "no errorCode"),
        (json_reply({"errorCode": "?"}), "no errorCode"),
        (json_reply({"errorCode": 0}), "no data.dataList"),
        (json_reply({"errorCode": 0, "data": {"dataList": None}}), "no data.dataList"),
    ],
)
def test_an_answer_that_is_none(
    tenant: FxiaokeStandin, reply: Reply, said: str
) -> None:
    tenant.next_replies(QUERY, [reply] * 9)
    with pytest.raises(SourceUnavailable, match=said):
        read(tenant)


STRANGE: list[object] = [
    {},
    [],
    "text",
    7,
    None,
    {"dataList": {}},
    {"dataList": [1]},
    {"dataList": [None]},
    {"dataList": [{}]},
    {"dataList": [{"_id": None}] * 100},
    {"dataList": [{"_id": {"a": []}, "last_modified_time": "soon"}]},
    {"dataList": [{"_id": "1", "last_modified_time": 10**30}], "total": "many"},
    {"dataList": [{"_id": "1", "owner": [[]], "name": {"b": 1}}], "total": -1},
    {"describe": []},
    {"describe": {"fields": None}},
    {"describe": {"fields": {"name": None, "_id": []}}},
    {"describe": {"fields": {"name": {"type": None, "options": {"a": 1}}}}},
    {"describe": {"fields": {"name": {"type": 7, "options": [None, {}]}}}},
]


@pytest.mark.parametrize("path", [TOKEN, CORP_TOKEN, DESCRIBE, QUERY, BY_MOBILE])
def test_strange_answers_are_errors_of_the_source(path: str) -> None:
    """Or rows that can be read or are rejected; never a fault of ours."""
    with serving() as tenant:
        tenant.put("AccountObj", name="one")
        for data in STRANGE:
            answer = {
                "errorCode": 0,
                "data": data,
                "expiresIn": data,
                "empList": [data],
                **dict.fromkeys(
                    ["accessToken", "ea", "corpAccessToken", "corpId"], "x"
                ),
            }
            for protocol, who in (("oauth", "1000"), ("corp_token", None)):
                tenant.faults.clear()
                tenant.next_replies(path, [json_reply(answer)] * 9)
                tenant.clock.advance(7_300)
                source = source_of(
                    tenant, protocol=protocol, user_id=who, mobile=fxiaoke.MOBILE
                )
                with reader_of(tenant, source) as reader:
                    for entity in source.entities.values():
                        with suppress(SourceUnavailable):
                            for extract in reader.extracts(entity):
                                list(extract.batches())


def test_a_describe_without_fields(tenant: FxiaokeStandin) -> None:
    tenant.once(DESCRIBE, json_reply({"errorCode": 0, "data": {}}))
    with pytest.raises(SourceUnavailable, match="describes no fields"):
        read(tenant)


def test_a_token_of_the_other_protocol(tenant: FxiaokeStandin) -> None:
    tenant.once(TOKEN, json_reply({"errorCode": 0, "corpAccessToken": "t"}))
    with pytest.raises(SourceUnavailable, match="Is protocol in sources"):
        read(tenant)


def test_an_answer_that_breaks_off_is_asked_for_again(tenant: FxiaokeStandin) -> None:
    tenant.once(QUERY, Reply(200, b'{"errorCode": 0, "data"', cut_after=9), after=1)
    assert len({row["_id"] for row in read(tenant)}) == 250


def test_calls_keep_to_the_limit_of_an_interface(tenant: FxiaokeStandin) -> None:
    for number in range(250, 12_050):
        tenant.put("AccountObj", name=str(number))
    assert len(read(tenant)) == 12_050
    # 121 pages, and no call was refused.
    assert len(tenant.calls(QUERY)) == 121
    assert 20 <= sum(tenant.clock.slept) < 21


def test_tokens_keep_to_their_limit(tenant: FxiaokeStandin) -> None:
    source = source_of(tenant)
    with reader_of(tenant, source) as reader:
        for _ in range(12):
            tenant.replace_token()
            tenant.tokens[-1] = (f"token {len(tenant.asked)}", tenant.clock.seconds)
            list(next(reader.extracts(source.entities["accounts"])).batches())
    assert len(tenant.calls(TOKEN)) == 12
    assert 60 <= sum(tenant.clock.slept) < 62


def test_the_allowance_of_a_day_is_kept_and_said(
    tenant: FxiaokeStandin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = Home.open(tmp_path)
    source = source_of(tenant, connection={"calls_per_day": 10})

    def once() -> int:
        with reader_of(tenant, source, home=home) as reader:
            (extract,) = reader.extracts(source.entities["accounts"])
            return sum(batch.num_rows for batch in extract.batches())

    with caplog.at_level(logging.INFO):
        assert once() == 250
    # A token, a describe and three pages.
    assert "5 of 10 left" in caplog.text
    tenant.clock.advance(60)
    once()
    with pytest.raises(SourceUnavailable, match="calls_per_day"):
        once()
    # The day begins anew at midnight in China, eight hours after it does in Greenwich.
    tenant.clock.advance(dt.timedelta(hours=16).total_seconds())
    assert once() == 250


def test_the_days_own_limit_of_the_service_stops_the_reading(
    tenant: FxiaokeStandin,
) -> None:
    tenant.limits.calls_of_the_day = 2
    with pytest.raises(SourceUnavailable, match="0:00 in China"):
        read(tenant)


def test_no_secret_is_in_an_error_or_in_a_log(
    tenant: FxiaokeStandin, caplog: pytest.LogCaptureFixture
) -> None:
    echo = json_reply({"errorCode": 30003, "errorMessage": " ".join(SECRETS)})
    tenant.next_replies(QUERY, [echo])
    from pipeline.common import secrets

    secrets.remember(SECRETS)  # as reading sources.yaml does
    with caplog.at_level(logging.DEBUG), pytest.raises(SourceUnavailable) as error:
        read(tenant)
    for secret in [*SECRETS, "token-0001"]:
        assert secret not in str(error.value)
        assert secret not in caplog.text


def test_a_private_authority_is_named_to_be_trusted(tmp_path: Path) -> None:
    authority, context = certificate(tmp_path, "127.0.0.1")
    standin = FxiaokeStandin(ManualClock(START))
    standin.declare("AccountObj", FIELDS)
    standin.put("AccountObj", name="one")
    with standin.serving(context):
        with pytest.raises(SourceUnavailable, match="ca_file"):
            read(standin)
        source = source_of(standin, connection={"ca_file": str(authority)})
        assert len(read(standin, source)) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"host": "http://open.fxiaoke.com"}, "not encrypted"),
        ({"host": "https://www.fxiaoke.com"}, "not the web page's host"),
        ({"user_id": None}, "needs user_id"),
        ({"protocol": "corp_token", "user_id": None}, "user_id or mobile"),
        ({"app_secret": ""}, "app_secret"),
    ],
)
def test_settings_that_cannot_work_are_refused(
    options: dict[str, object], said: str
) -> None:
    good = {
        "app_id": "FSAID_1",
        "app_secret": "s",
        "permanent_code": "p",
        "user_id": "1000",
    }
    with pytest.raises(ValidationError, match=said):
        FxiaokeApi.model_validate({**good, **options})
