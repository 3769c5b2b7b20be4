"""A company of a few dozen rows with a project of its own, made from rows of a test.

Each canonical entity is one CSV whose columns are called as the canonical ones are, so
that staging only hands them on; what a test does not give, the company does not know.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import yaml

from tests.conftest import command

Row = Mapping[str, Any]
World = Mapping[str, Sequence[Row]]

KEYS = {
    "customers": ["source_customer_id"],
    "products": ["source_product_id"],
    "order_lines": ["order_id", "line_number"],
    "service_tickets": ["ticket_id"],
    "interactions": ["interaction_id"],
    "payments": ["payment_id"],
    "campaigns": ["campaign_id"],
    "survey_responses": ["response_id"],
    "leads": ["lead_id"],
    "contacts": ["contact_id"],
    "assessments": ["source_customer_id", "scored_on"],
    "factor_scores": ["source_customer_id", "factor", "scored_on"],
    "fx_rates": ["from_currency", "rate_date"],
}


class SmallCompany:
    """A home, a project and an inbox in one folder.

    Args:
        folder: Is made.
        world: Entity → its rows; all of an entity's rows have the first one's columns.
        business: What sources.yaml says of the business.
        source: Further lines of its one source, such as `unknown_customers`.
        seeds: CSV files of its own policy; without any it has that of a new project.
        project: The dbt project of a company with the same columns and policy, which
            dbt has parsed already.
    """

    def __init__(
        self,
        folder: Path,
        world: World,
        *,
        business: Row | None = None,
        source: Row | None = None,
        seeds: Sequence[Path] = (),
        project: Path | None = None,
    ) -> None:
        self.home = folder / "home"
        self.sources = folder / "sources.yaml"
        self.project = project or folder / "dbt_project"
        inbox = folder / "inbox"
        inbox.mkdir(parents=True)
        staging = self.project / "models" / "staging" / "shop"
        staging.mkdir(parents=True, exist_ok=project is not None)
        (self.project / "seeds").mkdir(exist_ok=project is not None)
        for seed in seeds:
            shutil.copy(seed, self.project / "seeds")
        for entity, rows in world.items():
            columns = list(rows[0])
            with (inbox / f"{entity}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, columns, restval="")
                writer.writeheader()
                writer.writerows(rows)
            # A cell is text; staging names the type by handing it on as it is.
            (staging / f"stg_shop__{entity}.sql").write_text(
                "with latest_rows as (\n"
                f'    {{{{ latest(source("shop", "{entity}"), {KEYS[entity]!r}) }}}}\n'
                ")\n\nselect\n    "
                + ",\n    ".join(f"nullif({name}, '') as {name}" for name in columns)
                + "\nfrom latest_rows\n"
            )
        self.sources.write_text(
            yaml.safe_dump(
                {
                    "version": 1,
                    "business": {"reporting_currency": "EUR", **(business or {})},
                    "sources": [
                        {
                            "name": "shop",
                            "kind": "files",
                            "path": "inbox",
                            "provides": list(world),
                            **(source or {}),
                            "entities": {
                                entity: {
                                    "files": f"{entity}.csv",
                                    "key": KEYS[entity],
                                    "load": "snapshot",
                                    "settle_seconds": 0,
                                    "becomes": [{"entity": entity}],
                                }
                                for entity in world
                            },
                        }
                    ],
                }
            )
        )

    def refresh(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Refreshes, however it ends."""
        return command(
            "refresh",
            *("--home", self.home, "--sources", self.sources),
            *arguments,
            CUSTOMER_TIERS_DBT_PROJECT=str(self.project),
        )

    def connect(self) -> duckdb.DuckDBPyConnection:
        """The current release, to be read."""
        path = (self.home / "current" / "warehouse.duckdb").resolve()
        return duckdb.connect(str(path), read_only=True)
