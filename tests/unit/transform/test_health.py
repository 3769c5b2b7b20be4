"""Service facts, health scores and their worth at origins, against plain Python."""

from __future__ import annotations

import datetime as dt
import itertools
import statistics
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import Warehouse, seed_rows
from tests.profiles import examples

DAY = dt.timedelta(1)
PRESENT = dt.date(2022, 6, 30)
ORIGINS = {
    1: dt.date(2021, 6, 30),
    2: dt.date(2021, 12, 31),
    3: PRESENT,
}
MOMENTS = {
    "moment_no": "integer",
    "as_of_date": "date",
    "is_month_end": "boolean",
    "is_present": "boolean",
    "twelve_months_ago": "date",
    "twenty_four_months_ago": "date",
}
CUSTOMER_VALUE = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    "moment_no": "integer",
    "as_of_date": "date",
    "is_present": "boolean",
    "first_order_date": "date",
    "days_since_last_order": "integer",
    "orders_12m": "bigint",
    "order_days": "bigint",
    "overdue_factor": "double",
    "growth_rate": "double",
}
TICKETS = {
    "ticket_id": "varchar",
    "customer_id": "varchar",
    "opened_at": "timestamp",
    "first_response_at": "timestamp",
    "resolved_at": "timestamp",
    "closed_at": "timestamp",
    "is_complaint": "boolean",
    "reopen_count": "integer",
    "met_sla": "boolean",
    "csat_score": "decimal(4, 2)",
}
PAYMENTS = {
    "customer_id": "varchar",
    "recorded_on": "date",
    "due_date": "date",
    "paid_on": "date",
    "amount": "decimal(18, 4)",
}
ANSWERS = {
    "customer_id": "varchar",
    "survey": "varchar",
    "score": "decimal(4, 2)",
    "responded_on": "date",
}
SERVICE = ("core_health_origins", "core_customer_service")
HEALTH = ("core_customer_health_factors", "core_customer_health")


def noon(day: dt.date) -> dt.datetime:
    """In the middle of the day also where the business is, west of Greenwich."""
    return dt.datetime.combine(day, dt.time(20))


def ticket(
    number: int,
    opened: dt.date,
    *,
    customer: str = "a",
    days: int | None = None,
    closed: int | None = None,
    **others: Any,
) -> tuple[Any, ...]:
    """A ticket resolved or closed so many days after its opening."""
    told = {
        "ticket_id": str(number),
        "customer_id": customer,
        "opened_at": noon(opened),
        "resolved_at": None if days is None else noon(opened + days * DAY),
        "closed_at": None if closed is None else noon(opened + closed * DAY),
    } | others
    return tuple(told.get(column) for column in TICKETS)


def world(
    tickets: list[tuple[Any, ...]] | None = None,
    payments: list[tuple[Any, ...]] | None = None,
    answers: list[tuple[Any, ...]] | None = None,
    interactions: list[tuple[Any, ...]] | None = None,
    customers: dict[str, str] | None = None,
) -> Warehouse:
    """Buyers of whom everything else is given, at three origins."""
    people = customers or {"a": "company", "b": "company"}
    warehouse = Warehouse().seed(
        "health_factors",
        "health_anchors",
        "service_alarms",
    )
    warehouse.lay(
        "core_moments",
        MOMENTS,
        [
            (
                number,
                day,
                True,
                day == PRESENT,
                dt.date(day.year - 1, day.month, day.day),
                dt.date(day.year - 2, day.month, day.day),
            )
            for number, day in ORIGINS.items()
        ],
    )
    warehouse.lay(
        "core_customer_value",
        CUSTOMER_VALUE,
        [
            (
                name,
                kind,
                number,
                day,
                day == PRESENT,
                dt.date(2018, 1, 1),
                30,
                20,
                50,
                1.0,
                0.1,
            )
            for number, day in ORIGINS.items()
            for name, kind in people.items()
        ],
    )
    warehouse.lay(
        "core_customers",
        {"customer_id": "varchar", "customer_type": "varchar", "customer_no": "bigint"},
        [(name, kind, place) for place, (name, kind) in enumerate(people.items())],
    )
    warehouse.lay(
        "core_refresh",
        {"as_of_date": "date", "twelve_months_ago": "date", "known_until": "timestamp"},
        [(PRESENT, dt.date(2021, 6, 30), noon(PRESENT))],
    )
    warehouse.lay("core_policy", {"min_coverage": "decimal(9, 6)"}, [(0.6,)])
    warehouse.lay("core_service_tickets", TICKETS, tickets or [])
    warehouse.lay("core_payments", PAYMENTS, payments or [])
    warehouse.lay("core_survey_responses", ANSWERS, answers or [])
    warehouse.lay(
        "core_interactions",
        {"customer_id": "varchar", "occurred_on": "date"},
        interactions or [],
    )
    return warehouse


