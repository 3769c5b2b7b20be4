"""The exposures of the dbt project name what the code behind them really reads."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Any

import pytest

from pipeline import metrics
from pipeline.common.settings import Settings
from pipeline.reports import sales
from pipeline.reports.dictionary import contents as dictionary
from pipeline.serving import contents as serving
from pipeline.serving.superset import definitions as superset
from pipeline.sources import load_sources
from pipeline.transform import dbt as transform

# What is drawn was asked for by others; it imports them for their types.
_ASKS_NOTHING = {
    "pipeline.reports.diagrams", "pipeline.reports.drawing", "pipeline.reports.wording",
    "pipeline.reports.words",
}  # fmt: skip
_TABLE = re.compile(r"\b(?:marts|meta)\.([a-z][a-z0-9_]*)")


@pytest.fixture(scope="module")
def manifest() -> Mapping[str, Any]:
    settings = Settings.load()
    return transform.parse(load_sources(settings), settings).manifest_json


def tables(manifest: Mapping[str, Any], schemas: Iterable[str]) -> dict[str, Any]:
    """The nodes that become tables of these schemas, by name."""
    return {
        node["name"]: node
        for node in manifest["nodes"].values()
        if node["resource_type"] in {"model", "seed"} and node["schema"] in [*schemas]
    }


def file_of(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def is_module(name: str) -> bool:
    """Whether a name is that of a module, and not of something in one."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def with_imports(module: str) -> set[str]:
    """The module and those of the reports that it imports, and they in turn."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found | _ASKS_NOTHING:
            continue
        found.add(name)
        for node in ast.walk(ast.parse(file_of(name).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or node.module is None:
                continue
            names = {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
            waiting += [
                each
                for each in names
                if each.startswith("pipeline.reports.") and is_module(each)
            ]
    return found


def named_in(modules: Set[str]) -> set[str]:
    """The tables that the SQL of modules names; it stands in strings, not in docstrings."""
    found: set[str] = set()
    for module in modules:
        nodes = list(ast.walk(ast.parse(file_of(module).read_text(encoding="utf-8"))))
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if not isinstance(node, ast.Constant) or id(node) in docstrings:
                continue
            if isinstance(node.value, str):
                found.update(_TABLE.findall(node.value))
    return found


def named_in_metrics(ids: Iterable[str]) -> set[str]:
    defined = metrics.load()
    return {
        name
        for each in ids
        for name in _TABLE.findall(defined.query([defined.metric(each)]))
    }


def exposed(manifest: Mapping[str, Any], name: str) -> set[str]:
    exposure = manifest["exposures"][f"exposure.customer_tiers.{name}"]
    return {node.rsplit(".", 1)[1] for node in exposure["depends_on"]["nodes"]}


def read(manifest: Mapping[str, Any], name: str) -> set[str]:
    """What the code behind an exposure reads."""
    known = tables(manifest, ("marts", "meta"))
    match name:
        case "report":
            modules = with_imports("pipeline.reports.publishing")
            # They have an exposure of their own.
            named = named_in(modules - {"pipeline.reports.plans"})
            return (named | named_in_metrics(sales.HEADLINE)) & known.keys()
        case "account_plans":
            return named_in({"pipeline.reports.plans"}) & known.keys()
        case "superset":
            plans = superset.dashboard().datasets.values()
            direct = {plan.table.partition(".")[2] for plan in plans if plan.table}
            joined = (
                {"customers"} if any(plan.with_customer for plan in plans) else set()
            )
            asked = [each.id for each in metrics.load().metrics]
            return (direct | joined | named_in_metrics(asked)) & known.keys()
        case "exports":
            return {
                table
                for table, node in tables(manifest, serving.SCHEMAS).items()
                if not is_private(node)
            }
        case "dictionary":
            return {
                table
                for table, node in tables(manifest, dictionary.SCHEMAS).items()
                if not is_private(node)
            }
    raise AssertionError(f"nobody says what {name} reads")


def is_private(node: Mapping[str, Any]) -> bool:
    return bool(node["name"] == "customers_private")


def test_there_is_an_exposure_for_each_way_out(manifest: Mapping[str, Any]) -> None:
    names = {each["name"] for each in manifest["exposures"].values()}
    assert names == {"report", "account_plans", "exports", "dictionary", "superset"}


@pytest.mark.parametrize(
    "name", ["report", "account_plans", "exports", "dictionary", "superset"]
)
def test_an_exposure_names_what_is_read(manifest: Mapping[str, Any], name: str) -> None:
    wanted, said = read(manifest, name), exposed(manifest, name)
    assert len(wanted) > 5
    lines = "".join(f"      - ref('{table}')\n" for table in sorted(wanted))
    assert said == wanted, f"depends_on of {name} should be:\n{lines}"
