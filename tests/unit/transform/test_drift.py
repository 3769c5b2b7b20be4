"""Drift: what is usual, what is not, and that a clean shop is left in peace.

A shop that sells on six days of the week, never on Saturday, and the faults of a day.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.identity.memory import PUBLISHED, REMEMBERED
from tests.models import Warehouse, seed_rows
from tests.profiles import examples

OPENED = dt.date(2024, 1, 1)  # a Monday
WEDNESDAY = dt.date(2024, 5, 15)

EMPTY = {
    "payments": "customer_id varchar, due_date date, paid_at timestamp, "
    "invoiced_on date, source varchar, source_currency varchar, "
    "amount decimal(18, 4), source_amount decimal(18, 4)",
    "service_tickets": "customer_id varchar, priority integer, category varchar, "
    "opened_at timestamp, resolved_at timestamp, source varchar",
    "interactions": "customer_id varchar, minutes decimal(10, 2), owner varchar, "
    "occurred_at timestamp, source varchar",
    "leads": "amount decimal(18, 4), probability decimal(5, 4), "
    "expected_close_date date",
    "customer_source_keys": "source varchar, source_customer_id varchar",
}


class Shop:
    """What a refresh of the shop has before it looks at drift."""

    def __init__(self) -> None:
        self.warehouse = Warehouse().seed("drift_bounds")
        run = self.warehouse.connection.execute
        carried = dict(REMEMBERED) | {name: kept[0] for name, kept in PUBLISHED.items()}
        for name, columns in carried.items():
            typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            run(f"create table work.landing.refresh__{name} ({typed})")
        for name, typed in EMPTY.items():
            run(f"create table {self.relation(name)} ({typed})")
        run(
            f"""
            create table {self.relation("products")} as
            select 'p' || range as product_id, 'goods' as category,
                3 + range as list_price, 1.0 as unit_cost
            from range(12)
            """
        )
        # About 60 orders of two lines a day, from nine to five in Los Angeles.
        run(
            f"""
            create table all_lines as
            select
                'shop:' || strftime(day, '%Y%m%d') || '-' || number as order_id,
                line as line_number,
                'C' || hash(day, number) % 500 as customer_id,
                'p' || hash(day, number, line) % 12 as product_id,
                timezone('America/Los_Angeles', day + to_minutes(
                    cast(540 + hash(number, day) % 480 as integer)
                )) at time zone 'UTC' as ordered_at,
                cast(day as date) as order_date,
                'web' as channel,
                cast(1 + hash(number, line) % 5 as decimal(18, 4)) as quantity,
                cast((3 + hash(day, number, line) % 12) * (1 + hash(number, line) % 5)
                    as decimal(18, 4)) as net_amount,
                cast(1 as decimal(18, 4)) as cost_amount,
                cast(0 as decimal(18, 4)) as freight_amount,
                false as is_return,
                'shop' as source,
                'USD' as source_currency
            from range(timestamp '{OPENED}', timestamp '2024-07-01', interval 1 day)
                as days (day)
            cross join range(50, 50 + 25) as sizes (size)
            cross join range(75) as numbers (number)
            cross join range(2) as lines (line)
            where dayofweek(day) <> 6 and size = 50 + hash(day) % 25 and number < size
            """
        )
        run(
            f"""
            create table {self.relation("customers")} as
            select 'C' || range as customer_id, 'person' as customer_type, 'NO' as country,
                null as region, null as industry, null as owner,
                date '{OPENED}' as acquired_on, 'a***@b' as email_masked,
                null as phone_masked
            from range(500)
            """
        )
        run(
            f"""
            create table {self.relation("customer_value")} as
            select customer_id, 'active' as lifecycle_stage, 1 as order_count,
                cast('{OPENED}' as date) + cast(hash(customer_id) % 180 as integer)
                    as first_order_date,
                null as growth_rate, 1 as profit, 1 as predicted_revenue_12m,
                1 as clv, 5 as health_score, 1 as whitespace_revenue
            from {self.relation("customers")}
            """
        )
        self.tiers(key=50, standard=450)

    def relation(self, name: str) -> str:
        return self.warehouse.relation(name)

    def tiers(self, **customers: int) -> None:
        """So many customers in each tier, each with a score of five."""
        rows = [(tier, 5.0) for tier, count in customers.items() for _ in range(count)]
        self.warehouse.lay(
            "customer_tiers",
            {
                "tier_code": "varchar",
                "value_score": "decimal(12, 6)",
                "potential_score": "decimal(12, 6)",
                "total_score": "decimal(12, 6)",
            },
            [(tier, score, score, score) for tier, score in rows],
        )

    def refresh(
        self,
        as_of: dt.date,
        *,
        day: dt.date | None = None,
        changed: Mapping[str, str] | None = None,
        lines: str = "select * from all_lines",
    ) -> None:
        """Looks at the shop as of a day.

        Args:
            day: The day whose lines are changed; the as-of day when absent.
            changed: Column → SQL of what it is on that day.
            lines: All lines, later ones too.
        """
        replaced = ", ".join(
            f"case when order_date = date '{day or as_of}' then {told} else {name} end "
            f"as {name}"
            for name, told in (changed or {}).items()
        )
        names = f"* replace ({replaced})" if replaced else "*"
        self.warehouse.lay_query(
            "order_lines",
            f"select {names}, net_amount as source_net_amount from ({lines}) "
            f"where order_date <= date '{as_of}'",
        )
        self.warehouse.lay_query(
            "core_refresh",
            f"select 'r{as_of:%Y%m%d}' as refresh_id, date '{as_of}' as as_of_date",
        )
        parts = ("reach", "spans", "days", "silence", "lines", "levels", "past")
        self.warehouse.build(
            "event_days",
            *(f"int_drift_{part}" for part in parts),
            "drift_samples",
            "drift",
            "drift_history",
        )

    def publish(self) -> None:
        """Keeps what the next refresh is given."""
        run = self.warehouse.connection.execute
        run(
            "create or replace table work.landing.refresh__drift_history as "
            f"from {self.relation('drift_history')}"
        )
        run(
            f"""
            create or replace table work.landing.refresh__published_days as
            select entity, source, currency, event_day, events, source_amount,
                (select as_of_date from {self.relation("core_refresh")}) as as_of_date
            from {self.relation("event_days")}
            """
        )

    def outside(self) -> dict[str, str]:
        """Metric → severity of what is not as usual."""
        return {
            row["metric"]: row["severity"]
            for row in self.warehouse.rows(
                "select metric, min(severity) as severity "
                "from {drift} where outcome = 'outside' group by metric"
            )
        }

    def told(self, metric: str, subject: str = "shop") -> dict[str, Any]:
        """The row of one figure; empty without one."""
        found = self.warehouse.rows(
            f"select * from {{drift}} where metric = '{metric}' "
            f"and subject = '{subject}'"
        )
        return found[0] if found else {}


@pytest.fixture(scope="module")
def shop() -> Shop:
    return Shop()


@pytest.fixture(autouse=True)
def nothing_was_published(shop: Shop) -> None:
    for name in ("drift_history", "published_days", "customer_registry"):
        shop.warehouse.connection.execute(f"delete from work.landing.refresh__{name}")
    shop.warehouse.seed("drift_bounds")


def days_from(first: dt.date, count: int) -> list[dt.date]:
    return [first + dt.timedelta(days) for days in range(count)]


def test_the_first_refresh_knows_like_weekdays_and_nothing_of_releases(
    shop: Shop,
) -> None:
    shop.refresh(WEDNESDAY)
    assert shop.outside() == {}
    by_kind = {
        row["compared_with"]: (row["outcomes"], row["most"])
        for row in shop.warehouse.rows(
            "select compared_with, list(distinct outcome) as outcomes, "
            "max(reference_count) as most from {drift} group by compared_with"
        )
    }
    assert by_kind == {
        "like weekdays": (["ok"], 13),
        "releases": (["no history"], 0),
        "zero": (["ok"], 1),
    }
    assert shop.told("tier_share", "key")["reason"] == "0 of at least 3 references"


def test_the_first_ten_refreshes_of_a_new_shop(shop: Shop) -> None:
    """Nobody knows what is usual in a first week, so nothing is unusual."""
    seen = set()
    for day in days_from(OPENED, 10):
        shop.refresh(day)
        assert shop.outside() == {}, day
        seen |= {
            row["outcome"]
            for row in shop.warehouse.rows(
                "select outcome from {drift} where compared_with = 'like weekdays'"
            )
        }
        shop.publish()
    assert seen == {"no history"}
    assert shop.told("tier_share", "key")["outcome"] == "ok"
    assert shop.told("past_rows", "shop USD")["outcome"] == "ok"


@pytest.mark.slow
def test_clean_days_are_left_in_peace(shop: Shop) -> None:
    """Three weeks and a few days, Saturdays among them, each on top of the one before."""
    for day in days_from(WEDNESDAY, 24):
        shop.refresh(day)
        assert shop.outside() == {}, day
        shop.publish()
    assert len(
        shop.warehouse.rows("select distinct as_of_date from {drift_history}")
    ) == len(days_from(WEDNESDAY, 24))


def test_only_days_that_usually_have_sales_are_missed(shop: Shop) -> None:
    saturday = WEDNESDAY + dt.timedelta(3)
    shop.refresh(saturday)
    assert shop.told("missing_days")["value"] == 0
    assert shop.told("rows_of_the_day") == {}, "there is nothing to count"
    closed = f"select * from all_lines where order_date <> date '{WEDNESDAY}'"
    shop.refresh(WEDNESDAY, lines=closed)
    assert shop.outside() == {"missing_days": "warning"}


def test_a_source_that_stopped(shop: Shop) -> None:
    """Warned of each day, refused on the sixth on which there should have been sales."""
    stopped = f"select * from all_lines where order_date <= date '{WEDNESDAY}'"
    silent = []
    for day in days_from(WEDNESDAY, 9):
        shop.refresh(day, lines=stopped)
        silent.append((shop.told("silent_days")["value"], shop.outside()))
    assert [days for days, _ in silent] == [0, 1, 2, 2, 3, 4, 5, 6, 7]
    assert [
        number for number, (_, found) in enumerate(silent) if "silent_days" in found
    ] == [7, 8]
    assert silent[7][1]["silent_days"] == "critical"


FAULTS: Mapping[str, tuple[Mapping[str, str], str, str]] = {
    "halved amounts": ({"net_amount": "net_amount / 2"}, "price_level", "critical"),
    "a sixth more": ({"net_amount": "net_amount * 1.17"}, "price_level", "warning"),
    "swapped columns": (
        {"quantity": "net_amount", "net_amount": "quantity"},
        "price_level",
        "critical",
    ),
    "mislabelled currency": (
        {"source_currency": "'EUR'"},
        "currency_share",
        "critical",
    ),
    "a third in another currency": (
        {
            "source_currency": "case when hash(order_id) % 3 = 0 then 'EUR' else 'USD' end"
        },
        "currency_share",
        "warning",
    ),
    "shifted time zone": (
        {"ordered_at": "ordered_at + interval 8 hour"},
        "order_hour",
        "critical",
    ),
    "shifted to the west": (
        {"ordered_at": "ordered_at - interval 7 hour"},
        "order_hour",
        "critical",
    ),
    "two hours and a half": (
        {"ordered_at": "ordered_at + interval 150 minute"},
        "order_hour",
        "warning",
    ),
    "no product": ({"product_id": "null"}, "null_share", "critical"),
    "all returns": ({"is_return": "true"}, "return_share", "critical"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_day_is_caught(shop: Shop, name: str) -> None:
    changed, metric, severity = FAULTS[name]
    shop.refresh(WEDNESDAY, changed=changed)
    assert shop.outside().get(metric) == severity
    shop.refresh(WEDNESDAY + dt.timedelta(1), day=WEDNESDAY, changed=changed)
    assert shop.outside() == {}, "the day after is not to blame"


def test_a_day_that_came_twice_under_other_numbers(shop: Shop) -> None:
    shop.refresh(
        WEDNESDAY,
        lines="from all_lines union all select * replace (order_id || '-2' as order_id) "
        f"from all_lines where order_date = date '{WEDNESDAY}'",
    )
    assert shop.outside()["twin_share"] == "critical"
    assert shop.told("twin_share")["value"] == 1


@pytest.mark.parametrize(("kept", "copies"), [(4, 1), (1, 3)])
def test_a_day_in_part_or_three_times(shop: Shop, kept: int, copies: int) -> None:
    shop.refresh(
        WEDNESDAY,
        lines="select * replace (order_id || copy as order_id, "
        "customer_id || copy as customer_id) from all_lines "
        f"cross join range({copies}) as copies (copy) "
        f"where order_date <> date '{WEDNESDAY}' and copy = 0 "
        f"or order_date = date '{WEDNESDAY}' and hash(order_id) % {kept} = 0",
    )
    assert shop.outside()["rows_of_the_day"] == "warning"


@pytest.mark.parametrize(
    ("lines", "outside"),
    [
        (
            "from all_lines where order_date >= date '2024-03-01'",
            {"past_rows": "critical", "past_revenue": "critical"},
        ),
        (
            "select * replace (net_amount / 2 as net_amount) from all_lines",
            {"past_revenue": "critical"},
        ),
        (
            "select * replace (case when order_date = date '2024-05-13' "
            "then net_amount / 2 else net_amount end as net_amount) from all_lines",
            {},
        ),
        (
            "from all_lines where order_date <> date '2024-05-13'",
            {},
        ),
        (
            "from all_lines where order_date <> date '2024-05-13' "
            "or hash(order_id, line_number) % 3 > 0",
            {},
        ),
        (
            "from all_lines union all select * replace (order_id || '-2' as order_id) "
            "from all_lines where order_date = date '2024-05-13'",
            {},
        ),
    ],
)
def test_the_past_is_what_was_published(
    shop: Shop, lines: str, outside: dict[str, str]
) -> None:
    """A day that changed is warned of, and a fifth of the past stops the release."""
    shop.refresh(WEDNESDAY)
    shop.publish()
    shop.refresh(WEDNESDAY + dt.timedelta(1), lines=lines)
    found = shop.outside()
    assert found.pop("changed_past_days") == "warning"
    assert found == outside


def test_customers_in_other_tiers(shop: Shop) -> None:
    for day in days_from(WEDNESDAY, 4):
        shop.refresh(day)
        shop.publish()
    day = WEDNESDAY + dt.timedelta(4)
    shop.tiers(key=65, standard=435)
    shop.refresh(day)
    assert shop.outside() == {"tier_share": "warning"}
    shop.tiers(key=150, standard=350)
    shop.refresh(day)
    assert shop.outside() == {"tier_share": "critical"}
    assert shop.told("tier_share", "key")["reason"] == (
        "0.300 is above 0.000 to 0.250 (usual: 0.100, releases): 15 of 100 customers in "
        "another tier: the policy or the data has changed"
    )
    shop.tiers(key=50, standard=450)


def test_customers_that_vanish_from_a_source(shop: Shop) -> None:
    run = shop.warehouse.connection.execute
    run(
        "insert into work.landing.refresh__customer_registry "
        "select 'shop', 'k' || range, 'C' || range, 'r1', "
        "case when range < 100 then 'r2' else 'r1' end from range(200)"
    )
    for left, severity in ((100, None), (95, "warning"), (70, "critical")):
        shop.warehouse.lay_query(
            "customer_source_keys",
            "select 'shop' as source, 'k' || range as source_customer_id "
            f"from range({left})",
        )
        shop.refresh(WEDNESDAY)
        assert shop.outside().get("vanished_share") == severity
        assert shop.told("vanished_share")["value"] == pytest.approx(1 - left / 100)


def test_after_downtime_all_new_days_are_looked_at(shop: Shop) -> None:
    shop.refresh(WEDNESDAY)
    shop.publish()
    shop.refresh(WEDNESDAY + dt.timedelta(5))
    told = shop.told("rows_since_release")
    lines = shop.warehouse.rows(
        "select count(*) as lines from {order_lines} "
        f"where order_date > date '{WEDNESDAY}'"
    )
    assert told["value"] == lines[0]["lines"]
    assert (told["outcome"], told["reference_count"]) == ("ok", 13)
    shop.refresh(
        WEDNESDAY + dt.timedelta(5),
        lines="from all_lines "
        f"where order_date <> date '{WEDNESDAY + dt.timedelta(1)}' "
        f"and order_date <> date '{WEDNESDAY + dt.timedelta(2)}'",
    )
    assert shop.told("missing_days")["value"] == 2


def test_history_holds_a_day_once(shop: Shop) -> None:
    for day in (WEDNESDAY, WEDNESDAY + dt.timedelta(1), WEDNESDAY):
        shop.refresh(day)
        shop.publish()
    assert shop.warehouse.rows(
        "select as_of_date, count(*) = count(distinct (mart, metric, subject)) as once "
        "from {drift_history} group by as_of_date order by as_of_date"
    ) == [
        {"as_of_date": WEDNESDAY, "once": True},
        {"as_of_date": WEDNESDAY + dt.timedelta(1), "once": True},
    ]


def test_what_nobody_provides_has_no_figure(shop: Shop) -> None:
    shop.refresh(WEDNESDAY)
    marts = shop.warehouse.rows("select distinct mart from {drift} order by mart")
    assert [row["mart"] for row in marts] == [
        "customer_tiers",
        "customer_value",
        "customers",
        "order_lines",
        "products",
    ]


def test_every_metric_has_a_bound_and_each_bound_a_reason() -> None:
    rows = seed_rows("drift_bounds")
    kinds: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for row in rows:
        assert row["why"], row
        dt.date.fromisoformat(row["set_on"])
        kind = (row["compared_with"], row["scale"])
        kinds.setdefault((row["mart"], row["metric"]), set()).add(kind)
    assert all(len(kind) == 1 for kind in kinds.values())
    assert {told for kind in kinds.values() for told, _ in kind} == {
        "like weekdays",
        "releases",
        "previous release",
        "zero",
    }


values = st.lists(st.integers(0, 400).map(float), min_size=0, max_size=14)


@settings(max_examples=examples(25), deadline=None)
@given(
    value=st.integers(0, 400).map(float),
    references=values,
    k=st.sampled_from([0.0, 1.0, 4.0]),
    relative=st.sampled_from([0.0, 0.2, 1.0]),
    absolute=st.sampled_from([0.0, 7.0]),
    least=st.integers(0, 6),
)
def test_the_band_is_median_and_mad_with_floors(
    value: float,
    references: Sequence[float],
    k: float,
    relative: float,
    absolute: float,
    least: int,
) -> None:
    """Against plain Python, on the scale of differences."""
    warehouse = Warehouse()
    warehouse.lay_query(
        "core_refresh", "select 'r' as refresh_id, current_date as as_of_date"
    )
    warehouse.lay(
        "drift_samples",
        {
            "mart": "varchar",
            "metric": "varchar",
            "subject": "varchar",
            "sample_no": "integer",
            "value": "double",
        },
        [
            ("m", "x", "s", number, told)
            for number, told in enumerate([value, *references])
        ],
    )
    warehouse.lay(
        "drift_bounds",
        {
            "mart": "varchar",
            "metric": "varchar",
            "severity": "varchar",
            "compared_with": "varchar",
            "scale": "varchar",
            "k": "double",
            "least_relative_band": "double",
            "least_absolute_band": "double",
            "least_references": "integer",
            "most_references": "integer",
            "why": "varchar",
        },
        [
            ("m", "x", severity, "releases", "linear", times * k, relative, absolute, least,
             14, severity)
            for severity, times in (("warning", 1), ("critical", 2))
        ],
    )  # fmt: skip
    (row,) = warehouse.build("drift").rows("from {drift}")
    if not references or len(references) < least:
        assert row["outcome"] == "no history"
        return
    centre = statistics.median(references)
    mad = statistics.median(abs(told - centre) for told in references)
    widths = {
        severity: max(times * k * 1.4826 * mad, relative * centre, absolute)
        for severity, times in (("warning", 1), ("critical", 2))
    }
    crossed = [
        severity
        for severity in ("critical", "warning")
        if value > centre + widths[severity]
        or value < max(centre - widths[severity], 0)
    ]
    assert row["outcome"] == ("outside" if crossed else "ok")
    assert row["severity"] == (crossed[0] if crossed else "warning")
    assert row["upper_bound"] == pytest.approx(centre + widths[row["severity"]])
    assert row["lower_bound"] == pytest.approx(max(centre - widths[row["severity"]], 0))
    assert row["reference_count"] == len(references)
