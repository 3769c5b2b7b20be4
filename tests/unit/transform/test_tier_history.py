"""Overrides, spells, restatements and flap rates on small worlds that can be read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from tests.models import Warehouse

MOMENTS = [
    (1, dt.date(2021, 1, 31), True),
    (2, dt.date(2021, 2, 28), True),
    (3, dt.date(2021, 3, 31), True),
    (4, dt.date(2021, 4, 12), False),
]
RANKS = {"key": 1, "growth": 2, "standard": 3, "prospect": 4}
EARNED = {
    "customer_id": "varchar",
    "customer_type": "varchar",
    "moment_no": "integer",
    "policy_id": "varchar",
    "is_published": "boolean",
    "value_score": "decimal(12, 6)",
    "potential_score": "decimal(12, 6)",
    "total_score": "decimal(12, 6)",
    "value_coverage": "double",
    "potential_coverage": "double",
    "score_coverage": "double",
    "rule_order": "integer",
    "earned_tier_code": "varchar",
    "earned_rank": "integer",
    "tier_code": "varchar",
    "tier_rank": "integer",
}
OVERRIDES = {
    "source": "varchar",
    "source_customer_id": "varchar",
    "tier_code": "varchar",
    "reason": "varchar",
    "author": "varchar",
    "valid_from": "date",
    "expires_on": "date",
}


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"2021-{text}")


def world(
    codes: Sequence[str], overrides: Sequence[tuple[str, str, str]] = ()
) -> Warehouse:
    """One customer with these tiers by the rules, and overrides (tier, from, expiry)."""
    warehouse = Warehouse().seed("policies", "tiers", "tier_rules")
    warehouse.lay(
        "core_moments",
        {
            "moment_no": "integer",
            "as_of_date": "date",
            "is_month_end": "boolean",
            "is_present": "boolean",
        },
        [(*moment, moment[0] == len(codes)) for moment in MOMENTS[: len(codes)]],
    )
    warehouse.lay(
        "int_earned_tiers",
        EARNED,
        [
            (
                "c", "person", number, "base-2010", True, 5, 5, 5, 1, 1, 1,
                RANKS[code] % 4 + 1, code, RANKS[code], code, RANKS[code],
            )
            for number, code in enumerate(codes, 1)
        ],
    )  # fmt: skip
    warehouse.lay(
        "int_tier_facts",
        {
            "customer_id": "varchar",
            "moment_no": "integer",
            "has_purchased": "boolean",
            "lifecycle_stage": "varchar",
            "first_order_date": "date",
        },
        [("c", n, True, "active", day("01-05")) for n in range(1, len(codes) + 1)],
    )
    warehouse.lay(
        "core_customer_source_keys",
        {
            "source": "varchar",
            "source_customer_id": "varchar",
            "customer_id": "varchar",
        },
        [("erp", "7", "c")],
    )
    warehouse.lay(
        "core_customers",
        {"customer_id": "varchar", "acquired_on": "date"},
        [("c", None)],
    )
    warehouse.lay(
        "tier_overrides",
        OVERRIDES,
        [
            ("erp", "7", code, "they asked", "Ann", day(begin), day(end))
            for code, begin, end in overrides
        ],
    )
    return warehouse.build("int_tiers", "int_tier_spells")


def spells(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return [
        (row["tier_code"], row["valid_from"], row["valid_to"], row["change_kind"])
        for row in warehouse.rows("from {int_tier_spells} order by valid_from")
    ]


def test_an_override_begins_and_ends_on_its_own_days() -> None:
    found = spells(world(["standard"] * 4, [("key", "02-10", "03-15")]))
    assert found == [
        ("standard", day("01-05"), day("02-10"), "new"),
        ("key", day("02-10"), day("03-15"), "override"),
        ("standard", day("03-15"), None, "override ended"),
    ]


def test_an_override_counts_downwards_too() -> None:
    warehouse = world(["key"] * 3, [("prospect", "03-01", "05-01")])
    assert spells(warehouse)[-1] == ("prospect", day("03-01"), None, "override")
    (now,) = warehouse.rows("from {int_tiers} where is_present")
    assert (now["tier_code"], now["held_tier_code"]) == ("prospect", "key")
    assert (now["override_author"], now["override_reason"]) == ("Ann", "they asked")


def test_the_present_day_does_not_move_the_beginning() -> None:
    """A spell that began between month ends begins on the same day in every refresh."""
    found = spells(world(["standard"] * 4, [("growth", "04-05", "06-01")]))
    assert found[-1] == ("growth", day("04-05"), None, "override")


def test_an_override_that_lasts_no_moment_changes_nothing() -> None:
    found = spells(world(["standard"] * 3, [("key", "02-10", "02-20")]))
    assert found == [("standard", day("01-05"), None, "new")]


def test_the_later_of_two_overrides_counts_and_the_earlier_returns() -> None:
    found = spells(
        world(
            ["standard"] * 4,
            [("key", "01-20", "06-01"), ("prospect", "02-10", "03-05")],
        )
    )
    # When the later one ends the earlier one counts again, from the moment that found it.
    assert found == [
        ("key", day("01-05"), day("02-10"), "new"),
        ("prospect", day("02-10"), day("03-31"), "override"),
        ("key", day("03-31"), None, "override"),
    ]


def test_overrides_that_cannot_be_used_are_told() -> None:
    warehouse = Warehouse().seed("tiers")
    warehouse.lay("core_policy", {"policy_id": "varchar"}, [("base-2010",)])
    warehouse.lay(
        "core_customer_source_keys",
        {
            "source": "varchar",
            "source_customer_id": "varchar",
            "customer_id": "varchar",
        },
        [("erp", "7", "c")],
    )
    good = ("erp", "7", "key", "r", "Ann", day("01-01"), day("02-01"))
    warehouse.lay(
        "tier_overrides",
        OVERRIDES,
        [
            good,
            ("erp", "7", "gold", "r", "Ann", day("01-01"), day("02-01")),
            ("erp", "8", "key", "r", "Ann", day("01-01"), day("02-01")),
            ("erp", "7", "key", "r", "Ann", day("02-01"), day("02-01")),
        ],
    )
    assert sorted(
        row["problem"] for row in warehouse.found_by("overrides_can_be_used")
    ) == [
        "it expires before it begins",
        "the policy in force has no such tier",
        "there is no such customer",
    ]


def restated(
    published: Sequence[tuple[Any, ...]],
    replayed: Sequence[tuple[Any, ...]],
    *,
    log: Sequence[tuple[str, str, str]] = (),
    prints: tuple[str, str] = ("same", "same"),
    forecasters: tuple[str, str] = ("bg_nbd", "bg_nbd"),
) -> list[tuple[Any, ...]]:
    """What is said anew.

    Args:
        published: customer, valid_from, valid_to, tier, policy, is_override; published as
            of 2021-03-10.
        replayed: customer, as-of day, tier, policy, is_override.
        log: refresh, customer, earlier customer of identity_log.
        prints: The policy's print as published and now.
        forecasters: Who forecast at each month end as published and now.
    """
    warehouse = Warehouse()
    earlier = {
        "refresh_id": "varchar", "as_of_date": "date", "customer_id": "varchar",
        "first_month": "date", "last_month": "date", "months": "bigint",
        "published_tier_code": "varchar", "restated_tier_code": "varchar",
        "cause": "varchar",
    }  # fmt: skip
    spell = {
        "customer_id": "varchar", "valid_from": "date", "valid_to": "date",
        "tier_code": "varchar", "policy_id": "varchar", "is_override": "boolean",
        "as_of_date": "date",
    }  # fmt: skip
    of_policy = {"policy_id": "varchar", "policy_print": "varchar"}
    for name, columns, rows in (
        ("tier_restatements", earlier, []),
        ("published_tiers", spell, [(*row, day("03-10")) for row in published]),
        ("policy_prints", of_policy, [("p", prints[0])]),
    ):
        warehouse.lay(f"refresh__{name}", columns, rows)
    warehouse.lay("policy_prints", of_policy, [("p", prints[1])])
    of_forecast = {
        "customer_type": "varchar", "as_of_date": "date", "value_model": "varchar",
    }  # fmt: skip
    warehouse.lay(
        "refresh__published_forecasters",
        of_forecast,
        [("person", month, forecasters[0]) for month in (JANUARY, FEBRUARY)],
    )
    warehouse.lay(
        "customer_value_history",
        {"customer_id": "varchar", **of_forecast},
        [
            (customer, "person", month, forecasters[1])
            for customer, month, *_ in replayed
        ],
    )
    warehouse.lay(
        "core_refresh", {"refresh_id": "varchar", "as_of_date": "date"},
        [("r2", day("04-12"))],
    )  # fmt: skip
    warehouse.lay(
        "identity_log",
        {
            "refresh_id": "varchar",
            "customer_id": "varchar",
            "earlier_customer_id": "varchar",
        },
        log,
    )
    warehouse.lay(
        "int_tiers",
        {
            "customer_id": "varchar",
            "as_of_date": "date",
            "tier_code": "varchar",
            "policy_id": "varchar",
            "is_override": "boolean",
            "is_month_end": "boolean",
        },
        [(*row, True) for row in replayed],
    )
    warehouse.build("tier_restatements")
    return [
        tuple(row.values())[2:]
        for row in warehouse.rows(
            "from {tier_restatements} order by customer_id, first_month"
        )
    ]


JANUARY, FEBRUARY, MARCH = day("01-31"), day("02-28"), day("03-31")
WAS_STANDARD = [("c", day("01-05"), None, "standard", "p", False)]


def test_what_was_published_and_still_holds_is_not_restated() -> None:
    same = [("c", month, "standard", "p", False) for month in (JANUARY, FEBRUARY)]
    # March was not published as of the tenth, so another tier there is news, not a
    # correction.
    assert restated(WAS_STANDARD, [*same, ("c", MARCH, "key", "p", False)]) == []


def test_months_of_one_correction_are_one_line() -> None:
    changed = [("c", month, "growth", "p", False) for month in (JANUARY, FEBRUARY)]
    assert restated(WAS_STANDARD, changed) == [
        ("c", JANUARY, FEBRUARY, 2, "standard", "growth", "late data")
    ]


@pytest.mark.parametrize(
    ("replayed", "options", "cause"),
    [
        (("key", "p", False), {}, "late data"),
        (("key", "p", True), {}, "override"),
        (("key", "q", False), {}, "policy"),
        (("key", "p", False), {"forecasters": ("bg_nbd", "bg_bb")}, "forecaster"),
        (("key", "p", True), {"forecasters": ("bg_nbd", "bg_bb")}, "override"),
        (("key", "p", False), {"prints": ("before", "after")}, "policy"),
        (("key", "p", False), {"log": [("r2", "c", "d")]}, "identity"),
        (("key", "p", False), {"log": [("r2", "d", "c")]}, "identity"),
        # A merge of an earlier refresh was told then.
        (("key", "p", False), {"log": [("r1", "c", "d")]}, "late data"),
    ],
)
def test_a_correction_names_its_cause(
    replayed: tuple[str, str, bool], options: dict[str, Any], cause: str
) -> None:
    found = restated(WAS_STANDARD, [("c", JANUARY, *replayed)], **options)
    assert found == [("c", JANUARY, JANUARY, 1, "standard", "key", cause)]


def test_flap_rates_of_a_sequence_that_can_be_counted_by_hand() -> None:
    earned = [3, 2, 3, 3, 1, 1, 1, 1, 2, 1]  # changes at 2, 3, 5, 9, 10
    held = [3, 3, 3, 3, 3, 1, 1, 1, 1, 1]  # one, not taken back
    warehouse = Warehouse().lay(
        "int_tiers",
        {
            "customer_id": "varchar",
            "customer_type": "varchar",
            "moment_no": "integer",
            "earned_rank": "integer",
            "held_rank": "integer",
            "policy_id": "varchar",
            "has_purchased": "boolean",
            "is_month_end": "boolean",
        },
        [
            ("c", "person", number, one, other, "p", True, True)
            for number, (one, other) in enumerate(zip(earned, held, strict=True), 1)
        ],
    )
    warehouse.build("int_tier_stability")
    found = {
        row["kind"]: (row["customer_months"], row["changes"], row["taken_back"])
        for row in warehouse.rows("from {int_tier_stability}")
    }
    # Taken back within three months: 2 (by 3), 3 (2 does not return) no, 5 (3 does not
    # return) no, 9 (by 10).
    assert found == {"earned": (9, 5, 2), "held": (9, 1, 0)}
