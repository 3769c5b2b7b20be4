"""Peers, whitespace, offers, wallets, pipelines and the scores of leads, by hand."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.models import Warehouse, seed_rows
from tests.profiles import examples
from tests.unit.transform.test_value_history import LINES, months_before

MODELS = (
    "core_moments",
    "core_product_categories",
    "core_categories",
    "core_customer_days",
    "core_days",
    "core_customer_rhythms",
    "core_customer_totals",
    "core_customer_spells",
    "core_customer_moments",
    "core_customer_peers",
    "core_peer_categories",
    "core_whitespace",
)
AS_OF = dt.date(2021, 9, 15)
# Product → its category and subcategory; the last is of no category.
PRODUCTS = {
    "p": ("bikes", "road"),
    "q": ("bikes", "city"),
    "r": ("parts", "chains"),
    "s": ("parts", None),
    "t": (None, None),
}
# Who, its type, and country or industry; two segments are large enough, others are not.
CUSTOMERS = [
    *((f"a{n}", "person", "here") for n in range(5)),
    *((f"b{n}", "person", "there") for n in range(2)),
    *((f"c{n}", "company", "shops") for n in range(4)),
    ("d0", "company", None),
]
KINDS = {name: kind for name, kind, _ in CUSTOMERS}
MIN_PEERS, MIN_SHARE, MIN_SUPPORT = 3, 0.25, 2

Line = tuple[str, str, dt.date, int, int, bool]
lines = st.lists(
    st.tuples(
        st.sampled_from([name for name, *_ in CUSTOMERS]),
        st.sampled_from(sorted(PRODUCTS)),
        st.integers(0, 700).map(lambda days: AS_OF - dt.timedelta(days)),
        st.integers(100, 10**6),  # cents
        st.integers(-(10**4), 10**5),
        st.integers(0, 7).map(lambda side: side == 0),
    ),
    max_size=70,
)


def world(
    rows: Sequence[Line],
    *,
    level: str = "subcategory",
    min_peers: int = MIN_PEERS,
    min_share: float = MIN_SHARE,
    min_support: int = MIN_SUPPORT,
) -> Warehouse:
    """Everything below whitespace and offers."""
    warehouse = (
        Warehouse()
        .seed("settings", "peer_bands", "cost_rates")
        .build("core_lifecycle_settings")
    )
    warehouse.lay(
        "core_potential_settings",
        {
            "category_level": "varchar",
            "min_peers": "integer",
            "min_peer_share": "decimal(9, 6)",
            "min_support": "integer",
            "min_lift": "decimal(9, 6)",
            "offers_per_customer": "integer",
            "unknown_probability": "decimal(5, 4)",
        },
        [(level, min_peers, min_share, min_support, 1, 2, 0.3)],
    )
    warehouse.lay(
        "core_refresh",
        {"as_of_date": "date", "known_until": "timestamp"},
        [(AS_OF, dt.datetime.combine(AS_OF, dt.time.max))],
    )
    warehouse.lay(
        "core_customers",
        {
            "customer_id": "varchar",
            "customer_type": "varchar",
            "customer_no": "bigint",
            "acquired_on": "date",
            "industry": "varchar",
            "country": "varchar",
            "annual_revenue": "decimal(18, 4)",
            "yearly_income": "decimal(18, 4)",
        },
        [
            (name, kind, place, None, where, where, None, None)
            for place, (name, kind, where) in enumerate(CUSTOMERS, 1)
        ],
    )
    warehouse.lay(
        "core_products",
        {"product_id": "varchar", "category": "varchar", "subcategory": "varchar"},
        [(product, *names) for product, names in PRODUCTS.items()],
    )
    warehouse.lay(
        "core_order_lines",
        LINES,
        [
            (
                f"{place}",
                customer,
                product,
                day,
                (-cents if back else cents) / 100,
                (-margin if back else margin) / 100,
                0,
                back,
            )
            for place, (customer, product, day, cents, margin, back) in enumerate(rows)
        ],
    )
    warehouse.lay(
        "core_service_tickets", {"customer_id": "varchar", "opened_at": "timestamp"}, []
    )
    warehouse.lay(
        "core_cost_entries",
        {
            "customer_id": "varchar",
            "cost_date": "date",
            "cost_pool": "varchar",
            "amount": "decimal(18, 4)",
        },
        [],
    )
    return warehouse.build(*MODELS)


class ByHand:
    """What a person with a list of the lines would say on a day."""

    def __init__(self, rows: Sequence[Line], day: dt.date) -> None:
        known = [row for row in rows if row[2] <= day]
        self.bought: dict[str, set[str]] = {name: set() for name in KINDS}
        self.buyers = {row[0] for row in known if not row[5]}
        self.money: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for customer, product, when, cents, margin, back in known:
            category, subcategory = PRODUCTS[product]
            label = subcategory or category
            if label is None:
                continue
            if not back:
                self.bought[customer].add(label)
            if when > months_before(day, 12):
                sign = -1 if back else 1
                self.money[customer, label][0] += sign * cents / 100
                self.money[customer, label][1] += sign * margin / 100
        self.labels = sorted({one for some in self.bought.values() for one in some})

    def spent(self, peers: set[str], label: str, place: int) -> float:
        return sum(self.money[customer, label][place] for customer in peers)


def peers_of(rows: Sequence[Line]) -> dict[str, set[str]]:
    """Each customer's peers: its segment, as large as it is today, or its type."""
    ever = {row[0] for row in rows if not row[5]}
    found = {}
    for name, kind, where in CUSTOMERS:
        same = {a for a, k, w in CUSTOMERS if (k, w) == (kind, where)}
        large = len(same & ever) >= MIN_PEERS
        found[name] = same if large else {a for a, k, _ in CUSTOMERS if k == kind}
    return found


