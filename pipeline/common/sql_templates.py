"""SQL that a room writes from Jinja templates: the files `sql/*.sql` beside its modules.

A template that names what its caller did not give is an error, and so is one that writes
a value as it comes. A value stands in SQL as a name, a text or a number (the filters
`identifier`, `columns`, `literal`, `literals`, `number`), or it is SQL already and the
template says so (`sql`). Counts and places, which are integers, need no filter.

The templates are linted by sqlfluff with the sample values of `tests/sql_context`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.common.sql import columns, literal, number, quoted

# Marked as SQL that may be written as it is; anything else is refused.
Filter = Callable[..., Any]


def _as_sql(function: Callable[..., object]) -> Filter:
    def marked(*arguments: Any) -> Markup:
        return Markup(function(*arguments))

    return marked


def _literals(texts: Iterable[object]) -> str:
    return ", ".join(map(literal, texts))


FILTERS: Final[Mapping[str, Filter]] = {
    "identifier": _as_sql(quoted),
    "columns": _as_sql(columns),
    "literal": _as_sql(literal),
    "literals": _as_sql(_literals),
    "number": _as_sql(number),
    "sql": _as_sql(str),
}


class SqlTemplates:
    """The templates of one room.

    Args:
        folder: Where they lie; they may include and import each other.
        filters: The room's own functions of values that its templates call.
    """

    def __init__(
        self, folder: Path, filters: Mapping[str, Filter] | None = None
    ) -> None:
        self._folder = folder
        self._filters = filters or {}

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(self._folder, encoding="utf-8"),
            undefined=StrictUndefined,
            # What is marked as SQL differs from what is not, as HTML does elsewhere.
            autoescape=True,
            finalize=_refuse_plain_values,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters.update({**FILTERS, **self._filters})
        return environment

    def render(self, name: str, /, **values: Any) -> str:
        """The SQL of a template, without its file's ending.

        Raises:
            jinja2.UndefinedError: The template names a value that is not given.
            TypeError: It writes a value that no filter made SQL of.
        """
        template = self._environment.get_template(f"{name}.sql")
        return str(template.render(**values)).strip()


def _refuse_plain_values(value: object) -> object:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    # A name that is not given says so itself, when it is written.
    if is_count or hasattr(value, "__html__") or isinstance(value, StrictUndefined):
        return value
    raise TypeError(
        f"An SQL template writes {value!r} as it comes; it needs one of the filters "
        + ", ".join(FILTERS)
    )
