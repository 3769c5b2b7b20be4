"""Sections of the pages that follow what a company's data has, and what is withheld."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.reports import build_report, diagrams, drawing, owners
from pipeline.reports.words import Language
from tests.unit.reports.test_reports import (
    ORDINARY,
    PAGES,
    Customer,
    Sample,
    action,
    section,
    words,
    write_release,
)

# What releases of earlier versions do not have.
YOUNG = (
    "marts.customer_verdicts", "marts.verdict_evidence", "marts.owner_weeks",
    "marts.customer_tier_history", "marts.tier_migration", "marts.cohort_retention",
    "marts.service_levels", "marts.resource_allocation", "marts.customer_groups",
    "marts.badly_served", "marts.next_best_offers", "marts.customer_actions",
    "marts.account_matrix", "meta.quality_checks", "meta.value_models",
    "meta.identity_links",
)  # fmt: skip


def page(
    folder: Path, sample: Sample, name: str = "index", language: Language = "en"
) -> str:
    """A page of a sample; made once a folder."""
    made = folder / "made"
    if not made.exists():
        made.symlink_to(build_report(write_release(folder, sample)).parent)
    within = made / ("zh" if language == "zh" else "")
    return (within / f"{name}.html").read_text(encoding="utf-8")


def verdict(customer: str, place: int, **values: Any) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "verdict": "slips",
        "verdict_name_en": "Slips",
        "verdict_name_zh": "正在流失",
        "at_stake": 1234,
        "at_stake_means_en": "revenue that stays away",
        "at_stake_means_zh": "流失收入",
        "recommendation_en": f"Call {customer}.",
        "recommendation_zh": f"联系 {customer}。",
        "reason_en": "It is silent <b>.",
        "reason_zh": "久未下单 <b>。",
        "against_en": None,
        "against_zh": None,
        "place": place,
        "owner": "Ann",
    } | values


def history(
    customer: str,
    tier: str,
    rank: int,
    since: dt.date,
    until: dt.date | None,
    **values: Any,
) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "tier_code": tier,
        "tier_rank": rank,
        "valid_from": since,
        "valid_to": until,
        "previous_tier_code": None,
        "change_kind": "new",
        "change_reason": "Because.",
        "change_reason_zh": "因为。",
    } | values


def test_an_older_release_has_all_its_pages(tmp_path: Path) -> None:
    old = replace(
        ORDINARY, statements="; ".join(f"drop table {each}" for each in YOUNG)
    )
    for name in PAGES:
        text = words(page(tmp_path, old, name))
        assert "Customer" in text or "customer" in text
    text = words(page(tmp_path, old))
    assert "This release has no history of tiers to compare with." in text
    assert "This release has no list of actions." in text
    assert "Whom to call first" not in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_whom_to_call_first(tmp_path: Path, language: Language) -> None:
    sample = replace(
        ORDINARY,
        tables={
            "marts.customer_verdicts": [
                verdict("b", 2, against_en="But it pays.", against_zh="但付款及时。"),
                verdict(
                    "a",
                    1,
                    at_stake=None,
                    at_stake_means_en=None,
                    at_stake_means_zh=None,
                ),
                verdict("c", 3, verdict="serve"),
            ]
        },
    )
    text = section(page(tmp_path, sample, language=language), "today")
    first, second = (
        ("Call a.", "Call b.") if language == "en" else ("联系 a。", "联系 b。")
    )
    assert text.index(first) < text.index(second)
    assert "1,234 USD" in text
    assert ("But it pays." if language == "en" else "但付款及时。") in text
    assert "&lt;b&gt;" in text
    # Whom nothing is asked for is no call.
    assert "Gamma" not in text


@pytest.mark.parametrize(
    ("language", "expected"), [("en", ["Sales", "Ann"]), ("zh", ["销售", "Ann"])]
)
def test_a_role_that_owns_customers_is_called_in_the_words_of_the_page(
    language: Language, expected: list[str], tmp_path: Path
) -> None:
    sample = replace(
        ORDINARY,
        tables={
            "marts.customer_verdicts": [
                verdict("a", 1, owner="Sales"),
                verdict("b", 2, owner="Ann"),
            ]
        },
        statements="create or replace table meta.service_policies as "
        "select 'Sales' as owner_role_en, '销售' as owner_role_zh",
    )
    text = section(page(tmp_path, sample, language=language), "today")
    mark = {"en": "Owner: ", "zh": "负责人："}[language]
    assert [part.split()[0] for part in text.split(mark)[1:]] == expected


def test_who_moved_and_why(tmp_path: Path) -> None:
    long_ago, lately = dt.date(2012, 6, 30), dt.date(2014, 1, 15)
    sample = replace(
        ORDINARY,
        tables={
            "marts.customer_tier_history": [
                history("a", "standard", 3, long_ago, lately),
                history(
                    "a", "key", 1, lately, None, change_kind="up",
                    previous_tier_code="standard", change_reason="Up <so>.",
                ),
                history("b", "growth", 2, long_ago, None),
                history("c", "standard", 3, long_ago, None),
            ]
        },
    )  # fmt: skip
    text = section(page(tmp_path, sample), "moves")
    assert "Since 2013-12-31, a month ago: 1 up, 0 down, 1 new." in text
    assert "Over a year, since 2013-01-31: 1 up, 0 down, 1 new." in text
    assert (
        "Alpha &amp; Sons company, Canada up Standard → Key 2014-01-15 600,000" in text
    )
    assert "Up &lt;so&gt;." in text


def test_losses_are_those_of_class_a(tmp_path: Path) -> None:
    sample = replace(
        ORDINARY,
        corrections="""
            update marts.customer_value set
                profit_12m = -500, cost_to_serve_12m = 90, abc_class_12m = 'A'
            where customer_id = 'b';
            update marts.customer_value set
                profit_12m = -70, cost_to_serve_12m = 90, abc_class_12m = 'C'
            where customer_id = 'c'
        """,
    )
    text = section(page(tmp_path, sample), "losses")
    assert "1 customer of class A lost −500 USD in the last 12 months" in text
    assert "2 customers altogether lost −570" in text
    assert "Beta company, Canada Growth 300,000 −9,000 90 −500" in text
    assert "Gamma" not in text


def test_losses_that_nobody_can_know_are_not_said_to_be_none(tmp_path: Path) -> None:
    text = section(page(tmp_path, ORDINARY), "losses")
    assert "Not known: profit needs" in text
    assert "whale" not in text
    assert "Not known: profit needs" in section(
        page(tmp_path, ORDINARY, "portfolio"), "whale"
    )


def test_what_a_model_cannot_tell_is_withheld(tmp_path: Path) -> None:
    def measured(origin: str, outcome: str) -> dict[str, Any]:
        return {
            "model": "value of company",
            "metric": "no_purchase auc",
            "subject": f"bg_bb {origin}",
            "outcome": outcome,
            "severity": "warning",
            "value": 0.5,
        }

    sample = replace(
        ORDINARY,
        # Of the origins of the past the newest counts.
        tables={
            "meta.quality_checks": [
                measured("2012-08-02", "ok"),
                measured("2013-01-31", "outside"),
            ]
        },
        corrections="update marts.customer_value set "
        "lifecycle_stage = 'at risk', no_purchase_probability_12m = 0.75",
    )
    text = section(page(tmp_path, sample), "risk")
    assert "Beta company, Canada Growth at risk 300,000 from nothing" in text
    assert "withheld nobody" in text
    # Of persons it is worth its bound.
    assert "75.0 %" in text
    assert text.count("75.0 %") == 1
    assert "The chance of no order is not shown for Companies" in text


def test_an_owner_has_a_page_of_its_own(tmp_path: Path) -> None:
    name = "Ann </title><b> / 王"
    sample = replace(
        ORDINARY,
        tables={"marts.customer_actions": [action(1, owner=name)]},
        corrections=f"update marts.customers set owner = '{name}' where customer_id <> 'c'",
    )
    listed = page(tmp_path, sample, "owners/index")
    file = owners.file_name(name)
    assert file.startswith("owner-Ann%20")
    assert "/" not in file
    assert "1 customer with 334,567 USD of revenue" in words(listed)
    text = page(tmp_path, sample, f"owners/{file.removesuffix('.html')}")
    assert "<b>" not in text.replace("<b></b>", "")
    assert "1 action due, 1 overdue." in words(text)
    assert "Beta company, Canada Growth" in words(text)
    assert "Gamma" not in text
    assert len(owners.file_name("王" * 400)) < 100


def test_a_person_whose_name_is_masked_has_its_key(tmp_path: Path) -> None:
    sample = replace(
        ORDINARY,
        tables={
            "marts.customer_source_keys": [
                {"customer_id": "c", "source": "erp", "source_customer_id": "AW00011"},
                {"customer_id": "a", "source": "erp", "source_customer_id": "AW1"},
            ]
        },
    )
    text = section(page(tmp_path, sample, "portfolio"), "top")
    assert "Gamma (c) person, Canada, erp AW00011" in text
    assert "AW1 " not in text


def test_answers_are_weighed_by_their_number(tmp_path: Path) -> None:
    def month(first: dt.date, answers: int, csat: float) -> dict[str, Any]:
        return {
            "month_start": first,
            "tier_code": "all",
            "tickets": 0,
            "csat_answers": answers,
            "csat": csat,
            "nps_answers": 0,
        }

    months = [
        month(dt.date(2014, 1, 1), 30, 0.9),
        month(dt.date(2013, 12, 1), 10, 0.5),
        month(dt.date(2013, 1, 1), 99, 0.1),  # more than twelve months ago
    ]
    levels = months + [one | {"tier_code": "key"} for one in months]
    sample = replace(ORDINARY, tickets=(), tables={"marts.service_levels": levels})
    # Reviews without a ticket are there all the same.
    text = section(page(tmp_path, sample, "service"), "voices")
    assert "Key 80.0 % 40 – 0" in text
    assert "2013-01 " not in text


def test_a_flow_holds_everybody_and_stays_in_its_frame() -> None:
    rows = [
        {
            "customer_type": "company", "from_tier": a, "from_rank": i, "to_tier": b,
            "to_rank": j, "customers": n,
        }
        for a, i, b, j, n in (
            ("key", 1, "key", 1, 1),
            ("key", 1, "standard", 3, 1),
            ("standard", 3, "key", 1, 2),
            ("standard", 3, "standard", 3, 1_999_996),
        )
    ]  # fmt: skip
    (flow,) = diagrams.flows(rows)
    for side in (flow.left, flow.right):
        assert sum(node.customers for node in side) == 2_000_000
        assert all(node.y >= 0 and node.y + node.height <= flow.height for node in side)
        lines = [node.label_y for node in side]
        assert all(b - a >= 14 for a, b in pairwise(lines))
    assert len(flow.ribbons) == 4


def test_names_of_accounts_do_not_cover_each_other() -> None:
    ground = drawing.cells(5, large=True)
    crowd = [
        (drawing.place(5 + n % 5 / 3, 5 + n // 5 / 4, large=True), f"Customer {n} Ltd")
        for n in range(30)
    ]
    found = diagrams.labels(crowd, ground.frame, diagrams.corners(ground), size=8.0)
    assert [label.number for label in found] == list(range(1, 31))
    named = [label for label in found if label.anchor]
    assert len(named) >= 20
    boxes = [
        diagrams.box(label.x, label.y, str(label.anchor), label.name, 8.0)
        for label in named
    ]
    for place, one in enumerate(boxes):
        assert not any(diagrams.meet(one, other) for other in boxes[place + 1 :])
        assert not any(diagrams.meet(one, each) for each in diagrams.corners(ground))


def test_a_whale_that_sinks_is_to_scale() -> None:
    drawn = diagrams.whale([(0.25, 100.0), (0.5, 300.0), (1.0, -300.0)])
    assert drawn.peak.y < drawn.zero < drawn.end.y
    assert drawn.zero - drawn.peak.y == pytest.approx(drawn.end.y - drawn.zero, abs=0.2)
    assert [tick for tick, _ in drawn.ticks] == sorted({t for t, _ in drawn.ticks})


def test_lists_are_cut_and_say_so(tmp_path: Path) -> None:
    many = [
        Customer(f"{n:03}", customer_name=f"N{n:03}", revenue_12m=1000 - n)
        for n in range(130)
    ]
    sample = Sample(
        customers=many,
        tables={
            "marts.customer_actions": [
                action(n + 1, customer_id=f"{n:03}", owner="Ann") for n in range(60)
            ]
        },
        corrections="update marts.customers set owner = 'Ann'",
    )
    text = words(page(tmp_path, sample, "owners/owner-Ann"))
    assert "40 of 60" in text
    assert "100 of 130" in text
    assert "N099" in text
    assert "N100" not in text
