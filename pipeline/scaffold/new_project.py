"""`customer-tiers init`: a ready project for somebody's own data, and what it still lacks.

A project holds what is its own, and nothing else: `sources.yaml`, one staging template for
each canonical entity, the policy as CSV files, and suites. The models from core to marts
stay in the product's package, which it uses (`pipeline.transform.project`).
"""

from __future__ import annotations

import functools
import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import Settings
from pipeline.sources import Entity, SourcesFile
from pipeline.transform import project
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

TEMPLATES = Path(__file__).parent / "templates"

# What each canonical entity is, and the columns without which it says nothing.
ENTITIES: Mapping[str, tuple[str, Sequence[str]]] = {
    "customers": (
        "who buys, or might: companies and persons",
        ["source_customer_id", "customer_type", "customer_name"],
    ),
    "customer_references": (
        "what one system notes of another: its number of the same customer",
        ["source_customer_id", "other_source", "other_source_customer_id"],
    ),
    "contacts": (
        "people at customers: who they are, what they decide, who of us knows them",
        ["contact_id", "customer_source", "source_customer_id", "contact_name"],
    ),
    "known_identities": (
        "records of which the truth is known, to measure the matching by",
        ["customer_source", "source_customer_id", "identity"],
    ),
    "products": ("what is sold", ["source_product_id", "product_name"]),
    "order_lines": (
        "what was sold to whom, line by line; returns are negative",
        [
            "order_id",
            "line_number",
            "customer_source",
            "source_customer_id",
            "source_product_id",
            "ordered_at",
            "order_date",
            "quantity",
            "net_amount",
            "is_return",
            "currency",
        ],
    ),
    "service_tickets": (
        "what customers asked the help desk",
        ["ticket_id", "customer_source", "source_customer_id", "opened_at"],
    ),
    "interactions": (
        "visits, calls, e-mails and meetings with customers",
        [
            "interaction_id",
            "customer_source",
            "source_customer_id",
            "kind",
            "occurred_at",
        ],
    ),
    "payments": (
        "invoices: when they were due, and when they were paid",
        [
            "payment_id",
            "customer_source",
            "source_customer_id",
            "paid_at",
            "amount",
            "currency",
        ],
    ),
    "campaigns": (
        "what was spent to win customers, by their acquisition_source",
        [
            "campaign_id",
            "acquisition_source",
            "started_on",
            "ended_on",
            "cost_amount",
            "currency",
        ],
    ),
    "survey_responses": (
        "answers to surveys: nps from 0 to 10, csat from 1 to 5",
        [
            "response_id",
            "customer_source",
            "source_customer_id",
            "survey",
            "score",
            "responded_at",
        ],
    ),
    "leads": ("whom sales is talking to", ["lead_id", "lead_name", "stage"]),
    "assessments": (
        "what account managers think of their accounts",
        ["customer_source", "source_customer_id", "scored_on"],
    ),
    "factor_scores": (
        "marks of accounts, factor by factor, for the account matrix",
        [
            "customer_source",
            "source_customer_id",
            "dimension",
            "factor",
            "score",
            "competitor",
            "scored_on",
        ],
    ),
    "financial_statements": (
        "what accounts publish of a fiscal year",
        ["customer_source", "source_customer_id", "fiscal_year", "currency"],
    ),
    "fx_rates": (
        "what one unit of a currency is worth in another, by day",
        ["from_currency", "to_currency", "rate_date", "rate"],
    ),
}

_TODO = "-- TODO"


def canonical_columns(entity: str) -> dict[str, str]:
    """Column → type of a canonical entity, from the dbt project's own macro."""
    return {name: kind.strip() for name, kind in _canonical_entities()[entity].items()}


@functools.cache
def _canonical_entities() -> dict[str, dict[str, str]]:
    macros = PACKAGE / "macros"
    text = "".join(
        (macros / name).read_text(encoding="utf-8")
        for name in ("dialect.sql", "canonical.sql")
    )
    returned: list[dict[str, dict[str, str]]] = []
    environment = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do"])
    environment.globals["return"] = returned.append
    environment.from_string(text + "{{ canonical_columns() }}").render()
    return returned[-1]


def init(folder: Path, source: str) -> list[Path]:
    """Writes a new project into an empty or missing folder.

    Args:
        source: What the first source is called; its staging templates are written.

    Returns:
        The files that a person should look at, in that order.

    Raises:
        ConfigurationError: The folder holds something already, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ConfigurationError(
            f"{folder} is not empty; give a new folder, so that nothing is overwritten."
        )
    try:
        seeds = folder / "dbt_project" / "seeds"
        seeds.mkdir(parents=True)
        policy = {path.name: path for path in (PACKAGE / "seeds").glob("*.csv")}
        policy |= {path.name: path for path in NEUTRAL_SEEDS.rglob("*.csv")}
        for name in sorted(policy):
            shutil.copy(policy[name], seeds)
        (folder / "expectations" / "landing").mkdir(parents=True)
        (folder / ".gitignore").write_text("/data/\n/dbt_project/target/\n")
        written = [
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
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror} ({error.filename})."
        ) from error
    return written


def lacks(sources: SourcesFile, settings: Settings) -> list[str]:
    """What is still missing before a refresh can go its whole way, in plain words."""
    found = []
    own = sources.applied_to(settings).dbt_project
    models = project.models(sources, settings)
    for source in sources.sources:
        folder = own / "models" / "staging" / source.name
        for entity in source.provides:
            model = f"stg_{source.name}__{entity}"
            path = models.get(model)
            if path is None:
                found.append(
                    f"{source.name} says that it provides {entity}, and the model "
                    f"{model}.sql is not in {folder}."
                )
                continue
            text = path.read_text(encoding="utf-8")
            open_columns = [
                line.split(" as ")[-1].strip().strip(",")
                for before, line in zip(
                    text.splitlines(), text.splitlines()[1:], strict=False
                )
                if before.strip() == _TODO
            ]
            if open_columns:
                found.append(
                    f"{path}: still to be filled in: {', '.join(open_columns)}."
                )
            # Any other column that the model leaves out is null.
            named = _names(path, models)
            missing = [name for name in ENTITIES[entity][1] if name not in named]
            if missing:
                found.append(f"{path} does not give the column {', '.join(missing)}.")
    if "customers" not in sources.provides():
        found.append(
            "Nobody provides customers: everything else is about them. Where a file of "
            "sales or service names them only, take customers from it as well."
        )
    return found


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
    for entity, (meaning, needed) in ENTITIES.items():
        columns = [
            {"name": name, "type": kind, "needed": name in needed}
            for name, kind in canonical_columns(entity).items()
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
