"""What of the product's dbt project a company's own does not get: the demonstration's.

Not here: what takes a file's place (`project`).
"""

from __future__ import annotations

import csv
import filecmp
import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.transform import package
from pipeline.transform.package import NEUTRAL_SEEDS, PACKAGE

_UNIT_TESTS = "__unit_tests.yml"
_SOURCE = re.compile(r"""source\(\s*["'](\w+)["']\s*,\s*["'](\w+)["']""")
_REF = re.compile(r"""ref\(\s*["'](\w+)["']""")
# What a refresh itself says to the models; declared by the product.
_CONTEXT = ("refresh", "context")
# The seeds whose rows are for a policy, by its id; of two policies they do not fit together.
_OF_A_POLICY = frozenset(
    {
        *("policies", "tiers", "tier_rules", "tier_rule_facts", "score_factors"),
        *("score_anchors", "service_policies", "matrix_factors", "matrix_strategies"),
        "settings",
    }
)


def demonstration(links: dict[str, Path], texts: dict[str, str]) -> None:
    """Takes out its staging models and what is tested on them."""
    for relative, path in list(links.items()):
        parts = Path(relative).parts
        if (parts[:2] == ("models", "staging") and len(parts) > 3) or relative.endswith(
            _UNIT_TESTS
        ):
            del links[relative]
        elif path.suffix in package.PROPERTIES:
            text = path.read_text(encoding="utf-8")
            if re.search(r"^unit_tests:", text, re.M):
                described = package.read_yaml(path)
                del described["unit_tests"]
                del links[relative]
                texts[relative] = package.write_yaml(described)


def seeds(links: dict[str, Path], own: Mapping[str, Path]) -> None:
    """Puts the seeds that fit any company in the place of the demonstration's.

    A policy that compares customers with each other, and no rate, band, anchor, promise or
    holiday that somebody would have to know. Where a project has policies of its own, of
    before there was this one, what it lacks of them stays the product's, which it was.

    Args:
        links: The files of the composed project by their paths in it; is changed.
        own: The project's own files by their paths.
    """
    places = {
        node: relative
        for relative in links
        if (node := package.node(relative)) and node[0] == "seeds"
    }
    policies = [
        path
        for relative, path in own.items()
        if package.node(relative) == ("seeds", "policies")
    ]
    is_older = policies and not any(
        _policy_ids(path) & _policy_ids(NEUTRAL_SEEDS / "policies.csv")
        for path in policies
    )
    for path in sorted(NEUTRAL_SEEDS.rglob("*.csv")):
        if not (is_older and path.stem in _OF_A_POLICY):
            links[places["seeds", path.stem]] = path


def _policy_ids(path: Path) -> set[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row.get("policy_id") or "" for row in csv.DictReader(file)}


def undeclared_tables(links: dict[str, Path], declared: set[tuple[str, str]]) -> None:
    """Takes out the demonstration's staging of tables that sources.yaml does not name.

    A whole copy of the project holds it, and so does the package where a project has no
    dbt folder of its own. A model that somebody changed stays: a table that it lacks is
    then a mistake, and dbt says so.

    Args:
        links: The files of the composed project by their paths in it; is changed.
        declared: The landed tables, as (source, entity).
    """
    texts = {
        relative: path.read_text(encoding="utf-8")
        for relative, path in links.items()
        if relative.startswith("models/staging/") and _is_product_s(relative, path)
    }
    removed: set[str] = set()
    while found := {
        Path(relative).stem
        for relative, text in texts.items()
        if relative.endswith(".sql")
        and relative in links
        and (
            set(_SOURCE.findall(text)) - declared - {_CONTEXT}
            or removed.intersection(_REF.findall(text))
        )
    }:
        removed |= found
        for relative, text in texts.items():
            is_tested = relative.endswith(_UNIT_TESTS) and found.intersection(
                _REF.findall(text)
            )
            if Path(relative).stem in found or is_tested:
                links.pop(relative, None)


def _is_product_s(relative: str, path: Path) -> bool:
    product = PACKAGE / relative
    return product.is_file() and filecmp.cmp(path, product, shallow=False)
