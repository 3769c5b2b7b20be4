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
# How old what was published is, at the moment when the release was complete: of each
# source since it last gave anything new, and of the sales themselves.
_AGES = """
select
    'hours since ' || fresh.source || ' gave something new' as name,
    date_diff('second', max(fresh.last_loaded_at), max(release.sealed_at)) / 3600.0 as age
from meta.source_freshness as fresh
cross join meta.current_release as release
group by fresh.source
union all
select
    'days_since_last_order' as name,
    date_diff('day', max(lines.order_date), max(release.as_of_date)) as age
from marts.order_lines as lines
cross join meta.current_release as release
"""


def of_release(folder: Path) -> dict[str, int | float]:
    """The figures that are known, by their ids, the customers of each tier, and ages.

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
            ages = warehouse.execute(_AGES).fetchall()
    except duckdb.Error as error:
        log.warning("the figures of the release are not plotted: %s", error)
        return {}
    found = {name: figure.value for name, figure in figures.items()}
    for tier, figure in tiers["customers"].items():
        found[f"customers in {tier}"] = figure.value
    found.update(ages)
    return {
        name: value if isinstance(value, int) else float(value)
        for name, value in found.items()
        if value is not None
    }
