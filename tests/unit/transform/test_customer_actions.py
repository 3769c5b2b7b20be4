"""What is due for whom: the project's SQL on small worlds, with the day that decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from pipeline.tiers.scoring import MEASURE_NAMES
from tests.models import Warehouse, seed_rows, seed_types

AS_OF = dt.date(2014, 1, 31)
MODELS = (
    "int_action_rules",
    "int_served_customers",
    *(
        f"int_{part}_actions"
        for part in (
            "contact",
            "service",
            "silence",
            "tier",
            "greeting",
            "lead",
            "payment",
            "verdict",
        )
    ),
    "int_due_actions",
    "int_customer_owners",
    "int_owner_capacity",
    "int_action_minutes",
    "customer_actions",
)
COLUMNS: dict[str, dict[str, str]] = {
    "core_refresh": {"as_of_date": "date", "twelve_months_ago": "date"},
    "core_policy": {"policy_id": "varchar"},
    "tiers": {
        "policy_id": "varchar",
        "tier_code": "varchar",
        "tier_rank": "integer",
        "tier_name_en": "varchar",
        "tier_name_zh": "varchar",
        "vip_class": "varchar",
    },
    "score_factors": {
        "policy_id": "varchar",
        "customer_type": "varchar",
        "score": "varchar",
        "factor": "varchar",
        "factor_name_en": "varchar",
        "factor_name_zh": "varchar",
    },
    "service_policies": dict(seed_types()["service_policies"]),
    "action_rules": dict(seed_types()["action_rules"]),
    "holidays": dict(seed_types()["holidays"]),
    "core_customers": {
        "customer_id": "varchar",
        "customer_type": "varchar",
        "country": "varchar",
        "owner": "varchar",
        "birth_date": "date",
    },
    "int_tiers": {
        "customer_id": "varchar",
        "customer_type": "varchar",
        "is_present": "boolean",
        "policy_id": "varchar",
        "tier_code": "varchar",
        "tier_rank": "integer",
        "earned_tier_code": "varchar",
        "override_expires_on": "date",
    },
    "int_tier_spells": {
        "customer_id": "varchar",
        "valid_from": "date",
        "valid_to": "date",
    },
    "int_next_tiers": {
        "customer_id": "varchar",
        "next_tier_code": "varchar",
        "next_tier_measure": "varchar",
        "next_tier_gap": "double",
        "next_tier_factor": "varchar",
        "next_tier_factor_now": "double",
        "next_tier_factor_needed": "double",
        "next_tier_measure_en": "varchar",
        "next_tier_measure_zh": "varchar",
    },
    "core_customer_value": {
        "customer_id": "varchar",
        "is_present": "boolean",
        "lifecycle_stage": "varchar",
        "order_days": "bigint",
        "last_order_date": "date",
        "days_since_last_order": "integer",
        "usual_gap_days": "double",
        "overdue_factor": "double",
        "revenue": "decimal(28, 4)",
    },
    "core_interactions": {
        "interaction_id": "varchar",
        "customer_id": "varchar",
        "kind": "varchar",
        "occurred_at": "timestamp",
        "occurred_on": "date",
        "minutes": "decimal(10, 2)",
        "owner": "varchar",
    },
    "core_service_tickets": {
        "customer_id": "varchar",
        "opened_at": "timestamp",
        "resolved_at": "timestamp",
        "closed_at": "timestamp",
        "met_sla": "boolean",
        "is_complaint": "boolean",
    },
    "core_payments": {
        "customer_id": "varchar",
        "due_date": "date",
        "paid_at": "timestamp",
        "amount": "decimal(18, 4)",
    },
    "core_leads": {
        "lead_id": "varchar",
        "customer_id": "varchar",
        "source": "varchar",
        "stage": "varchar",
        "is_open": "boolean",
        "probability": "decimal(5, 4)",
        "amount": "decimal(18, 4)",
        "owner": "varchar",
        "created_on": "date",
        "last_contact_on": "date",
    },
    "core_potential_settings": {"unknown_probability": "decimal(5, 4)"},
    "int_verdicts": {
        "customer_id": "varchar",
        "verdict": "varchar",
        "at_stake": "decimal(28, 4)",
    },
    "customer_verdicts": {
        "customer_id": "varchar",
        "verdict": "varchar",
        "reason_en": "varchar",
        "reason_zh": "varchar",
    },
    "int_loss_causes": {
        "customer_id": "varchar",
        "loss": "decimal(28, 4)",
        "share_before": "double",
        "element": "varchar",
        "element_en": "varchar",
        "element_zh": "varchar",
        "share_of_revenue": "double",
        "usual_share": "double",
        "excess": "decimal(28, 4)",
    },
    "account_coverage": {
        "customer_id": "varchar",
        "contacts": "integer",
        "decision_makers": "integer",
        "covered_decision_makers": "integer",
        "last_contact_on": "date",
    },
}
RANKS = {"key": 1, "growth": 2, "standard": 3}
RULE = {
    "is_on": True,
    "tier_codes": "*",
    "customer_type": "*",
    "priority": 3,
    "due_in_days": 0,
}
# Thresholds of the test's own: those of the seed are for a business to change.
RULES: dict[str, dict[str, Any]] = {
    "visit_due": {"days": 7, "tier_codes": "key growth"},
    "call_due": {"days": 0},
    "sla_broken": {"days": 90, "occurrences": 2, "due_in_days": 3, "priority": 1},
    "complaint_open": {"days": 2, "due_in_days": 1, "priority": 1},
    "rhythm_missed": {"threshold": 3, "occurrences": 3, "due_in_days": 7},
    "dormant_customer": {"days": 365, "due_in_days": 14},
    "tier_falling": {"tier_codes": "key"},
    "tier_within_reach": {"threshold": 0.25, "due_in_days": 30},
    "birthday": {"days": 7},
    "holiday": {"days": 10},
    "lead_cold": {"days": 60, "threshold": 0.6, "owner_role_en": "Sales"},
    "invoice_overdue": {"days": 14, "owner_role_en": "Receivables"},
    "contact_missing": {"due_in_days": 30},
    "price_review": {"threshold": 0.8, "due_in_days": 14, "owner_role_en": "Pricing"},
    "terms_review": {"threshold": 0.8, "due_in_days": 14},
    "freight_review": {"threshold": 0.8, "due_in_days": 14},
    "cost_to_serve_review": {"threshold": 0.8, "due_in_days": 14},
    "alarm_unanswered": {"tier_codes": "key", "due_in_days": 7},
}


def ago(days: int, as_of: dt.date = AS_OF) -> dt.date:
    return as_of - dt.timedelta(days=days)


def noon(day: dt.date) -> dt.datetime:
    """In UTC, the same day in the business's zone."""
    return dt.datetime.combine(day, dt.time(20))


