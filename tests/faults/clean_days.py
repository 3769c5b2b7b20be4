"""Sixty days of Online Retail, one published refresh each: none may be refused.

    python -m tests.faults.clean_days [--days 60] [--first 2011-04-01]

The shop has all days before the first in one release; then each day comes as one file, or
as none where the shop was closed, and is refreshed as of that day.
"""

from __future__ import annotations

import argparse
import collections
import datetime as dt
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from tests.faults import processes
from tests.integration.shop import Shop, export_days


def main() -> None:
    """Refreshes day by day and prints what was refused and what was warned of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument(
        "--first", type=dt.date.fromisoformat, default=dt.date(2011, 4, 1)
    )
    chosen = parser.parse_args()
    processes.import_everything()
    refused = 0
    warned: collections.Counter[str] = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="clean-days-") as name:
        folder = Path(name)
        (folder / "exports").mkdir()
        files = {
            dt.date.fromisoformat(path.stem.removeprefix("invoices_").replace("_", "-")): path
            for path in export_days(folder / "exports")
        }  # fmt: skip
        shop = Shop(folder / "shop")
        shop.variables["CUSTOMER_TIERS_ALERTS"] = "none"
        first: dt.date = chosen.first
        shop.drop([path for day, path in files.items() if day < first])
        began = time.monotonic()
        for number in range(-1, chosen.days):
            day = first + dt.timedelta(days=number)
            if number >= 0 and day in files:
                shop.drop([files[day]])
            child = processes.run(
                [
                    "refresh",
                    "--home",
                    str(shop.home),
                    "--as-of",
                    str(day),
                    "--no-report",
                ],
                shop.variables,
                folder / "log",
            )
            if child.code != 0:
                refused += 1
                print(f"{day}: exit code {child.code}\n{child.said()}", flush=True)
                continue
            with duckdb.connect(str(shop.warehouse()), read_only=True) as connection:
                checks = connection.execute(
                    "select check_id, coalesce(examples, '') from meta.check_results "
                    "where outcome <> 'passed'"
                ).fetchall()
            warned.update(check for check, _ in checks)
            print(f"{day} {'' if day in files else 'closed '}"
                  f"{[check for check, _ in checks]}", flush=True)  # fmt: skip
        seconds = time.monotonic() - began
    print(f"{chosen.days} days, {refused} not published, {seconds:.0f} s")
    for check, count in warned.most_common():
        print(f"{count:5} {check}")
    sys.exit(refused > 0)


if __name__ == "__main__":
    main()