@settings(max_examples=examples(12))
@given(lines)
def test_whitespace_of_every_moment_is_what_peers_buy_and_the_customer_does_not(
    rows: list[Line],
) -> None:
    warehouse = world(rows)
    found = {
        (row["customer_id"], row["as_of_date"]): row
        for row in warehouse.rows(
            "select moments.customer_id, moments.as_of_date, whitespace.* "
            "from {core_customer_moments} as moments "
            "inner join {core_customer_peers} as peers using (customer_id) "
            "inner join {core_whitespace} as whitespace using "
            "(moment_no, peer_group, category_mask) where moments.orders > 0"
        )
    }
    peers = peers_of(rows)
    expected = 0
    for day in {day for _, day in found} | {AS_OF}:
        told = ByHand(rows, day)
        for customer in told.buyers:
            expected += 1
            mine = peers[customer] & told.buyers
            revenue = margin = 0.0
            missing = 0
            for label in told.labels:
                having = {peer for peer in mine if label in told.bought[peer]}
                each = told.spent(peers[customer], label, 0) / len(mine)
                gain = told.spent(peers[customer], label, 1) / len(mine)
                if (
                    label not in told.bought[customer]
                    and len(having) >= MIN_SHARE * len(mine)
                    and round(each, 4) > 0
                    and round(gain, 4) > 0
                ):
                    revenue += each
                    margin += gain
                    missing += 1
            row = found[customer, day]
            if not any(
                label in told.bought[buyer]
                for buyer in told.buyers
                for label in told.labels
            ):
                # Nobody has bought anything that has a category.
                assert row["whitespace_categories"] is None
                assert row["whitespace_revenue"] is None
                continue
            assert row["whitespace_categories"] == missing
            assert float(row["whitespace_revenue"]) == pytest.approx(revenue, abs=0.001)
            assert float(row["whitespace_margin"]) == pytest.approx(margin, abs=0.001)
    assert len(found) == expected


