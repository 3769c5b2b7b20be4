"""The dashboard and the words of its columns, read from their files and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline import metrics
from pipeline.common.errors import ConfigurationError
from pipeline.metrics.definitions import Unit, Words

FOLDER = Path(__file__).parent

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
# A column, or `reason_*` for one of each language.
ColumnName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(_\*)?$")]
Order = tuple[Name, Literal["asc", "desc"]]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OwnMetric(_Part):
    """A metric of a mart that holds the figure already."""

    id: Name
    expression: str
    unit: Unit
    name: Words


class DatasetPlan(_Part):
    """A dataset: a table of the release, or one of those that metrics are asked of.

    Attributes:
        pairs: A column of words → its English and its Chinese column.
        codes: A column of words → the column of codes that it translates.
    """

    table: str | None = None
    metrics_of: Name | None = None
    title: Words | None = None
    with_customer: bool = False
    pairs: Mapping[Name, tuple[Name, Name]] = {}
    codes: Mapping[Name, Name] = {}
    metrics: Sequence[OwnMetric] = ()

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> DatasetPlan:
        if (self.table is None) == (self.metrics_of is None):
            raise ValueError("a dataset has either a table or metrics_of")
        if self.metrics_of is not None and self.title is None:
            raise ValueError(f"{self.metrics_of} has no title")
        return self


class TablePlan(_Part):
    """Rows as they are (`columns`), or one row for each value of `by`."""

    columns: Sequence[ColumnName] = ()
    by: Sequence[Name] = ()
    metrics: Sequence[Name] = ()
    order: Sequence[Order] = ()
    where: str | None = None
    limit: int = 100

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> TablePlan:
        if bool(self.columns) == bool(self.metrics):
            raise ValueError("a table has either columns or metrics")
        return self


class CurvePlan(_Part):
    """Bars or a line along `x`."""

    x: Name
    metrics: Sequence[Name]
    series: Sequence[Name] = ()
    stacked: bool = False
    horizontal: bool = False
    where: str | None = None


class PiePlan(_Part):
    """Shares of a whole."""

    by: Name
    metric: Name


class MetricName(_Part):
    """The name of a metric, as the name of a chart."""

    metric: Name


class ChartPlan(_Part):
    """One chart; exactly one of its kinds is given."""

    id: Name
    name: Words | MetricName
    dataset: Name
    width: Annotated[int, Field(ge=1, le=12)]
    height: Annotated[int, Field(ge=10, le=100)]
    number: Name | None = None
    table: TablePlan | None = None
    bars: CurvePlan | None = None
    line: CurvePlan | None = None
    pie: PiePlan | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> ChartPlan:
        kinds = [self.number, self.table, self.bars, self.line, self.pie]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError(f"{self.id} is of no kind, or of several")
        return self

    @property
    def metrics(self) -> Sequence[str]:
        """The metrics that it shows."""
        if self.number is not None:
            return [self.number]
        if self.pie is not None:
            return [self.pie.metric]
        drawn = self.table or self.bars or self.line
        return drawn.metrics if drawn else ()


class Section(_Part):
    """A part of the page under a title."""

    title: Words
    rows: Sequence[Sequence[ChartPlan]]


class Dashboard(_Part):
    """All of `dashboard.yaml`."""

    title: Words
    datasets: Mapping[Name, DatasetPlan]
    sections: Sequence[Section]

    @property
    def charts(self) -> Sequence[ChartPlan]:
        """Every chart, in the order of the page."""
        return [
            chart for section in self.sections for row in section.rows for chart in row
        ]

    @model_validator(mode="after")
    def _refers_to_what_is_there(self) -> Dashboard:
        ids = [chart.id for chart in self.charts]
        if twice := sorted({each for each in ids if ids.count(each) > 1}):
            raise ValueError(f"charts that are there twice: {', '.join(twice)}")
        defined = metrics.load()
        for plan in self.datasets.values():
            if plan.metrics_of is not None and plan.metrics_of not in defined.datasets:
                raise ValueError(f"no metric is asked of {plan.metrics_of}")
        for chart in self.charts:
            if chart.dataset not in self.datasets:
                raise ValueError(f"{chart.id}: there is no dataset {chart.dataset}")
            plan = self.datasets[chart.dataset]
            known = {metric.id for metric in plan.metrics} | {
                metric.id
                for metric in defined.metrics
                if metric.dataset == plan.metrics_of
            }
            if strange := sorted({*chart.metrics} - known):
                raise ValueError(f"{chart.id}: no metric {', '.join(strange)}")
        for section in self.sections:
            for row in section.rows:
                if sum(chart.width for chart in row) != 12:
                    raise ValueError(f"the row of {row[0].id} is not 12 columns wide")
        return self


def _read(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


@cache
def dashboard() -> Dashboard:
    """The dashboard of the product.

    Raises:
        ConfigurationError: The file does not make sense.
    """
    try:
        return Dashboard.model_validate(_read("dashboard.yaml"))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ConfigurationError(f"dashboard.yaml cannot be used: {error}") from error


@cache
def words() -> Mapping[str, Words]:
    """Column → what it is called."""
    return {
        name: Words(en=english, zh=chinese)
        for name, (english, chinese) in _read("words.yaml").items()
    }
