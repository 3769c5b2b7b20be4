"""What of the product's dbt project a company's own does not get: the demonstration's.

Not here: what takes a file's place (`project`).
"""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.transform import package
from pipeline.transform.package import PACKAGE

_UNIT_TESTS = "__unit_tests.yml"


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


def unknown_sources(links: dict[str, Path], known: set[str]) -> None:
    """Takes out the demonstration's staging of sources that sources.yaml does not name.

    A whole copy of the project holds it; its tables are declared nowhere.
    """
    unknown = {
        path.name
        for path in (PACKAGE / "models" / "staging").iterdir()
        if path.is_dir()
    } - known
    for relative in list(links):
        parts = Path(relative).parts
        if parts[:2] == ("models", "staging") and parts[2] in unknown:
            del links[relative]