def service(warehouse: Warehouse, customer: str = "a") -> dict[dt.date, dict[str, Any]]:
    """Origin → what was known of the customer then."""
    found = warehouse.build(*SERVICE).rows(
        "select * from {core_customer_service} where customer_id = '" + customer + "'"
    )
    return {row["as_of_date"]: row for row in found}


def test_the_past_knows_nothing_of_what_came_later() -> None:
    half, now = ORIGINS[2], ORIGINS[3]
    told = service(
        world(
            tickets=[
                # Resolved before the first origin of the two, and after it.
                ticket(1, half - 40 * DAY, days=2, met_sla=True, reopen_count=0),
                ticket(2, half - 10 * DAY, days=20, met_sla=False, reopen_count=1),
                # Closed and never resolved; and open to this day.
                ticket(3, half - 30 * DAY, closed=5, met_sla=False, csat_score=5),
                ticket(4, half - 3 * DAY, met_sla=False, csat_score=1),
                ticket(5, half + 1 * DAY, days=4, met_sla=True),
            ],
            payments=[
                ("a", half - 50 * DAY, half - 20 * DAY, half + 10 * DAY, 300),
                ("a", half - 50 * DAY, half - 20 * DAY, half - 25 * DAY, 100),
                ("a", half - 5 * DAY, half + 25 * DAY, None, 50),
                ("a", half + 1 * DAY, half + 2 * DAY, None, 7),
                ("a", half - 50 * DAY, half - 40 * DAY, None, -1000),
            ],
            answers=[
                ("a", "nps", 10, half - DAY),
                ("a", "nps", 3, half + DAY),
            ],
            interactions=[("a", half - 9 * DAY), ("a", half + 9 * DAY)],
        )
    )
    then, present = told[half], told[now]
    assert then["tickets_12m"] == 4 and present["tickets_12m"] == 5
    assert then["resolved_12m"] == 1 and present["resolved_12m"] == 3
    assert then["open_tickets"] == 2 and then["oldest_open_days"] == 10
    assert present["open_tickets"] == 1
    assert present["oldest_open_days"] == (now - half).days + 3
    # Of the four then, one had met its level, one had missed it, two were not known.
    assert (then["sla_known_12m"], then["sla_met_rate_12m"]) == (2, 0.5)
    assert (present["sla_known_12m"], present["sla_met_rate_12m"]) == (4, 0.5)
    # An open ticket never counts among the resolved.
    assert then["median_resolution_hours_12m"] == 48
    assert present["median_resolution_hours_12m"] == 24 * 4
    assert then["reopened_share_12m"] == 0 and present["reopened_share_12m"] == 0.5
    assert then["csat_12m"] == 1 and then["csat_answers_12m"] == 1
    assert then["nps_12m"] == 1 and present["nps_12m"] == 0
    assert then["late_amount_share_12m"] == pytest.approx(300 / 400)
    assert then["mean_days_late_12m"] == pytest.approx(300 * 20 / 400)
    assert then["overdue_amount"] == 300
    assert present["late_amount_share_12m"] == pytest.approx(357 / 457)
    assert present["mean_days_late_12m"] == pytest.approx(
        (300 * 30 + 50 * ((now - half).days - 25) + 7 * ((now - half).days - 2)) / 457
    )
    assert present["overdue_amount"] == 57
    assert then["contact_gap_days"] == 9
    assert present["contact_gap_days"] == (now - half).days - 9


