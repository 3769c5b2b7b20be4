"""Data Docs: pages that stand alone, hold every check, and let nothing of the data act."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gates import data_docs
from pipeline.gates.data_docs import Refresh
from pipeline.journal.evidence import Accepted, Check, Evidence

WORD = Accepted("anna", "2026-11-20T08:00:00+00:00", "the fair", "2026-11-30")
REFRESH = Refresh(
    "r000001-20140131", dt.date(2014, 1, 31), ["in.erp", "transform", "out"]
)
PASSED = Check(
    "out",
    "marts.t",
    "between(a)",
    "critical",
    "passed",
    expected="a share",
    demand="a must be at most 1.",
)
CHECKS = {
    "passed": PASSED,
    "failed": replace(PASSED, name="b", outcome="failed", failing_rows=3, rows=1234),
    "crashed": replace(PASSED, name="c", outcome="crashed", observed="no such table"),
    "warned": replace(PASSED, name="d", outcome="failed", severity="warning"),
    "acceptable": replace(PASSED, name="e", outcome="failed", acceptable=True),
    "accepted": replace(
        PASSED, name="f", outcome="failed", acceptable=True, accepted=WORD
    ),
    "landed": replace(PASSED, gate="in.erp", subject="landing/erp/orders"),
    "query": replace(
        PASSED,
        name="g",
        outcome="failed",
        demand="Unexpected rows query: select a from marts.t where a < 0",
        examples=[{"id": 7, "name": None}],
    ),
    "dbt": replace(PASSED, gate="transform", subject="customers", seconds=0.25),
}


VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """The tags that are open, what they refer to, and the words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.refers: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in {"href", "src", "action", "data", "srcset"}:
                self.refers.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"style", "title"}:
            self.words += f" {data}"


def site(folder: Path, *checks: Check, **changes: Any) -> dict[str, str]:
    """Every page of the checks, by its name."""
    found = {
        gate: Evidence(gate, REFRESH.refresh_id, len(items), items)
        for gate in REFRESH.gates
        if (items := [check for check in checks if check.gate == gate])
    }
    data_docs.build(folder, REFRESH, found, **changes)
    return {path.name: path.read_text() for path in folder.iterdir()}


def words(page: str) -> str:
    return " ".join(Page(page).words.split())


def test_every_check_stands_on_the_page_of_its_table(tmp_path: Path) -> None:
    pages = site(tmp_path, *CHECKS.values())
    english = {
        "index.html",
        "in.erp.landing.erp.orders.html",
        "transform.html",
        "out.marts.t.html",
    }
    chinese = {data_docs.page_in(name, "zh") for name in english}
    assert set(pages) == english | chinese
    for check in CHECKS.values():
        page = Page(pages[data_docs.page_of(check.gate, check.subject)])
        assert check.id in page.ids
    message = words(pages["out.marts.t.html"])
    for sentence in (
        "3 of 1,234 rows",
        "no such table",
        "It could not be evaluated, which is no pass.",
        "It keeps rows, keys or money whole and cannot be accepted.",
        "customer-tiers refresh --accept marts.t:e --reason '…' --until YYYY-MM-DD",
        "Accepted by anna until 2026-11-30: the fair",
        "The query that must find nothing select a from marts.t where a < 0",
        "id name 7 null",
    ):
        assert sentence in message
    assert "0.25 s" in words(pages["transform.html"])


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        (["passed", "landed", "dbt"], "All checks passed"),
        (["passed"], "Not all gates have looked"),
        (["passed", "landed", "dbt", "warned"], "Nothing stops it; 1 warning"),
        (
            ["passed", "landed", "dbt", "accepted"],
            "Nothing stops it; 0 warnings, 1 accepted",
        ),
        (["failed", "crashed", "warned", "accepted"], "Refused: 2 checks did not pass"),
        (["acceptable"], "Refused: 1 check did not pass"),
    ],
)
def test_the_index_says_how_it_ended(
    tmp_path: Path, checks: list[str], verdict: str
) -> None:
    index = site(tmp_path, *(CHECKS[name] for name in checks))["index.html"]
    assert verdict in words(index)


