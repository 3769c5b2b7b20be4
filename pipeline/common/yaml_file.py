"""Reads a settings file in YAML: each key once, `${NAME}` from the environment.

So that secrets never stand in such a file. What its keys mean is for who reads it.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from pipeline.common import secrets
from pipeline.common.errors import ConfigurationError
from pipeline.common.yaml_places import Key, Places, at

_ENCODED = {"login", "password", "query"}


def read(
    path: Path, environment: Mapping[str, str], *, otherwise: str
) -> dict[str, Any]:
    """The file's mapping, with the values of the environment in it.

    A value that stands in a URL as the user's name, the password or a parameter is
    encoded for it; one that is the whole URL is taken as it is. What may be secret is
    remembered, so that no text shows it.

    Args:
        path: The file.
        environment: What `${NAME}` may refer to.
        otherwise: How another file is named, for when this one cannot be read.

    Raises:
        ConfigurationError: Names the file, the place in it and what is wrong.
    """
    raw = _load(path, otherwise)
    if not isinstance(raw, dict):
        what = "is empty" if raw is None else "names no settings"
        raise ConfigurationError(f"{path} {what}; it should begin with 'version: 1'.")
    secrets.remember(secrets.values(raw, environment))
    unset: list[tuple[Sequence[Key], str]] = []
    replaced: dict[str, Any] = _substitute(raw, environment, (), unset)
    _refuse_unset(path, unset)
    return replaced


def read_value(
    path: Path, environment: Mapping[str, str], keys: Sequence[str], *, otherwise: str
) -> Any:
    """One value of the file; the rest of it may refer to what is not set here.

    For whoever watches from outside and has none of the secrets.

    Args:
        path: The file.
        environment: What `${NAME}` in the value may refer to.
        keys: The way to the value, from the file's mapping inwards.
        otherwise: As in `read`.

    Returns:
        The value; None where the file has no such key.

    Raises:
        ConfigurationError: As `read`, of this value.
    """
    found: Any = _load(path, otherwise)
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    unset: list[tuple[Sequence[Key], str]] = []
    value = _substitute(found, environment, tuple(keys), unset)
    _refuse_unset(path, unset)
    return value


def expanded_url(text: str, environment: Mapping[str, str], where: str) -> str:
    """A URL with the values of the environment in it, as `url` in a settings file has it.

    Args:
        text: The URL, with `${NAME}` where it is not written out; or `${NAME}` alone.
        environment: What it may refer to.
        where: Where it stands, for messages.

    Raises:
        ConfigurationError: It refers to what is not set.
    """
    unset: list[tuple[Sequence[Key], str]] = []
    found: str = _substitute(text, environment, ("url",), unset)
    if unset:
        names = ", ".join(dict.fromkeys(f"${{{name}}}" for _, name in unset))
        raise ConfigurationError(
            f"{where} refers to {names}, which is not set in the environment."
        )
    secrets.remember(secrets.values({"url": text}, environment))
    return found


def _load(path: Path, otherwise: str) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_EachKeyOnce)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}); {otherwise}."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        # YAML's own words repeat the line, and a password may stand in it.
        place = getattr(error, "problem_mark", None)
        line = f" in line {place.line + 1}" if place is not None else ""
        problem = getattr(error, "problem", None) or type(error).__name__
        raise ConfigurationError(
            f"{path} is not valid YAML{line}: {problem}."
        ) from None


class _EachKeyOnce(yaml.SafeLoader):
    """YAML keeps the last of two equal keys; here an entity would vanish unnoticed."""

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            if (text := str(key.value)) in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{text} is there twice", key.start_mark
                )
            seen.add(text)
        return super().construct_mapping(node, deep)


def _substitute(
    value: Any,
    environment: Mapping[str, str],
    place: tuple[Key, ...],
    unset: list[tuple[Sequence[Key], str]],
) -> Any:
    """The value with those of the environment in it; notes what is not set there."""
    if isinstance(value, dict):
        return {
            name: _substitute(item, environment, (*place, str(name)), unset)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [
            _substitute(item, environment, (*place, number), unset)
            for number, item in enumerate(value)
        ]
    if not isinstance(value, str):
        return value
    key = next((step for step in reversed(place) if isinstance(step, str)), "")

    def replaced(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            unset.append((place, name))
            return ""
        found = environment[name]
        if key == "url" and secrets.place_in_url(value, match) in _ENCODED:
            return quote(found, safe="")
        return found

    return secrets.REFERENCE.sub(replaced, value)


def _refuse_unset(path: Path, unset: Sequence[tuple[Sequence[Key], str]]) -> None:
    """Raises ConfigurationError where the file refers to what is not set, all of it."""
    if not unset:
        return
    places = Places.of(path)
    said = [
        f"{at(path, places.line(*keys))}: {places.spelling(keys)} refers to "
        f"${{{name}}}, which is not set in the environment."
        for keys, name in unset
    ]
    raise ConfigurationError("\n".join(dict.fromkeys(said)))