def test_what_nobody_records_is_unknown_and_what_is_recorded_is_nothing() -> None:
    nothing = service(world())[PRESENT]
    for column in (
        "tickets_12m",
        "open_tickets",
        "oldest_open_days",
        "sla_met_rate_12m",
        "complaints_12m",
        "complaints_per_100_orders_12m",
        "median_first_response_hours_12m",
        "csat_12m",
        "nps_12m",
        "late_amount_share_12m",
        "overdue_amount",
        "contact_gap_days",
    ):
        assert nothing[column] is None, column
    # Another customer's ticket and visit: now they are recorded.
    other = world(
        tickets=[ticket(1, dt.date(2022, 1, 5), days=1, is_complaint=True)],
        interactions=[("a", dt.date(2022, 3, 22))],
    )
    told = service(other, "b")
    assert told[PRESENT]["tickets_12m"] == 0
    assert told[PRESENT]["open_tickets"] == 0
    assert told[PRESENT]["oldest_open_days"] == 0
    assert told[PRESENT]["complaints_12m"] == 0
    assert told[PRESENT]["sla_met_rate_12m"] is None
    # It waits since contacts are recorded: before, nobody knows.
    assert told[PRESENT]["contact_gap_days"] == 100
    assert told[ORIGINS[2]]["tickets_12m"] is None
    assert told[ORIGINS[2]]["contact_gap_days"] is None
    assert service(other)[PRESENT]["complaints_per_100_orders_12m"] == 100 / 20


@settings(max_examples=examples(25))
@given(
    st.lists(
        st.tuples(st.sampled_from(["csat", "nps"]), st.integers(0, 10)), max_size=30
    )
)
def test_answers_by_the_formulas(answers: list[tuple[str, int]]) -> None:
    rows = [
        ("a", survey, 1 + score % 5 if survey == "csat" else score, PRESENT)
        for survey, score in answers
    ]
    told = service(world(answers=rows))[PRESENT]
    csat = [score for _, survey, score, _ in rows if survey == "csat"]
    nps = [score for _, survey, score, _ in rows if survey == "nps"]
    good, bad = sum(s in (4, 5) for s in csat), sum(s in (1, 2) for s in csat)
    assert told["csat_12m"] == (
        pytest.approx(good / (good + bad)) if good + bad else None
    )
    assert told["nps_12m"] == (
        pytest.approx((sum(s >= 9 for s in nps) - sum(s <= 6 for s in nps)) / len(nps))
        if nps
        else None
    )


def on_anchors(kind: str, factor: str, value: float) -> float:
    """The score by hand."""
    points = sorted(
        (float(row["raw_value"]), float(row["score"]))
        for row in seed_rows("health_anchors")
        if (row["customer_type"], row["factor"]) == (kind, factor)
    )
    if value <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if value <= x1:
            return y0 + (y1 - y0) * (value - x0) / (x1 - x0)
    return points[-1][1]


FACTORS = [row["factor"] for row in seed_rows("health_factors")]
FACTS = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    "moment_no": "integer",
    "is_present": "boolean",
    "has_purchased": "boolean",
    **dict.fromkeys(FACTORS, "double"),
}


