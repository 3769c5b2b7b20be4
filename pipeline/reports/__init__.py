"""Reports made from one release: what a reader sees without writing SQL.

`facts` asks the release, `plans` asks it about its key accounts, `drawing` turns shares
into SVG coordinates, `wording` puts numbers into words, and the templates place them. A
report knows the release folder
and nothing else, so it can be made again at any time from any kept release. Not here:
what the numbers mean (the marts) and whether they may be published (`release`).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment

from pipeline.common import pages
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, write_text
from pipeline.gates import data_docs
from pipeline.release import duckdb_files
from pipeline.release.layout import DATA_DOCS, WAREHOUSE
from pipeline.release.verification import verify
from pipeline.reports import customers, drawing, facts, periods, plans, wording

__all__ = ["build_report"]

TEMPLATES = Path(__file__).with_name("templates")


def build_report(release_folder: Path) -> Path:
    """Writes `reports/index.html` of a release and its account plans, anew.

    Each page is whole in itself: no script, no font and no picture from elsewhere. The
    same release gives the same bytes, so it names no moment of its own making.

    Args:
        release_folder: A folder with `warehouse.duckdb` and `release.json`; may be the
            symlink `current`, which is resolved once.

    Returns:
        The path of the page, in the resolved folder.

    Raises:
        ConfigurationError: The folder is not a release.
    """
    folder = release_folder.resolve()
    if not (folder / WAREHOUSE).exists():
        raise ConfigurationError(
            f"{folder} holds no {WAREHOUSE}; name the folder of a release, "
            "such as data/current."
        )
    try:
        record = read_json(folder / "release.json")
        seal = periods.seal_of(record, problems=verify(folder, record["gates"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{folder / 'release.json'} is missing or damaged ({error}); "
            "`customer-tiers releases` lists the releases that are whole."
        ) from error
    with duckdb_files.connect(folder / WAREHOUSE, read_only=True) as connection:
        found = facts.collect(connection, seal)
        account_plans = plans.collect(connection, seal)
        midpoint = plans.midpoint(connection) if account_plans else 0.0
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            seal=seal,
            facts=found,
            account_plans=len(account_plans),
            account_plans_at=f"{plans.FOLDER}/index.html",
            data_docs_at=f"{DATA_DOCS.name}/{data_docs.INDEX}",
            months=drawing.columns(found.months),
            curves=[drawing.pareto(item) for item in found.concentration],
            max_rows=facts.MAX_ROWS,
            silent_days=customers.SILENT_WITHOUT_RHYTHM,
            max_top=customers.TOP_CUSTOMERS,
            max_badly_served=customers.BADLY_SERVED,
        )
    )
    data_docs.of_release(folder, record)
    path = folder / "reports" / "index.html"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    plans.write(
        path.parent, account_plans, seal, found.currency, midpoint, _environment()
    )
    write_text(path, page)
    return path


@cache
def _environment() -> Environment:
    environment = pages.environment(TEMPLATES)
    environment.filters.update(wording.FILTERS)
    return environment