@settings(max_examples=examples(12))
@given(lines)
def test_offers_are_the_best_associations_of_the_type(rows: list[Line]) -> None:
    warehouse = world(rows).build("next_best_offers")
    offers = defaultdict(list)
    for row in warehouse.rows("from {next_best_offers} order by rank"):
        offers[row["customer_id"]].append(row)
    told = ByHand(rows, AS_OF)
    peers = peers_of(rows)
    lifts: dict[tuple[str, str, str], float] = {}
    for customer, kind in KINDS.items():
        if customer not in told.buyers:
            assert customer not in offers
            continue
        same = [told.bought[one] for one in told.buyers if KINDS[one] == kind]
        having = Counter(label for some in same for label in some)
        both = Counter(
            pair for some in same for pair in itertools.permutations(some, 2)
        )
        worth = {}
        for label in set(told.labels) - told.bought[customer]:
            reasons = {
                mine: both[mine, label] * len(same) / (having[mine] * having[label])
                for mine in told.bought[customer]
                if both[mine, label] >= MIN_SUPPORT
            }
            if not reasons or max(reasons.values()) <= 1:
                continue
            buyers = {
                one
                for one in peers[customer] & told.buyers
                if label in told.bought[one]
            }
            if not buyers:
                continue
            revenue, margin = (
                told.spent(peers[customer], label, place) / len(buyers)
                for place in (0, 1)
            )
            if revenue > 1e-6 and margin > 1e-6:
                worth[label] = (max(reasons.values()), reasons, revenue, margin)
        seen = offers.get(customer, [])
        assert len(seen) == min(2, len(worth))
        margins = []
        for row in seen:
            lift, reasons, revenue, margin = worth[row["category"]]
            because = row["because_of"]
            assert row["lift"] == pytest.approx(lift)
            assert reasons[because] == pytest.approx(lift)
            assert row["support"] == both[because, row["category"]] >= MIN_SUPPORT
            chance = row["support"] / having[because]
            assert row["confidence"] == pytest.approx(chance)
            assert float(row["expected_revenue"]) == pytest.approx(
                chance * revenue, abs=0.001
            )
            assert float(row["expected_margin"]) == pytest.approx(
                chance * margin, abs=0.001
            )
            margins.append(row["expected_margin"])
            lifts[kind, because, row["category"]] = row["lift"]
        assert [row["rank"] for row in seen] == [*range(1, len(seen) + 1)]
        assert margins == sorted(margins, reverse=True)
    for (kind, because, label), lift in lifts.items():
        assert lifts.get((kind, label, because), lift) == lift