@settings(max_examples=examples(20))
@given(
    st.sampled_from(["company", "person"]),
    st.fixed_dictionaries(
        {
            factor: st.none()
            | st.floats(-3, 400, allow_nan=False).map(lambda value: round(value, 3))
            for factor in dict.fromkeys(FACTORS)
        }
    ),
)
def test_health_is_the_weighted_mean_of_what_is_known(
    kind: str, facts: dict[str, float | None]
) -> None:
    warehouse = world().build("core_health_origins")
    warehouse.lay(
        "core_customer_service",
        FACTS,
        [
            (
                "a",
                kind,
                3,
                True,
                True,
                *(facts[factor] for factor in list(FACTS)[5:]),
            )
        ],
    )
    warehouse.build(*HEALTH)
    (health,) = warehouse.rows("from {core_customer_health}")
    parts = warehouse.rows("from {core_customer_health_factors}")
    declared = {
        row["factor"]: Decimal(row["weight"])
        for row in seed_rows("health_factors")
        if row["customer_type"] == kind
    }
    assert {row["factor"] for row in parts} == set(declared)
    known = {
        name: weight for name, weight in declared.items() if facts[name] is not None
    }
    assert health["health_coverage"] == sum(known.values())
    assert health["known_health_factors"] == len(known)
    assert (health["health_score"] is not None) == (
        sum(known.values()) >= Decimal("0.6")
    )
    for row in parts:
        value = facts[row["factor"]]
        if value is None:
            assert (row["score"], row["weight"], row["contribution"]) == (None, 0, 0)
        else:
            score = on_anchors(kind, row["factor"], value)
            assert float(row["score"]) == pytest.approx(score, abs=1e-5)
    if health["health_score"] is not None:
        assert health["health_score"] == sum(row["contribution"] for row in parts)
        assert 0 <= health["health_score"] <= 10
        assert float(health["health_score"]) == pytest.approx(
            sum(
                float(weight) * on_anchors(kind, name, facts[name] or 0.0)
                for name, weight in known.items()
            )
            / float(sum(known.values())),
            abs=2e-5,
        )
    weakest = health["weakest_health_factor"]
    assert weakest is None or (health["health_score"] is not None and known[weakest])


def by_pairs(away: list[float], bought: list[float]) -> float:
    """Mann and Whitney by looking at every pair."""
    won = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in away for b in bought)
    return won / (len(away) * len(bought))


