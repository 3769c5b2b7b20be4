"""Zoho CRM on loopback: OAuth, records, COQL, bulk read, deletes, metadata, users.

Marks: [D] the vendor's documentation, [R] recorded, [M] from memory, [A] assumed. What is
not marked is [D]. Not here: any company's data (`zoho_company`).
"""

from __future__ import annotations

import bisect
import csv
import datetime as dt
import email.utils
import io
import itertools
import zipfile
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.standins import zoho_writing
from tests.standins.base import Asked, ManualClock, Reply, Standin, json_reply
from tests.standins.zoho_coql import BadQuery, Query

ALL_SCOPES = frozenset(
    {
        "ZohoCRM.modules.READ",
        "ZohoCRM.settings.READ",
        "ZohoCRM.bulk.READ",
        "ZohoCRM.coql.READ",
        "ZohoCRM.users.READ",
    }
)
CREDENTIALS = {
    "client_id": "1000.CLIENT",
    "client_secret": "client-secret-of-the-test",
    "refresh_token": "1000.refresh-token-of-the-test",
}
_JSON_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "double": "double",
    "currency": "double",
    "percent": "double",
    "lookup": "jsonobject",
    "ownerlookup": "jsonobject",
    "multiselectpicklist": "jsonarray",
    "subform": "jsonarray",
}


@dataclass
class Limits:
    """The service's own; a test makes them small."""

    page_rows: int = 200
    numbered_rows: int = 2_000
    token_rows: int = 100_000
    fields: int = 50
    coql_rows: int = 2_000
    coql_fields: int = 50
    coql_keys: int = 50
    bulk_rows: int = 200_000
    downloads_a_minute: int = 10
    tokens_in_ten_minutes: int = 10
    token_seconds: int = 3_600
    credits: int | None = None
    deleted_days: int = 60
    permanently_deleted_days: int = 120


@dataclass
class Module:
    """A module: what it is made of, its records by id, and what was deleted."""

    fields: list[dict[str, Any]]
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    has_bulk: bool = True


@dataclass
class _Job:
    module: str
    fields: list[str]
    rows: list[dict[str, Any]]
    more: bool
    page: int
    polls: int = 0
    fails: bool = False


def field_of(
    api_name: str,
    data_type: str = "text",
    *,
    label: str | None = None,
    options: Iterable[str | tuple[str, str]] = (),
    lookup: str | None = None,
    **further: Any,
) -> dict[str, Any]:
    """A field as `settings/fields` describes it."""
    values = [(one, one) if isinstance(one, str) else one for one in options]
    described = {
        "id": str(7328395000000002000 + sum(map(ord, api_name))),
        "api_name": api_name,
        "field_label": label or api_name.replace("_", " "),
        "data_type": data_type,
        "json_type": _JSON_TYPES.get(data_type, "string"),
        "visible": True,
        "custom_field": False,
        "pick_list_values": [
            {"actual_value": value, "display_value": shown} for value, shown in values
        ],
    }
    if lookup:
        described["lookup"] = {"module": {"api_name": lookup}}
    return described | further


STANDARD = [
    field_of("id", "bigint"),
    field_of("Owner", "ownerlookup", lookup="users"),
    field_of("Created_Time", "datetime"),
    field_of("Modified_Time", "datetime"),
    field_of("Tag", "text", json_type="jsonarray"),
]


class Refused(Exception):
    """A call that is answered with an error."""

    def __init__(self, status: int, code: str, **details: Any) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.details = details


_MESSAGES = {
    "INVALID_TOKEN": "invalid oauth token",
    "OAUTH_SCOPE_MISMATCH": "invalid oauth scope to access this URL",
    "INVALID_MODULE": "The module name given seems to be invalid",  # [M]
    "INVALID_URL_PATTERN": "Please check if the URL trying to access is a correct one",
    "TOO_MANY_REQUESTS": "You have exceeded the limit of API calls",  # [A]
    "REQUIRED_PARAM_MISSING": "One of the expected parameter is missing",
    "DISCRETE_PAGINATION_LIMIT_EXCEEDED": "You can only get the first 2000 records "
    "without using page_token param",  # [R]
    "NO_PERMISSION": "permission denied",
}