class World:
    """One key company `a` and one key person `b`, of whom nothing is asked yet."""

    def __init__(self, as_of: dt.date = AS_OF) -> None:
        self.as_of = as_of
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
        self.rows["core_refresh"] = [
            {"as_of_date": as_of, "twelve_months_ago": ago(365, as_of)}
        ]
        self.rows["core_policy"] = [{"policy_id": "p"}]
        self.rows["core_potential_settings"] = [{"unknown_probability": 0.3}]
        for policy in ("p", "other"):
            for code, rank in RANKS.items():
                self.rows["tiers"].append(
                    {
                        "policy_id": policy,
                        "tier_code": code,
                        "tier_rank": rank,
                        "tier_name_en": code.title(),
                        "tier_name_zh": "重要",
                    }
                )
                for kind in ("company", "person"):
                    self.rows["service_policies"].append(
                        {
                            "policy_id": policy,
                            "tier_code": code,
                            "customer_type": kind,
                            "owner_role_en": f"Role of {code}",
                            "owner_role_zh": "角色",
                            "birthday_care": code == "key",
                            "holiday_care": code == "key",
                            "hours_per_year": 10,
                        }
                        | self.rhythm(policy, code, kind)
                    )
        self.rows["action_rules"] = [
            RULE
            | {"action_code": code, "name_en": code, "name_zh": code}
            | {"note": None}
            | rule
            for code, rule in RULES.items()
        ]
        self.customer("a", "company")
        self.customer("b", "person")

    @staticmethod
    def rhythm(policy: str, code: str, kind: str) -> dict[str, int]:
        if kind == "person" or code == "standard":
            return {}
        days = 90 if policy == "p" else 1
        return {"visit_every_days": days, "call_every_days": days // 3 or 1}

    def customer(self, name: str, kind: str, tier: str = "key") -> World:
        known = {"customer_id": name}
        self.rows["core_customers"].append(
            known | {"customer_type": kind, "country": "France"}
        )
        self.rows["int_tiers"].append(
            known
            | {
                "customer_type": kind,
                "is_present": True,
                "policy_id": "p",
                "tier_code": tier,
                "tier_rank": RANKS[tier],
                "earned_tier_code": tier,
            }
        )
        self.rows["int_tier_spells"].append(known | {"valid_from": ago(700)})
        self.rows["int_next_tiers"].append(dict(known))
        self.rows["core_customer_value"].append(
            known | {"is_present": True, "lifecycle_stage": "active", "order_days": 0}
        )
        return self

    def change(self, table: str, customer: str, **values: Any) -> World:
        found = [row for row in self.rows[table] if row["customer_id"] == customer]
        assert found
        for row in found:
            row.update(values)
        return self

    def add(self, table: str, **values: Any) -> World:
        assert set(values) <= set(COLUMNS[table])
        self.rows[table].append(values)
        return self

    def rule(self, code: str, **values: Any) -> World:
        for row in self.rows["action_rules"]:
            if row["action_code"] == code:
                row.update(values)
        return self

    def talk(
        self,
        kind: str,
        days: int,
        customer: str | None = "a",
        owner: str | None = None,
        minutes: float | None = None,
    ) -> World:
        day = ago(days, self.as_of)
        return self.add(
            "core_interactions",
            interaction_id=f"i{len(self.rows['core_interactions'])}",
            customer_id=customer,
            kind=kind,
            occurred_at=noon(day),
            occurred_on=day,
            owner=owner,
            minutes=minutes,
        )

    def ticket(self, days: int, customer: str = "a", **values: Any) -> World:
        opened_at = noon(ago(days, self.as_of))
        return self.add(
            "core_service_tickets", customer_id=customer, opened_at=opened_at, **values
        )

    def lead(self, **values: Any) -> World:
        usual = {
            "lead_id": "l",
            "source": "crm",
            "stage": "Proposal",
            "probability": 0.6,
            "owner": "Bea",
            "created_on": ago(60),
        }
        # A closed one shows that its source records contacts.
        closed = {"lead_id": "closed", "source": "crm", "is_open": False}
        return self.add("core_leads", **(usual | values)).add(
            "core_leads", last_contact_on=ago(90), **closed
        )

    def invoice(self, days: int, **values: Any) -> World:
        usual = {"customer_id": "a", "due_date": ago(days), "amount": 100}
        return self.add("core_payments", **(usual | values))

    def verdict(
        self, code: str, at_stake: float | None = None, customer: str = "a"
    ) -> World:
        self.add("int_verdicts", customer_id=customer, verdict=code, at_stake=at_stake)
        return self.add(
            "customer_verdicts",
            customer_id=customer,
            verdict=code,
            reason_en="Because.",
            reason_zh="因为。",
        )

    def loses(self, element: str, **values: Any) -> World:
        usual = {
            "customer_id": "a",
            "loss": 500,
            "share_before": 0,
            "element": element,
            "element_en": "freight",
            "element_zh": "运费",
            "share_of_revenue": 0.3,
            "usual_share": 0.1,
            "excess": 2000,
        }
        return self.verdict("loses_money", 500).add(
            "int_loss_causes", **(usual | values)
        )

    def laid(self) -> Warehouse:
        warehouse = Warehouse()
        for table, rows in self.rows.items():
            columns = COLUMNS[table]
            warehouse.lay(
                table, columns, [[row.get(name) for name in columns] for row in rows]
            )
        return warehouse.build("core_tiers")

    def actions(self, action: str | None = None) -> list[dict[str, Any]]:
        found = (
            self.laid().build(*MODELS).rows("from {customer_actions} order by place")
        )
        assert [row["place"] for row in found] == list(range(1, len(found) + 1))
        return [row for row in found if action in (None, row["action"])]


def test_of_an_ordinary_customer_nothing_is_asked() -> None:
    assert World().actions() == []


def born(month: int, day: int, as_of: dt.date = AS_OF) -> World:
    """Born in a leap year, long ago."""
    world = World(as_of)
    return world.change("core_customers", "b", birth_date=dt.date(1968, month, day))


def silent(factor: float = 3, days: int = 90, purchases: int = 3) -> World:
    return World().change(
        "core_customer_value",
        "a",
        lifecycle_stage="at risk",
        order_days=purchases,
        last_order_date=ago(days),
        days_since_last_order=days,
        usual_gap_days=days / factor,
        overdue_factor=factor,
        revenue=1000,
    )


def holiday(days: int, country: str = "*", name: str = "New Year") -> World:
    return World().add(
        "holidays",
        holiday_date=ago(-days),
        country=country,
        name_en=name,
        name_zh="元旦",
    )


def near(gap: float, measure: str = "value_score", lever: str | None = "x") -> World:
    world = World().customer("c", "company", "growth")
    world.rows["score_factors"] = [
        {
            "policy_id": policy,
            "customer_type": "company",
            "score": score,
            "factor": "x",
            "factor_name_en": "orders",
            "factor_name_zh": "订单数",
        }
        for policy in ("p", "other")
        for score in ("value", "potential")
    ]
    return world.change(
        "int_next_tiers",
        "c",
        next_tier_code="key",
        next_tier_measure=measure,
        next_tier_measure_en=MEASURE_NAMES.get(measure, (None, None))[0],
        next_tier_measure_zh=MEASURE_NAMES.get(measure, (None, None))[1],
        next_tier_gap=gap,
        next_tier_factor=lever,
        next_tier_factor_now=1,
        next_tier_factor_needed=1500,
    )


def earning(tier: str, as_of: dt.date = AS_OF) -> World:
    return World(as_of).change("int_tiers", "a", earned_tier_code=tier)


def covered(**values: Any) -> World:
    usual = {
        "contacts": 3,
        "decision_makers": 1,
        "covered_decision_makers": 0,
        "last_contact_on": ago(400),
    }
    world = World().add("account_coverage", customer_id="a", **(usual | values))
    return world.rule("contact_missing", customer_type="company")


# What the world is, the action, and the days from the as-of day to the due days.
CASES: Mapping[str, tuple[Callable[[], World], str, Sequence[int]]] = {
    # A visit is listed a week before its day, and stays until it is made.
    "visit a week ahead": (lambda: World().talk("visit", 83), "visit_due", [7]),
    "visit further ahead": (lambda: World().talk("visit", 82), "visit_due", []),
    "visit today": (lambda: World().talk("visit", 90), "visit_due", [0]),
    "visit late": (lambda: World().talk("visit", 100), "visit_due", [-10]),
    "a meeting is a visit": (
        lambda: World().talk("visit", 100).talk("meeting", 20),
        "visit_due",
        [],
    ),
    "a call is no visit": (
        lambda: World().talk("visit", 100).talk("call", 20),
        "visit_due",
        [-10],
    ),
    "never visited since visits are recorded": (
        lambda: World().talk("visit", 95, customer=None),
        "visit_due",
        [-5],
    ),
    "never visited since in the tier": (
        lambda: (
            World()
            .talk("visit", 300, customer=None)
            .change("int_tier_spells", "a", valid_from=ago(91))
        ),
        "visit_due",
        [-1],
    ),
    "nothing was promised before the tier": (
        lambda: (
            World().talk("visit", 300).change("int_tier_spells", "a", valid_from=ago(4))
        ),
        "visit_due",
        [-4],
    ),
    "who records no visits has none late": (
        lambda: World().talk("call", 300),
        "visit_due",
        [],
    ),
    "a tier of another rhythm": (
        lambda: (
            World().talk("visit", 300).change("int_tiers", "a", tier_code="standard")
        ),
        "visit_due",
        [],
    ),
    "call today": (lambda: World().talk("call", 30), "call_due", [0]),
    "call tomorrow": (lambda: World().talk("call", 29), "call_due", []),
    "a visit spares the call": (
        lambda: World().talk("call", 50).talk("visit", 29),
        "call_due",
        [],
    ),
    "an e-mail does not": (
        lambda: World().talk("call", 50).talk("email", 1),
        "call_due",
        [-20],
    ),
    "who records e-mails only has no call late": (
        lambda: World().talk("email", 300),
        "call_due",
        [],
    ),
    "two missed levels": (
        lambda: World().ticket(89, met_sla=False).ticket(5, met_sla=False),
        "sla_broken",
        [-2],
    ),
    "one is too old": (
        lambda: World().ticket(90, met_sla=False).ticket(5, met_sla=False),
        "sla_broken",
        [],
    ),
    "met and unknown do not count": (
        lambda: (
            World()
            .ticket(1, met_sla=False)
            .ticket(2, met_sla=True)
            .ticket(3, met_sla=None)
        ),
        "sla_broken",
        [],
    ),
    "of two customers": (
        lambda: World().ticket(1, met_sla=False).ticket(1, "b", met_sla=False),
        "sla_broken",
        [],
    ),
    "complaint open": (
        lambda: World().ticket(2, is_complaint=True).ticket(9, is_complaint=True),
        "complaint_open",
        [-8],
    ),
    "complaint too young": (
        lambda: World().ticket(1, is_complaint=True),
        "complaint_open",
        [],
    ),
    "complaint settled": (
        lambda: World().ticket(5, is_complaint=True, resolved_at=noon(ago(4))),
        "complaint_open",
        [],
    ),
    "not known to be a complaint": (
        lambda: World().ticket(5, is_complaint=None),
        "complaint_open",
        [],
    ),
    "rhythm missed": (lambda: silent(3, 90), "rhythm_missed", [7]),
    "rhythm missed for long": (lambda: silent(6, 120), "rhythm_missed", [-53]),
    "rhythm nearly missed": (lambda: silent(2.99, 90), "rhythm_missed", []),
    "no rhythm yet": (lambda: silent(3, 90, 2), "rhythm_missed", []),
    "no late buyer but a dormant one": (
        lambda: silent().change("core_customer_value", "a", lifecycle_stage="dormant"),
        "rhythm_missed",
        [],
    ),
    "dormant": (
        lambda: silent(9, 365).change(
            "core_customer_value", "a", lifecycle_stage="dormant"
        ),
        "dormant_customer",
        [14],
    ),
    "dormant not long enough": (
        lambda: silent(9, 364).change(
            "core_customer_value", "a", lifecycle_stage="dormant"
        ),
        "dormant_customer",
        [],
    ),
    "silent by its own rhythm": (lambda: silent(9, 400), "dormant_customer", []),
    "earns less": (lambda: earning("growth"), "tier_falling", [28]),
    "earns less before a month end": (
        lambda: earning("growth", dt.date(2014, 1, 30)),
        "tier_falling",
        [1],
    ),
    "earns its tier": (lambda: earning("key"), "tier_falling", []),
    "held by a person": (
        lambda: earning("growth").change(
            "int_tiers", "a", override_expires_on=dt.date(2014, 3, 1)
        ),
        "tier_falling",
        [],
    ),
    "held until the month end": (
        lambda: earning("growth").change(
            "int_tiers", "a", override_expires_on=dt.date(2014, 2, 28)
        ),
        "tier_falling",
        [28],
    ),
    "within reach": (lambda: near(0.25), "tier_within_reach", [30]),
    "out of reach": (lambda: near(0.26), "tier_within_reach", []),
    "no lever": (lambda: near(0.1, lever=None), "tier_within_reach", []),
    "a fact needs none": (
        lambda: near(0.1, "revenue_to_class_a", None),
        "tier_within_reach",
        [30],
    ),
    "another forecast is not work with a customer": (
        lambda: near(0.1, "predicted_to_best_fifth", None),
        "tier_within_reach",
        [],
    ),
    "time alone is missing": (
        lambda: near(0, "confirmation", None),
        "tier_within_reach",
        [],
    ),
    "birthday in a week": (lambda: born(2, 7), "birthday", [7]),
    "birthday tomorrow": (lambda: born(2, 1), "birthday", [1]),
    "birthday later": (lambda: born(2, 8), "birthday", []),
    "birthday over": (lambda: born(1, 31), "birthday", []),
    "birthday in the next year": (
        lambda: born(1, 3, dt.date(2013, 12, 28)),
        "birthday",
        [6],
    ),
    "no 29th of February": (
        lambda: born(2, 29, dt.date(2014, 2, 25)),
        "birthday",
        [3],
    ),
    "a 29th of February": (lambda: born(2, 29, dt.date(2016, 2, 25)), "birthday", [4]),
    "the next 29th counts from the birth": (
        lambda: born(2, 29, dt.date(2015, 12, 31)).rule("birthday", days=60),
        "birthday",
        [60],
    ),
    "no birthday care": (
        lambda: born(2, 7).change("int_tiers", "b", tier_code="growth"),
        "birthday",
        [],
    ),
    "a holiday of all": (lambda: holiday(10), "holiday", [10, 10]),
    "a holiday of the country": (lambda: holiday(10, "France"), "holiday", [10, 10]),
    "a holiday elsewhere": (lambda: holiday(10, "China"), "holiday", []),
    "a holiday later": (lambda: holiday(11), "holiday", []),
    "a holiday over": (lambda: holiday(0), "holiday", []),
    "lead cold": (lambda: World().lead(), "lead_cold", [0]),
    "lead young": (lambda: World().lead(created_on=ago(59)), "lead_cold", []),
    "lead contacted": (
        lambda: World().lead(created_on=ago(99), last_contact_on=ago(59)),
        "lead_cold",
        [],
    ),
    "lead contacted long ago": (
        lambda: World().lead(created_on=ago(99), last_contact_on=ago(70)),
        "lead_cold",
        [-10],
    ),
    "a source without contacts says nothing of them": (
        lambda: World().lead(source="shop"),
        "lead_cold",
        [],
    ),
    "lead closed in the source's own words": (
        lambda: World().lead(stage="Erledigt", is_open=False),
        "lead_cold",
        [],
    ),
    "lead improbable": (lambda: World().lead(probability=0.59), "lead_cold", []),
    "lead of unknown probability": (
        lambda: World().lead(probability=None),
        "lead_cold",
        [0],
    ),
    "lead won": (lambda: World().lead(probability=1), "lead_cold", []),
    "lead lost": (
        lambda: World().lead(probability=None, stage="LOST"),
        "lead_cold",
        [],
    ),
    "lead of a customer": (lambda: World().lead(customer_id="a"), "lead_cold", [0]),
    "invoice overdue": (lambda: World().invoice(14), "invoice_overdue", [0]),
    "invoice in grace": (lambda: World().invoice(13), "invoice_overdue", []),
    "two invoices are one action": (
        lambda: World().invoice(14).invoice(40),
        "invoice_overdue",
        [-26],
    ),
    "invoice paid": (
        lambda: World().invoice(40, paid_at=noon(ago(1))),
        "invoice_overdue",
        [],
    ),
    "a credit note": (lambda: World().invoice(40, amount=-1), "invoice_overdue", []),
    "nobody covered": (covered, "contact_missing", [30]),
    "covered": (lambda: covered(covered_decision_makers=1), "contact_missing", []),
    "no contact known there": (
        lambda: covered(covered_decision_makers=1).customer("c", "company"),
        "contact_missing",
        [30],
    ),
    "no contact known anywhere": (World, "contact_missing", []),
    "no talk recorded anywhere": (
        lambda: covered(last_contact_on=None),
        "contact_missing",
        [],
    ),
    "nobody called a decision maker anywhere": (
        lambda: covered(decision_makers=0),
        "contact_missing",
        [],
    ),
    "a visit that is due spares the call": (
        lambda: World().talk("visit", 100),
        "call_due",
        [],
    ),
    "prices": (lambda: World().loses("goods"), "price_review", [14]),
    "freight is no price": (lambda: World().loses("freight"), "price_review", []),
    "freight": (lambda: World().loses("freight"), "freight_review", [14]),
    "a price is no freight": (lambda: World().loses("goods"), "freight_review", []),
    "terms": (lambda: World().loses("terms"), "terms_review", [14]),
    "a small loss": (
        lambda: World().loses("terms", share_before=0.8),
        "terms_review",
        [],
    ),
    "service": (lambda: World().loses("service"), "cost_to_serve_review", [14]),
    "another verdict comes first": (
        lambda: (
            World()
            .loses("service")
            .change("int_verdicts", "a", verdict="blocked_by_service")
        ),
        "cost_to_serve_review",
        [],
    ),
    "an alarm that nothing answers": (
        lambda: World().verdict("slips"),
        "alarm_unanswered",
        [7],
    ),
    "an alarm that something answers": (
        lambda: World().verdict("slips").talk("visit", 90),
        "alarm_unanswered",
        [],
    ),
    "no alarm": (lambda: World().verdict("keep"), "alarm_unanswered", []),
    "an alarm of a lesser tier": (
        lambda: World().customer("c", "company", "growth").verdict("slips", None, "c"),
        "alarm_unanswered",
        [],
    ),
}


@pytest.mark.parametrize(
    ("world", "action", "expected"), CASES.values(), ids=list(CASES)
)
def test_what_is_due_and_from_which_day(
    world: Callable[[], World], action: str, expected: Sequence[int]
) -> None:
    found = world().actions(action)
    assert [(row["due_on"] - row["as_of_date"]).days for row in found] == list(expected)
    for row in found:
        assert row["is_overdue"] == (row["due_on"] < row["as_of_date"])
        assert row["reason_en"].endswith(".") and row["reason_zh"].endswith("。")


def test_each_action_has_a_case_that_is_due_and_one_that_is_not() -> None:
    rules = {row["action_code"] for row in seed_rows("action_rules")}
    assert rules == set(RULES)
    assert rules == {action for _, action, expected in CASES.values() if expected}
    assert rules == {action for _, action, expected in CASES.values() if not expected}


REASONS = {
    "visit": (
        lambda: World().talk("visit", 100),
        "visit_due",
        "Last visit on 2013-10-23; Key is visited every 90 days.",
        "上次拜访：2013-10-23；重要每90天拜访一次。",
    ),
    "never": (
        lambda: World().talk("visit", 100, customer=None),
        "visit_due",
        "No visit recorded; Key is visited every 90 days.",
        "无拜访记录；重要每90天拜访一次。",
    ),
    "rhythm": (
        lambda: silent(3, 90),
        "rhythm_missed",
        "No order for 90 days, 3.0 times the usual gap of 30.0 days; "
        "bought on 3 days so far.",
        "已90天未下单，为通常间隔30.0天的3.0倍；至今在3个日期下过单。",
    ),
    "reach": (
        lambda: near(0.25),
        "tier_within_reach",
        "Key is within reach: value score is 0.25 short; the nearest way is orders, "
        "from 1.00 to 1,500.",
        "接近重要：价值得分差0.25；最近的途径是订单数由1.00提高到1,500。",
    ),
    "birthday": (
        lambda: born(2, 7),
        "birthday",
        "Birthday on 02-07 (month and day).",
        "生日：02-07（月-日）。",
    ),
    "lead": (
        World().lead,
        "lead_cold",
        "Stage Proposal, probability 60 %; no contact recorded, entered on 2013-12-02.",
        "阶段：Proposal，概率60%；无联系记录，录入于2013-12-02。",
    ),
    "invoices": (
        lambda: World().invoice(14).invoice(40),
        "invoice_overdue",
        "Unpaid past the due day: 200 USD in 2 invoices, the oldest due on 2013-12-22.",
        "逾期未付发票2张，共200 USD，最早到期日2013-12-22。",
    ),
    "review": (
        lambda: World().loses("freight"),
        "freight_review",
        "Loses 500 USD in 12 months; freight takes 30.0 % of its revenue, 10.0 % of that "
        "of its type: 2,000 USD more than usual.",
        "近12个月亏损500 USD；运费占其收入的30.0%，同类客户为10.0%，比通常多2,000 USD。",
    ),
    "review without revenue": (
        lambda: World().loses("freight", share_of_revenue=None, excess=-1),
        "freight_review",
        "Loses 500 USD in 12 months.",
        "近12个月亏损500 USD。",
    ),
    "contacts": (
        covered,
        "contact_missing",
        "Decision makers known: 1, no talk with any of them recorded in the last "
        "12 months.",
        "1位决策人近12个月均无联系记录。",
    ),
}


@pytest.mark.parametrize(
    ("world", "action", "english", "chinese"), REASONS.values(), ids=list(REASONS)
)
def test_reasons_are_facts_in_both_languages(
    world: Callable[[], World], action: str, english: str, chinese: str
) -> None:
    (row,) = world().actions(action)
    assert (row["reason_en"], row["reason_zh"]) == (english, chinese)


def test_the_year_of_birth_is_nowhere() -> None:
    (row,) = born(2, 7).actions("birthday")
    assert "1968" not in str(row)


def test_of_two_holidays_the_nearest_is_greeted_and_that_of_the_country_first() -> None:
    world = holiday(5, name="Of all")
    for days, country, name in [(5, "France", "Ours"), (9, "France", "Later")]:
        world.add(
            "holidays",
            holiday_date=ago(-days),
            country=country,
            name_en=name,
            name_zh="节",
        )
    assert [row["reason_en"] for row in world.actions()] == 2 * ["Ours on 2014-02-05."]


def test_who_does_it() -> None:
    world = World().talk("visit", 100)
    (row,) = world.actions("visit_due")
    assert row["owner"] == row["owner_role_en"] == "Role of key"
    world.talk("email", 3, owner="Old").talk("email", 1, owner="New").talk("email", 0)
    assert world.actions("visit_due")[0]["owner"] == "New"
    world.change("core_customers", "a", owner="Ann")
    assert world.actions("visit_due")[0]["owner"] == "Ann"
    world.rule("visit_due", owner_role_en="Team")
    assert world.actions("visit_due")[0]["owner"] == "Team"


@pytest.mark.parametrize(
    ("world", "action", "times"),
    [
        (lambda: World().talk("visit", 89), "visit_due", 1),
        (lambda: World().talk("visit", 90 + 89), "visit_due", 1),
        (lambda: World().talk("visit", 90 + 90), "visit_due", 2),
        # Two years without a visit: one line, however many were missed.
        (lambda: World().talk("visit", 700, None), "visit_due", 7),
        (lambda: World().talk("call", 95), "call_due", 3),
        (
            lambda: World().ticket(1, met_sla=False).ticket(2, met_sla=False),
            "sla_broken",
            2,
        ),
        (lambda: World().invoice(14).invoice(40), "invoice_overdue", 2),
        (lambda: silent(3, 90), "rhythm_missed", 1),
    ],
)
def test_one_line_stands_for_all_the_times_it_was_missed(
    world: Callable[[], World], action: str, times: int
) -> None:
    (row,) = world().actions(action)
    assert row["times_missed"] == times


def test_what_is_at_stake_comes_first_and_not_what_has_waited_longest() -> None:
    world = World().customer("c", "company").customer("d", "company")
    world.rule("visit_due", priority=3).rule("call_due", priority=3)
    world.talk("visit", 600, "a").talk("visit", 100, "c").talk("visit", 300, "d")
    world.verdict("keep", 5, "a").verdict("slips", 90, "c").ticket(
        9, "d", is_complaint=True
    )
    assert [(row["action"], row["customer_id"]) for row in world.actions()] == [
        ("complaint_open", "d"),
        ("visit_due", "c"),
        ("visit_due", "a"),
        ("visit_due", "d"),
    ]


def test_an_action_has_its_own_money_before_that_of_the_verdict() -> None:
    world = World().verdict("keep", 7).invoice(20).lead(customer_id="a", amount=100)
    found = {row["action"]: row["at_stake"] for row in world.actions()}
    assert found == {"invoice_overdue": 100, "lead_cold": 60}
    (unknown,) = World().lead(amount=100, probability=None).actions()
    assert unknown["at_stake"] == 30
    (nothing,) = World().lead().actions()
    assert nothing["at_stake"] is None


def busy(minutes: float | None) -> World:
    """Three companies of Ann's to be visited: a visit takes an hour, a call ten minutes."""
    world = World().customer("c", "company").customer("d", "company")
    for number, name in enumerate("acd"):
        world.change("core_customers", name, owner="Ann")
        world.talk("visit", 100, name, minutes=60 if minutes else None)
        world.verdict("slips", 100 - number, name)
    for _ in range(2):
        world.talk("email", 363, None, owner="Ann", minutes=minutes)
    return world


@pytest.mark.parametrize(
    ("minutes", "capacity", "fits"),
    [
        # The week's share of 52 of what was recorded.
        (26 * 120, 120, [True, True, False]),
        (26 * 119, 119, [True, False, False]),
        # The first fits any week.
        (26 * 10, 10, [True, False, False]),
    ],
)
def test_the_list_is_cut_to_the_week(
    minutes: float, capacity: float, fits: Sequence[bool]
) -> None:
    warehouse = busy(minutes).laid().build(*MODELS, "owner_weeks")
    rows = warehouse.rows("from {customer_actions} order by place")
    assert [row["fits_week"] for row in rows] == list(fits)
    assert {row["minutes"] for row in rows} == {60}
    (week,) = warehouse.rows("from {owner_weeks}")
    assert week == {
        "owner": "Ann",
        "capacity_minutes": pytest.approx(capacity),
        "actions_due": 3,
        "actions_fitting": sum(fits),
        "minutes_due": 180,
        "minutes_fitting": 60 * sum(fits),
    }


def test_without_records_the_plan_is_the_week_and_without_minutes_nobody_knows() -> (
    None
):
    world = busy(None)
    warehouse = world.laid().build(*MODELS, "owner_weeks")
    (week,) = warehouse.rows("from {owner_weeks}")
    # Three companies, ten hours a year each.
    assert week["capacity_minutes"] == pytest.approx(3 * 10 * 60 / 52)
    assert (week["minutes_due"], week["actions_fitting"]) == (None, None)
    for row in world.rows["service_policies"]:
        row["hours_per_year"] = None
    world.talk("visit", 1, None, minutes=60)
    rows = world.actions()
    assert {(row["minutes"], row["fits_week"]) for row in rows} == {(60, None)}


def test_a_lead_belongs_to_its_owner_and_else_to_the_role() -> None:
    world = World().lead().lead(lead_id="m", owner=None, customer_id="a")
    world.change("core_customers", "a", owner="Ann")
    found = {row["lead_id"]: row for row in world.actions("lead_cold")}
    assert [found[key]["owner"] for key in "lm"] == ["Bea", "Sales"]
    assert (found["l"]["customer_id"], found["l"]["tier_code"]) == (None, None)
    assert (found["m"]["customer_id"], found["m"]["tier_code"]) == ("a", "key")


@pytest.mark.parametrize(
    ("change", "listed"),
    [
        ({}, 1),
        ({"is_on": False}, 0),
        ({"tier_codes": "key"}, 1),
        ({"tier_codes": " standard key "}, 1),
        ({"tier_codes": "growth standard"}, 0),
        ({"customer_type": "company"}, 1),
        ({"customer_type": "person"}, 0),
    ],
)
def test_rules_say_for_whom(change: dict[str, Any], listed: int) -> None:
    world = World().invoice(20).rule("invoice_overdue", **change)
    assert len(world.actions("invoice_overdue")) == listed


def test_the_list_has_one_order() -> None:
    world = World().customer("c", "company", "growth").customer("d", "company")
    for name in "dca":
        world.invoice(20, customer_id=name).ticket(9, name, is_complaint=True)
    world.invoice(30, customer_id="c")
    found = world.actions()
    assert [(row["action"], row["customer_id"]) for row in found] == [
        ("complaint_open", "a"),
        ("complaint_open", "d"),
        ("complaint_open", "c"),
        ("invoice_overdue", "c"),
        ("invoice_overdue", "a"),
        ("invoice_overdue", "d"),
    ]


def test_the_promise_of_the_tier_stands_beside_the_action() -> None:
    (row,) = World().talk("visit", 100).actions("visit_due")
    assert (row["visit_every_days"], row["call_every_days"]) == (90, 30)
    assert row["policy_id"] == "p"


@pytest.fixture
def policy() -> World:
    world = World()
    assert world.laid().build("int_action_rules").found_by(TEST) == []
    return world


TEST = "service_policy_is_whole"


@pytest.mark.parametrize(
    ("table", "place", "change", "problem"),
    [
        ("service_policies", 0, {"tier_code": "VIP"}, "the tier has no service policy"),
        ("service_policies", 0, {"tier_code": "VIP"}, "a service policy of no such"),
        (
            "service_policies",
            3,
            {"customer_type": "firm"},
            "a service policy of no such",
        ),
        ("service_policies", 0, {"visit_every_days": 0}, "a rhythm, a promise"),
        ("service_policies", 0, {"owner_role_en": None}, "a rhythm, a promise"),
        ("action_rules", 0, {"tier_codes": "key VIP"}, "a rule of no such tier: VIP"),
        ("action_rules", 0, {"tier_codes": None}, "no such action or customer type"),
        (
            "action_rules",
            0,
            {"action_code": "visit"},
            "no such action or customer type",
        ),
        ("action_rules", 0, {"customer_type": "firm"}, "no such action or customer"),
        ("action_rules", 0, {"days": None}, "no such action or customer type"),
        ("action_rules", 2, {"occurrences": None}, "no such action or customer type"),
        ("action_rules", 4, {"threshold": None}, "no such action or customer type"),
        ("action_rules", 0, {"priority": 6}, "no such action or customer type"),
        ("action_rules", 0, {"action_code": "call_due"}, "two rules for the same"),
    ],
)
def test_a_service_policy_that_is_not_whole_is_refused(
    policy: World, table: str, place: int, change: dict[str, Any], problem: str
) -> None:
    policy.rows[table][place].update(change)
    found = policy.laid().build("int_action_rules").found_by(TEST)
    assert any(row["problem"].startswith(problem) for row in found), found


def test_the_seeds_are_whole() -> None:
    warehouse = (
        Warehouse()
        .seed("policies", "tiers", "service_policies", "action_rules", "holidays")
        .build("core_tiers")
    )
    for policy in {row["policy_id"] for row in seed_rows("policies")}:
        warehouse.lay("core_policy", {"policy_id": "varchar"}, [(policy,)])
        assert warehouse.build("int_action_rules").found_by(TEST) == []


def allocation(world: World) -> dict[tuple[str, str], dict[str, Any]]:
    found = world.laid().build("resource_allocation").rows("from {resource_allocation}")
    return {(row["tier_code"], row["kind"]): row for row in found}


def test_planned_effort_against_the_recorded_one() -> None:
    world = World().customer("c", "company").customer("d", "company", "standard")
    world.talk("visit", 364, minutes=90).talk("visit", 365, minutes=999)
    world.talk("meeting", 1, "c", minutes=30).talk("call", 1, "d", minutes=15)
    world.talk("email", 1, "d").talk("call", 1, None, minutes=999)
    world.ticket(364).ticket(365).ticket(1, "d")
    found = allocation(world)
    assert len(found) == 12
    # Two companies every 90 days; the person is visited never.
    visits = found["key", "visits"]
    assert visits["customers"] == 3
    assert visits["planned"] == pytest.approx(2 * 365 / 90)
    assert (visits["actual_12m"], visits["share_of_actual"]) == (2, 1)
    assert visits["difference"] == pytest.approx(2 - 2 * 365 / 90)
    # Every 30 days somebody speaks with them, on visits too.
    calls = found["key", "calls"]
    assert calls["planned"] == pytest.approx(2 * (365 / 30 - 365 / 90))
    assert calls["actual_12m"] == 0
    assert found["standard", "calls"]["actual_12m"] == 1
    assert found["standard", "calls"]["planned"] == 0
    hours = found["key", "hours"]
    assert (hours["planned"], hours["actual_12m"]) == (30, 2)
    assert hours["share_of_planned"] == pytest.approx(0.75)
    assert hours["share_of_actual"] == pytest.approx(2 / 2.25)
    assert found["standard", "hours"]["actual_12m"] == 0.25
    tickets = found["key", "tickets"]
    assert (tickets["planned"], tickets["difference"]) == (None, None)
    assert (tickets["actual_12m"], tickets["share_of_actual"]) == (1, 0.5)
    assert found["growth", "hours"]["planned"] == 0


def test_effort_that_nobody_records_is_unknown() -> None:
    found = allocation(World())
    assert {row["actual_12m"] for row in found.values()} == {None}
    assert {row["difference"] for row in found.values()} == {None}
    assert found["key", "visits"]["planned"] == pytest.approx(365 / 90)
    without_minutes = allocation(World().talk("call", 1))
    assert without_minutes["key", "calls"]["actual_12m"] == 1
    assert without_minutes["key", "hours"]["actual_12m"] is None


MONEY = (
    "revenue",
    "revenue_12m",
    "margin",
    "margin_12m",
    "cost_to_serve_12m",
    "profit",
    "profit_12m",
)


@pytest.mark.parametrize(
    ("profits", "expected", "shares"),
    [
        ((30, 70), [30, 0, 70], [0.3, 0.0, 0.7]),
        ((30, -30), [30, 0, -30], [None, None, None]),
        ((None, 5), [None, 0, 5], [None, 0.0, 1.0]),
    ],
)
def test_a_tier_sums_what_its_customers_earn(
    profits: Sequence[int | None],
    expected: Sequence[int | None],
    shares: Sequence[float | None],
) -> None:
    world = World().talk("visit", 1, minutes=60).change("int_tiers", "b", tier_rank=3)
    world.change("int_tiers", "b", tier_code="standard")
    warehouse = world.laid().build("resource_allocation")
    warehouse.lay_query(
        "customer_tiers", "select customer_id, tier_code from int_tiers"
    )
    kinds = dict.fromkeys(MONEY, "decimal(28, 4)") | dict.fromkeys(
        ("order_count_12m", "ticket_count_12m", "tenure_days"), "bigint"
    )
    warehouse.lay(
        "customer_value",
        {"customer_id": "varchar"} | kinds,
        [
            (name, 0, 0, 0, 0, 2, profit, profit, 0, 0, 0)
            for name, profit in zip("ab", profits, strict=True)
        ],
    )
    rows = warehouse.build("tier_summary").rows(
        "from {tier_summary} order by tier_rank"
    )
    known = [None if value is None else Decimal(value) for value in expected]
    assert [row["profit"] for row in rows] == known
    assert [row["profit_12m"] for row in rows] == known
    assert [row["share_of_profit_12m"] for row in rows] == shares
    assert [row["cost_to_serve_12m"] for row in rows] == [2, 0, 2]
    assert [row["actual_hours_12m"] for row in rows] == [1, 0, 0]
    assert [row["planned_hours"] for row in rows] == [10, 0, 10]
    assert [row["share_of_planned_hours"] for row in rows] == [0.5, 0, 0.5]
