"""The figures of a release as metadata of its asset, which Dagster plots over the releases.

Not here: what they mean (`dbt_project/metrics.yaml`).
"""

import logging
from pathlib import Path

import duckdb

from pipeline import metrics
from pipeline.release import duckdb_files, layout

log = logging.getLogger("customer_tiers.publish")

PLOTTED = (
    "customers",
    "active_customers",
    "revenue_12m",
    "margin_12m",
    "profit_12m",
    "key_share_of_revenue",
    "retention",
    "average_health",
)


def of_release(folder: Path) -> dict[str, int | float]:
    """The figures that are known, by their ids, and the customers of each tier.

    What is not known has no point in the plot. A release is one without them, so that
    what goes wrong here is logged.

    Args:
        folder: The release.
    """
    try:
        with duckdb_files.connect(
            folder / layout.WAREHOUSE, read_only=True
        ) as warehouse:
            figures = metrics.ask(warehouse, PLOTTED)
            tiers = metrics.ask_by(warehouse, "tier_code", ["customers"])
    except duckdb.Error as error:
        log.warning("the figures of the release are not plotted: %s", error)
        return {}
    found = {name: figure.value for name, figure in figures.items()}
    for tier, figure in tiers["customers"].items():
        found[f"customers in {tier}"] = figure.value
    return {
        name: value if isinstance(value, int) else float(value)
        for name, value in found.items()
        if value is not None
    }
