"""Facts that dbt and the pipeline both need are the same on both sides."""

from __future__ import annotations

import datetime as dt

from pipeline.common import calendar
from pipeline.common.settings import Settings
from pipeline.sources import load_sources
from tests.models import Warehouse, compiled


def test_twelve_months_ago_is_one_day_in_sql_and_python() -> None:
    """Every day of two years of which one has a 29th of February, and the year after."""
    days = [dt.date(2011, 1, 1) + dt.timedelta(n) for n in range(3 * 366)]
    assert dt.date(2012, 2, 29) in days
    warehouse = Warehouse().lay(
        "refresh__context",
        {
            "refresh_id": "varchar",
            "as_of_date": "date",
            "known_until": "timestamp",
            "time_zone": "varchar",
            "reporting_currency": "varchar",
        },
        [(str(day), day, None, None, None) for day in days],
    )
    rows = warehouse.build("core_refresh").rows("from {core_refresh}")
    assert len(rows) == len(days)
    for row in rows:
        day = row["as_of_date"]
        assert row["twelve_months_ago"] == calendar.months_before(day, 12), day
        assert row["twenty_four_months_ago"] == calendar.months_before(day, 24), day
    found = {row["as_of_date"]: row["twelve_months_ago"] for row in rows}
    assert found[dt.date(2012, 2, 29)] == dt.date(2011, 2, 28)
    assert found[dt.date(2013, 2, 28)] == dt.date(2012, 2, 29)


def test_the_latest_version_goes_by_the_key_of_sources_yaml() -> None:
    written = {
        name: " ".join(query.split())
        for name, (_, query, _) in compiled().items()
        if name.startswith(("stg_", "base_"))
    }
    for source in load_sources(Settings.load()).sources:
        for entity in source.entities.values():
            readers = [
                query
                for query in written.values()
                if f"{source.name}__{entity.name}" in query.replace('"', "")
                and "_version" in query
            ]
            assert readers, entity.name
            key = ", ".join(f'"{column}"' for column in entity.key)
            assert any(f"partition by {key} order by" in query for query in readers)
