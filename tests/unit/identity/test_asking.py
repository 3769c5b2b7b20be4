"""What people decide: kept once, never against itself, and the same from a spreadsheet."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.identity import asking, decided
from tests.models import Warehouse
from tests.unit.identity.ground import Ground

TODAY = dt.date(2026, 11, 29)


def made(left: str, right: str, answer: str, by: str = "Ann") -> asking.Decision:
    return asking.Decision("crm", left, "erp", right, answer, by, "2026-11-29", "seen")


def row(left: str, right: str, name: str = "Bike Store") -> asking.Row:
    return {
        "left_source": "crm",
        "left_customer_id": left,
        "left_name": name,
        "right_source": "erp",
        "right_customer_id": right,
        "right_name": None,
        "revenue_at_stake": 12.5,
    }


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        pytest.param(
            [made("1", "2", "same"), made("1", "2", "different", "Bob")],
            ["crm 1 and erp 2 are different (Bob", "crm 1 and erp 2 are same (Ann"],
            id="one pair",
        ),
        pytest.param(
            [
                made("1", "2", "same"),
                replace(made("1", "2", "different"), left_source="erp",
                        left_customer_id="2", right_source="crm",
                        right_customer_id="1"),
            ],
            ["erp 2 and crm 1 are different", "crm 1 and erp 2 are same"],
            id="the other way round",
        ),
        pytest.param(
            [
                made("1", "2", "same"), made("3", "2", "same"), made("3", "4", "same"),
                made("1", "4", "different"),
            ],
            ["crm 1 and erp 4 are different", "crm 1 and erp 2 are same",
             "crm 3 and erp 2 are same", "crm 3 and erp 4 are same"],
            id="through others",
        ),
    ],
)  # fmt: skip
def test_decisions_that_contradict_are_refused_with_their_rows(
    rows: list[asking.Decision], named: list[str]
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        asking.added([], rows)
    for words in named:
        assert words in str(refused.value)


def test_a_refresh_refuses_them_too() -> None:
    ground = Ground()
    ground.decide(("crm", "1"), ("erp", "2"), "same")
    ground.decide(("erp", "2"), ("crm", "1"), "different")
    with pytest.raises(ConfigurationError, match="match_decisions contradicts itself"):
        ground.refresh([{"source": "crm", "source_customer_id": "1"}])


def test_what_agrees_is_no_contradiction() -> None:
    rows = [made("1", "2", "same"), made("3", "2", "different"), made("1", "2", "same")]
    assert decided.contradictions([(*_first(each),) for each in rows]) == []
    assert asking.added(rows[:1], rows) == rows[:2]


def _first(each: asking.Decision) -> list[str]:
    return [getattr(each, name) for name in asking.COLUMNS[:7]]


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_spreadsheet_comes_back(tmp_path: Path, ending: str) -> None:
    """Filled in here and there; a name that looks like a formula stays a name."""
    path = tmp_path / f"pairs.{ending}"
    asked = [row("1", "2", "=1+1"), row("007", "3"), row("5", "6")]
    asking.to_spreadsheet(path, asked)
    fill(path, {1: ("Different ", "two doors"), 2: ("same", "")})
    assert asking.from_spreadsheet(path, "Ann", TODAY) == [
        replace(made("007", "3", "different"), reason="two doors"),
        replace(made("5", "6", "same"), reason="reviewed"),
    ]


def fill(path: Path, answers: dict[int, tuple[str, str]]) -> None:
    """Fills rows of a list in, as a spreadsheet program does."""
    if path.suffix == ".csv":
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
        for place, answer in answers.items():
            lines[place + 1][:2] = answer
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(lines)
        return
    from openpyxl import load_workbook

    book = load_workbook(path)
    assert book.active.cell(2, 5).data_type == "s"
    for place, answer in answers.items():
        for column, word in enumerate(answer, start=1):
            book.active.cell(place + 2, column).value = word
    book.save(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("decision,reason\nsame,\n", "lacks the column left_source"),
        (
            "decision,reason,left_source,left_customer_id,right_source,"
            "right_customer_id\nmaybe,,crm,1,erp,2\n",
            "crm 1 and erp 2 is 'maybe'; it must be same or different",
        ),
    ],
)
def test_a_list_that_makes_no_sense(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        asking.from_spreadsheet(path, "Ann", TODAY)


def test_somebody_must_have_decided() -> None:
    with pytest.raises(ConfigurationError, match="--by NAME"):
        asking.decision(row("1", "2"), "same", " ", "", TODAY)


def test_decisions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "seeds" / "match_decisions.csv"
    rows = [
        made("1", "2", "same"),
        replace(made("3", "4", "different"), reason='a, "b"'),
    ]
    assert asking.read(path) == []
    asking.write(path, rows)
    assert asking.read(path) == rows


LINKS = {
    "left_no": "bigint", "right_no": "bigint", "match_rule": "varchar",
    "rule_order": "integer", "confidence": "double", "verdict": "varchar",
    "reason": "varchar", "guard": "varchar", "is_doubt": "boolean",
    "evidence_for": "varchar", "evidence_against": "varchar",
}  # fmt: skip


def listed(links: list[tuple[Any, ...]], keys: list[str]) -> list[dict[str, Any]]:
    """The candidates of records 1, 2 ... of these customers, who buy for their number."""
    records = range(1, len(keys) + 1)
    warehouse = (
        Warehouse()
        .lay("core_customer_links", LINKS, links)
        .lay(
            "core_customer_keys",
            {"record_no": "bigint", "customer_id": "varchar"},
            list(zip(records, keys, strict=True)),
        )
        .lay(
            "core_customer_records",
            {
                "record_no": "bigint", "source": "varchar",
                "source_customer_id": "varchar", "customer_type": "varchar",
                "customer_name": "varchar", "city": "varchar",
            },
            [(no, "crm", str(no), "company", f"Store {no}", None) for no in records],
        )
        .lay(
            "core_customers",
            {"customer_id": "varchar", "customer_no": "bigint"},
            [(key, no) for no, key in enumerate(sorted(set(keys)), start=1)],
        )
        .lay(
            "core_customer_days",
            {"customer_no": "bigint", "order_date": "date", "revenue": "decimal(28, 4)"},
            [(no, day, 100 * no) for no in range(1, 9) for day in ("2025-06-01",
                                                                  "2020-06-01")],
        )
        .lay_query("core_refresh", "select date '2025-12-31' as as_of_date")
    )  # fmt: skip
    return warehouse.build("match_candidates").rows("select * from {match_candidates}")


def asks(left: int, right: int, confidence: float, **rest: Any) -> tuple[Any, ...]:
    found = {
        "left_no": left, "right_no": right, "match_rule": "probability",
        "rule_order": 1000, "confidence": confidence, "verdict": "review",
        "reason": "not sure enough to link", "is_doubt": True, **rest,
    }  # fmt: skip
    return tuple(found.get(name) for name in LINKS)


def test_a_row_is_a_pair_of_customers() -> None:
    """Four pairs of records, one decision; the strongest speaks, the dearest is first."""
    rows = listed(
        [asks(1, 3, 0.6), asks(1, 4, 0.8), asks(2, 3, 0.5), asks(2, 5, 0.9)],
        ["A", "A", "B", "B", "C"],
    )
    assert [
        (r["customer_id"], r["other_customer_id"], r["record_pairs"], r["probability"],
         int(r["revenue_at_stake"]))
        for r in rows
    ] == [("A", "C", 1, 0.9, 400), ("A", "B", 3, 0.8, 300)]  # fmt: skip


def test_a_veto_speaks_for_the_whole_pair() -> None:
    (found,) = listed(
        [
            asks(1, 2, 0.9),
            asks(1, 3, 0.5, guard="births", reason="births", is_doubt=False),
        ],
        ["A", "B", "B"],
    )
    assert (found["guard"], found["is_doubt"]) == ("births", False)


def test_a_decision_is_never_needed_twice() -> None:
    """Different once, through whichever records, and the pair is not listed again."""
    assert (
        listed(
            [
                asks(1, 2, 1.0, verdict="different", rule_order=0, is_doubt=False),
                asks(1, 3, 0.9),
            ],
            ["A", "B", "B"],
        )
        == []
    )
