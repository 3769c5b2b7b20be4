"""What a suite is, and which suites there are: the product's and a project's own.

The suites themselves stand in `expectations/`. Not here: how they are run (`run`) and
what is made of it (`judgement`).
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.common import sql
from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT
from pipeline.common.yaml_places import at
from pipeline.journal.evidence import Severity
from pipeline.sources import Entity
from pipeline.transform import former

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


@dataclass(frozen=True)
class Suite:
    """The expectations of one table.

    `key` are the columns by which a person finds a failing row again.
    """

    subject: str
    schema: str
    table: str
    expectations: Sequence[Expectation]
    key: Sequence[str] = field(default_factory=list)


def product_suites() -> list[Suite]:
    """The product's own suites of the marts and of `meta`, one a table."""
    from expectations import marts

    modules = [
        importlib.import_module(f"{marts.__name__}.{item.name}")
        for item in pkgutil.iter_modules(marts.__path__)
    ]
    return [make() for module in modules for make in getattr(module, "SUITES", ())]


def suites_of_marts(folder: Path, provided: Collection[str]) -> list[Suite]:
    """The suites of a release: the product's, with what a project has of its own.

    A project's `marts/*.py` adds the suites of its `SUITES`, or takes the place of one
    with the same subject. A `marts.py` with `suites()`, as projects had before, is all
    there is.

    Args:
        folder: The folder of the project's suites.
        provided: The entities that a source provides. What an expectation `needs` and
            nobody provides is not asked: a company without sales has no sales to miss.
    """
    whole = folder / "marts.py"
    # A copy of the product's that nobody changed is the product's.
    if whole.exists() and not former.is_unchanged(whole):
        found = list(load_module(whole).suites())
    else:
        suites = {suite.subject: suite for suite in product_suites()}
        # Copies of the product's files first: what is the project's own comes after them.
        product = {
            path.name for path in (PROJECT_ROOT / "expectations" / "marts").iterdir()
        }
        for path in sorted(
            (folder / "marts").glob("[!_]*.py"),
            key=lambda path: (path.name not in product, path.name),
        ):
            for make in getattr(load_module(path), "SUITES", ()):
                suite = make()
                suites[suite.subject] = suite
        found = list(suites.values())
    return [
        replace(
            suite,
            expectations=[
                item
                for item in suite.expectations
                if _needs(item) is None or _needs(item) in provided
            ],
        )
        for suite in found
    ]


def landing_expectations(
    folder: Path, source: str, entity: str, *, sample: bool
) -> list[Expectation]:
    """What `expectations/landing/<source>.py` demands of the entity; empty without one.

    Args:
        folder: The folder of the suites.
        source: The source, as sources.yaml calls it.
        entity: Its entity.
        sample: Leave out what only the whole entity can meet, such as row counts.
    """
    path = folder / "landing" / f"{source}.py"
    if not path.exists():
        return []
    suites: Mapping[str, Callable[[bool], list[Expectation]]]
    suites = getattr(load_module(path), "SUITES", {})
    with _errors_of(path):
        return suites[entity](sample) if entity in suites else []


def entity_suite(source: str, entity: Entity, folder: Path, *, sample: bool) -> Suite:
    """The suite of an entity: its key first, then what its source's file demands."""
    from expectations.vocabulary import no_rows, unique, without_nulls

    why = "sources.yaml names it as the key"
    # Doubled, because Great Expectations fills the query in by `format`.
    key = sql.columns(entity.key).replace("{", "{{").replace("}", "}}")
    return Suite(
        subject=subject_of(source, entity.name),
        schema="landing",
        table=entity.name,
        key=[*entity.key, "_row_number"],
        expectations=[
            *(without_nulls(column, why=why) for column in entity.key),
            # The same key in another file is a correction, and the newest counts; a
            # person should know, though. In one file it is money that would be lost.
            unique(*entity.key, why=why, severity="warning"),
            no_rows(
                "a_key_stands_once_in_a_file",
                f"select {key}, _source_file as _file, count(*) as _times from {{batch}} "
                f"group by {key}, _batch_id, _source_file having count(*) > 1",
                why="of rows with one key only the last counts: name further columns as "
                "the key until it tells the rows apart, or say repeated_keys: newest in "
                "sources.yaml where they are versions of one row",
                severity="critical" if entity.repeated_keys == "refuse" else "warning",
            ),
            *landing_expectations(folder, source, entity.name, sample=sample),
        ],
    )


def subject_of(source: str, entity: str) -> str:
    """How a landed entity is called in evidence and in Dagster."""
    return f"landing/{source}/{entity}"


def named(suites: Sequence[Suite]) -> Iterator[tuple[Suite, str, Expectation]]:
    """Every expectation with its name; one that stands twice in a subject is numbered."""
    seen: Counter[tuple[str, str]] = Counter()
    for suite in suites:
        for item in suite.expectations:
            name = _name(item)
            seen[suite.subject, name] += 1
            number = seen[suite.subject, name]
            yield suite, name if number == 1 else f"{name} #{number}", item


def severity_of(item: Any) -> Severity:
    """What a failure of the expectation means: `critical` stops the release."""
    text = str(getattr(item.severity, "value", item.severity)).lower()
    return "critical" if text == "critical" else "warning"


def is_acceptable(item: Expectation) -> bool:
    """Whether a person may accept its failure, although it is critical."""
    return bool((item.meta or {}).get("acceptable"))


def _needs(item: Expectation) -> str | None:
    return (item.meta or {}).get("needs")


def _name(item: Expectation) -> str:
    config = item.configuration
    if config.meta and config.meta.get("name"):
        return str(config.meta["name"])
    columns = config.kwargs.get("column") or ", ".join(
        config.kwargs.get("column_list") or []
    )
    name = config.type.removeprefix("expect_").removesuffix("_expectation")
    return f"{name}({columns})" if columns else str(name)


def load_module(path: Path) -> Any:
    """The module in a file of a project, which need not be on the import path.

    Raises:
        ConfigurationError: The file is no Python module, or ends with an error; says in
            which line.
    """
    spec = importlib.util.spec_from_file_location(
        f"expectations_{path.parent.name}_{path.stem}", path
    )
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path} is no Python module.")
    module = importlib.util.module_from_spec(spec)
    with _errors_of(path):
        spec.loader.exec_module(module)
    return module


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Reports an error that a suite of a project ends with as what it is: the project's.

    Raises:
        ConfigurationError: Names the file, the line and the error.
    """
    try:
        yield
    except Exception as error:
        line = error.lineno if isinstance(error, SyntaxError) else None
        for frame in traceback.extract_tb(error.__traceback__):
            line = frame.lineno if frame.filename == str(path) else line
        raise ConfigurationError(
            f"{at(path, line)}: the suite cannot be used: {type(error).__name__}: {error}."
        ) from error
