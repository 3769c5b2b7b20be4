"""`customer-tiers init`: a ready project for somebody's own data, and what it still lacks.

A project holds what is its own, and nothing else: `sources.yaml`, one staging template for
each canonical entity, the policy as CSV files, and suites. The models from core to marts
stay in the product's package, which it uses (`pipeline.transform.project`).
"""

from __future__ import annotations

import itertools
import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jinja2

from pipeline.common.errors import ConfigurationError
from pipeline.common.language import said
from pipeline.common.settings import Settings
from pipeline.common.yaml_places import Places
from pipeline.gates.trial_findings import Finding
from pipeline.sources import Entity, SourcesFile
from pipeline.transform import canonical, project
from pipeline.transform.canonical import ENTITIES
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

TEMPLATES = Path(__file__).parent / "templates"

_TODO = "-- TODO"


def init(folder: Path, source: str) -> list[Path]:
    """Writes a new project into an empty or missing folder.

    Args:
        source: What the first source is called; its staging templates are written.

    Returns:
        The files that a person should look at, in that order.

    Raises:
        ConfigurationError: The folder holds something already, or cannot be written.
    """
    with writing(folder):
        begin(folder)
        (folder / "expectations" / "landing").mkdir(parents=True)
        return [
            _render(
                "sources.yaml.j2",
                folder / "sources.yaml",
                source=source,
                options=_entity_options(),
            ),
            *_staging(folder / "dbt_project" / "models" / "staging" / source, source),
            _render(
                "suite.py.j2",
                folder / "expectations" / "landing" / f"{source}.py",
                source=source,
            ),
            _render("README.md.j2", folder / "README.md", source=source),
        ]


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Holds while a new project is written into the folder.

    Raises:
        ConfigurationError: The folder holds something already, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} is not empty; give a new folder, so that nothing is overwritten."
        )
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror} ({error.filename})."
        ) from error


def begin(folder: Path) -> None:
    """Writes what every new project has: the policy as seeds, and what git ignores."""
    seeds = folder / "dbt_project" / "seeds"
    seeds.mkdir(parents=True)
    policy = {path.name: path for path in (PACKAGE / "seeds").glob("*.csv")}
    policy |= {path.name: path for path in NEUTRAL_SEEDS.rglob("*.csv")}
    for name in sorted(policy):
        shutil.copy(policy[name], seeds)
    (folder / ".gitignore").write_text("/data/\n/dbt_project/target/\n")


def lacks(sources: SourcesFile, settings: Settings) -> list[Finding]:
    """What is still missing before a refresh can go its whole way, in plain words."""
    found = []
    own = sources.applied_to(settings).dbt_project
    models = project.models(sources, settings)
    places = Places.of(settings.sources_file)
    for number, source in enumerate(sources.sources):
        folder = own / "models" / "staging" / source.name
        for item, entity in enumerate(source.provides):
            model = f"stg_{source.name}__{entity}"
            path = models.get(model)
            if path is None:
                found.append(
                    Finding(
                        said(
                            "{source} says that it provides {entity}, and the model "
                            "{model}.sql is not in {folder}.",
                            source=source.name,
                            entity=entity,
                            model=model,
                            folder=folder,
                        ),
                        ConfigurationError.exit_code,
                        model,
                        places.file,
                        places.line("sources", number, "provides", item),
                    )
                )
                continue
            found += _gaps(model, path, entity, models)
    if "customers" not in sources.provides():
        found.append(
            Finding(
                said(
                    "Nobody provides customers: everything else is about them. Where a "
                    "file of sales or service names them only, take customers from it as "
                    "well."
                ),
                ConfigurationError.exit_code,
                "customers",
                places.file,
                places.line("sources", 0, "provides"),
            )
        )
    return found


def _gaps(
    model: str, path: Path, entity: str, models: Mapping[str, Path]
) -> Iterator[Finding]:
    """What a staging model leaves open, and which columns it should give and does not."""
    lines = path.read_text(encoding="utf-8").splitlines()
    open_columns = {
        line.split(" as ")[-1].strip().strip(","): number
        for number, (before, line) in enumerate(itertools.pairwise(lines), 2)
        if before.strip() == _TODO
    }
    if open_columns:
        yield Finding(
            said(
                "{model}: still to be filled in: {columns}.",
                model=model,
                columns=", ".join(open_columns),
            ),
            ConfigurationError.exit_code,
            model,
            path,
            min(open_columns.values()),
        )
    # Any other column that the model leaves out is null.
    named = _names(path, models)
    if missing := canonical.lacking(entity, named):
        yield Finding(
            said(
                "{model} does not give the column {columns}.",
                model=model,
                columns=", ".join(missing),
            ),
            ConfigurationError.exit_code,
            model,
            path,
        )


def _names(path: Path, models: Mapping[str, Path]) -> set[str]:
    """Every name in a model, and in the models that it takes all columns of.

    Which of them it gives is known only when it is built; one that stands nowhere is
    given by nobody. What is commented out or a value is no name.
    """
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".sql":
        text = re.sub(r"\{#.*?#\}|--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL)
    referred = re.findall(r"""\bref\(\s*["'](\w+)["']\s*\)""", text)
    # A list of columns for a macro or a loop is made of names, a value of SQL is not.
    parts = re.split(r"(\{\{.*?\}\}|\{%.*?%\})", text, flags=re.DOTALL)
    plain = " ".join(re.sub(r"'[^']*'", " ", part) for part in parts[::2])
    names = set(re.findall(r"\w+", f"{plain} {' '.join(parts[1::2])}".lower()))
    if "*" in plain:
        above = {name: there for name, there in models.items() if there != path}
        for name in above.keys() & set(referred):
            names |= _names(above[name], above)
    return names


def _entity_options() -> list[dict[str, list[str]]]:
    """Each option of an entity as lines of a comment, from the configuration itself."""
    options = []
    for name, field in Entity.model_fields.items():
        if field.description is None:
            continue
        default = field.get_default(call_default_factory=True)
        needed = field.is_required()
        head = name if needed or default in (None, {}, [], "") else f"{name}: {default}"
        text = f"{head} — {field.description}"
        options.append({"lines": textwrap.wrap(text, 78, subsequent_indent="  ")})
    return options


def _staging(folder: Path, source: str) -> list[Path]:
    folder.mkdir(parents=True)
    written = []
    for entity, (meaning, _) in ENTITIES.items():
        columns = [
            {
                "name": column.name,
                "type": column.kind,
                "needed": column.is_needed,
                "lines": column.comment(78),
            }
            for column in canonical.described(entity)
        ]
        # Only what nearly every company has is switched on; the rest lies ready.
        on = entity in {"customers", "products", "order_lines"}
        name = f"stg_{source}__{entity}.sql" + ("" if on else ".template")
        written.append(
            _render(
                "staging.sql.j2",
                folder / name,
                source=source,
                entity=entity,
                meaning=meaning,
                columns=columns,
            )
        )
    return written


def _render(template: str, path: Path, **values: object) -> Path:
    # Brackets of another kind, because the templates hold Jinja of dbt's own.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    path.write_text(
        environment.get_template(template).render(**values), encoding="utf-8"
    )
    return path
