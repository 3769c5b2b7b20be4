"""One question to the open API: the token, the limits, the codes.

Every answer has status 200, and `errorCode` says what it is. Not here: what a code means
(`errors`) and which questions are asked (`reader`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from pipeline.sources.config import Source
from pipeline.sources.fxiaoke import errors
from pipeline.sources.http import (
    SYSTEM_CLOCK,
    Answer,
    CallBudget,
    Clock,
    RateLimiter,
    Request,
    ServiceError,
    Session,
    Token,
    TokenRefused,
    shared_cache,
)
from pipeline.sources.http.session import judge_status

# A page cannot be larger.
PAGE_ROWS: Final = 100

# The limit is one of each interface; which of them count together is not known, so that
# all calls keep to one.
CALLS, CALLS_SECONDS = 100, 20.0
TOKENS, TOKENS_SECONDS = 10, 60.0

# The service gives the same token for 6,600 of its 7,200 seconds; another one after that.
_TOKEN_OVERLAP_SECONDS = 600.0
_TOKEN_SECONDS = 7200.0


@dataclass(frozen=True)
class Page:
    """Records of one page; `total` is how many fit the filters, where that was asked."""

    records: Sequence[Mapping[str, Any]]
    total: int | None


def condition(field: str, operator: str, value: object) -> dict[str, Any]:
    """A filter of a query; what it compares with is always a list."""
    return {"field_name": field, "operator": operator, "field_values": [value]}


def among(field: str, values: Sequence[str]) -> dict[str, Any]:
    """A filter for records whose field has one of the values.

    [A] It may list as many as a page has records.
    """
    return {"field_name": field, "operator": "IN", "field_values": list(values)}


class FxiaokeClient:
    """Asks the API in the name of one employee. Use as a context manager."""

    def __init__(
        self, source: Source, budget: CallBudget, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Opens no connection yet.

        Raises:
            ConfigurationError: The certificates or the proxy cannot be used.
        """
        assert source.fxiaoke is not None  # the configuration demands it
        self._api = source.fxiaoke
        self._tokens = shared_cache(
            [
                self._api.host,
                self._api.protocol,
                self._api.app_id,
                self._api.app_secret,
                self._api.permanent_code,
            ],
            clock=clock,
        )
        self._token_limiter = RateLimiter(TOKENS, TOKENS_SECONDS, clock)
        self._open_user_id = self._api.user_id
        self._session = Session(
            source.name,
            source.connection,
            retry=source.retry,
            budget=budget,
            limiters=[RateLimiter(CALLS, CALLS_SECONDS, clock)],
            clock=clock,
        )

    def __enter__(self) -> FxiaokeClient:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._session.close()

    def query(
        self,
        object_name: str,
        fields: Sequence[str],
        filters: Sequence[Mapping[str, Any]],
        *,
        rows: int = PAGE_ROWS,
        with_total: bool = False,
    ) -> Page:
        """The first records by `_id` that fit all filters.

        Args:
            object_name: The API name, such as `AccountObj`.
            fields: The fields that are wanted.
            filters: As `condition` makes them.
            rows: The most records, at most 100.
            with_total: Have those that fit counted.

        Raises:
            SourceUnavailable: The service refuses, or cannot be reached.
        """
        is_custom = object_name.endswith("__c")
        path = (
            "/cgi/crm/custom/v2/data/query" if is_custom else "/cgi/crm/v2/data/query"
        )
        answer = self._ask(
            path,
            {
                "data": {
                    "dataObjectApiName": object_name,
                    "find_explicit_total_num": with_total,
                    "search_query_info": {
                        "limit": rows,
                        "offset": 0,
                        "filters": list(filters),
                        "orders": [{"fieldName": "_id", "isAsc": True}],
                        "fieldProjection": list(fields),
                    },
                }
            },
            object_name,
        )
        data = answer.get("data")
        records = data.get("dataList") if isinstance(data, Mapping) else None
        if (
            not isinstance(data, Mapping)
            or not isinstance(records, list)
            or not all(isinstance(record, Mapping) for record in records)
        ):
            raise ServiceError(
                f"{self._session.source}: the answer about {object_name} holds no "
                "data.dataList, and an object without records has an empty one."
            )
        # Its name differs between versions of the gateway.
        total = data.get("totalSize", data.get("total"))
        return Page(records, _whole_number(total) if with_total else None)

    def update(
        self, object_name: str, record_id: str, values: Mapping[str, Any]
    ) -> None:
        """Changes fields of a record; none sets a field to nothing.

        Raises:
            SourceUnavailable: The service refuses, or cannot be reached.
        """
        is_custom = object_name.endswith("__c")
        self._ask(
            f"/cgi/crm{'/custom' if is_custom else ''}/v2/data/update",
            {
                "triggerWorkFlow": False,
                "triggerApprovalFlow": False,
                "data": {
                    "object_data": {
                        "dataObjectApiName": object_name,
                        "_id": record_id,
                        **values,
                    }
                },
            },
            object_name,
        )

    def describe(self, object_name: str) -> Mapping[str, Any]:
        """The fields of an object by their API names, as the service describes them.

        Raises:
            SourceUnavailable: The service refuses, or cannot be reached.
        """
        answer = self._ask(
            "/cgi/crm/v2/object/describe",
            {"includeDetail": True, "data": {"apiName": object_name}},
            object_name,
        )
        found: Any = answer
        for key in ("data", "describe", "fields"):
            found = found.get(key) if isinstance(found, Mapping) else None
        if not isinstance(found, Mapping):
            raise ServiceError(
                f"{self._session.source}: the answer about {object_name} describes no "
                "fields (data.describe.fields)."
            )
        return found

    def _ask(self, path: str, body: Mapping[str, Any], about: str) -> dict[str, Any]:
        request = Request("POST", self._api.host + path, json=body)
        return self._session.ask(
            request, _judge_of(about), authorize=self._authorize
        ).object()

    def _authorize(self, request: Request) -> tuple[Request, Callable[[], None]]:
        """Puts the token in: into headers, or into the body as it was before."""
        token = self._tokens.current(self._fetch)
        facts = dict(token.facts)
        if self._api.protocol == "oauth":
            headers = {
                "authorization": f"Bearer {token.value}",
                "x-fs-ea": facts["ea"],
                "x-fs-userid": str(self._api.user_id),
            }
            prepared = replace(request, headers={**request.headers, **headers})
        else:
            shared = {"corpAccessToken": token.value, "corpId": facts["corpId"]}
            if self._open_user_id is None:
                self._open_user_id = self._employee(shared)
            body = {**request.json, **shared, "currentOpenUserId": self._open_user_id}
            prepared = replace(request, json=body)
        return prepared, lambda: self._tokens.reject(token)

    def _fetch(self) -> Token:
        """Asks for a token; whoever else needs one waits for it."""
        self._token_limiter.acquire()
        secrets = {
            "appId": self._api.app_id,
            "appSecret": self._api.app_secret,
            "permanentCode": self._api.permanent_code,
        }
        if self._api.protocol == "oauth":
            request = Request(
                "POST",
                f"{self._api.host}/oauth2.0/token",
                params={"thirdTraceId": str(uuid4())},
                json={**secrets, "grantType": "app_secret"},
            )
            name, fact = "accessToken", "ea"
        else:
            path = "/cgi/corpAccessToken/get/V2"
            request = Request("POST", self._api.host + path, json=secrets)
            name, fact = "corpAccessToken", "corpId"
        answer = self._session.ask(request, _judge_token).object()
        if not answer.get(name) or not answer.get(fact):
            raise ServiceError(
                f"{self._session.source}: the answer with the token lacks {name} or "
                f"{fact}. Is protocol in sources.yaml the application's?"
            )
        seconds = float(_whole_number(answer.get("expiresIn")) or _TOKEN_SECONDS)
        usable = max(seconds - _TOKEN_OVERLAP_SECONDS, seconds / 2)
        return Token(str(answer[name]), usable, ((fact, str(answer[fact])),))

    def _employee(self, shared: Mapping[str, str]) -> str:
        """The open user id of the employee whose telephone number is given."""
        request = Request(
            "POST",
            f"{self._api.host}/cgi/user/getByMobile",
            json={**shared, "mobile": self._api.mobile},
        )
        answer = self._session.ask(request, _judge_of("the employee")).object()
        found: Any = answer.get("empList")
        employee = found[0] if isinstance(found, list) and found else None
        if not isinstance(employee, Mapping) or not employee.get("openUserId"):
            raise ServiceError(
                f"{self._session.source}: no employee has the telephone number that "
                "fxiaoke.mobile gives."
            )
        return str(employee["openUserId"])


