"""`customer-tiers init`: a ready project for somebody's own data, and what it still lacks.

A project is a folder with its own `sources.yaml`, models, policy and suites. The models
from core to marts and the policy are copied from the demonstration's; staging is written
anew, one template for each canonical entity.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from pipeline.errors import ConfigurationError
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.sources import Entity, SourcesFile

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
    macros = PROJECT_ROOT / "dbt_project" / "macros"
    text = "".join(
        (macros / name).read_text(encoding="utf-8")
        for name in ("dialect.sql", "canonical.sql")
    )
    returned: list[dict[str, str]] = []
    environment = jinja2.Environment(autoescape=False, extensions=["jinja2.ext.do"])
    environment.globals["return"] = returned.append
    template = environment.from_string(text + "{{ canonical_columns(entity) }}")
    template.render(entity=entity)
    return {name: kind.strip() for name, kind in returned[-1].items()}


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
        models = folder / "dbt_project" / "models"
        shutil.copytree(
            PROJECT_ROOT / "dbt_project",
            folder / "dbt_project",
            ignore=_not_of_the_demonstration,
        )
        (folder / "expectations" / "landing").mkdir(parents=True)
        shutil.copy(PROJECT_ROOT / "expectations" / "marts.py", folder / "expectations")
        written = [
            _render(
                "sources.yaml.j2",
                folder / "sources.yaml",
                source=source,
                options=_entity_options(),
            ),
            *_staging(models / "staging" / source, source),
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
    for source in sources.sources:
        folder = settings.dbt_project / "models" / "staging" / source.name
        for entity in source.provides:
            model = f"stg_{source.name}__{entity}"
            path = next(folder.rglob(f"{model}.sql"), None) if folder.exists() else None
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
            missing = [name for name in ENTITIES[entity][1] if name not in text]
            if missing:
                found.append(f"{path} does not give the column {', '.join(missing)}.")
    if not {"customers", "order_lines"} <= set(sources.provides()):
        found.append(
            "Nobody provides "
            + " and ".join(
                sorted({"customers", "order_lines"} - set(sources.provides()))
            )
            + ": without customers and what they bought there are no tiers."
        )
    return found


def _entity_options() -> list[dict[str, list[str]]]:
    """Each option of an entity as lines of a comment, from the configuration itself."""
    options = []
    for name, told in Entity.model_fields.items():
        if told.description is None:
            continue
        default = told.get_default(call_default_factory=True)
        needed = told.is_required()
        head = name if needed or default in (None, {}, [], "") else f"{name}: {default}"
        text = f"{head} — {told.description}"
        options.append({"lines": textwrap.wrap(text, 78, subsequent_indent="  ")})
    return options


def _staging(folder: Path, source: str) -> list[Path]:
    folder.mkdir(parents=True)
    written = [
        _render("sources.yml.j2", folder / f"_{source}__sources.yml", source=source)
    ]
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


def _not_of_the_demonstration(folder: str, names: Sequence[str]) -> set[str]:
    ignored = {"target", "logs"} | {
        name for name in names if name.endswith("__unit_tests.yml")
    }
    if Path(folder).name == "staging":
        ignored |= {name for name in names if not name.startswith("_")}
    return ignored & set(names)