@settings(max_examples=examples(20))
@given(
    st.lists(
        st.tuples(
            st.integers(0, 6),  # few values, so that most are equal to another
            st.integers(0, 5),
            st.integers(0, 5),
            st.booleans(),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_auc_is_mann_whitneys(customers: list[tuple[Any, ...]]) -> None:
    names = {f"c{place:02}": "company" for place in range(len(customers))}
    warehouse = world(customers=names).build("core_health_origins")
    told = dict(zip(names, customers, strict=True))
    warehouse.lay(
        "core_customer_health",
        {
            "customer_id": "varchar",
            "customer_type": "varchar",
            "moment_no": "integer",
            "as_of_date": "date",
            "health_score": "decimal(12, 6)",
        },
        [
            (name, "company", number, ORIGINS[number], health + number / 10)
            for name, (health, *_) in told.items()
            for number in ORIGINS
        ],
    )
    warehouse.lay(
        "core_customer_service",
        {
            "customer_id": "varchar",
            "moment_no": "integer",
            "days_since_last_order": "integer",
            "overdue_factor": "double",
        },
        [
            (name, number, days, overdue)
            for name, (_, days, overdue, *_) in told.items()
            for number in ORIGINS
        ],
    )
    # A purchase on the origin itself is not one of the six months after it, the one on
    # their last day is; a return is none.
    first, half = ORIGINS[1], ORIGINS[2]
    warehouse.lay(
        "core_customer_days",
        {"customer_no": "bigint", "order_date": "date", "is_purchase_day": "integer"},
        [
            (place, day, is_purchase)
            for place, (*_, early, late) in enumerate(customers)
            for day, is_purchase in [
                (first, 1),
                (first + 20 * DAY, 0),
                (first + DAY if early else first, 1),
                (PRESENT if late else PRESENT - DAY, 1 if late else 0),
            ]
        ],
    )
    found = {
        (row["subject"], row["metric"]): row["value"]
        for row in warehouse.build("core_health_backtest").rows(
            "from {core_health_backtest}"
        )
    }
    looks: dict[str, Callable[[int, Any], float]] = {
        "auc": lambda number, row: -(row[0] + number / 10),
        "auc_recency_baseline": lambda number, row: row[1],
        "auc_overdue_baseline": lambda number, row: row[2],
    }
    together: dict[str, tuple[list[float], list[float]]] = {}
    for metric, look in looks.items():
        pooled: tuple[list[float], list[float]] = ([], [])
        for number, day, outcome in ((1, first, 3), (2, half, 4)):
            away = [look(number, row) for row in customers if not row[outcome]]
            bought = [look(number, row) for row in customers if row[outcome]]
            pooled[0].extend(away)
            pooled[1].extend(bought)
            value = found[f"company {day}", metric]
            if away and bought:
                assert value == pytest.approx(by_pairs(away, bought))
            else:
                assert value is None
        together[metric] = pooled
    for metric, (away, bought) in together.items():
        value = found["company", metric]
        if away and bought:
            assert value == pytest.approx(by_pairs(away, bought))
        else:
            assert value is None
        assert found["company", "customers"] == 2 * len(customers)
        assert found["company", "no_purchase_share"] == pytest.approx(
            len(away) / (2 * len(customers))
        )


def product_limit(times: list[tuple[int, bool]], share: float) -> float | None:
    """Kaplan and Meier's curve, step by step; the first time at which it is that low."""
    left = 1.0
    for time in sorted({time for time, _ in times}):
        waiting = sum(other >= time for other, _ in times)
        resolved = sum(done for other, done in times if other == time)
        left *= 1 - resolved / waiting
        if left <= share + 1e-9:
            return float(time)
    return None


@settings(max_examples=examples(25))
@given(
    st.lists(
        st.tuples(
            st.integers(0, 12),
            st.sampled_from(["resolved", "resolved", "closed", "open"]),
            st.sampled_from(["a", "b", None]),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_waiting_tickets_are_censored(rows: list[tuple[int, str, Any]]) -> None:
    opened = dt.date(2022, 6, 17)
    tickets = [
        ticket(
            number,
            opened,
            customer=customer,
            days=days if state == "resolved" else None,
            closed=days if state == "closed" else None,
        )
        for number, (days, state, customer) in enumerate(rows)
    ]
    warehouse = world(tickets=tickets)
    warehouse.lay(
        "int_tier_spells",
        {
            "customer_id": "varchar",
            "valid_from": "date",
            "valid_to": "date",
            "tier_code": "varchar",
        },
        [
            ("a", dt.date(2000, 1, 1), dt.date(2010, 1, 1), "standard"),
            ("a", dt.date(2010, 1, 1), None, "key"),
            ("b", dt.date(2000, 1, 1), None, "standard"),
        ],
    )
    warehouse.lay(
        "core_customer_days",
        {"customer_no": "bigint", "order_date": "date", "orders": "bigint"},
        [(0, dt.date(2022, 6, 1), 3), (1, dt.date(2022, 6, 2), 4)],
    )
    found = {
        row["tier_code"]: row
        for row in warehouse.build("service_levels").rows("from {service_levels}")
    }
    waited = (PRESENT - opened).days
    groups: dict[str, list[tuple[int, bool]]] = {}
    for days, state, customer in rows:
        tier = {"a": "key", "b": "standard", None: "unknown customer"}[customer]
        time = (waited if state == "open" else days, state == "resolved")
        for name in (tier, "all"):
            groups.setdefault(name, []).append(time)
    assert set(found) == set(groups)
    for name, times in groups.items():
        row = found[name]
        for column, share in (
            ("median_resolution_hours", 0.5),
            ("p90_resolution_hours", 0.1),
        ):
            expected = product_limit(times, share)
            assert row[column] == (None if expected is None else 24 * expected)
        done = [time for time, is_resolved in times if is_resolved]
        assert row["median_hours_of_resolved"] == (
            24 * statistics.median(done) if done else None
        )
        assert row["tickets"] == len(times)
        assert row["resolved"] == len(done)
        assert (
            row["orders"]
            == {
                "key": 3,
                "standard": 4,
                "all": 7,
                "unknown customer": 0,
            }[name]
        )
    assert found["all"]["open_tickets"] == sum(state == "open" for _, state, _ in rows)


def test_alarms_of_high_value_only() -> None:
    recent, old = PRESENT - 20 * DAY, PRESENT - 100 * DAY
    tickets = [
        ticket(n, opened, customer=customer, days=1, met_sla=False, reopen_count=1)
        for n, (customer, opened) in enumerate(
            [("a", recent), ("a", recent), ("b", recent), ("b", old), ("c", recent)] * 2
        )
        if (customer, opened) != ("b", recent) or n < 5
    ] + [ticket(90, recent, customer="b", is_complaint=True)]
    warehouse = world(
        tickets=tickets,
        interactions=[("a", PRESENT - 89 * DAY), ("b", PRESENT - 90 * DAY)],
        answers=[("a", "csat", 1, recent), ("a", "csat", 5, recent)],
        customers=dict.fromkeys("abc", "company"),
    ).build(*SERVICE)
    warehouse.lay(
        "customer_value",
        {
            "customer_id": "varchar",
            "revenue_12m": "decimal(28, 4)",
            "abc_class_12m": "varchar",
        },
        [("a", 5000, "A"), ("b", 4000, "A"), ("c", 3000, "B")],
    )
    found = {
        (row["customer_id"], row["rule_code"]): row
        for row in warehouse.build("badly_served").rows("from {badly_served}")
    }
    assert set(found) == {
        ("a", "sla_missed_twice"),
        ("a", "reopened_twice"),
        ("a", "csat_low"),
        ("b", "no_contact"),
        ("b", "complaint_left_open"),
    }
    assert found["a", "csat_low"]["measured_value"] == 50
    assert found["b", "no_contact"]["revenue_rank_12m"] == 2
    assert found["b", "no_contact"]["reason_en"] == (
        "Class A with 4,000 USD in the last 12 months: "
        "nobody has been in contact for 90 days."
    )
    assert found["b", "complaint_left_open"]["reason_zh"] == (
        "A类客户，近12个月销售额4,000 USD：有投诉已20天未结。"
    )


@pytest.mark.parametrize(
    ("present", "origins"),
    [
        (dt.date(2014, 1, 31), {0: "2014-01-31", 6: "2013-07-31", 12: "2013-01-31"}),
        # Six months from the end of February last until the end of August.
        (dt.date(2014, 8, 30), {0: "2014-08-30", 6: "2014-01-31", 12: "2013-07-31"}),
        (dt.date(2014, 8, 31), {0: "2014-08-31", 6: "2014-02-28", 12: "2013-08-31"}),
        (dt.date(2013, 3, 10), {0: "2013-03-10"}),
    ],
)
def test_origins_are_month_ends_whose_future_is_over(
    present: dt.date, origins: dict[int, str]
) -> None:
    warehouse = Warehouse()
    ends = [
        day
        for day in (dt.date(2012, 12, 31) + n * DAY for n in range(1000))
        if day <= present and (day + DAY).day == 1
    ]
    days = sorted({*ends, present})
    warehouse.lay(
        "core_moments",
        MOMENTS,
        [
            (n, day, (day + DAY).day == 1, day == present, day, day)
            for n, day in enumerate(days)
        ],
    )
    found = warehouse.build("core_health_origins").rows("from {core_health_origins}")
    assert {row["months_back"]: str(row["as_of_date"]) for row in found} == origins
    assert all(row["horizon_end"] <= present for row in found if row["months_back"])