def test_a_gate_that_made_too_few_checks_is_no_pass(tmp_path: Path) -> None:
    found = {gate: Evidence(gate, "r", 2, [PASSED]) for gate in REFRESH.gates}
    index = data_docs.build(tmp_path, REFRESH, found)
    assert "Refused" in words(index.read_text())


def test_nothing_is_fetched_from_anywhere(tmp_path: Path) -> None:
    """Great Expectations' own pages hold 21 addresses of other hosts."""
    pages = site(tmp_path, *CHECKS.values())
    for name, text in pages.items():
        page = Page(text)
        assert not re.search(r"https?:|//[a-z]|url\(|@import", text), name
        assert not page.tags & {"script", "link", "img", "iframe", "object", "base"}
        assert "default-src 'none'" in text
        for target in page.refers:
            path, _, place = target.partition("#")
            assert path in pages
            if place:
                assert {
                    "marts.t%3A" + check.name
                    for check in CHECKS.values()
                    if check.outcome != "passed"
                } >= {place}


def test_a_page_is_in_the_language_of_its_name(tmp_path: Path) -> None:
    """What we say is Chinese there; names, and what has no Chinese, stay as they are."""
    reason = replace(
        CHECKS["failed"], expected_zh="是占比", demand_zh="marts.t.a 必须不大于 1。"
    )
    pages = site(tmp_path, CHECKS["landed"], CHECKS["dbt"], CHECKS["accepted"], reason)
    for name, text in pages.items():
        is_chinese = name.endswith(".zh.html")
        assert f'<html lang="{"zh-CN" if is_chinese else "en"}">' in text
    index, page = words(pages["index.zh.html"]), words(pages["out.marts.t.zh.html"])
    assert "被拒绝：1 项检查未通过" in index
    assert "marts.t: b 是占比 3" in index
    assert "出口关口：读者将看到的内容" in index
    assert "1,234 行中的 3 行" in page
    assert "marts.t.a 必须不大于 1。 是占比" in page
    assert "由 anna 接受，至 2026-11-30：the fair" in page
    # Of this one nobody has said it in Chinese.
    assert "a must be at most 1. a share" in page
    assert not re.search(
        r"\b(checks?|passed|failed|rows?|Observed|Refused)\b", index + page
    )


@given(st.text(max_size=40), st.sampled_from(["<script>x</script>", "' onload='x"]))
def test_nothing_of_the_data_becomes_markup(
    tmp_path_factory: pytest.TempPathFactory, text: str, attack: str
) -> None:
    hostile = (text + attack).replace("\r", "").replace("\0", "")
    check = Check(
        "out",
        hostile,
        hostile,
        "critical",
        "failed",
        hostile,
        hostile,
        1,
        [{hostile: hostile}],
        demand=hostile,
        acceptable=True,
        accepted=replace(WORD, reason=hostile, by=hostile),
    )
    folder = tmp_path_factory.mktemp("hostile")
    for page in site(folder, check, CHECKS["failed"]).values():
        assert "script" not in Page(page).tags


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    once = site(tmp_path / "a", *CHECKS.values())
    for gate in REFRESH.gates:
        again = site(tmp_path / "b", *CHECKS.values(), only=gate)
    assert again == once


def test_pages_of_a_release_are_made_from_its_record(tmp_path: Path) -> None:
    checks = [asdict(check) for check in (PASSED, CHECKS["accepted"])]
    record = {
        "refresh_id": REFRESH.refresh_id,
        "as_of_date": "2014-01-31",
        "gates": ["out"],
        "evidence": [
            {
                "gate": "out",
                "refresh_id": REFRESH.refresh_id,
                "planned": 2,
                "checks": checks,
                "warehouse_sha256": "0",
            }
        ],
    }
    index = data_docs.of_release(tmp_path, record)
    assert index == tmp_path / "reports" / "data_docs" / "index.html"
    assert "1 of 2 checks passed" in words(index.read_text())
