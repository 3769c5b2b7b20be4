"""What a person reads after a refusal: what, where, how many, five of them, what to do."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.cli.rendering import refusals
from pipeline.common.home import Home
from pipeline.gates import advice, data_docs
from pipeline.journal import acceptances, attempts, evidence
from pipeline.journal.acceptances import Use
from pipeline.journal.attempts import Attempt
from pipeline.journal.evidence import Check, Evidence
from pipeline.release import candidates
from pipeline.release.layout import Candidate
from tests.conftest import invoke

OPTIONS = " --home 'a home'"
FAILED = Check(
    "out",
    "marts.order_lines",
    "margin_is_revenue_less_cost",
    "critical",
    "failed",
    expected="an identity, to the last decimal",
    demand="Unexpected rows query: select 1",
    failing_rows=1_204,
    examples=[{"order_id": f"SO{n}", "line_number": n} for n in range(5)],
)
DRIFTED = replace(
    FAILED,
    name="drift_rows_of_the_day",
    acceptable=True,
    demand="rows must be like those of other days.",
    failing_rows=1,
    rows=9,
)
CRASHED = replace(FAILED, name="crash", outcome="crashed", observed="boom", examples=())
QUARANTINED = replace(
    FAILED, gate="in.erp", subject="landing/erp/orders", name="quarantine_within_limit"
)
POLICY = replace(FAILED, gate="transform", subject="policy", name="policies_are_whole")
WARNED = replace(FAILED, name="w", severity="warning")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def refused(home: Home, *checks: Check, planned: int | None = None) -> Candidate:
    """An attempt whose one gate, that out, found this."""
    candidate = candidates.open_candidate(
        home,
        run_id="run",
        as_of_date=dt.date(2014, 1, 31),
        time_zone="UTC",
        reporting_currency="USD",
    )
    made = planned or len(checks)
    found = Evidence("out", candidate.refresh_id, made, checks)
    evidence.save(candidate.evidence_folder, found)
    data_docs.show(home, candidate, found)
    attempts.end(home, candidate.refresh_id, "refused", "gate out: no", exit_code=3)
    return candidate


def last(home: Home) -> Attempt:
    return attempts.history(home)[0]


def printed(
    found: advice.Refusal, *, terminal: bool = False, language: str = "en"
) -> str:
    stream = io.StringIO()
    refusals.refusal(found, console(stream, terminal=terminal), language)
    return stream.getvalue()


def console(stream: io.StringIO, *, terminal: bool = False) -> Console:
    return Console(
        file=stream,
        force_terminal=terminal,
        width=100,
        highlight=False,
        color_system=None,
    )


def test_a_refusal_says_everything(home: Home) -> None:
    candidate = refused(home, FAILED, DRIFTED, CRASHED, WARNED)
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    integrity, drift, crash = found.findings
    assert integrity.check == FAILED.id
    assert (integrity.failing_rows, len(integrity.examples)) == (1_204, 5)
    assert integrity.accept_command is None
    assert any("cannot be accepted" in step for step in integrity.next_steps)
    assert any(candidate.refresh_id in step for step in integrity.next_steps)
    until = acceptances.today() + dt.timedelta(days=7)
    assert drift.accept_command == (
        f"customer-tiers refresh{OPTIONS} --accept {DRIFTED.id} --reason '…' --until {until}"
    )
    assert (crash.acceptable, crash.accept_command) == (False, None)
    assert (found.unchanged, found.more, list(found.others)) == (None, 0, [])
    assert found.data_docs is not None
    assert all(Path(item.page or "").exists() for item in found.findings)
    json.dumps(asdict(found))


def test_a_refusal_in_chinese_leaves_nothing_in_english_but_names(home: Home) -> None:
    checks = [
        replace(
            check,
            expected="",
            expected_zh="恒等式，精确到最后一位小数",
            demand="",
            demand_zh="行数必须不小于 1。",
        )
        for check in (FAILED, DRIFTED, CRASHED, QUARANTINED, POLICY)
    ]
    refused(home, *checks, planned=len(checks) + 1)
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    text = printed(found, language="zh")
    assert "被关口拒绝，数据截止 2014-01-31" in text
    assert "失败  marts.order_lines:margin_is_revenue_less_cost  1,204 行" in text
    assert "9 行中的 1 行" in text
    assert "原因 恒等式，精确到最后一位小数" in text
    assert "处理 在源头修正 erp.orders，然后重新运行" in text
    assert "关口 out：计划检查 6 项，实际执行 5 项" in text
    # Commands, ids and paths stay; three English words in a row would be a sentence.
    left = re.sub(r"customer-tiers .*|\S*[_/.:]\S*", "", text)
    assert not re.findall(r"[A-Za-z]{2,} [A-Za-z]{2,} [A-Za-z]{2,}", left)
    # What has no Chinese stands there in English; JSON is the same in both languages.
    plain = replace(found.findings[0], why="an identity", why_zh="", demand_zh="")
    assert "原因 an identity" in printed(
        replace(found, findings=[plain]), language="zh"
    )
    assert "被" not in printed(found)


def test_the_command_that_is_offered_is_one_that_works(home: Home) -> None:
    """Typed as it stands, with a reason in its place."""
    import shlex

    refused(home, replace(DRIFTED, name="it's (a, b)"))
    found = advice.refusal(home, last(home), "")
    assert found is not None
    typed = shlex.split(found.findings[0].accept_command or "")
    given = dict(zip(typed[2::2], typed[3::2], strict=True))
    assert given["--accept"] == "marts.order_lines:it's (a, b)"
    wish = acceptances.wish([given["--accept"]], "the fair", given["--until"])
    assert wish is not None


@pytest.mark.parametrize("terminal", [False, True])
def test_the_block_that_is_printed(home: Home, terminal: bool) -> None:
    refused(home, FAILED, DRIFTED, replace(CRASHED, observed="[red]boom[/red] 'x'"))
    found = advice.refusal(home, last(home), "")
    assert found is not None
    text = printed(found, terminal=terminal)
    for part in (
        "r000001-20140131 was refused",
        "marts.order_lines:margin_is_revenue_less_cost",
        "1,204 rows",
        "1 of 9 rows",
        "SO4",
        "an identity, to the last decimal",
        "[red]boom[/red]",
        "Nothing changed.",
        "Data Docs",
        f"--accept {DRIFTED.id}",
    ):
        assert part in text
    assert "select 1" not in text


@pytest.mark.parametrize("terminal", [False, True])
def test_a_command_is_printed_on_one_line(home: Home, terminal: bool) -> None:
    """So that it can be copied as it stands."""
    long = replace(DRIFTED, name="drift_of_" + "x" * 120)
    refused(home, long)
    found = advice.refusal(home, last(home), "")
    assert found is not None
    command_line = found.findings[0].accept_command or ""
    assert command_line in printed(found, terminal=terminal)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (QUARANTINED, "quarantine list --source erp --entity orders"),
        (QUARANTINED, "Mend erp.orders where it comes from"),
        (POLICY, "Mend the named rows of the seeds"),
        (CRASHED, "It cannot be accepted"),
    ],
)
def test_what_to_do_depends_on_what_it_was(
    home: Home, check: Check, message: str
) -> None:
    refused(home, check)
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    assert any(message in step for step in found.findings[0].next_steps)


def test_causes_come_before_what_was_skipped_for_them(home: Home) -> None:
    skipped = [
        replace(CRASHED, name=f"s{n}", observed=evidence.NOT_MADE) for n in range(50)
    ]
    refused(home, *skipped, FAILED)
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    assert [item.name for item in found.findings] == [FAILED.name]
    assert found.more == 50
    assert "50 more did not pass" in printed(found, terminal=False)


def test_a_long_list_is_cut(home: Home) -> None:
    refused(home, *(replace(FAILED, name=f"n{n}") for n in range(30)))
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    assert (len(found.findings), found.more) == (10, 20)


def test_a_refusal_that_no_check_made_says_its_reason(home: Home) -> None:
    refused(home, replace(FAILED, outcome="passed"), planned=2)
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    assert list(found.others) == ["gate out: 2 checks were planned and 1 were made"]
    refused(home, replace(FAILED, outcome="passed"))
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    assert list(found.others) == ["gate out: no"]


def test_only_a_refusal_is_one(home: Home) -> None:
    candidate = refused(home, FAILED)
    for state in ("failed", "published", "running", "died", "built"):
        attempt = replace(last(home), state=state)
        assert advice.refusal(home, attempt, OPTIONS) is None
    # What cannot be read is no reason to say nothing.
    (candidate.evidence_folder / "out.json").write_text("{")
    found = advice.refusal(home, last(home), OPTIONS)
    assert found is not None
    assert (list(found.findings), list(found.others)) == ([], ["gate out: no"])


def test_the_last_outcomes_are_those_of_the_newest_evidence(home: Home) -> None:
    refused(home, CRASHED)
    refused(home, replace(CRASHED, outcome="failed"))
    attempts.begin(home, "r000003-20140131", "run", dt.date(2014, 1, 31))
    assert advice.last_seen(home, attempts.history(home)) == {CRASHED.id: "failed"}


def test_what_acceptances_did_is_reported(home: Home) -> None:
    word = evidence.Accepted(
        "anna", "2026-11-20T08:00:00+00:00", "[red] fair", "2026-11-30"
    )
    stream = io.StringIO()
    states = ("used", "unused", "void", "not made")
    refusals.uses(
        [Use(f"t:{state}", word, state) for state in states], OPTIONS, console(stream)
    )
    text = stream.getvalue()
    assert "accepted t:used, by anna until 2026-11-30: [red] fair" in text
    assert (
        "Withdraw it: customer-tiers acceptances --withdraw t:unused --home 'a home'\n"
        in text
    )
    assert text.count("Withdraw it") == 1
    assert "it counts as not passed" in text


def test_status_shows_the_last_refusal(home: Home) -> None:
    refused(home, FAILED, DRIFTED)
    said = invoke("status", "--home", home.root)
    assert said.returncode == 0, said.stderr
    assert "r000001-20140131 was refused" in said.stdout
    assert f"--accept {DRIFTED.id} --reason" in said.stdout
    assert str(home.root) in said.stdout
    found = json.loads(invoke("status", "--home", home.root, "--json").stdout)
    assert [item["check"] for item in found["refusal"]["findings"]] == [
        FAILED.id,
        DRIFTED.id,
    ]
    assert Path(found["refusal"]["data_docs"]).exists()


def test_status_shows_no_refusal_that_was_overcome(home: Home) -> None:
    refused(home, FAILED)
    attempts.begin(home, "r000002-20140131", "run", dt.date(2014, 1, 31))
    attempts.end(home, "r000002-20140131", "built")
    found = json.loads(invoke("status", "--home", home.root, "--json").stdout)
    assert found["refusal"] is None