def _whole_number(value: object) -> int | None:
    """A count or a duration as it is written; None where it is none, or negative."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None


_DONE: Final = {"update": "changed"}


def _judge_of(about: str) -> Callable[[Answer], None]:
    def judge(answer: Answer) -> None:
        _judge(answer, about)

    return judge


def _judge(answer: Answer, about: str) -> None:
    """Raises unless the answer's code is that of success.

    Raises:
        TokenRefused: The token is not, or no longer, accepted.
        ServiceError: Any other code, or no code at all.
    """
    judge_status(answer)
    value = answer.object()
    try:
        code = int(value["errorCode"])
    except (KeyError, TypeError, ValueError):
        raise ServiceError(
            f"{answer.where}: the answer about {about} has no errorCode, and every "
            "answer of the service has one."
        ) from None
    meaning = errors.meaning_of(code)
    if meaning == "success":
        return
    said = str(value.get("errorMessage") or "nothing more")
    path = answer.where.rsplit("/", 1)[-1]
    trace = f"; traceId {value['traceId']}" if value.get("traceId") else ""
    text = (
        f"{answer.where}: {about} cannot be {_DONE.get(path, 'read')}, "
        f"errorCode {code}. "
        f"{errors.advice(code)}. The service says: {said}{trace}"
    )
    if meaning == "token":
        raise TokenRefused(text, code=str(code), status=answer.status)
    raise ServiceError(
        text,
        may_pass=meaning in {"busy", "rate"},
        code=str(code),
        status=answer.status,
        wait_seconds=CALLS_SECONDS if meaning == "rate" else None,
    )


def _judge_token(answer: Answer) -> None:
    """As `_judge`, where a parameter that is wrong is one of the credentials."""
    try:
        _judge(answer, "the token")
    except ServiceError as error:
        if error.may_pass or errors.meaning_of(int(error.code or 0)) != "parameter":
            raise
        text = (
            f"{answer.where}: no token is given, errorCode {error.code}. One of app_id, "
            "app_secret and permanent_code is wrong, or the application is not authorised "
            "by the tenant; compare them with the administration of the open platform"
        )
    else:
        return
    raise ServiceError(text, code=error_code(answer), status=answer.status)


def error_code(answer: Answer) -> str:
    """The code of an answer, as text."""
    return str(answer.object().get("errorCode", ""))
