"""What Zoho's answers mean: good, worth asking again, or what a person has to change.

Decided by the status and the code, never by the message, which is for people. A missing
scope or permission is an error that names it; it is never an answer without rows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pipeline.sources.http import Answer, ServiceError, TokenRefused
from pipeline.sources.http.session import status_error

_TOKEN: Final = {"INVALID_TOKEN", "AUTHENTICATION_FAILURE", "INVALID_OAUTH"}

# Path of a call → the scopes of which one lets it through.
_SCOPES: Final = (
    (r"/crm/bulk/", "ZohoCRM.bulk.READ together with ZohoCRM.modules.READ"),
    (r"/crm/v\d+/coql", "ZohoCRM.coql.READ together with ZohoCRM.modules.READ"),
    (r"/crm/v\d+/settings/", "ZohoCRM.settings.READ"),
    (r"/crm/v\d+/users", "ZohoCRM.users.READ"),
    (r"/crm/v\d+/", "ZohoCRM.modules.READ"),
    (r"/api/v1/tickets/search", "Desk.search.READ together with Desk.tickets.READ"),
    (r"/api/v1/tickets", "Desk.tickets.READ"),
    (r"/api/v1/(accounts|contacts)", "Desk.contacts.READ"),
    (r"/api/v1/", "Desk.basic.READ and Desk.settings.READ"),
)

_MEANING: Final = {
    "INVALID_MODULE": "there is no such module. Its API name stands in Setup > Developer "
    "Hub > APIs > API names; write it into `object` in sources.yaml",
    "NO_PERMISSION": "the user who made the refresh token may not read this; let an "
    "administrator give the user's profile the right to view it",
    "NOT_SUPPORTED": "Zoho does not give this module to programs",
    "TOO_MANY_REQUESTS": "the calls at once, or the credits of the last 24 hours, are "
    "used up; Setup > Developer Hub > APIs shows which. Set connection.calls_per_day "
    "below what Zoho allows, or read less often",
    "INTERNAL_ERROR": "Zoho has a fault of its own",
    "INVALID_URL_PATTERN": "there is no such address; is data_center in sources.yaml that "
    "of the organisation?",
    "LICENSE_ACCESS_LIMITED": "the organisation's edition does not have this",
    "FORBIDDEN": "the user who made the refresh token may not read this",
    "UNPROCESSABLE_ENTITY": "Zoho Desk takes the call for wrong; is org_id in "
    "sources.yaml that of the organisation?",
}


def judge(answer: Answer) -> None:
    """Raises unless the answer is good; 204 and 304 are good, and empty.

    Raises:
        TokenRefused: The access token has ended.
        ServiceError: Anything else; says what it means and what to do.
    """
    if answer.status in {204, 304}:
        return
    body = _object(answer)
    code = _code(body)
    is_good = 200 <= answer.status < 300
    if is_good and not (code and body.get("status", "error") in {"error", "failure"}):
        return
    method, path = answer.where.split(" ")[-2:]
    if code in _TOKEN or (answer.status == 401 and not code):
        raise TokenRefused(
            f"{answer.where} answered {answer.status} {code}: Zoho does not accept the "
            "access token that it gave a moment ago. Is the data_center of the "
            "credentials that of the organisation?",
            code=code,
            status=answer.status,
        )
    if code in {"OAUTH_SCOPE_MISMATCH", "SCOPE_MISMATCH"}:
        raise ServiceError(
            f"{answer.where} answered {answer.status} {code}: the refresh token lacks the "
            f"scope {scope_of(path, method)}. Make one that has it and put it into the "
            "environment; docs/connect-zoho.md says how.",
            code=code,
            status=answer.status,
        )
    text = _MEANING.get(code, "")
    if code == "NO_PERMISSION" and (missing := _permissions(body)):
        text = f"{text} ({missing})"
    if code in {"INVALID_QUERY", "SYNTAX_ERROR", "FIELD_NOT_AVAILABLE"}:
        text = (
            f"Zoho does not give one of the fields in this way ({_details(body)}); name "
            "it under `leave_out` in sources.yaml, or set `coql: false` under zoho"
        )
    if not text:
        text = str(body.get("message") or body.get("error_description") or "")
    error = status_error(answer, text, code)
    if is_good or code in {"INTERNAL_ERROR", "TOO_MANY_REQUESTS"}:
        # An error in an answer that says it is good; the code alone says what it is.
        error.may_pass = code in {"INTERNAL_ERROR", "TOO_MANY_REQUESTS"}
    if answer.status == 429 and path.endswith("/result"):
        error.wait_seconds = 60  # ten downloads a minute, whoever makes them
    raise error


def judge_token(answer: Answer) -> None:
    """Raises unless the answer holds an access token; it is 200 even when it does not.

    Raises:
        ServiceError: Says which of the credentials is wrong.
    """
    body = _object(answer)
    if 200 <= answer.status < 300 and body.get("access_token"):
        return
    code = str(body.get("error") or "")
    meaning = {
        "invalid_code": "Zoho does not know the refresh token: it was revoked, or belongs "
        "to another client or data center. Make a new one (docs/connect-zoho.md)",
        "invalid_client": "client_id is wrong, or of another data center",
        "invalid_client_secret": "client_secret is not that of client_id",
        "Access Denied": "more than 10 access tokens were asked for within 10 minutes. "
        "Wait, and see what else uses this refresh token",
    }
    if code == "Access Denied":
        raise ServiceError(
            f"{answer.where} gave no access token: {meaning[code]}.",
            may_pass=True,
            code=code,
            status=answer.status,
            wait_seconds=600,
        )
    if code:
        text = meaning.get(code, code)
        raise ServiceError(
            f"{answer.where} gave no access token: {text}.",
            code=code,
            status=answer.status,
        )
    if answer.status == 200:
        answer.object()  # says when it is no JSON
        raise ServiceError(f"{answer.where} gave no access token, and no reason.")
    raise status_error(answer)


def scope_of(path: str, method: str = "GET") -> str:
    """The scope that a call of this path needs."""
    if method == "PUT":
        return "ZohoCRM.modules.UPDATE"
    return next(scope for pattern, scope in (*_SCOPES, ("", "")) if _is(pattern, path))


def _is(pattern: str, path: str) -> bool:
    return re.match(pattern, path) is not None


def _object(answer: Answer) -> Mapping[str, Any]:
    """The body, where it is an object; nothing otherwise: who reads it says so."""
    try:
        value = answer.json() if answer.content else {}
    except ServiceError:
        return {}
    return value if isinstance(value, dict) else {}


def _code(body: Mapping[str, Any]) -> str:
    """The code of an error: Zoho CRM's `code`, Zoho Desk's `errorCode`."""
    found = body.get("code") or body.get("errorCode") or ""
    return found if isinstance(found, str) else str(found)


def _permissions(body: Mapping[str, Any]) -> str:
    details = body.get("details")
    named = details.get("permissions") if isinstance(details, dict) else None
    return ", ".join(map(str, named)) if isinstance(named, list) else ""


def _details(body: Mapping[str, Any]) -> str:
    details = body.get("details")
    named = details if isinstance(details, dict) else {}
    text = ", ".join(f"{name} {value}" for name, value in named.items())
    return text or str(body.get("message") or "no details")
