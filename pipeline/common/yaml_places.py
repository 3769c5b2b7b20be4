"""Where something stands in a settings file, and what is wrong there, for a person.

Lines come from the file as it is written, so that no value of the environment is among
what is said. Not here: reading the values (`yaml_file`).
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.common.errors import ConfigurationError

Key = str | int

# What pydantic says of a kind of mistake, in words of the file.
_SAYINGS = {
    "missing": "is missing",
    "dict_type": "should be a mapping, `name: value` a line",
    "model_type": "should be a mapping, `name: value` a line",
    "list_type": "should be a list, such as [id]",
    "string_type": "should be text",
    "too_short": "should not be empty",
    "string_too_short": "should not be empty",
    "date_type": "should be a day such as 2024-01-31",
    "date_parsing": "should be a day such as 2024-01-31",
    "date_from_datetime_parsing": "should be a day such as 2024-01-31",
    "date_from_datetime_inexact": "should be a day such as 2024-01-31",
    "int_parsing": "should be a whole number",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "float_type": "should be a number",
    "path_type": "should be a path",
}
_PATTERNS = {
    "^[a-z][a-z0-9_]*$": "lower-case letters, digits and underscores, a letter first",
    "^[A-Z]{3}$": "the three capital letters of a currency, such as EUR",
}


@dataclass(frozen=True)
class Places:
    """The lines of a YAML file, by the way to what stands there."""

    file: Path
    root: yaml.Node | None

    @classmethod
    def of(cls, file: Path) -> Places:
        """Those of a file; of one that is not there or no YAML, none."""
        try:
            root = yaml.compose(file.read_text(encoding="utf-8"), yaml.SafeLoader)
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            root = None
        return cls(file, root)

    def line(self, *keys: Key) -> int | None:
        """The line of what the keys lead to, or of the last on the way that is there."""
        found = None
        for mark, _ in self._way(keys):
            found = mark.start_mark.line + 1
        return found

    def spelling(self, keys: Sequence[Key]) -> str:
        """The way as a person would say it: items of a list by their names.

        What is no part of the file is left out, unless it is the last: it is missing.
        """
        way = list(self._way(keys))
        parts: list[str] = []
        for key, (_, node) in zip(keys, way, strict=False):
            parts.append(_name(node) or str(key) if isinstance(key, int) else str(key))
        if len(way) < len(keys) and isinstance(keys[-1], str):
            parts.append(keys[-1])
        return ".".join(parts)

    def holds(self, keys: Sequence[Key]) -> bool:
        """Whether something stands at the end of the way."""
        return len(list(self._way(keys))) == len(keys)

    def is_mapping(self, keys: Sequence[Key]) -> bool:
        """Whether what stands there, or at the last place on the way, is a mapping."""
        node = self.root
        for _, found in self._way(keys):
            node = found
        return isinstance(node, yaml.MappingNode)

    def _way(self, keys: Sequence[Key]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """What marks each step, and what stands there, as far as the file goes."""
        node = self.root
        for key in keys:
            step = None
            if isinstance(node, yaml.MappingNode):
                step = next(
                    (pair for pair in node.value if str(pair[0].value) == str(key)),
                    None,
                )
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                item = node.value[key] if key < len(node.value) else None
                step = (item, item) if item is not None else None
            if step is None:
                return
            yield step
            node = step[1]


def _name(node: yaml.Node) -> str:
    """The `name` of an item of a list, as it is written."""
    if not isinstance(node, yaml.MappingNode):
        return ""
    for key, value in node.value:
        if key.value == "name" and isinstance(value, yaml.ScalarNode):
            return str(value.value)
    return ""


def at(file: Path | str, line: int | None) -> str:
    """A place as messages begin."""
    return f"{file}, line {line}" if line else str(file)


def refused(
    path: Path, error: ValidationError, model: type[BaseModel]
) -> ConfigurationError:
    """What does not fit, one line each, without what stands there: it may be secret.

    Args:
        path: The file.
        error: What the model refuses of it.
        model: That of the whole file; says which options there are.
    """
    places = Places.of(path)
    found: dict[tuple[int, str], list[str]] = {}
    for item in error.errors(include_input=False, include_url=False):
        keys = _keys(item, places)
        if keys is None:
            continue
        where = (places.line(*keys) or 0, places.spelling(keys) or "the file")
        words = found.setdefault(where, [])
        if (said := _say(item, model, keys)) not in words:
            words.append(said)
    mistakes = [
        (line, f"{where}: {', or '.join(words)}")
        for (line, where), words in sorted(found.items())
    ]
    if len(mistakes) == 1:
        line, words_ = mistakes[0]
        return ConfigurationError(f"{at(path, line)}: {words_}.")
    listed = "".join(f"\n  line {line}: {words}." for line, words in mistakes)
    return ConfigurationError(f"{path} has {len(mistakes)} mistakes:{listed}")


def _keys(item: Mapping[str, Any], places: Places) -> list[Key] | None:
    """The way to a mistake; None where it is said of a choice that nobody made.

    Of a value that may be of several kinds each kind says what it lacks, and stands in
    the way itself.
    """
    way = [part for part in item["loc"] if isinstance(part, str | int)]
    keys: list[Key] = []
    for number, part in enumerate(way):
        is_last = number == len(way) - 1
        if places.holds([*keys, part]) or (is_last and item["type"] == "missing"):
            keys.append(part)
            continue
        is_literal = str(part).startswith("literal[")
        if is_literal and places.is_mapping(keys):
            return None
        if not is_literal and not is_last and not places.is_mapping(keys):
            return None
        if not is_literal and is_last and item["type"] in {"model_type", "dict_type"}:
            # Not a mapping, so that the other choice has the word.
            return None
    return keys


def _say(item: Mapping[str, Any], model: type[BaseModel], keys: Sequence[Key]) -> str:
    """What is wrong, in words of the file."""
    kind, context = item["type"], item.get("ctx") or {}
    if kind == "extra_forbidden":
        options = _options(model, keys[:-1])
        near = difflib.get_close_matches(str(keys[-1]), options, 1, 0.6)
        meant = f"; did you mean `{near[0]}`?" if near else "."
        return f"there is no such option{meant} There are {', '.join(sorted(options))}"
    if kind in {"literal_error", "enum"}:
        return f"should be {context['expected']}"
    if kind == "union_tag_invalid":
        return f"kind should be one of {context['expected_tags']}"
    if kind == "union_tag_not_found":
        return "kind is missing"
    if kind == "value_error":
        return str(context.get("error") or item["msg"]).rstrip(".")
    if kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        return f"should be {_PATTERNS.get(pattern, f'text that fits {pattern}')}"
    said = _SAYINGS.get(kind)
    if said is None:
        said = str(item["msg"]).removeprefix("Input ")
        said = said[:1].lower() + said[1:]
    return said


def _options(model: type[BaseModel], keys: Sequence[Key]) -> list[str]:
    """The options that stand at the end of the way, as the models declare them."""
    found: set[type[BaseModel]] = {model}
    for key in keys:
        inner: set[type[BaseModel]] = set()
        for one in found:
            if isinstance(key, str) and key in one.model_fields:
                inner |= set(_models(one.model_fields[key].annotation))
        # The key of a mapping, or the number in a list, leads to what it holds.
        found = inner or found
    return sorted({name for one in found for name in one.model_fields})


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in {Annotated, Union, types.UnionType, list, dict}:
        for part in get_args(annotation):
            yield from _models(part)
