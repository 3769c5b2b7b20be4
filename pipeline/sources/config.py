"""`sources.yaml`: the one place that says where data comes from.

Parsed and checked here into plain objects; reading the data is the readers' work.
`${NAME}` is replaced from the environment that the settings carry, so that secrets
never stand in the file.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.common import yaml_file, yaml_places
from pipeline.common.settings import PROJECT_ROOT, Settings, is_time_zone
from pipeline.sources.access import Connection, Retry
from pipeline.sources.entity import CanonicalEntity, Entity, Name, Personal, Strict
from pipeline.sources.fxiaoke_settings import FxiaokeApi
from pipeline.sources.writeback import SYSTEMS, Writeback
from pipeline.sources.zoho_settings import Zoho
from pipeline.sources.zoho_settings import entity_defaults as zoho_defaults

# What entities of a web service are unless sources.yaml says otherwise.
_DEFAULTS = {"zoho_crm": zoho_defaults, "zoho_desk": zoho_defaults}

# What becomes of order lines whose customer no source gives.
UnknownCustomers = Literal["refuse", "unknown_customer", "leave_out"]


class Source(Strict):
    """One system that we read from.

    `unknown_customers` says what becomes of its order lines whose customer no source
    gives: `refuse` stops the refresh and names the keys, `unknown_customer` puts them under
    one customer of that name, `leave_out` leaves them out and counts them.

    `retry` says how often it is read again after an error that may pass (a connection
    that broke, a lock); `limit_minutes` ends a reading that hangs, its retries counted in;
    0 is no limit, and without it that of the settings holds. `connection` says how a web
    service is called, `writeback` what of a release goes back into it.
    """

    name: Name
    description: str = ""
    kind: Literal["files", "database", "zoho_crm", "zoho_desk", "fxiaoke"]
    zoho: Zoho | None = None
    url: str | None = Field(default=None, repr=False)
    path: Path | None = None
    fxiaoke: FxiaokeApi | None = None
    entities: dict[Name, Entity]
    provides: list[CanonicalEntity]
    unknown_customers: UnknownCustomers = "refuse"
    retry: Retry = Retry()
    connection: Connection = Connection()
    limit_minutes: float | None = Field(default=None, ge=0)
    writeback: Writeback | None = None

    @model_validator(mode="before")
    @classmethod
    def _entities_of_a_service(cls, given: Any) -> Any:
        """Key and cursor of a web service's entities need not be said each time."""
        kind = given.get("kind") if isinstance(given, dict) else None
        if not isinstance(kind, str) or kind not in _DEFAULTS:
            return given
        if not isinstance(entities := given.get("entities"), dict):
            return given
        filled = {}
        for name, entity in entities.items():
            said = {} if entity is None else entity
            if isinstance(said, dict):
                said = {"name": name, **said}
                said = _DEFAULTS[kind](kind, said) | said
            filled[name] = said
        return given | {"entities": filled}

    @model_validator(mode="after")
    def _service_has_credentials(self) -> Source:
        if self.kind in {"zoho_crm", "zoho_desk"} and self.zoho is None:
            raise ValueError(
                f"{self.kind} needs zoho: {{client_id, client_secret, refresh_token}}"
            )
        if self.kind == "zoho_desk" and self.zoho and not self.zoho.org_id:
            raise ValueError("zoho_desk needs the org_id of the organisation in zoho")
        return self

    @model_validator(mode="after")
    def _takes_back(self) -> Source:
        if self.writeback is None:
            return self
        if (system := SYSTEMS.get(self.kind)) is None:
            if self.kind == "zoho_desk":
                raise ValueError(
                    "writeback is for accounts of the CRM, not of the desk"
                )
            if self.writeback.system is None:
                raise ValueError("writeback needs system: zoho or fxiaoke")
            if self.writeback.send:
                raise ValueError(
                    f"a source of kind {self.kind} is not written to; leave out send, and "
                    "import the file of `export crm` instead"
                )
        elif self.writeback.system not in {None, system}:
            raise ValueError(
                f"writeback of {self.kind} is for {system}; leave out system"
            )
        return self

    @model_validator(mode="after")
    def _reachable(self) -> Source:
        if self.kind == "database" and not self.url:
            raise ValueError("a database needs a url")
        if self.kind == "files" and not self.path:
            raise ValueError("files need a path, the folder in which they lie")
        if self.kind == "fxiaoke" and self.fxiaoke is None:
            raise ValueError(
                "a source of kind fxiaoke needs fxiaoke, with app_id, app_secret, "
                "permanent_code and user_id"
            )
        for name, entity in self.entities.items():
            if entity.reads == "metadata" and (
                self.kind in {"files", "database"} or entity.load != "snapshot"
            ):
                raise ValueError(
                    f"entity {name} reads metadata, which only a web service has, and "
                    "which comes as a whole: say load: snapshot"
                )
            if entity.name not in {"", name}:
                raise ValueError(f"entity {name} takes its name from its own line")
            if self.kind == "files" and not entity.files:
                raise ValueError(f"entity {name} needs files, a pattern such as *.csv")
            if (
                self.kind == "database"
                and entity.is_by_position
                and entity.load != "snapshot"
            ):
                raise ValueError(
                    f"entity {name} is told by position, and a table's rows have none "
                    "that lasts; say load: snapshot, or name a key"
                )
        return self


