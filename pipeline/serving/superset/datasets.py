"""The datasets of a bundle: tables of the release, and what metrics are asked of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline import metrics
from pipeline.common import sql
from pipeline.metrics.codes import Codes
from pipeline.metrics.definitions import Unit, Words
from pipeline.serving.contents import Column, Contents, Table
from pipeline.serving.superset import labels
from pipeline.serving.superset.definitions import DatasetPlan
from pipeline.serving.superset.labels import Language

CUSTOMERS = "marts.customers"
_FORMATS: Mapping[Unit, str] = {
    "count": ",d",
    "money": ",.0f",
    "share": ",.1%",
    "score": ".1f",
}


@dataclass(frozen=True)
class Dataset:
    """A dataset as Superset takes it.

    Attributes:
        name: What the dashboard calls it.
        columns: Those that charts may use.
        times: Those of them that are days or moments.
        formats: Metric or column of numbers → how it is written.
        config: Its file in the bundle, without the ids.
    """

    name: str
    columns: frozenset[str]
    times: frozenset[str]
    formats: Mapping[str, str]
    config: Mapping[str, Any]

    @property
    def table_name(self) -> str:
        """What Superset calls it."""
        return str(self.config["table_name"])


@dataclass(frozen=True)
class Maker:
    """Makes the datasets of one release.

    Attributes:
        codes: What its codes mean.
        can_ask: Whether a query can be asked of it.
        language: In which the bundle speaks.
    """

    contents: Contents
    codes: Codes
    can_ask: Callable[[str], bool]
    language: Language

    def make(self, name: str, plan: DatasetPlan) -> Dataset | None:
        """The dataset; None where the release has no such table."""
        if plan.metrics_of is not None:
            return self._of_metrics(name, plan)
        tables = {table.full_name: table for table in self.contents.tables}
        table = tables.get(plan.table or "")
        if table is None:
            return None
        columns = list(table.columns)
        query = None
        if plan.with_customer and CUSTOMERS in tables:
            label = next(
                each
                for each in tables[CUSTOMERS].columns
                if each.name == "customer_label"
            )
            columns.append(label)
            query = _with_customer(table)
        title = self.codes.title(table.name)
        return self._dataset(
            name,
            plan,
            columns,
            {
                # The dataset of a table must be called as the table; a query may not.
                "table_name": table.name if query is None else f"{table.name} +",
                "schema": table.schema,
                "description": " ".join(
                    part
                    for part in (
                        self._title(title.label_en, title.label_zh) if title else "",
                        " ".join(table.description.split()),
                    )
                    if part
                ),
                "sql": query,
                "metrics": [
                    self._metric(each.id, each.name, each.expression, each.unit)
                    for each in plan.metrics
                ],
            },
        )

    def _of_metrics(self, name: str, plan: DatasetPlan) -> Dataset | None:
        defined = metrics.load()
        found = defined.datasets[str(plan.metrics_of)]
        rows = defined.rows(str(plan.metrics_of))
        if not self.can_ask(rows):
            return None  # a release of before the tables were there
        described = self._described()
        return self._dataset(
            name,
            plan,
            [
                described.get(column, Column(column, "VARCHAR", True, ""))
                for column in found.dimensions
            ],
            {
                "table_name": labels.said(plan.title, self.language)
                if plan.title
                else name,
                "schema": "marts",
                "description": labels.said(found.grain, self.language),
                "sql": rows,
                "metrics": [
                    self._metric(
                        each.id,
                        each.name,
                        defined.known(each),
                        each.unit,
                        self._meaning(each),
                    )
                    for each in defined.metrics
                    if each.dataset == plan.metrics_of
                    and self.can_ask(f"select {defined.known(each)} from ({rows}) as t")
                ],
            },
        )

    def _described(self) -> Mapping[str, Column]:
        """Columns of the marts that dimensions are taken from, by name."""
        wanted = ("order_lines", "customer_value", "customer_tiers", "customers")
        return {
            column.name: column
            for name in wanted
            for table in self.contents.tables
            if table.schema == "marts" and table.name == name
            for column in table.columns
        }

    def _dataset(
        self,
        name: str,
        plan: DatasetPlan,
        columns: Sequence[Column],
        config: Mapping[str, Any],
    ) -> Dataset:
        source = (plan.table or "").partition(".")[2] or name
        listed = [
            *(self._column(source, column) for column in columns),
            *self._words(source, plan, columns),
        ]
        return Dataset(
            name,
            frozenset(column["column_name"] for column in listed),
            frozenset(column["column_name"] for column in listed if column["is_dttm"]),
            {
                **dict(_formats(columns)),
                **{each["metric_name"]: each["d3format"] for each in config["metrics"]},
            },
            {
                "main_dttm_col": None,
                "default_endpoint": None,
                "offset": 0,
                "cache_timeout": None,
                "catalog": None,
                "params": None,
                "template_params": None,
                "filter_select_enabled": True,
                "fetch_values_predicate": None,
                "extra": None,
                "normalize_columns": False,
                "always_filter_main_dttm": False,
                **config,
                "columns": listed,
            },
        )

    def _column(self, table: str, column: Column) -> dict[str, Any]:
        meaning = " ".join(column.description.split())
        if codes := self.codes.of(table, column.name):
            meaning = f"{meaning} ({labels.listed(codes, self.language)})".strip()
        kind = column.type.upper()
        return {
            "column_name": column.name,
            "verbose_name": labels.said(labels.column(column.name), self.language),
            "description": meaning or None,
            "type": kind,
            "is_dttm": kind.startswith(("DATE", "TIMESTAMP")),
            "is_active": True,
            "groupby": True,
            "filterable": True,
            "expression": None,
            "python_date_format": None,
            "extra": None,
        }

    def _words(
        self, table: str, plan: DatasetPlan, columns: Sequence[Column]
    ) -> Iterator[dict[str, Any]]:
        """Columns that say in words what others say as a code."""
        there = {column.name for column in columns}
        for name, (english, chinese) in plan.pairs.items():
            if {english, chinese} <= there:
                yield self._worked_out(
                    name, labels.of_pair(english, chinese, self.language)
                )
        for name, code in plan.codes.items():
            if code in there:
                codes = self.codes.of(table, code)
                yield self._worked_out(
                    name, labels.of_codes(code, codes, self.language)
                )

    def _worked_out(self, name: str, expression: str) -> dict[str, Any]:
        plain = self._column("", Column(name, "VARCHAR", True, ""))
        return {**plain, "expression": expression}

    def _title(self, english: str | None, chinese: str | None) -> str:
        if english is None or chinese is None:
            return f"{english or chinese or ''}."
        return labels.said(Words(en=english, zh=chinese), self.language) + "."

    def _meaning(self, metric: metrics.Metric) -> str:
        """What is in it, and what is not."""
        return "\n".join(
            f"+ {getattr(metric.counts, one)}\n− {getattr(metric.counts_not, one)}"
            for one in labels.languages(self.language)
        )

    def _metric(
        self, name: str, words: Words, expression: str, unit: Unit, meaning: str = ""
    ) -> dict[str, Any]:
        currency = self.contents.reporting_currency
        is_money = unit == "money" and bool(currency)
        return {
            "metric_name": name,
            "verbose_name": labels.said(words, self.language),
            "metric_type": None,
            "expression": expression,
            "description": meaning or None,
            "d3format": _FORMATS[unit],
            "currency": {"symbol": currency, "symbolPosition": "suffix"}
            if is_money
            else None,
            "extra": None,
            "warning_text": None,
        }


def _with_customer(table: Table) -> str:
    """The rows of a table with the name of each customer; those of nobody stay."""
    return (
        f"select facts.*, customers.customer_label\nfrom {table.quoted} as facts\n"
        f"left join {'.'.join(map(sql.quoted, CUSTOMERS.split('.')))} as customers\n"
        "    on facts.customer_id = customers.customer_id"
    )


def _formats(columns: Sequence[Column]) -> Iterator[tuple[str, str]]:
    """Column → how its numbers are written, as far as its type and name say."""
    for column in columns:
        kind = column.type.upper()
        if not kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")):
            continue
        if {"rate", "share", "probability"} & {*column.name.split("_")}:
            yield column.name, _FORMATS["share"]
        elif kind.startswith("DECIMAL") and kind.endswith(",4)"):
            yield column.name, _FORMATS["money"]
        else:
            yield column.name, ",.1f"