class ZohoCrm(Standin):
    """The service, for one organisation.

    Attributes:
        modules: By API name; those of `subforms` are made of their records' rows.
        subforms: Subform → the module whose records hold it.
        scopes: What the refresh token may do.
        hidden: Modules that the user's profile may not see.
        counted_more: Module → records that are counted and that nobody can read.
        offset: Of the user's time zone, in which times are written.
        since_is_inclusive: Whether If-Modified-Since counts its own second; not known, so
            that tests try both [A].
        polls: How often a job of bulk read is asked for until it is done.
        locked: Ids of records that nobody may change.
    """

    def __init__(self, clock: ManualClock | None = None) -> None:
        super().__init__(clock)
        self.limits = Limits()
        self.modules: dict[str, Module] = {}
        self.subforms: dict[str, str] = {}
        self.users: list[dict[str, Any]] = []
        self.scopes = set(ALL_SCOPES)
        self.hidden: set[str] = set()
        self.counted_more: dict[str, int] = {}
        self.offset = dt.timezone(dt.timedelta(hours=8))
        self.since_is_inclusive = False
        self.polls = 0
        self.locked: set[str] = set()
        self.spent = 0
        self.tokens: dict[str, float] = {}
        self._granted: deque[float] = deque()
        self._downloads: deque[float] = deque()
        self._jobs: dict[str, _Job] = {}
        self._page_tokens: dict[str, tuple[dict[str, str], int, float]] = {}
        self._numbers = itertools.count(1)
        self._sorted: dict[str, list[dict[str, Any]]] = {}

    # The organisation's data

    def define(
        self, name: str, *fields: dict[str, Any], parent: str | None = None
    ) -> Module:
        """A module with these fields beside those that every module has."""
        self.modules[name] = Module([*STANDARD, *fields])
        if parent:
            self.subforms[name] = parent
            self.modules[name].fields.append(
                field_of("Parent_Id", "lookup", lookup=parent)
            )
        return self.modules[name]

    def new_id(self) -> str:
        """18 to 19 digits, rising."""
        return str(7_328_395_000_000_000_000 + next(self._numbers))

    def put(self, module: str, key: str | None = None, /, **values: Any) -> str:
        """Creates or changes a record now, as a user would."""
        there = self.modules[module].records
        key = key or self.new_id()
        now = self.written_now()
        record = there.get(key) or {"id": key, "Created_Time": now}
        for name, value in values.items():
            if name in self.subforms and self.subforms[name] == module:
                record[name] = [{"id": self.new_id()} | dict(row) for row in value]
            else:
                record[name] = value
        record["Modified_Time"] = values.get("Modified_Time", now)
        there[key] = record
        self._sorted.clear()
        return key

    def delete(self, module: str, key: str, *, kind: str = "recycle") -> None:
        """Deletes a record now; `vanish` as if it had never been, unlisted."""
        record = self.modules[module].records.pop(key)
        self._sorted.clear()
        if kind != "vanish":
            self.modules[module].deleted.append(
                {
                    "deleted_by": None,
                    "id": key,
                    "display_name": record.get("Subject"),
                    "type": kind,
                    "created_by": None,
                    "deleted_time": self.written_now(),
                    "record": record,
                }
            )

    def restore(self, module: str, key: str) -> None:
        """Takes a record back out of the recycle bin; its time stays as it was [A]."""
        there = self.modules[module]
        (entry,) = (one for one in there.deleted if one["id"] == key)
        there.deleted.remove(entry)
        there.records[key] = entry["record"]
        self._sorted.clear()

    def merge(self, module: str, kept: str, others: Iterable[str]) -> None:
        """Makes several records one, with the id of the first.

        The others are gone for good and in no list [A]; what named them names the first,
        without being modified [A].
        """
        gone = set(others)
        for key in gone:
            self.delete(module, key, kind="vanish")
        for name, other in self.modules.items():
            lookups = [
                one["api_name"]
                for one in other.fields
                if one.get("lookup", {}).get("module", {}).get("api_name") == module
            ]
            for record in self.modules[name].records.values():
                for lookup in lookups:
                    if (record.get(lookup) or {}).get("id") in gone:
                        record[lookup] = {**record[lookup], "id": kept}
        self.put(module, kept)

    def written_now(self) -> str:
        """The time as records hold it: the user's offset, to the second."""
        now = self.clock.now().astimezone(self.offset)
        return now.replace(microsecond=0).isoformat()

    def end_tokens(self) -> None:
        """All access tokens end now."""
        self.tokens.clear()

    # Answers

    def answer(self, asked: Asked) -> Reply:
        try:
            reply = self._answer(asked)
        except Refused as refused:
            body = {
                "code": refused.code,
                "details": refused.details,
                "message": _MESSAGES.get(refused.code, refused.code),
                "status": "error",
            }
            reply = json_reply(body, refused.status)
        date = email.utils.format_datetime(self.clock.now(), usegmt=True)
        return replace(reply, headers={**reply.headers, "date": date})

    def _answer(self, asked: Asked) -> Reply:
        if asked.path == "/oauth/v2/token":
            return self._token(asked)
        self._authorize(asked)
        path = asked.path
        if path.startswith("/crm/bulk/v8/read"):
            return self._bulk(asked, path.removeprefix("/crm/bulk/v8/read").strip("/"))
        if not path.startswith("/crm/v8/"):
            raise Refused(404, "INVALID_URL_PATTERN")
        parts = path.removeprefix("/crm/v8/").split("/")
        match parts:
            case ["coql"] if asked.method == "POST":
                return self._coql(asked)
            case ["users"]:
                return self._users(asked)
            case ["settings", "modules"]:
                return self._modules()
            case ["settings", "fields"]:
                module = self._module(asked.params.get("module", ""))
                return json_reply({"fields": module.fields})
            case [name, "actions", "count"]:
                self._module(name)
                count = len(self._records(name)) + self.counted_more.get(name, 0)
                return json_reply({"count": count})
            case [name, "deleted"]:
                return self._deleted(asked, self._module(name))
            case [name] if asked.method == "PUT":
                return zoho_writing.update(self, asked, name)
            case [name]:
                return self._list(asked, name)
            case [name, key] if key.isdigit():
                record = self._module(name).records.get(key)
                # [M] An id that is none any more.
                return json_reply({"data": [record]}) if record else Reply(204)
        raise Refused(404, "INVALID_URL_PATTERN")

    def _token(self, asked: Asked) -> Reply:
        given = {**asked.params, **asked.form()}
        if (given.get("client_id"), given.get("client_secret")) != (
            CREDENTIALS["client_id"],
            CREDENTIALS["client_secret"],
        ):
            return json_reply({"error": "invalid_client"})  # [M]
        if given.get("refresh_token") != CREDENTIALS["refresh_token"]:
            return json_reply({"error": "invalid_code"})
        if _is_full(self._granted, self.clock, 600, self.limits.tokens_in_ten_minutes):
            return json_reply(
                {
                    "error_description": "You have made too many requests continuously. "
                    "Please try again after some time.",
                    "error": "Access Denied",
                    "status": "failure",
                },
                400,
            )
        value = f"1000.access-token-{next(self._numbers)}"
        self.tokens[value] = self.clock.seconds + self.limits.token_seconds
        return json_reply(
            {
                "access_token": value,
                "scope": " ".join(sorted(self.scopes)),
                "api_domain": self.base_url,
                "token_type": "Bearer",
                "expires_in": self.limits.token_seconds,
            }
        )

    def _authorize(self, asked: Asked) -> None:
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        ends = self.tokens.get(token, 0.0)
        if scheme != "Zoho-oauthtoken" or ends <= self.clock.seconds:
            raise Refused(401, "INVALID_TOKEN")
        self.spent += 1
        if self.limits.credits is not None and self.spent > self.limits.credits:
            raise Refused(429, "TOO_MANY_REQUESTS")
        needed = "ZohoCRM.modules.READ"
        if asked.method == "PUT":
            needed = "ZohoCRM.modules.UPDATE"
        for part, scope in (
            ("/crm/bulk/", "ZohoCRM.bulk.READ"),
            ("/coql", "ZohoCRM.coql.READ"),
            ("/settings/", "ZohoCRM.settings.READ"),
            ("/crm/v8/users", "ZohoCRM.users.READ"),
        ):
            if part in asked.path:
                needed = scope
        if needed not in self.scopes:
            raise Refused(401, "OAUTH_SCOPE_MISMATCH")

    def module(self, name: str) -> Module:
        """A module that the user may see; refused otherwise."""
        return self._module(name)

    def _module(self, name: str) -> Module:
        if name not in self.modules:
            raise Refused(400, "INVALID_MODULE")
        if name in self.hidden:
            needed = [f"Crm_Implied_View_{name}"]  # [M]
            raise Refused(403, "NO_PERMISSION", permissions=needed)
        return self.modules[name]

    def _records(self, name: str) -> list[dict[str, Any]]:
        """All records of a module or subform, by id."""
        if name not in self._sorted:
            if parent := self.subforms.get(name):
                found = [
                    {**row, "Parent_Id": {"id": record["id"]}}
                    for record in self.modules[parent].records.values()
                    for row in record.get(name, ())
                ]
                found += self.modules[name].orphans
            else:
                found = list(self.modules[name].records.values())
            self._sorted[name] = sorted(found, key=lambda record: int(record["id"]))
        return self._sorted[name]

    def _modules(self) -> Reply:
        described = [
            {"api_name": name, "module_name": name, "api_supported": True}
            for name in self.modules
        ]
        return json_reply({"modules": described})

    def _users(self, asked: Asked) -> Reply:
        page = int(asked.params.get("page", 1))
        begin = (page - 1) * 200
        rows = self.users[begin : begin + 200]
        more = begin + 200 < len(self.users)
        if not rows:
            return Reply(204)
        return json_reply({"users": rows, "info": {"more_records": more}})

    # Records, page by page

    def _list(self, asked: Asked, name: str) -> Reply:
        module, limits = self._module(name), self.limits
        params = asked.params
        if "fields" not in params:
            raise Refused(400, "REQUIRED_PARAM_MISSING", param_name="fields")
        names = params["fields"].split(",")
        if len(names) > limits.fields:
            # [A] the details
            raise Refused(
                400, "LIMIT_EXCEEDED", limit=limits.fields, param_name="fields"
            )
        rows = min(int(params.get("per_page", limits.page_rows)), limits.page_rows)
        begin = self._begin(params, rows)
        since = asked.headers.get("if-modified-since")
        found = self._ordered(name, params, since)
        if not found:
            return Reply(304 if since else 204)
        if begin >= limits.token_rows:
            raise Refused(400, "PAGINATION_LIMIT_EXCEEDED")
        page = found[begin : begin + rows]
        if not page:
            return Reply(204)
        more = begin + rows < len(found)
        token = None
        if more:
            token = f"token-{next(self._numbers)}"
            self._page_tokens[token] = (
                _bound(params),
                begin + rows,
                self.clock.seconds + 86_400,
            )
        known = {
            one["api_name"]
            for one in module.fields
            if one["api_name"] not in self.subforms and one["data_type"] != "subform"
        }
        # What is unknown and what is a subform is absent, without a word.
        asked_for = [one for one in names if one in known]
        data = [
            {one: record.get(one) for one in asked_for}
            | {"id": record["id"], "$approved": True}
            for record in page
        ]
        info = {
            "call": False,
            "per_page": rows,
            "count": len(page),
            "page": begin // rows + 1,
            "sort_by": params.get("sort_by", "id"),
            "sort_order": params.get("sort_order", "desc"),
            "next_page_token": token,
            "previous_page_token": None,
            "email": False,
            "more_records": more,
        }
        return json_reply({"data": data, "info": info})

    def _begin(self, params: Mapping[str, str], rows: int) -> int:
        """Where a page begins, by its number or its token."""
        token = params.get("page_token")
        if token is None:
            number = int(params.get("page", 1))
            if number * rows > self.limits.numbered_rows:
                limit = self.limits.numbered_rows
                raise Refused(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", limit=limit)
            return (number - 1) * rows
        if "page" in params:
            raise Refused(400, "AMBIGUITY_DURING_PROCESSING")
        if token not in self._page_tokens:
            raise Refused(400, "INVALID_DATA")
        bound, begin, ends = self._page_tokens[token]
        if ends < self.clock.seconds:
            raise Refused(400, "EXPIRED_VALUE")
        if bound != _bound(params):
            raise Refused(400, "TOKEN_BOUND_DATA_MISMATCH")
        # [A] A place in the order of now: what changed meanwhile shifts the rest.
        return begin

    def _ordered(
        self, name: str, params: Mapping[str, str], since: str | None
    ) -> list[dict[str, Any]]:
        found = self._records(name)
        if ids := params.get("ids"):
            wanted = set(ids.split(","))
            found = [record for record in found if record["id"] in wanted]
        if since:
            moment = dt.datetime.fromisoformat(since)
            found = [
                record
                for record in found
                if _moment(record) > moment
                or (self.since_is_inclusive and _moment(record) == moment)
            ]
        if params.get("sort_by", "id") != "id":
            by = params["sort_by"]
            found = sorted(
                found, key=lambda record: dt.datetime.fromisoformat(record[by])
            )
        if params.get("sort_order", "desc") == "desc":
            found = found[::-1]
        return found

    def _deleted(self, asked: Asked, module: Module) -> Reply:
        now, limits = self.clock.now(), self.limits
        days = {
            "recycle": limits.deleted_days,
            "permanent": limits.permanently_deleted_days,
        }
        since = asked.headers.get("if-modified-since")
        begin = dt.datetime.fromisoformat(since) if since else None
        found = []
        for entry in module.deleted:
            moment = dt.datetime.fromisoformat(entry["deleted_time"])
            is_old = now - moment > dt.timedelta(days=days[entry["type"]])
            if not is_old and (begin is None or moment > begin):
                found.append(entry)
        rows, page = self.limits.page_rows, int(asked.params.get("page", 1))
        at = (page - 1) * rows
        if not found[at:]:
            return Reply(204)
        data = [
            {name: value for name, value in entry.items() if name != "record"}
            for entry in found[at : at + rows]
        ]
        info = {"per_page": rows, "count": len(data), "page": page}
        more = at + rows < len(found)
        return json_reply({"data": data, "info": info | {"more_records": more}})

    # COQL

    def _coql(self, asked: Asked) -> Reply:
        limits = self.limits
        try:
            query = Query.parse(asked.json()["select_query"])
        except BadQuery as bad:
            raise Refused(
                400, "SYNTAX_ERROR", line=1, column=bad.column, near=bad.near
            ) from None
        module = self._module(query.module)
        if query.limit > limits.coql_rows or len(query.columns) > limits.coql_fields:
            raise Refused(400, "LIMIT_EXCEEDED")
        if query.most_keys > limits.coql_keys:
            raise Refused(400, "LIMIT_EXCEEDED")
        known = {one["api_name"] for one in module.fields}
        for name in query.columns:
            if name.split(".")[0] not in known:
                raise Refused(400, "INVALID_QUERY", column_name=name)  # [A]
        records = self._records(query.module)
        begin = bisect.bisect_right(
            records, query.above_id, key=lambda one: int(one["id"])
        )
        rest = itertools.islice(records, begin, None)
        holding = (one for one in rest if query.holds(one))
        if query.order == [("id", False)]:
            # As they come: a page of a large module is not worth all of it.
            end = query.offset + query.limit + 1
            found = list(itertools.islice(holding, query.offset, end))
        else:
            found = query.ordered(list(holding))[query.offset :]
        page = found[: query.limit]
        if not page:
            return Reply(204)
        data = [
            {name: _coql_value(record.get(name)) for name in query.columns}
            | {"id": record["id"]}
            for record in page
        ]
        info = {"count": len(page), "more_records": len(found) > len(page)}
        return json_reply({"data": data, "info": info})

    # Bulk read

    def _bulk(self, asked: Asked, rest: str) -> Reply:
        if asked.method == "POST" and not rest:
            return self._new_job(asked)
        key, _, result = rest.partition("/")
        job = self._jobs.get(key)
        if job is None:
            raise Refused(404, "RESOURCE_NOT_FOUND")
        if result:
            limit = self.limits.downloads_a_minute
            if _is_full(self._downloads, self.clock, 60, limit):
                raise Refused(429, "TOO_MANY_REQUESTS")
            body = self._zip(key, job)
            return Reply(200, body, {"content-type": "application/zip"})
        job.polls += 1
        state: dict[str, Any] = {"id": key, "operation": "read", "file_type": "csv"}
        if job.polls <= self.polls:
            return json_reply({"data": [state | {"state": "IN PROGRESS"}]})
        if job.fails:
            said = {"code": "INTERNAL_SERVER_ERROR", "message": "Internal server error"}
            result_of = {"error_message": said | {"details": {}, "status": "error"}}
            return json_reply(
                {"data": [state | {"state": "FAILURE", "result": result_of}]}
            )
        done: dict[str, Any] = {
            "page": job.page,
            "per_page": self.limits.bulk_rows,
            "count": len(job.rows),
            "download_url": f"/crm/bulk/v8/read/{key}/result",
            "more_records": job.more,
        }
        if job.more:
            done["next_page_token"] = f"{job.page + 1}"
        return json_reply({"data": [state | {"state": "COMPLETED", "result": done}]})

    def _new_job(self, asked: Asked) -> Reply:
        if "json" not in asked.headers.get("content-type", ""):
            raise Refused(415, "MEDIA_TYPE_NOT_SUPPORTED")
        query = asked.json()["query"]
        name = query["module"]["api_name"]
        module = self._module(name)
        if not module.has_bulk:
            raise Refused(400, "MODULE_NOT_SUPPORTED")
        known = {one["api_name"] for one in module.fields}
        if unknown := [one for one in query["fields"] if one not in known]:
            raise Refused(400, "FIELD_NOT_AVAILABLE", field=unknown[0])
        page = int(query.get("page_token") or query.get("page") or 1)
        if "page_token" not in query and page > 50:
            raise Refused(400, "PAGE_RANGE_EXCEEDED", max_limit=50)  # [A] 50
        rows = self.limits.bulk_rows
        begin = (page - 1) * rows
        # [T] A bulk read of a subform leaves out the rows of no record. No order [A].
        found = [
            record
            for record in self._records(name)[::-1]
            if name not in self.subforms or record.get("Parent_Id")
        ]
        key = self.new_id()
        self._jobs[key] = _Job(
            name,
            query["fields"],
            [dict(record) for record in found[begin : begin + rows]],
            begin + rows < len(found),
            page,
        )
        details = {"id": key, "operation": "read", "state": "ADDED"}
        done = {"status": "success", "code": "ADDED_SUCCESSFULLY", "details": details}
        return json_reply({"data": [done], "info": {}}, 201)

    def _zip(self, key: str, job: _Job) -> bytes:
        text = io.StringIO(newline="")
        rows = csv.writer(text, lineterminator="\n")
        names = [name for name in job.fields if name != "id"]
        rows.writerow(["Id", *names])
        for record in job.rows:
            values = [_csv_value(record.get(name)) for name in names]
            rows.writerow([record["id"], *values])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"{key}.csv", text.getvalue())
        return packed.getvalue()


def _is_full(
    recent: deque[float], clock: ManualClock, seconds: float, most: int
) -> bool:
    """Whether the window is full; takes a place in it otherwise."""
    while recent and clock.seconds - recent[0] >= seconds:
        recent.popleft()
    if len(recent) >= most:
        return True
    recent.append(clock.seconds)
    return False


def _bound(params: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in params.items()
        if name not in {"page", "page_token"}
    }


def _moment(record: Mapping[str, Any]) -> dt.datetime:
    return dt.datetime.fromisoformat(record["Modified_Time"])


def _coql_value(value: Any) -> Any:
    """A lookup comes as its id alone [M]."""
    return {"id": value["id"]} if isinstance(value, dict) else value


def _csv_value(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value["id"])
    if isinstance(value, list):
        return ";".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