class Business(Strict):
    """Facts of the business that every model needs.

    `as_of` is for a company whose data ends in the past, such as the demonstration;
    a living company leaves it out and gets yesterday.
    """

    time_zone: str = "UTC"
    reporting_currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"
    as_of: date | None = None

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError("no time zone; give one such as Asia/Shanghai or UTC")
        return name


PersonalData = Literal[
    "name", "email", "phone", "address", "birth_date", "registration_number"
]


class Privacy(Strict):
    """What of a person's data the releases hold at all.

    What is kept stands in `marts.customers_private`; everywhere else e-mail addresses,
    telephone numbers and the names of persons are masked. What is not kept is in no
    release; it is used for matching inside the candidate all the same.
    """

    keep: list[PersonalData] = Field(
        default=["name", "email", "phone", "address", "birth_date"]
    )
    person_names: Literal["masked", "full"] = "masked"


class SourcesFile(Strict):
    """The whole of `sources.yaml`.

    `dbt_project` and `expectations` are the project's own folders of models and suites;
    without them those of the settings are used.
    """

    version: Literal[1]
    demonstration: Path | None = None
    dbt_project: Path | None = None
    expectations: Path | None = None
    business: Business = Business()
    privacy: Privacy = Privacy()
    sources: list[Source] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_once(self) -> SourcesFile:
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]}")
        return self

    @model_validator(mode="after")
    def _keys_are_of_known_sources(self) -> SourcesFile:
        names = {source.name for source in self.sources}
        for source in self.sources:
            for entity in source.entities.values():
                if isinstance(entity.personal, Personal):
                    named = {entity.personal.source or source.name}
                    named |= set(entity.personal.references.values())
                    if unknown := sorted(named - names):
                        raise ValueError(
                            f"{source.name}.{entity.name}: personal speaks of keys of "
                            f"{unknown[0]}, and there is no such source"
                        )
        return self

    def applied_to(self, settings: Settings) -> Settings:
        """The settings, with the folders that this file names.

        The product's own suites of what lands are the demonstration's: another company
        that calls a source `erp` has none until it writes some.
        """
        expectations = self.expectations or settings.expectations
        if expectations.parent == PROJECT_ROOT and self.demonstration is None:
            expectations = settings.sources_file.parent / expectations.name
        return replace(
            settings,
            dbt_project=self.dbt_project or settings.dbt_project,
            expectations=expectations,
        )

    def unknown_customers(self) -> dict[str, str]:
        """Source → what becomes of its lines of unknown customers, where it is said."""
        return {
            source.name: source.unknown_customers
            for source in self.sources
            if source.unknown_customers != "refuse"
        }

    def provides(self) -> dict[str, list[str]]:
        """Canonical entity → sources that provide it, in the order of the file."""
        result: dict[str, list[str]] = {}
        for source in self.sources:
            for entity in source.provides:
                result.setdefault(entity, []).append(source.name)
        return result


def load_sources(settings: Settings) -> SourcesFile:
    """Reads and checks the settings' `sources.yaml`.

    Paths in it are relative to the file.

    Raises:
        ConfigurationError: Names the file, the place in it and what is wrong.
    """
    path = settings.sources_file
    raw = yaml_file.read(
        path,
        settings.environment,
        otherwise="go to your project's folder, give --sources FILE or set "
        "CUSTOMER_TIERS_SOURCES",
    )
    _name_entities(raw)
    business = raw.setdefault("business", {})
    if isinstance(business, dict):
        business.setdefault("time_zone", settings.time_zone)
    try:
        parsed = SourcesFile.model_validate(raw)
    except ValidationError as error:
        raise yaml_places.refused(path, error, SourcesFile) from None
    return _resolve_paths(parsed, path.parent)


def _name_entities(raw: dict[str, Any]) -> None:
    sources = raw.get("sources")
    for source in sources if isinstance(sources, list) else []:
        entities = source.get("entities") if isinstance(source, dict) else None
        for name, entity in entities.items() if isinstance(entities, dict) else []:
            if isinstance(entity, dict):
                entity.setdefault("name", name)


def _resolve_paths(parsed: SourcesFile, folder: Path) -> SourcesFile:
    sources = [_with_paths(source, folder) for source in parsed.sources]
    folders = {
        name: (folder / path).resolve()
        for name in ("demonstration", "dbt_project", "expectations")
        if (path := getattr(parsed, name)) is not None
    }
    return parsed.model_copy(update={"sources": sources, **folders})


def _with_paths(source: Source, folder: Path) -> Source:
    """The source with its paths, which are relative to the folder, made absolute."""
    changed: dict[str, Any] = {}
    if source.path:
        changed["path"] = (folder / source.path).resolve()
    if source.connection.ca_file:
        ca_file = (folder / source.connection.ca_file).resolve()
        changed["connection"] = source.connection.model_copy(
            update={"ca_file": ca_file}
        )
    return source.model_copy(update=changed)
