"""Somebody else's data without a line of Python: UCI Online Retail, one CSV a day."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import duckdb
import pytest

from pipeline.common.settings import PROJECT_ROOT
from pipeline.tiers import policy as policies
from pipeline.tiers import policy_tables, stability
from tests.integration.shop import Shop, export_days, same_marts

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return export_days(tmp_path_factory.mktemp("exports"))


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory, days: list[Path]) -> Shop:
    shop = Shop(tmp_path_factory.mktemp("at_once"))
    shop.drop(days)
    shop.refresh()
    return shop


@pytest.fixture
def marts(at_once: Shop) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(at_once.warehouse()), read_only=True)


def test_rows_and_money(marts: duckdb.DuckDBPyConnection) -> None:
    assert marts.execute(
        """
        select count(*), count(distinct customer_id), count(distinct order_id),
            sum(net_amount)::decimal(18, 3)::varchar
        from marts.order_lines
        """
    ).fetchone() == (397_884, 4_338, 18_532, "8911407.904")
    assert marts.execute(
        "select rows_read, rows_landed, rows_quarantined, batches, different_keys, "
        "repeated_keys, deleted_keys, superseded_rows from meta.source_freshness"
    ).fetchone() == (541_909, 541_909, 0, 305, 541_909, 0, 0, 0)


def test_rfm(marts: duckdb.DuckDBPyConnection) -> None:
    """METHODS.md section 2."""
    expected = {
        "r_score": [869, 889, 866, 888, 826],
        "f_score": [1493, 835, 508, 802, 700],
        "m_score": [868, 868, 867, 868, 867],
    }
    for score, counts in expected.items():
        found = marts.execute(
            f"select count(*) from marts.customer_value group by {score} order by {score}"
        ).fetchall()
        assert [count for (count,) in found] == counts, score
    assert marts.execute(
        """
        select count(*) from marts.customer_value
        where r_score = 5 and f_score = 5 and m_score = 5
        """
    ).fetchone() == (314,)


def test_band_and_confirmations_make_tiers_stable(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """METHODS.md section 6: monthly ABC with a 10 % band and two confirmations.

    The policy pareto-2014 on the history of these customers: key is class A, growth is
    class B, by the revenue of the last 12 months.
    """
    (policy,) = (
        one
        for one in policy_tables.load_folder(PROJECT_ROOT / "dbt_project" / "seeds")
        if one.policy_id == "pareto-2014"
    )
    assert {
        (tier.band, tier.confirmations, tier.grace) for tier in policy.tiers[:2]
    } == {(0.1, 2, 2)}
    facts = ", ".join(
        f"{name}::double as {name}"
        if name in ("revenue_to_class_a", "revenue_to_class_b", "revenue_12m")
        else f"null::double as {name}"
        for name in policies.FACTS
    )
    months, earned, earned_back, held, held_back = (
        marts.execute(
            f"""
            with facts as (
                select customer_id, customer_type, true as is_month_end,
                    dense_rank() over (order by as_of_date) as moment_no,
                    order_count > 0 as has_purchased, {facts}
                from marts.customer_value_history
            ),
            graded as ({stability.graded(policy, "facts")}),
            beside as (
                select
                    earned_rank as e, tier_rank as h,
                    lag(earned_rank) over months as e0, lag(tier_rank) over months as h0,
                    lead(earned_rank, 1) over months as e1,
                    lead(earned_rank, 2) over months as e2,
                    lead(earned_rank, 3) over months as e3,
                    lead(tier_rank, 1) over months as h1,
                    lead(tier_rank, 2) over months as h2,
                    lead(tier_rank, 3) over months as h3
                from graded
                window months as (partition by customer_id order by moment_no)
            )
            select count(*), count(*) filter (e <> e0),
                count(*) filter (e <> e0 and e0 in (e1, e2, e3)),
                count(*) filter (h <> h0),
                count(*) filter (h <> h0 and h0 in (h1, h2, h3))
            from beside where e0 is not null
            """
        ).fetchone()
        or ()
    )
    assert (months, earned, earned_back, held, held_back) == (
        28_170,
        3_008,
        775,
        1_472,
        52,
    )
    assert held < earned / 2
    assert held_back / held < earned_back / earned / 3


def test_the_first_policy_fits_a_shop_that_it_has_not_seen(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """METHODS.md section 10: key 4 to 13 % of the customers, 28 to 51 % of the revenue.

    Nobody knows a cost, so that the first half is one of revenue.
    """
    found = {
        tier: (customers, revenue)
        for tier, customers, revenue in marts.execute(
            """
            select tier_code, count(*) / sum(count(*)) over (),
                sum(revenue_12m) / sum(sum(revenue_12m)) over ()
            from marts.customer_tiers inner join marts.customer_value using (customer_id)
            group by tier_code
            """
        ).fetchall()
    }
    assert 0.04 <= found["key"][0] <= 0.13
    assert 0.28 <= found["key"][1] <= 0.51
    assert 0 < found["growth"][0] <= 0.34
    assert found["standard"][0] > 0.5
    assert marts.execute(
        "select distinct policy_id from marts.customer_tiers"
    ).fetchall() == [("first",)]


def test_the_release_names_its_champion_and_its_error(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """A year of these customers sends plain maximum likelihood to the boundary, silently."""
    ((kind, model, champion, reason, error, customers),) = marts.execute(
        "select customer_type, value_model, champion, reason, relative_error, customers "
        "from meta.value_models"
    ).fetchall()
    assert (kind, customers) == ("person", 4_338)
    assert champion in reason
    assert error is None or 0 < error < 2
    assert model
    # BG/NBD at its boundary forecasts -4.5e18 orders.
    assert marts.execute(
        "select count(*), count(*) filter (predicted_orders_12m between 0 and 1000), "
        "count(*) filter (no_purchase_probability_12m between 0 and 1) "
        "from marts.customer_value"
    ).fetchone() == (4_338, 4_338, 4_338)


def test_concentration(marts: duckdb.DuckDBPyConnection) -> None:
    """METHODS.md section 3."""
    assert marts.execute(
        """
        with ranked as (
            select revenue::double as v,
                row_number() over (order by revenue, customer_id) as i,
                count(*) over () as n, sum(revenue) over () as total
            from marts.customer_concentration
        )
        select round(sum((2 * i - n - 1) * v) / (any_value(n) * sum(v)), 4),
            round(sum(power(v / total, 2)), 6)
        from ranked
        """
    ).fetchone() == (0.7151, 0.004644)
    assert marts.execute(
        """
        select
                round(100 * max(cumulative_revenue_share)
                    filter (revenue_rank <= ceil(0.20 * n)), 2),
                round(100 * max(cumulative_revenue_share)
                    filter (revenue_rank <= ceil(0.01 * n)), 2)
            from marts.customer_concentration
            cross join (select count(*) as n from marts.customer_concentration)
            """
    ).fetchone() == (74.62, 32.00)
    classes = marts.execute(
        "select abc_class, count(*) from marts.customer_value group by all order by all"
    ).fetchall()
    assert classes == [("A", 1_133), ("B", 1_469), ("C", 1_736)]


def test_cohorts(marts: duckdb.DuckDBPyConnection) -> None:
    """METHODS.md section 3."""
    for month, active in {
        dt.date(2010, 12, 1): [885, 324, 286, 340, 321, 352],
        dt.date(2011, 1, 1): [417, 92],
        dt.date(2011, 2, 1): [380, 71],
    }.items():
        found = marts.execute(
            """
            select active from marts.cohort_retention
            where cohort_month = ? order by month_number limit ?
            """,
            [month, len(active)],
        ).fetchall()
        assert [count for (count,) in found] == active


def test_nobody_is_charged_with_rates_that_nobody_gave(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    """Neither goods nor service have a cost here, so that profit is unknown."""
    assert marts.execute("from meta.cost_rates").fetchall() == []
    assert (
        marts.execute(
            "from meta.cost_pools where pool_amount <> 0 or unpriced_facts <> 0"
        ).fetchall()
        == []
    )
    assert marts.execute(
        """
        select count(cost_to_serve), count(margin), count(profit), count(revenue) > 0
        from marts.customer_value
        """
    ).fetchone() == (0, 0, 0, True)
    assert marts.execute(
        """
        select count(profit), count(revenue_rank) = count(*)
        from marts.customer_concentration
        """
    ).fetchone() == (0, True)


def test_what_nobody_provides_is_empty_and_typed(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    for table in ("service_tickets", "leads", "interactions", "payments"):
        assert marts.execute(f"select count(*) from marts.{table}").fetchone() == (0,)
    assert marts.execute(
        "select max(score_coverage) < 1 from marts.customer_tiers"
    ).fetchone() == (True,)


def test_in_parts_repeated_renamed_and_overlapping(
    days: list[Path], tmp_path: Path
) -> None:
    """Three refreshes, out of order, with files again under other names and a file that
    holds days that came before: the marts are those of all files at once."""
    days = days[:60]
    at_once, shop = Shop(tmp_path / "at_once"), Shop(tmp_path / "in_parts")
    at_once.drop(days)
    at_once.refresh()
    shop.drop(days[40:])
    shop.refresh("--no-publish")
    shop.drop(days[:24])
    (shop.inbox / "invoices_again.csv").write_bytes(days[42].read_bytes())
    header = days[0].read_bytes().split(b"\n")[0]
    overlap = [
        header,
        *(b"\n".join(p.read_bytes().split(b"\n")[1:-1]) for p in days[20:30]),
    ]
    (shop.inbox / "invoices_overlap.csv").write_bytes(b"\n".join(overlap) + b"\n")
    for name in ("invoices_again.csv", "invoices_overlap.csv"):
        os.utime(shop.inbox / name, (0, 0))
    said = shop.refresh("--no-publish")
    assert "nothing new" not in said
    shop.drop(days[24:40])
    shop.refresh()
    same_marts(at_once.warehouse(), shop.warehouse())
