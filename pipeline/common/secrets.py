"""Secrets that settings files take from the environment: which values, and out they go.

A value that a file refers to by `${NAME}` is a secret unless it stands where none can,
such as in a path. Whoever reads such a file remembers its secrets here, and whatever
leaves the process as text is cleared of them, in every form in which they are written.
Not here: values of rows (`discretion`).
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote

GONE = "…"
REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

# A shorter one would tear holes into any text.
SHORTEST = 4

# Keys of settings files whose values people may read, and must.
_OPEN = {
    "accounts_url",
    "api_url",
    "ca_file",
    "calls_per_day",
    "data_center",
    "dbt_project",
    "demonstration",
    "encoding",
    "expectations",
    "files",
    "from",
    "host",
    "language",
    "limit_minutes",
    "member",
    "name",
    "org_id",
    "path",
    "port",
    "reporting_currency",
    "sheet",
    "table",
    "time_zone",
    "to",
    "user",
}

# What this process has read; a set that only grows.
_REMEMBERED: set[str] = set()

Place = Literal["whole", "login", "password", "query", "rest"]


def place_in_url(text: str, found: re.Match[str]) -> Place:
    """Where in a URL a reference stands; `password` is what follows a user's name."""
    before, after = text[: found.start()], text[found.end() :]
    if not before and not after:
        return "whole"
    _, mark, authority = before.partition("://")
    if not mark:
        return "rest"
    if "?" in authority:
        has_name = "=" in re.split(r"[?&]", authority)[-1]
        return "query" if has_name else "rest"
    if "/" not in authority and "@" not in authority and "@" in after.split("?")[0]:
        return "password" if ":" in authority else "login"
    return "rest"


def values(raw: Any, environment: Mapping[str, str]) -> set[str]:
    """The secrets to which a settings file refers, by its keys and places.

    Args:
        raw: The file's content, before anything is put in.
        environment: What `${NAME}` refers to.
    """
    return {value for value in _values("", raw, environment) if len(value) >= SHORTEST}


def _values(key: str, raw: Any, environment: Mapping[str, str]) -> Iterator[str]:
    if isinstance(raw, dict):
        for name, item in raw.items():
            yield from _values(str(name), item, environment)
    elif isinstance(raw, list):
        for item in raw:
            yield from _values(key, item, environment)
    elif isinstance(raw, str) and key not in _OPEN:
        for found in REFERENCE.finditer(raw):
            value = environment.get(found[1], "")
            # Settings of our own are no secrets.
            if found[1].startswith("CUSTOMER_TIERS_"):
                continue
            place = place_in_url(raw, found) if key == "url" else "whole"
            if place == "whole":
                yield value
                yield from in_url(value)
            elif place in {"password", "query"} or raw.startswith("http"):
                yield value


def in_url(value: str) -> Iterator[str]:
    """The secrets in a URL, as they are written there and as they are meant."""
    if found := re.match(r"[\w+.-]+://[^:/@]*:(.*)@", value):
        yield from {found[1], unquote(found[1])}
    for part in re.findall(
        r"[?&][^=&]*(?:pass|pwd|token|secret|key)[^=&]*=([^&]*)", value
    ):
        yield from {part, unquote(part)}


def remember(found: Iterable[str]) -> None:
    """Has every text that is cleared from now on be cleared of these, too."""
    _REMEMBERED.update(found)


def cleared(text: str, found: Iterable[str] = (), gone: str = GONE) -> str:
    """The text without these secrets and the remembered ones, however they are written.

    Args:
        text: What is said.
        found: Secrets beside those that are remembered.
        gone: What stands in their place.
    """
    for secret in sorted({*_REMEMBERED, *found} - {""}, key=len, reverse=True):
        text = _pattern(secret).sub(lambda _: gone, text)
    return text


@lru_cache(maxsize=1_024)
def _pattern(secret: str) -> re.Pattern[str]:
    """The secret as it is, and with any of its characters encoded as places demand it."""
    encoded = base64.b64encode(secret.encode()).decode()
    return re.compile(f"{''.join(map(_any_form, secret))}|{re.escape(encoded)}")


def _any_form(character: str) -> str:
    """A character in URLs, JSON, Python, SQL, HTML and connection strings."""
    if character.isascii() and character.isalnum():
        return f"(?:{character}|%(?i:{ord(character):02x}))"
    percent = "".join(
        f"%(?i:{byte:02x})" for byte in character.encode("utf-8", "replace")
    )
    written = {
        character,
        f"\\{character}",
        json.dumps(character)[1:-1],
        repr(character)[1:-1],
        html.escape(character),
    }
    if character == "'":
        written.add("''")
    if character == " ":
        written.add("+")
    plain = sorted(map(re.escape, written), key=len, reverse=True)
    return f"(?:{'|'.join([*plain, percent])})"


def clear_error(error: BaseException) -> None:
    """Takes the secrets out of an error and of those that led to it, in place.

    What its words are made of is cleared; a log that shows the chain shows no secret.
    """
    seen: set[int] = set()
    chain: list[BaseException | None] = [error]
    while chain:
        one = chain.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.args = tuple(
            cleared(item) if isinstance(item, str) else item for item in one.args
        )
        for name, item in vars(one).items():
            if isinstance(item, str) and cleared(item) != item:
                with suppress(AttributeError, TypeError):
                    setattr(one, name, cleared(item))
        chain += [one.__cause__, one.__context__, getattr(one, "orig", None)]
