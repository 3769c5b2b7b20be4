"""Who was joined by what, on the page of a release: the customers, their trees, the words."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.identity import clusters
from pipeline.identity.vetoes import vetoes
from pipeline.reports import build_report, joined, wording
from tests.models import seed_path
from tests.unit.reports.test_reports import (
    ORDINARY,
    Customer,
    Sample,
    section,
    write_release,
)

Row = Mapping[str, Any]


def link(
    customer: str,
    one: str,
    other: str,
    rule: str = "phone and name",
    sure: float = 0.99,
) -> Row:
    """A link between two records, each `source:key:name`."""
    ends = dict(zip(("left", "right"), (one.split(":"), other.split(":")), strict=True))
    return {
        "customer_id": customer,
        **{
            f"{side}_{what}": value
            for side, end in ends.items()
            for what, value in zip(("source", "customer_id", "name"), end, strict=True)
        },
        "match_rule": rule,
        "probability": sure,
    }


def refusal(
    customer: str, other: str, one: str, two: str, reason: str, stake: int = 0
) -> Row:
    """A pair of customers that was not joined."""
    row = dict(link(customer, one, two, "probability", 0.8))
    return row | {
        "other_customer_id": other,
        "reason": reason,
        "is_doubt": True,
        "record_pairs": 1,
        "revenue_at_stake": stake,
    }


def sample(links: Sequence[Row], candidates: Sequence[Row] = ()) -> Sample:
    return replace(
        ORDINARY,
        tables={"meta.identity_links": links, "meta.match_candidates": candidates},
    )


def page(folder: Path, what: Sample) -> str:
    path = build_report(write_release(folder, what))
    return path.with_name("quality.html").read_text(encoding="utf-8")


A_CHAIN = [
    link("a", "erp:1:Alpha & Sons", "crm:2:Alpha and Sons", sure=0.995),
    link("a", "crm:2:Alpha and Sons", "desk:3:Alfa Sons", "probability", 0.93),
]


def test_records_links_and_what_was_refused(tmp_path: Path) -> None:
    text = section(
        page(
            tmp_path,
            sample(
                A_CHAIN,
                [
                    refusal(
                        "b", "a", "crm:9:Alpha Sons 2", "desk:3:Alfa Sons",
                        "the numbers in their names differ",
                    )
                ],
            ),
        ),
        "joined",
    )  # fmt: skip
    assert "3 records" in text
    assert "600,000 USD in 12 months; least certain link 0.93" in text
    # From one end of the least certain link on, each record under the one it hangs on.
    assert re.search(
        r"crm 2 Alpha and Sons.*probability, 0.93 desk 3 Alfa Sons.*"
        r"phone and name, 0.995 erp 1 Alpha &amp; Sons",
        text,
    )
    assert re.search(
        r"desk 3 Alfa Sons ✕ not joined: the numbers in their names differ; "
        r"by probability, 0.8 crm 9 Alpha Sons 2 \(b\)",
        text,
    )


def test_no_section_where_nobody_has_two_records(tmp_path: Path) -> None:
    text = page(tmp_path, ORDINARY)
    assert 'aria-labelledby="joined"' not in text
    assert 'href="#joined"' not in text


def test_a_release_of_an_earlier_version_has_no_section(tmp_path: Path) -> None:
    old = replace(
        ORDINARY, statements="alter table meta.identity_links drop column left_name"
    )
    assert 'aria-labelledby="joined"' not in page(tmp_path, old)


def test_the_most_money_on_the_least_certain_link_comes_first(tmp_path: Path) -> None:
    """And without money the most records; a certain link of a large one is no risk."""
    many = [Customer(f"x{place}", customer_name=f"Name {place}") for place in range(3)]
    links = [
        link("a", "erp:1:A", "crm:2:A", sure=1.0),  # 600,000 and nothing at stake
        link("b", "erp:3:B", "crm:4:B", sure=0.95),  # 300,000 × 0.05
        link("c", "erp:5:C", "crm:6:C", sure=0.99),  # 334,567 × 0.01
        *(link("x1", f"erp:{place}:D", f"crm:{place}:D") for place in range(3)),
    ]
    text = section(
        page(
            tmp_path,
            replace(sample(links), customers=[*ORDINARY.customers, *many]),
        ),
        "joined",
    )
    found = re.findall(r"(Beta|Gamma|Alpha|Name 1)[^;]*?\d records?", text)
    assert found == ["Beta", "Gamma", "Name 1"]


def test_a_large_customer_is_cut_and_says_so(tmp_path: Path) -> None:
    star = [
        link("a", "erp:0:Hub", f"crm:{place}:Spoke", sure=0.99) for place in range(30)
    ]
    refused = [
        refusal("a", f"q{place}", "erp:0:Hub", f"desk:{place}:Other",
                "not sure enough to link")
        for place in range(7)
    ]  # fmt: skip
    text = section(page(tmp_path, sample(star, refused)), "joined")
    assert text.count("Spoke") == joined.MAX_RECORDS - 1
    assert text.count("not joined:") == joined.MAX_REFUSED
    assert "And 21 more records, and 4 more links that were not made: explain a" in text


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    text = page(tmp_path, sample([link("a", "erp:1:<script>", "crm:2:</figure><b>")]))
    assert text.count("<script>") == 1  # that of the tables
    assert "&lt;/figure&gt;" in text


def test_every_rule_and_every_reason_has_its_chinese() -> None:
    with seed_path("match_rules").open(newline="") as file:
        rules = {row["match_rule"] for row in csv.DictReader(file)}
    assert rules <= set(joined.RULES_ZH)
    reasons = {
        *(veto.reason for veto in vetoes({})),
        clusters.PERSON,
        clusters.UNIQUE,
        clusters.LARGE,
    }
    assert reasons < set(joined.REASONS_ZH)


@pytest.mark.parametrize(
    ("probability", "words"),
    [(1.0, "1"), (0.995, "0.995"), (0.93, "0.93"), (0.99999, ">0.9999"), (0.5, "0.5")],
)
def test_certainty(probability: float, words: str) -> None:
    assert wording.certainty(probability) == words
