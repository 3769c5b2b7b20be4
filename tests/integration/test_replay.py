"""The past replayed against what had been published of it, on the demonstration company."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.conftest import EARLIER as THEN
from tests.conftest import command, publish_alone


def release(home: Path) -> duckdb.DuckDBPyConnection:
    path = (home / "current").resolve() / "warehouse.duckdb"
    return duckdb.connect(str(path), read_only=True)


@pytest.mark.parametrize(
    ("company", "late"),
    [
        pytest.param("sampled", 0.1, marks=pytest.mark.slow),
        pytest.param("whole", 0.001, marks=pytest.mark.campaign),
    ],
)
def test_the_replay_says_what_was_published_but_for_what_is_logged(
    company: str, late: float, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One refresh as of a month end, one seven months later.

    Args:
        late: The share of the buyers whose tier may differ because the forecast of that
            day has learnt from another set of origins: a few, fewer the more there are.
    """
    home = tmp_path / "home"
    if company == "sampled":
        shutil.copytree(request.getfixturevalue("earlier_home"), home, symlinks=True)
        assert publish_alone(home).returncode == 0
        sources = {
            "CUSTOMER_TIERS_SOURCES": str(request.getfixturevalue("company_sources"))
        }
    else:
        sources = {}
        earlier = command("refresh", "--home", home, "--as-of", THEN)
        assert earlier.returncode == 0, earlier.stderr
    with release(home) as connection:
        published = dict(
            connection.execute(
                "select customer_id, tier_code from marts.customer_tiers"
            ).fetchall()
        )
        values = connection.execute(
            "select customer_id, revenue_12m, order_count_12m, lifecycle_stage "
            "from marts.customer_value where order_count > 0 order by all"
        ).fetchall()
    assert command("refresh", "--home", home, **sources).returncode == 0
    with release(home) as connection:
        replayed = dict(
            connection.execute(
                f"""
                select customer_id, tier_code from marts.customer_tier_history
                where valid_from <= '{THEN}'
                    and (valid_to is null or valid_to > '{THEN}')
                """
            ).fetchall()
        )
        logged = {
            name: (code, cause)
            for name, code, cause in connection.execute(
                f"""
                select customer_id, published_tier_code, cause
                from meta.tier_restatements
                where '{THEN}' between first_month and last_month
                """
            ).fetchall()
        }
        # Every figure that only orders make is what it was, to the cent.
        assert (
            values
            == connection.execute(
                "select customer_id, revenue_12m, order_count_12m, lifecycle_stage "
                f"from marts.customer_value_history where as_of_date = '{THEN}' "
                "and order_count > 0 order by all"
            ).fetchall()
        )
    buyers = {name for name, *_ in values}
    assert buyers <= set(replayed)
    moved = {
        name: code
        for name, code in published.items()
        if name in replayed and replayed[name] != code
    }
    assert moved == {name: code for name, (code, _) in logged.items() if name in moved}
    causes = [logged[name][1] for name in moved]
    assert set(causes) <= {"late data", "forecaster"}
    assert causes.count("late data") < late * len(buyers)
