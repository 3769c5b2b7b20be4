"""What the codes of the open API mean, and what to do about each.

The status of every answer is 200, and its text may change: the code alone counts. Not
here: what the client does about a code (`client`).
"""

from __future__ import annotations

from typing import Final, Literal

Meaning = Literal[
    "success",
    "busy",
    "rate",
    "token",
    "permission",
    "quota",
    "parameter",
    "unknown",
]

_MEANINGS: Final[dict[int, Meaning]] = {
    0: "success",
    -1: "busy",
    -2: "busy",
    50009: "busy",
    30004: "rate",
    14001: "rate",
    20016: "token",
    20017: "token",
    15003: "permission",
    20020: "permission",
    20021: "permission",
    20022: "permission",
    30002: "quota",
    30003: "quota",
    10006: "parameter",
    # By the vendor's list a missing token, and in fact an offset beyond the last: in
    # either case what was sent is wrong, and would be again.
    10013: "parameter",
}

_ADVICE: Final[dict[Meaning, str]] = {
    "busy": "The service is busy",
    "rate": "It was called more often than it allows",
    "token": (
        "The token is refused even though it is fresh. See whether app_id, app_secret and "
        "permanent_code belong together and the application is still authorised by the "
        "tenant"
    ),
    "permission": (
        "A permission is missing. Give the application the right to read this object in "
        "the administration of the open platform, and the employee of user_id a role that "
        "sees all of its records and fields; a refresh never takes a refusal for an "
        "empty object"
    ),
    "parameter": (
        "The service does not know the object, a field or a parameter. Compare `object` "
        "and `fields` in sources.yaml with the administration of the objects"
    ),
    "unknown": "The vendor's list of codes says what it is",
}

_QUOTAS: Final = {
    30002: (
        "The calls of this day are used up. They begin anew at 0:00 in China; refresh "
        "after that, or have more bought"
    ),
    30003: "No calls have been bought for the tenant. Ask the vendor for a pack of calls",
}


def meaning_of(code: int) -> Meaning:
    """What a code is about; `unknown` where the list does not have it."""
    return _MEANINGS.get(code, "unknown")


def advice(code: int) -> str:
    """What happened and what to do, without a full stop."""
    return _QUOTAS.get(code) or _ADVICE[meaning_of(code)]
