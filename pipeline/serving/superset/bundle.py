"""The whole bundle of one release, for one database, as a zip that Superset imports."""

from __future__ import annotations

import re
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
import yaml

from pipeline.common.errors import ConfigurationError
from pipeline.metrics.codes import Codes
from pipeline.release.catalogue import Release
from pipeline.serving import contents
from pipeline.serving.contents import Contents
from pipeline.serving.superset import charts, definitions, labels, layout
from pipeline.serving.superset.datasets import Dataset, Maker
from pipeline.serving.superset.labels import Language

NAMESPACE = uuid.UUID("6d1f4a52-6f0d-5d0b-9a3e-0d5c0c9c7a11")
VERSION = "1.0.0"
# In the zip nothing is of today: the same release gives the same bytes.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
# What Superset takes for "ask for the password".
_ASKED_FOR = "X" * 10
# A chart may be that old where Superset has a cache, and a new release comes once a day.
_SECONDS_IN_CACHE = 300


@dataclass(frozen=True)
class Target:
    """The database that Superset reads.

    Attributes:
        url: Its SQLAlchemy URL, as Superset sees it.
        name: What Superset calls it; every id is made of it.
    """

    url: sa.URL
    name: str

    @classmethod
    def of(cls, text: str, name: str) -> Target:
        """The database of a URL.

        Raises:
            ConfigurationError: It is none that holds a release.
        """
        try:
            url = sa.make_url(text)
        except sa.exc.ArgumentError as error:
            raise ConfigurationError(
                "--uri is no SQLAlchemy URL; give one such as "
                "duckdb:////srv/share/customers/warehouse.duckdb or "
                "postgresql://superset@db.example.com/customers."
            ) from error
        backend = url.get_backend_name()
        if backend not in ("duckdb", "postgresql"):
            raise ConfigurationError(
                f"--uri is of {backend}; releases are in DuckDB files and in PostgreSQL "
                "(docs/serving.md)."
            )
        if backend == "duckdb" and not (url.database or "").startswith("/"):
            raise ConfigurationError(
                "--uri names a DuckDB file without its folder; give the whole path as "
                "Superset sees it, with four slashes: duckdb:////srv/share/....duckdb."
            )
        return cls(url, name)

    @property
    def is_duckdb(self) -> bool:
        """Whether it is a DuckDB file."""
        return self.url.get_backend_name() == "duckdb"

    @property
    def asks_for_password(self) -> bool:
        """Whether who imports the bundle has to say the password."""
        return self.url.password is not None

    def id(self, kind: str, name: str) -> str:
        """The id of a part, the same in every bundle of this name."""
        return str(uuid.uuid5(NAMESPACE, f"{self.name}\n{kind}\n{name}"))

    def config(self) -> dict[str, Any]:
        """Its file in the bundle; it never holds a password."""
        url = self.url.set(password=_ASKED_FOR) if self.asks_for_password else self.url
        extra: dict[str, Any] = {"allows_virtual_table_explore": True}
        if self.is_duckdb:
            # Whoever may write SQL in Superset could otherwise read every file that
            # Superset's account may, the private one beside this among them.
            closed = {"enable_external_access": "false"}
            extra["engine_params"] = {
                "connect_args": {"read_only": True, "config": closed}
            }
        return {
            "database_name": self.name,
            "sqlalchemy_uri": url.render_as_string(hide_password=False),
            "cache_timeout": _SECONDS_IN_CACHE,
            "expose_in_sqllab": True,
            "allow_run_async": False,
            "allow_ctas": False,
            "allow_cvas": False,
            "allow_dml": False,
            "allow_file_upload": False,
            "extra": extra,
            "uuid": self.id("database", self.name),
            "version": VERSION,
        }


@dataclass(frozen=True)
class Bundle:
    """What was written.

    Attributes:
        left_out: Chart → what the release does not have for it.
    """

    file: Path
    release_id: str
    datasets: int
    charts: int
    left_out: Mapping[str, str]
    asks_for_password: bool


def build(
    release: Release, target: Target, output: Path, language: Language = "both"
) -> Bundle:
    """Writes the bundle of a release.

    Raises:
        ConfigurationError: The release cannot be read, or the file not be written.
    """
    found = contents.read(release)
    plan = definitions.dashboard()
    with contents.opened(found.file) as connection:
        can_ask = partial(_can_ask, connection)
        maker = Maker(found, Codes(connection), can_ask, language)
        made = {name: maker.make(name, each) for name, each in plan.datasets.items()}
    there = {name: dataset for name, dataset in made.items() if dataset is not None}
    drawn: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    for chart in plan.charts:
        name = labels.said(charts.title(chart), language)
        dataset = there.get(chart.dataset)
        if dataset is None:
            wanted = plan.datasets[chart.dataset]
            left_out[name] = wanted.table or f"dataset {wanted.metrics_of}"
        elif absent := charts.missing(chart, dataset, language):
            left_out[name] = ", ".join(absent)
        else:
            drawn[chart.id] = {
                **charts.config(chart, dataset, language),
                "uuid": target.id("chart", chart.id),
                "version": VERSION,
                "dataset_uuid": target.id("dataset", dataset.name),
            }
    parts = {
        "metadata.yaml": _metadata(found),
        f"databases/{_slug(target.name)}.yaml": target.config(),
        **dict(_datasets(target, there.values())),
        **{f"charts/{name}.yaml": chart for name, chart in drawn.items()},
        "dashboards/customer_tiers.yaml": {
            "dashboard_title": labels.said(plan.title, language),
            "description": None,
            "css": "",
            "slug": _slug(target.name),
            "published": True,
            "uuid": target.id("dashboard", "customer_tiers"),
            "position": layout.position(plan, drawn, language),
            "metadata": {
                "color_scheme": charts.COLOURS,
                "cross_filters_enabled": True,
                "native_filter_configuration": [],
                "refresh_frequency": 0,
            },
            "version": VERSION,
        },
    }
    _write(output, parts)
    return Bundle(
        output,
        found.release_id,
        len(there),
        len(drawn),
        left_out,
        target.asks_for_password,
    )


def _can_ask(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    """Whether the release has the tables and columns of a query."""
    try:
        connection.execute(f"explain {query}")
    except duckdb.Error:
        return False
    return True


def _metadata(found: Contents) -> dict[str, Any]:
    # Without `type`, so that each of Superset's ways to import takes it.
    return {"version": VERSION, "timestamp": found.sealed_at.isoformat()}


def _datasets(
    target: Target, datasets: Sequence[Dataset] | Any
) -> Iterator[tuple[str, dict[str, Any]]]:
    for dataset in datasets:
        yield (
            f"datasets/{_slug(target.name)}/{dataset.name}.yaml",
            {
                **dataset.config,
                "uuid": target.id("dataset", dataset.name),
                "version": VERSION,
                "database_uuid": target.id("database", target.name),
            },
        )


def _slug(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    # A name without a Latin letter has none of its own.
    return plain or f"customer-tiers-{uuid.uuid5(NAMESPACE, name).hex[:8]}"


def _write(output: Path, parts: Mapping[str, Any]) -> None:
    partial = output.with_name(f".{output.name}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            for name, part in parts.items():
                text = yaml.safe_dump(part, allow_unicode=True, sort_keys=False)
                item = zipfile.ZipInfo(f"customer_tiers/{name}", _LONG_AGO)
                item.compress_type = zipfile.ZIP_DEFLATED
                item.external_attr = 0o644 << 16
                archive.writestr(item, text)
        partial.replace(output)
    except OSError as error:
        raise ConfigurationError(
            f"{output} cannot be written ({error.strerror}); name another file."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
