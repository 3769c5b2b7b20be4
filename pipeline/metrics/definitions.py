"""What the metrics are: read from their YAML file, checked, and turned into SQL.

Not here: what they come to in a release (`figures`).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import PROJECT_ROOT

FILE = PROJECT_ROOT / "dbt_project" / "metrics.yaml"

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=1)]
# count: whole things; money: the reporting currency; share: 1 is the whole; score: 0 to 10.
Unit = Literal["count", "money", "share", "score"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Part):
    """The same in both languages."""

    en: Text
    zh: Text


class Unknown(_Part):
    """When a metric is not known: an aggregate condition, and the id of its reason."""

    when: Text
    reason: Name


class Dataset(_Part):
    """A query over the marts with one row per grain.

    Attributes:
        grain: What one row is.
        dimensions: The columns by which its metrics may be cut.
        sql: The query, which may read `period`.
    """

    grain: Words
    dimensions: Sequence[Name]
    sql: Text


class Metric(_Part):
    """One figure.

    Attributes:
        id: Its name in code; never changes.
        name: What people call it.
        unit: What its value is in.
        dataset: The dataset of its formula, which gives the grain.
        expression: The formula: an aggregate over the dataset.
        counts: What is in it.
        counts_not: What could be taken to be in it and is not.
        unknown: Tried in order; the first that holds says why it is not known.
    """

    id: Name
    name: Words
    unit: Unit
    dataset: Name
    expression: Text
    counts: Words
    counts_not: Words
    unknown: Sequence[Unknown] = ()


class Metrics(_Part):
    """All of the file.

    Attributes:
        reasons: Why a figure may be unknown, by id.
        period: The query that every dataset may read as `period`.
        datasets: By name.
        metrics: In the order in which they are listed.
    """

    reasons: Mapping[Name, Words]
    period: Text
    datasets: Mapping[Name, Dataset]
    metrics: Sequence[Metric]

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Metrics:
        ids = [metric.id for metric in self.metrics]
        if twice := sorted({each for each in ids if ids.count(each) > 1}):
            raise ValueError(f"defined twice: {', '.join(twice)}")
        for metric in self.metrics:
            if metric.dataset not in self.datasets:
                raise ValueError(f"{metric.id}: there is no dataset {metric.dataset}")
            for unknown in metric.unknown:
                if unknown.reason not in self.reasons:
                    raise ValueError(f"{metric.id}: no reason {unknown.reason}")
        used = {unknown.reason for each in self.metrics for unknown in each.unknown}
        if idle := sorted(set(self.reasons) - used):
            raise ValueError(f"reasons that no metric gives: {', '.join(idle)}")
        return self

    def metric(self, name: str) -> Metric:
        """The metric of that id.

        Raises:
            KeyError: There is none.
        """
        for metric in self.metrics:
            if metric.id == name:
                return metric
        raise KeyError(name)

    def query(self, metrics: Sequence[Metric], by: str | None = None) -> str:
        """The SQL of metrics that share one dataset.

        Args:
            metrics: Which; all of the same dataset.
            by: A dimension of the dataset; one row for each of its values.

        Returns:
            A query whose columns are, for the metric at place n, `value_n` and
            `unknown_n`, the place of the first condition that holds, or null; with `by`,
            its value comes first as `slice`.

        Raises:
            ValueError: The metrics are of several datasets, or cannot be cut so.
        """
        (name, *others) = {metric.dataset for metric in metrics}
        if others:
            raise ValueError("these metrics are of several datasets")
        dataset = self.datasets[name]
        if by is not None and by not in dataset.dimensions:
            raise ValueError(f"{name} cannot be cut by {by}")
        columns = [] if by is None else [f"{by} as slice"]
        for place, metric in enumerate(metrics):
            columns.append(f"{metric.expression} as value_{place}")
            cases = " ".join(
                f"when {unknown.when} then {number}"
                for number, unknown in enumerate(metric.unknown)
            )
            condition = f"case {cases} end" if cases else "null"
            columns.append(f"{condition} as unknown_{place}")
        listed = ",\n".join(columns)
        lines = [self._with(name), f"select\n{_indented(listed)}\nfrom {name}"]
        if by is not None:
            lines.append(f"group by {by}\norder by {by}")
        return "\n".join(lines)

    def rows(self, dataset: str) -> str:
        """The SQL of a dataset's rows, for a tool that asks its metrics of them."""
        return f"{self._with(dataset)}\nselect * from {dataset}"

    def known(self, metric: Metric) -> str:
        """A metric as one aggregate over its dataset's rows: null where it is unknown."""
        if not metric.unknown:
            return metric.expression
        cases = " ".join(f"when {unknown.when} then null" for unknown in metric.unknown)
        return f"case {cases} else {metric.expression} end"

    def _with(self, dataset: str) -> str:
        query = self.datasets[dataset].sql
        return (
            f"with period as (\n{_indented(self.period)}\n),\n"
            f"{dataset} as (\n{_indented(query)}\n)"
        )


def _indented(sql: str) -> str:
    return textwrap.indent(sql.strip(), "    ")


@cache
def load(path: Path = FILE) -> Metrics:
    """The metrics of the product.

    Raises:
        ConfigurationError: The file cannot be read or does not make sense.
    """
    try:
        return Metrics.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"{path} cannot be used: {error}") from error
