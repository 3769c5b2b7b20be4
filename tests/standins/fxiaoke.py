"""Stands in for the open API of 纷享销客 (Fxiaoke): tokens, queries, describes, limits.

The status of every answer is 200; `errorCode` says what it is. Where nothing else is said,
a choice follows the vendor's documentation as it was transcribed on 2026-09-11, or a probe
of that day without credentials [R]. Not here: what a company has in it (`fxiaoke_company`).
"""

from __future__ import annotations

import bisect
import datetime as dt
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.standins.base import Asked, ManualClock, Reply, Standin, json_reply

Record = dict[str, Any]

APP_ID, APP_SECRET, PERMANENT_CODE = "FSAID_1", "secret-of-the-app", "permanent-code-1"
EA, CORP_ID, USER_ID, OPEN_USER_ID = "fxtest1", "FSCID_1", "1000", "FSUID_1"
MOBILE = "13800000000"

QUERY, CUSTOM_QUERY = "/cgi/crm/v2/data/query", "/cgi/crm/custom/v2/data/query"
UPDATE, CUSTOM_UPDATE = "/cgi/crm/v2/data/update", "/cgi/crm/custom/v2/data/update"
DESCRIBE = "/cgi/crm/v2/object/describe"
TOKEN, CORP_TOKEN = "/oauth2.0/token", "/cgi/corpAccessToken/get/V2"
BY_MOBILE = "/cgi/user/getByMobile"


@dataclass
class Limits:
    """What the service allows; a test sets what it needs to be small."""

    page_rows: int = 100
    last_offset: int = 10_000
    calls: int = 100
    call_seconds: float = 20
    tokens: int = 10
    token_seconds: float = 60
    # The same token is given for so long, and holds a little longer.
    token_kept_seconds: float = 6_600
    token_lives_seconds: float = 7_200
    calls_of_the_day: int = 100_000


class Refused(Exception):
    """An answer with a code that is not 0."""

    def __init__(self, code: int, message: str = "refused") -> None:
        super().__init__(message)
        self.code = code