def every(customers: Sequence[str], product: str, cents: int = 10_000) -> list[Line]:
    return [
        (customer, product, AS_OF - dt.timedelta(9), cents, cents // 2, False)
        for customer in customers
    ]


def test_an_offer_by_hand() -> None:
    """Four of five bought parts, three of them bikes: one more may want a bike."""
    rows = [
        *every(["a0", "a1", "a2", "a3"], "r"),
        *every(["a0", "a1", "a2"], "p"),
        *every(["a4"], "t"),
    ]
    (offer,) = world(rows).build("next_best_offers").rows("from {next_best_offers}")
    assert (offer["customer_id"], offer["category"]) == ("a3", "road")
    assert (offer["because_of"], offer["support"]) == ("chains", 3)
    assert offer["lift"] == pytest.approx((3 / 4) / (3 / 5))
    assert float(offer["expected_margin"]) == pytest.approx(50 * 3 / 4)
    assert not (
        world(rows, min_support=4)
        .build("next_best_offers")
        .rows("from {next_best_offers}")
    )


def test_the_level_of_categories_is_a_setting() -> None:
    rows = [*every(["a0"], "p"), *every(["a1"], "q"), *every(["a2"], "s")]
    for level, labels in (
        ("subcategory", {"road", "city", "parts"}),
        ("category", {"bikes", "parts"}),
    ):
        found = world(rows, level=level).rows("from {core_categories}")
        assert {row["category"] for row in found} == labels


def test_more_than_sixty_categories_leave_the_smallest_out() -> None:
    """Those without a bit are never whitespace: everybody would lack them."""
    warehouse = world(every(["a0"], "p"))
    warehouse.lay(
        "core_products",
        {"product_id": "varchar", "category": "varchar", "subcategory": "varchar"},
        [(f"p{n}", f"k{n:02}", None) for n in range(70)],
    )
    warehouse.lay(
        "core_order_lines",
        LINES,
        [
            (f"{n}", f"a{n % 4}", f"p{n}", AS_OF, 1000 - n, 100, 0, False)
            for n in range(70)
        ],
    )
    warehouse.build(*MODELS)
    found = warehouse.rows(
        "select whitespace_categories from {core_whitespace} as whitespace "
        "inner join {core_moments} as moments using (moment_no) where is_present"
    )
    assert [row["whitespace_categories"] for row in found] == [45, 45, 45, 45]


def test_wallets() -> None:
    """By industry, else by type; without a size or a rate nothing is known."""
    warehouse = world(every(["a0", "a1", "c0", "c1"], "p"))
    warehouse.connection.execute(
        "update core_customers set annual_revenue = 9e9 where customer_id = 'c0'; "
        "update core_customers set annual_revenue = 1000 where customer_id = 'd0'; "
        "update core_customers set yearly_income = 500 where customer_id = 'a0'"
    )
    warehouse.lay(
        "wallet_rates",
        {"customer_type": "varchar", "industry": "varchar", "rate": "decimal(12, 9)"},
        [("company", "shops", 0.5), ("person", "*", 0.1)],
    )
    warehouse.lay("core_leads", LEADS, [])
    warehouse.build("core_pipeline_moments", "core_customer_potential")
    found = {
        row["customer_id"]: row
        for row in warehouse.rows("from {core_customer_potential}")
    }
    assert len(found) == len(CUSTOMERS)
    assert found["c0"]["wallet_amount"] == 4_500_000_000
    assert found["c0"]["wallet_share"] == pytest.approx(100 / 4.5e9)
    assert found["a0"]["wallet_share"] == pytest.approx(2)
    assert found["a1"]["wallet_amount"] is None
    assert found["d0"]["wallet_amount"] is None
    # Nobody's deals are known, and who never bought has no whitespace that is known.
    assert found["a0"]["pipeline_amount"] is None
    assert found["d0"]["whitespace_margin"] is None
    assert float(found["a0"]["potential_coverage"]) == pytest.approx(2 / 3, abs=1e-6)
    assert found["d0"]["potential_coverage"] == 0


LEADS = {
    "customer_id": "varchar",
    "created_on": "date",
    "closed_on": "date",
    "amount": "decimal(18, 4)",
    "is_open": "boolean",
    "probability": "decimal(5, 4)",
}


def test_a_pipeline_knows_nothing_of_how_a_deal_will_end() -> None:
    warehouse = world(every(["c0"], "p"))
    june, july = dt.date(2021, 6, 30), dt.date(2021, 7, 31)
    warehouse.lay_query(
        "core_moments",
        "select row_number() over () as moment_no, day as as_of_date, "
        f"day = date '{AS_OF}' as is_present from unnest([date '{june}', date '{july}', "
        f"date '{AS_OF}']) as days (day)",
    )
    won = dt.date(2021, 7, 31)
    warehouse.lay(
        "core_leads",
        LEADS,
        [
            ("c0", june, won, 1000, False, 1),  # open until the day it is won
            ("c0", dt.date(2021, 8, 2), None, 100, True, 0.5),
            ("c1", None, None, 10, True, 0.2),  # known today, nobody knows since when
            ("c1", june, None, 10, False, 0),  # closed, nobody knows when
            ("c2", june, dt.date(2021, 9, 16), 10, True, None),
            (None, june, None, 10, True, 0.2),
        ],
    )
    found = warehouse.build("core_pipeline_moments").rows(
        "select customer_id, moment_no, pipeline_deals, pipeline_amount::double as amount "
        "from {core_pipeline_moments} order by all"
    )
    assert [tuple(row.values()) for row in found] == [
        ("c0", 1, 1, 300.0),
        ("c0", 3, 1, 50.0),
        ("c1", 3, 1, 2.0),
        ("c2", 1, 1, 3.0),
        ("c2", 2, 1, 3.0),
        ("c2", 3, 1, 3.0),
    ]


CANONICAL = {
    "lead_id": "varchar",
    "customer_source": "varchar",
    "source_customer_id": "varchar",
    "lead_name": "varchar",
    "customer_type": "varchar",
    "email": "varchar",
    "phone": "varchar",
    "stage": "varchar",
    "is_open": "boolean",
    "amount": "decimal(18, 4)",
    "currency": "varchar",
    "probability": "decimal(5, 4)",
    "expected_close_date": "date",
    "owner": "varchar",
    "created_on": "date",
    "closed_on": "date",
    "last_contact_on": "date",
    "annual_revenue": "decimal(18, 4)",
    "yearly_income": "decimal(18, 4)",
    "industry": "varchar",
}


def leads(*given: dict[str, Any]) -> Warehouse:
    """The leads of a source, as of AS_OF."""
    warehouse = world([])
    warehouse.lay(
        "stg_crm__leads",
        CANONICAL,
        [
            [
                ({"lead_id": f"{place}", "currency": "USD"} | row).get(name)
                for name in CANONICAL
            ]
            for place, row in enumerate(given)
        ],
    )
    warehouse.lay(
        "core_customer_source_keys",
        {
            "source": "varchar",
            "source_customer_id": "varchar",
            "customer_id": "varchar",
        },
        [("crm", "7", "c0")],
    )
    warehouse.lay(
        "core_fx_rates",
        {
            "currency": "varchar",
            "valid_from": "date",
            "valid_to": "date",
            "rate": "decimal(18, 8)",
        },
        [("EUR", dt.date(2021, 1, 1), AS_OF, 1.5), ("EUR", AS_OF, None, 2)],
    )
    return warehouse.build("core_fx_days", "core_leads")


def test_a_lead_stands_as_it_stood_on_the_as_of_day() -> None:
    before, after = AS_OF - dt.timedelta(30), AS_OF + dt.timedelta(1)
    cases: list[tuple[dict[str, Any], bool | None]] = [
        ({"is_open": True}, True),
        ({"is_open": False}, False),
        ({"probability": 0.2}, True),
        ({"probability": 1}, False),
        ({"probability": 0}, False),
        ({}, None),
        ({"is_open": False, "closed_on": after}, True),
        ({"is_open": False, "closed_on": AS_OF}, False),
        ({"is_open": True, "created_on": before}, True),
    ]
    found = leads(*(row for row, _ in cases)).rows("from {core_leads} order by lead_id")
    assert [row["is_open"] for row in found] == [is_open for _, is_open in cases]
    # What was entered later is not known at all.
    assert leads({"is_open": True, "created_on": after}).rows("from {core_leads}") == []
    (won_later,) = leads({"probability": 1, "closed_on": after}).rows(
        "from {core_leads}"
    )
    assert won_later["probability"] is None


def test_a_lead_has_one_amount_at_the_rate_of_its_day() -> None:
    found = leads(
        {"amount": 3_000_000, "currency": "EUR", "created_on": AS_OF - dt.timedelta(1)},
        {"amount": 10, "currency": "EUR"},
        {"amount": 10, "currency": "XXX"},
        {"customer_source": "crm", "source_customer_id": "7"},
    ).rows("from {core_leads} order by lead_id")
    assert [row["amount"] for row in found] == [4_500_000, 20, None, None]
    assert [row["customer_id"] for row in found] == [None, None, None, "c0"]
    assert {row["currency"] for row in found} == {"USD"}


facts = st.fixed_dictionaries(
    {
        "is_open": st.just(True),
        "customer_type": st.sampled_from(["company", "person"]),
        "probability": st.none() | st.integers(0, 99).map(lambda share: share / 100),
        "amount": st.none() | st.integers(0, 200_000),
        "annual_revenue": st.none() | st.integers(0, 5_000_000),
        "yearly_income": st.none() | st.integers(0, 200_000),
        "created_on": st.none()
        | st.integers(0, 800).map(lambda days: AS_OF - dt.timedelta(days)),
        "last_contact_on": st.none()
        | st.integers(-3, 400).map(lambda days: AS_OF - dt.timedelta(days)),
    }
)


@settings(max_examples=examples(12))
@given(st.lists(facts, min_size=1, max_size=8))
def test_a_lead_scores_what_its_known_factors_say(rows: list[dict[str, Any]]) -> None:
    warehouse = leads(*rows).seed("lead_factors", "lead_anchors")
    warehouse.build("lead_score_factors", "lead_scores")
    scores = {row["lead_id"]: row for row in warehouse.rows("from {lead_scores}")}
    explained = defaultdict(list)
    for row in warehouse.rows("from {lead_score_factors}"):
        explained[row["lead_id"]].append(row)
    assert len(scores) == len(rows)
    for place, row in enumerate(rows):
        raw = {
            "probability": row["probability"],
            "amount": row["amount"],
            "company_size": row["annual_revenue"],
            "purchasing_power": row["yearly_income"],
            # A contact after the as-of day is not known yet.
            "days_since_contact": None
            if row["last_contact_on"] and row["last_contact_on"] > AS_OF
            else days_since(row["last_contact_on"]),
            "age_days": days_since(row["created_on"]),
        }
        points, weight = 0.0, 0.0
        for factor in seed_rows("lead_factors"):
            value = raw[factor["factor"]]
            if factor["customer_type"] == row["customer_type"] and value is not None:
                anchors = [
                    (float(anchor["raw_value"]), float(anchor["score"]))
                    for anchor in seed_rows("lead_anchors")
                    if (anchor["customer_type"], anchor["factor"])
                    == (row["customer_type"], factor["factor"])
                ]
                places, marks = zip(*anchors, strict=True)
                share = float(factor["weight"])
                weight += share
                points += share * float(np.interp(value, places, marks))
        found = scores[f"crm:{place}"]
        assert float(found["score_coverage"]) == pytest.approx(weight, abs=1e-6)
        if weight == 0:
            assert found["score"] is None
            continue
        assert float(found["score"]) == pytest.approx(points / weight, abs=1e-5)
        parts = explained[f"crm:{place}"]
        assert sum(part["contribution"] for part in parts) == found["score"]
        assert len(parts) == 5


def days_since(day: dt.date | None) -> int | None:
    return None if day is None else (AS_OF - day).days


def test_peers_are_the_segment_when_it_is_large_enough() -> None:
    warehouse = world(every(["a0", "a1", "a2", "b0", "c0", "c1"], "p"))
    found = {
        row["customer_id"]: row["peer_group"]
        for row in warehouse.rows("from {core_customer_peers}")
    }
    assert found["a4"] == "person / here / unknown"
    assert found["b1"] == "person"
    assert found["c0"] == "company"
    assert len(found) == len(CUSTOMERS)


def test_a_company_without_any_sale_has_no_potential_that_is_known() -> None:
    warehouse = world([]).seed("wallet_rates")
    warehouse.lay("core_leads", LEADS, [])
    warehouse.build(
        "core_pipeline_moments", "core_customer_potential", "next_best_offers"
    )
    assert not warehouse.rows("from {next_best_offers}")
    found = warehouse.rows("from {core_customer_potential}")
    assert [row["potential_coverage"] for row in found] == [0] * len(CUSTOMERS)
