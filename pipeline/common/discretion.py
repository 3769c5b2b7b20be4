"""Takes out of a text what must not stand in logs and alerts: values of rows, secrets.

Error messages of engines and of gates quote what they found in a row. That is what a
person at the machine needs, and it stays in the journal of attempts; a log that is
collected and an alert that leaves the house get the same sentence without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from pipeline.common import secrets as known
from pipeline.common.secrets import GONE, cleared

_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
# Examples come last in a sentence about a check, and may hold any text: what follows
# cannot be distinguished from them.
_EXAMPLES = re.compile(r"such as .*", re.DOTALL)
# `Key (name)=(Jon)`, as PostgreSQL shows a key.
_KEY = re.compile(r"(?<=\)=\()[^)]*(?=\))")
_QUOTED = re.compile(
    r"""(?P<before>\b(?:column|table|relation|schema|model|named|name|function)\s+)?"""
    r"""(?P<mark>['"`])(?P<inside>(?:(?!(?P=mark)).)*)(?P=mark)""",
    re.IGNORECASE | re.DOTALL,
)
# What a quoted text is when it is ours: a pattern or path of files, a snake_case name.
_OURS = re.compile(r"[\w./*-]*[/*][\w./* -]*|[a-z][a-z0-9]*(?:_[a-z0-9]+)+|--[a-z-]+")


def discreet(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without quoted values, examples, addresses, logins and secrets.

    Args:
        text: What is said.
        secrets: Those to be taken out beside the ones that are remembered.
    """
    text = cleared(text, secrets)
    text = _EXAMPLES.sub(f"such as {GONE}", text)
    text = _LOGIN.sub(f"{GONE}@", text)
    text = _KEY.sub(GONE, _EMAIL.sub(GONE, text))
    return _QUOTED.sub(_masked, text)


def secrets_in(files: Iterable[Path], environment: Mapping[str, str]) -> set[str]:
    """The values of the environment that these files refer to by `${NAME}`.

    Very short ones are left out: they would tear holes into any text. Settings of our own
    are no secrets, nor is what stands in a path.
    """
    found: set[str] = set()
    for path in files:
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        found |= known.values(raw, environment)
    return found


def _masked(match: re.Match[str]) -> str:
    inside = match["inside"]
    if match["before"] or len(inside) <= 1 or _OURS.fullmatch(inside):
        return match[0]
    return f"{match['mark']}{GONE}{match['mark']}"