class FxiaokeStandin(Standin):
    """A tenant with its objects.

    Attributes:
        limits: What the service allows.
        objects: API name → `_id` → record, with values as the API writes them.
        fields: API name → field → its description.
        hidden: Objects that the application or the employee may not read.
    """

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self.limits = Limits()
        self.objects: dict[str, dict[str, Record]] = defaultdict(dict)
        self.fields: dict[str, dict[str, dict[str, Any]]] = {}
        self.hidden: set[str] = set()
        self.total_name = "total"
        self.tokens: list[tuple[str, float]] = []
        self._granted: deque[float] = deque()
        self._called: dict[str, deque[float]] = defaultdict(deque)
        self._days: dict[dt.date, int] = defaultdict(int)
        self._sorted: dict[str, list[str]] = {}
        self._next_id = 0

    # What a test, or the people of the company, do.

    def declare(self, name: str, fields: Mapping[str, Mapping[str, Any]]) -> None:
        """Gives an object with its fields."""
        self.fields[name] = {
            field: {"api_name": field, "label": field, "is_required": False, **facts}
            for field, facts in fields.items()
        }
        self.objects.setdefault(name, {})

    def put(self, name: str, /, **values: Any) -> str:
        """Enters a record, or changes the one with its `_id`; gives the `_id`."""
        now = self.milliseconds()
        found: str | None = values.pop("_id", None)
        if found is None:
            self._next_id += 1
            # Rises with time, as the ids of the service's database do [A].
            found = f"66450f1f2ab79c00{self._next_id:08x}"
        before = self.objects[name].get(found)
        if before is None:
            before = {
                "_id": found,
                "create_time": now,
                "life_status": "normal",
                "is_deleted": False,
            }
            self._sorted.pop(name, None)
        self.objects[name][found] = {**before, "last_modified_time": now, **values}
        return found

    def invalidate(self, name: str, record_id: str) -> None:
        """作废: the record stays, and its life has ended."""
        self.put(name, _id=record_id, life_status="invalid")

    def erase(self, name: str, record_id: str) -> None:
        """Deletes for good: nothing says afterwards that there was such a record."""
        del self.objects[name][record_id]
        self._sorted.pop(name, None)

    def milliseconds(self) -> int:
        """The service's time, as its records have it."""
        return round(self.clock.now().timestamp() * 1000)

    # What the service answers.

    def answer(self, asked: Asked) -> Reply:
        trace = f"E-O.{EA}.{USER_ID}-{len(self.asked)}"
        try:
            value = self._dispatch(asked)
        except Refused as error:
            return json_reply(
                {
                    "traceId": trace,
                    "errorCode": error.code,
                    "errorMessage": str(error),
                    "errorDescription": "",
                }
            )
        return json_reply(
            {
                "traceId": trace,
                "errorDescription": "success",
                "errorMessage": "OK",
                "errorCode": 0,
                **value,
            }
        )

    def _dispatch(self, asked: Asked) -> dict[str, Any]:
        answers: dict[str, Callable[[Any], dict[str, Any]]] = {
            QUERY: self._query,
            CUSTOM_QUERY: self._query,
            DESCRIBE: self._describe,
            UPDATE: self._update,
            CUSTOM_UPDATE: self._update,
            BY_MOBILE: self._by_mobile,
        }
        body = asked.json() if asked.body else {}
        if asked.path in {TOKEN, CORP_TOKEN}:
            return self._token(body, is_oauth=asked.path == TOKEN)
        if asked.path not in answers:
            raise Refused(
                10006,
                f"the request uri=[{asked.path}],apiName=[null] is not exists",
            )
        self._count(asked.path)
        self._authenticate(asked, body)
        return answers[asked.path](body)

    def _count(self, path: str) -> None:
        """The limit of an interface, then that of the day, which begins in China."""
        called, now = self._called[path], self.clock.monotonic()
        while called and now - called[0] >= self.limits.call_seconds:
            called.popleft()
        if len(called) >= self.limits.calls:
            raise Refused(30004, "too many calls")  # text [A]
        called.append(now)
        day = self.clock.now().astimezone(dt.timezone(dt.timedelta(hours=8))).date()
        self._days[day] += 1
        if self._days[day] > self.limits.calls_of_the_day:
            raise Refused(30002, "the calls of the day are used")  # text [A]

    def _token(self, body: Mapping[str, Any], *, is_oauth: bool) -> dict[str, Any]:
        now = self.clock.monotonic()
        while self._granted and now - self._granted[0] >= self.limits.token_seconds:
            self._granted.popleft()
        if len(self._granted) >= self.limits.tokens:
            raise Refused(30004, "too many tokens")  # the code is [A]
        self._granted.append(now)
        for name, right in (
            ("appId", APP_ID),
            ("appSecret", APP_SECRET),
            ("permanentCode", PERMANENT_CODE),
        ):
            if body.get(name) != right:
                raise Refused(10006, f"the parameter {name} is missing or illegal")
        if is_oauth and body.get("grantType") != "app_secret":
            raise Refused(10006, "the parameter grantType is missing or illegal")
        if (
            not self.tokens
            or now - self.tokens[-1][1] >= self.limits.token_kept_seconds
        ):
            self.tokens.append((f"token-{len(self.tokens) + 1:04}", now))
        value, since = self.tokens[-1]
        seconds = round(self.limits.token_lives_seconds - (now - since))
        if is_oauth:
            return {
                "openUserId": CORP_ID,
                "accessToken": value,
                "expiresIn": seconds,
                "appId": APP_ID,
                "ea": EA,
                "errorMessage": "success",
            }
        return {
            "corpAccessToken": value,
            "corpId": CORP_ID,
            "expiresIn": seconds,
            "errorMessage": "success",
        }

    def replace_token(self) -> None:
        """Ends every token that was given: the tenant authorised the application anew."""
        self.tokens.clear()
        self.tokens.append(("token-replaced", self.clock.monotonic()))

    def _authenticate(self, asked: Asked, body: Mapping[str, Any]) -> None:
        bearer = asked.headers.get("authorization", "")
        token = bearer.removeprefix("Bearer ") or body.get("corpAccessToken")
        if not token:
            raise Refused(20017, "corpAccessToken为必填项，不能为空")
        now = self.clock.monotonic()
        living = {
            value
            for value, since in self.tokens
            if now - since < self.limits.token_lives_seconds
        }
        if bearer:
            is_known = (
                asked.headers.get("x-fs-ea") == EA
                and asked.headers.get("x-fs-userid") == USER_ID
            )
        else:
            is_known = body.get("corpId") == CORP_ID and (
                asked.path == BY_MOBILE or body.get("currentOpenUserId") == OPEN_USER_ID
            )
        # That a wrong employee gives the same code is [A].
        if token not in living or not is_known:
            raise Refused(20016, "the cropId,cropAccessToken or authorization is error")

    def _by_mobile(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("mobile") != MOBILE:
            return {"empList": []}  # [A]
        return {"empList": [{"openUserId": OPEN_USER_ID, "fullName": "李雷"}]}

    def _describe(self, body: Mapping[str, Any]) -> dict[str, Any]:
        name = body["data"]["apiName"]
        self._permit(name)
        return {
            "data": {
                "describe": {
                    "api_name": name,
                    "display_name": name,
                    "fields": self.fields[name],
                }
            }
        }

    def _update(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """One record; the fields that are named change, and null empties one [A]."""
        given = dict(body["data"]["object_data"])
        name, key = given.pop("dataObjectApiName"), given.pop("_id")
        self._permit(name)
        if self.objects[name].get(key, {}).get("life_status", "invalid") == "invalid":
            raise Refused(10006, f"the data {key} is not exists")  # [A]
        if unknown := set(given) - set(self.fields[name]):
            raise Refused(10006, f"the field {min(unknown)} is illegal")  # [A]
        for field, value in given.items():
            kind = self.fields[name][field]["type"]
            wanted = int if kind in {"date", "date_time"} else str
            if value is not None and type(value) is not wanted:
                raise Refused(10006, f"the field {field} is illegal")  # [A]
        self.put(name, _id=key, **given)
        return {}

    def _permit(self, name: str) -> None:
        if name in self.hidden:
            raise Refused(20020, "no permission")  # which of the four codes is [A]
        if name not in self.fields:
            raise Refused(10006, f"the object {name} is not exists")  # [A]

    def _query(self, body: Mapping[str, Any]) -> dict[str, Any]:
        data = body["data"]
        name, asked = data["dataObjectApiName"], data["search_query_info"]
        self._permit(name)
        limit, offset = asked["limit"], asked.get("offset", 0)
        if not 1 <= limit <= self.limits.page_rows or offset % limit:
            raise Refused(10006, "the parameter limit or offset is illegal")  # [A]
        if offset > self.limits.last_offset:
            raise Refused(10013, f"offset out of range {self.limits.last_offset}")
        found = self._found(name, asked.get("filters", []), asked.get("orders", []))
        projection = asked.get("fieldProjection")
        with_null = bool(body.get("includeNull") or data.get("includeNull"))
        page = [
            self._written(self.objects[name][key], projection, with_null=with_null)
            for key in found[offset : offset + limit]
        ]
        total = len(found) if data.get("find_explicit_total_num") else 0
        return {
            "data": {
                "dataList": page,
                "offset": offset,
                "limit": limit,
                self.total_name: total,
            }
        }

    def _found(
        self,
        name: str,
        filters: Iterable[Mapping[str, Any]],
        orders: Iterable[Mapping[str, Any]],
    ) -> list[str]:
        """The ids of the records that fit, in order."""
        records = self.objects[name]
        if name not in self._sorted:
            self._sorted[name] = sorted(records)
        ids = self._sorted[name]
        for item in filters:
            if not isinstance(item.get("field_values"), list):
                raise Refused(10006, "the parameter field_values is illegal")  # [A]
            if item["field_name"] == "_id" and item["operator"] == "GT":
                first = bisect.bisect_right(ids, item["field_values"][0])
                ids = ids[first:]
            else:
                ids = [key for key in ids if _fits(records[key], item)]
        # By `_id` they are kept already.
        for order in reversed([item for item in orders if item["fieldName"] != "_id"]):
            by = order["fieldName"]
            values = {key: records[key].get(by) or 0 for key in ids}
            ids = sorted(ids, key=values.__getitem__, reverse=not order["isAsc"])
        return ids

    @staticmethod
    def _written(
        record: Record, projection: Iterable[str] | None, *, with_null: bool
    ) -> Record:
        names = (
            record if projection is None else {"_id": None, **dict.fromkeys(projection)}
        )
        return {
            name: record.get(name)
            for name in names
            if with_null or record.get(name) is not None
        }


def _fits(record: Record, item: Mapping[str, Any]) -> bool:
    """One filter; the operators that are not here are refused, none is passed over."""
    value, given = record.get(item["field_name"]), item["field_values"]
    operator = item["operator"]
    if operator == "IS":
        return value is None
    if operator == "ISN":
        return value is not None
    if value is None:
        return False
    tests: dict[str, Callable[[], bool]] = {
        "EQ": lambda: value == given[0],
        "N": lambda: value != given[0],
        "GT": lambda: value > given[0],
        "GTE": lambda: value >= given[0],
        "LT": lambda: value < given[0],
        "LTE": lambda: value <= given[0],
        "IN": lambda: value in given,
        "NIN": lambda: value not in given,
        "BETWEEN": lambda: given[0] <= value <= given[1],
    }
    if operator not in tests:
        raise Refused(10006, f"the operator {operator} is illegal")  # [A]
    return tests[operator]()
