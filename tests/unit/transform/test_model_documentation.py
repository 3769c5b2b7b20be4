"""Each model says beside its SQL what it holds, at which grain, and what is tested of it.

From the files alone, without dbt: what the compiled project holds stands in
tests/integration/test_dbt_project.py.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.common.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
DOCS = MODELS / "_docs.md"
UNDER_CONTRACT = {"marts", "meta"}

# Tables whose rows need no key: what stands for it instead.
WITHOUT_KEY = {
    "core_customer_references": "two systems may note the same link twice",
    "core_factor_scores": "two systems may mark on one day; core_account_scores chooses",
}


def model_files() -> list[Path]:
    return sorted(path for path in MODELS.rglob("*") if path.suffix in {".sql", ".py"})


def described(path: Path) -> Mapping[str, Any]:
    """What the YAML beside a model says of it."""
    beside = path.with_suffix(".yml")
    assert beside.exists(), f"{path.name} has no {beside.name} beside it"
    (model,) = yaml.safe_load(beside.read_text(encoding="utf-8"))["models"]
    assert model["name"] == path.stem
    return dict(model)


def declared_tests(model: Mapping[str, Any]) -> set[str]:
    """The names of the tests of a model and of its columns."""
    found = list(model.get("data_tests", []))
    for column in model.get("columns", []):
        found += column.get("data_tests", [])
    return {test if isinstance(test, str) else next(iter(test)) for test in found}


@pytest.mark.parametrize("path", model_files(), ids=lambda path: path.stem)
def test_a_model_says_its_grain(path: Path) -> None:
    model = described(path)
    text = " ".join(model["description"].split())
    assert re.search(r"(\.|\}\}) One row per [^.]+\.$", text), text
    if path.relative_to(MODELS).parts[0] in UNDER_CONTRACT:
        columns = model["columns"]
        assert columns, "a contract names its columns"
        assert [column["name"] for column in columns if not column["description"]] == []


def of_one_customer(model: Mapping[str, Any]) -> bool:
    """Whether no customer has two rows, as the model's tests demand."""
    keys = [
        [column["name"]]
        for column in model["columns"]
        if "unique" in column.get("data_tests", [])
    ]
    keys += [
        test[kind]["arguments"]["columns"]
        for test in model.get("data_tests", [])
        for kind in ("unique_combination", "key")
        if kind in test
    ]
    return ["customer_id"] in keys


def test_what_several_rows_of_a_customer_do_in_a_join_is_said() -> None:
    for path in sorted((MODELS / "marts").glob("*.sql")):
        model = described(path)
        names = {column["name"] for column in model["columns"]}
        fans_out = "customer_id" in names and not of_one_customer(model)
        says_so = "doc('several_rows')" in model["description"]
        assert says_so == fans_out, path.stem


@pytest.mark.parametrize("path", model_files(), ids=lambda path: path.stem)
def test_a_model_has_the_tests_of_its_layer(path: Path) -> None:
    """A table that others join has a key that is tested.

    A `base_` model is unique by how it is made (macro `latest`), and the rows of a view
    are those of the tables below it.
    """
    layer = path.relative_to(MODELS).parts[0]
    is_view = 'materialized="view"' in path.read_text(encoding="utf-8")
    if layer in UNDER_CONTRACT or is_view or path.stem.startswith("base_"):
        return
    keys = declared_tests(described(path)) & {"key", "unique_combination", "unique"}
    assert bool(keys) != (path.stem in WITHOUT_KEY), path.stem


def test_each_yaml_is_about_a_model() -> None:
    """Beside models' own YAML only those of sources, unit tests and exposures."""
    stems = {path.stem for path in model_files()}
    for path in MODELS.rglob("*.yml"):
        if path.stem not in stems:
            assert re.fullmatch(r"_\w+__(sources|unit_tests|exposures)", path.stem), (
                path.name
            )


def test_what_repeats_is_written_once() -> None:
    """Three columns of one name and one description have a block in _docs.md."""
    written: Counter[tuple[str, str]] = Counter()
    for path in model_files():
        for column in described(path).get("columns", []):
            text = " ".join(column["description"].split())
            if "doc(" not in text:
                written[column["name"], text] += 1
    assert [key for key, count in written.items() if count > 2] == []


def test_each_block_of_the_docs_is_used() -> None:
    blocks = re.findall(r"{% docs (\w+) %}", DOCS.read_text(encoding="utf-8"))
    assert len(blocks) == len(set(blocks))
    texts = "".join(
        path.read_text(encoding="utf-8")
        for path in (PROJECT_ROOT / "dbt_project").rglob("*.yml")
        if "target" not in path.parts
    )
    assert [block for block in blocks if f"doc('{block}')" not in texts] == []
