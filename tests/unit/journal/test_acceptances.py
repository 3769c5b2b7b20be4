"""What a person may accept, how long it holds, and what it does to a check."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import write_json
from pipeline.common.home import Home
from pipeline.gates import advice
from pipeline.journal import acceptances, evidence
from pipeline.journal.acceptances import Acceptance, Wish
from pipeline.journal.evidence import Accepted, Check, Declared, Evidence
from tests.conftest import environment, invoke

DRIFT = "marts.order_lines:drift_rows_of_the_day"
GRAIN = "marts.order_lines:compound_columns_to_be_unique(order_id, line_number)"
WARNED = "landing/crm/leads:column_values_to_be_unique(lead_number)"
TEST = "customers:not_null_customers_customer_id"
DECLARED = {
    DRIFT: Declared("critical", acceptable=True),
    GRAIN: Declared("critical"),
    WARNED: Declared("warning"),
    TEST: Declared("critical"),
}
TODAY = acceptances.today()
WEEK = TODAY + dt.timedelta(days=7)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home.open(tmp_path / "home")


def wished(*checks: str, until: dt.date = WEEK, reason: str = "the fair") -> Wish:
    found = acceptances.wish(checks, reason, until.isoformat())
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("checks", "reason", "until", "message"),
    [
        ([DRIFT], None, WEEK.isoformat(), "needs --reason"),
        ([DRIFT], " \n ", WEEK.isoformat(), "needs --reason"),
        ([DRIFT], "the fair", None, "needs --until"),
        ([DRIFT], "the fair", "soon", "give a day such as"),
        ([DRIFT], "the fair", "2026-13-01", "give a day such as"),
        ([DRIFT], "the fair", str(TODAY - dt.timedelta(days=1)), "is past"),
        ([DRIFT], "the fair", str(TODAY + dt.timedelta(days=91)), "90 days ahead"),
        ([DRIFT], "x" * 501, WEEK.isoformat(), "501 characters"),
        ([], "the fair", None, "belong to --accept"),
        ([], None, WEEK.isoformat(), "belong to --accept"),
    ],
)
def test_what_cannot_be_meant_is_said(
    checks: list[str], reason: str | None, until: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        acceptances.wish(checks, reason, until)


def test_nothing_asked_is_nothing_wished() -> None:
    assert acceptances.wish([], None, None) is None


@pytest.mark.parametrize("days", [0, 90])
def test_the_first_and_the_last_day_that_can_be(days: int) -> None:
    until = TODAY + dt.timedelta(days=days)
    assert wished(DRIFT, until=until).until == until.isoformat()


def test_a_reason_is_one_line_and_a_check_is_named_once() -> None:
    found = wished(DRIFT, WARNED, DRIFT, reason="  the\nfair ")
    assert (found.checks, found.reason) == ([DRIFT, WARNED], "the fair")


@pytest.mark.parametrize(
    ("check", "last", "message"),
    [
        ("marts.order_lines:drift_rows_of_a_day", {}, f"Did you mean {DRIFT}"),
        ("nothing", {}, "there is no such check"),
        (GRAIN, {}, "cannot be accepted"),
        (TEST, {GRAIN: "failed"}, "cannot be accepted"),
        (DRIFT, {DRIFT: "crashed"}, "crashed when it was last made"),
        (WARNED, {WARNED: "crashed"}, "crashed when it was last made"),
    ],
)
def test_what_cannot_be_accepted_leaves_nothing_behind(
    home: Home, check: str, last: dict[str, str], message: str
) -> None:
    """Not even the others that were named beside it."""
    other = WARNED if check == DRIFT else DRIFT
    with pytest.raises(ConfigurationError, match=message) as raised:
        acceptances.accept(home, wished(other, check), DECLARED, last)
    assert raised.value.exit_code == 2
    assert acceptances.journal(home) == []


def test_who_why_and_until_when_are_on_the_record(home: Home) -> None:
    acceptances.accept(home, wished(DRIFT, WARNED), DECLARED, {DRIFT: "failed"})
    drift, warned = acceptances.journal(home)
    assert (drift.check, warned.check) == (DRIFT, WARNED)
    assert (drift.reason, drift.until) == ("the fair", WEEK.isoformat())
    assert drift.by == acceptances.user() != ""
    assert dt.datetime.fromisoformat(drift.at).tzinfo is not None
    assert set(acceptances.held(home)) == {DRIFT, WARNED}
    assert acceptances.file(home).stat().st_mode & 0o077 == 0


def test_a_new_word_replaces_the_old_one(home: Home) -> None:
    acceptances.accept(home, wished(DRIFT), DECLARED, {})
    acceptances.accept(home, wished(DRIFT, reason="the second fair"), DECLARED, {})
    first, second = acceptances.journal(home)
    assert first.withdrawn_at is not None
    assert acceptances.held(home)[DRIFT].reason == second.reason == "the second fair"


def test_withdrawing(home: Home) -> None:
    acceptances.accept(home, wished(DRIFT, WARNED), DECLARED, {})
    taken = acceptances.withdraw(home, DRIFT)
    assert taken.withdrawn_by == acceptances.user()
    assert set(acceptances.held(home)) == {WARNED}
    assert len(acceptances.journal(home)) == 2
    with pytest.raises(ConfigurationError, match=re.escape(f"There are: {WARNED}")):
        acceptances.withdraw(home, DRIFT)


@given(
    until=st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)),
    day=st.dates(dt.date(2026, 1, 1), dt.date(2027, 1, 1)),
)
def test_it_holds_until_its_day_is_over(until: dt.date, day: dt.date) -> None:
    item = Acceptance(DRIFT, "anna", "2026-01-01T00:00:00+00:00", "x", str(until))
    assert item.holds(day) == (day <= until)
    assert not replace(item, withdrawn_at="2026-01-01T00:00:00+00:00").holds(day)


def test_what_is_over_does_not_hold(home: Home) -> None:
    yesterday = TODAY - dt.timedelta(days=1)
    entries = [
        Acceptance(DRIFT, "anna", "2026-01-01T00:00:00+00:00", "x", str(yesterday)),
        Acceptance(WARNED, "anna", "2026-01-01T00:00:00+00:00", "x", str(TODAY)),
    ]
    write_json(acceptances.file(home), [asdict(item) for item in entries])
    assert set(acceptances.held(home)) == {WARNED}


@pytest.mark.parametrize("damage", ['[{"check"', '{"a": 1}', '[{"check": "x"}]', "7"])
def test_of_a_damaged_journal_nothing_holds_and_nothing_is_overwritten(
    home: Home, damage: str
) -> None:
    acceptances.file(home).write_text(damage)
    assert acceptances.held(home) == {}
    with pytest.raises(ConfigurationError, match="is damaged"):
        acceptances.accept(home, wished(DRIFT), DECLARED, {})
    assert acceptances.file(home).read_text() == damage
    status = invoke("status", "--home", home.root)
    assert status.returncode == 0, status.stderr
    listed = invoke("acceptances", "--home", home.root)
    assert listed.returncode == 2
    assert "is damaged" in listed.stderr


def test_two_that_write_at_once_lose_nothing(home: Home) -> None:
    script = """
        import sys
        from pathlib import Path
        from pipeline.journal import acceptances
        from pipeline.journal.evidence import Declared
        from pipeline.common.home import Home
        home, name, until = Home(Path(sys.argv[1])), sys.argv[2], sys.argv[3]
        for number in range(10):
            check = f"marts.t:{name}_{number}"
            wish = acceptances.wish([check], "the fair", until)
            acceptances.accept(home, wish, {check: Declared("warning")}, {})
    """
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                textwrap.dedent(script),
                str(home.root),
                name,
                WEEK.isoformat(),
            ],
            env=environment(),
        )
        for name in ("left", "right")
    ]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert len(acceptances.held(home)) == 20


def checked(check: str, **changes: object) -> Check:
    subject, name = check.rsplit(":", 1)
    declared = DECLARED[check]
    plain = Check(
        "out",
        subject,
        name,
        declared.severity,
        "failed",
        acceptable=declared.acceptable,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


WORD = Accepted("anna", "2026-11-20T08:00:00+00:00", "the fair", WEEK.isoformat())


@pytest.mark.parametrize(
    ("check", "outcome", "accepted", "blocks"),
    [
        (DRIFT, "failed", True, False),
        (DRIFT, "passed", False, False),
        (DRIFT, "crashed", False, True),
        (WARNED, "failed", True, False),
        (WARNED, "crashed", False, False),
        (GRAIN, "failed", False, True),
        (GRAIN, "crashed", False, True),
        (TEST, "failed", False, True),
    ],
)
def test_what_an_acceptance_does(
    check: str, outcome: str, accepted: bool, blocks: bool
) -> None:
    (found,) = evidence.with_acceptances(
        [checked(check, outcome=outcome)], dict.fromkeys(DECLARED, WORD)
    )
    assert found.outcome == outcome
    assert (found.is_accepted, found.accepted is not None) == (accepted, accepted)
    assert found.blocks == blocks
    # The same where the word was written into the evidence by hand.
    assert checked(check, outcome=outcome, accepted=WORD).blocks == blocks


def test_an_accepted_check_says_by_whom_and_until_when() -> None:
    (found,) = evidence.with_acceptances([checked(DRIFT)], {DRIFT: WORD})
    assert found.sentence().endswith(f"failed; accepted by anna until {WEEK}")


def test_what_the_acceptances_did() -> None:
    checks = evidence.with_acceptances(
        [checked(DRIFT), checked(WARNED, outcome="passed"), checked(GRAIN)],
        {DRIFT: WORD, WARNED: WORD, GRAIN: WORD, TEST: WORD},
    )
    found = {"out": Evidence("out", "r000001-20140131", 3, checks)}
    uses = acceptances.uses(dict.fromkeys(DECLARED, WORD), found)
    assert {use.check: use.state for use in uses} == {
        DRIFT: "used",
        WARNED: "unused",
        GRAIN: "void",
        TEST: "not made",
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--accept", DRIFT, "--until", str(WEEK)], "--reason"),
        (["--accept", DRIFT, "--reason", "x"], "--until"),
        (["--accept", DRIFT, "--reason", "x", "--until", "2020-01-01"], "is past"),
        (["--accept", DRIFT, "--reason", "x", "--until", "2099-01-01"], "90 days"),
        (["--reason", "x"], "belong to --accept"),
    ],
)
def test_the_command_line_refuses_before_it_begins(
    home: Home, options: list[str], message: str
) -> None:
    result = invoke("refresh", "--home", home.root, *options)
    assert result.returncode == 2
    assert message in result.stderr
    assert not list(home.attempts.iterdir())
    assert acceptances.journal(home) == []


def test_the_command_lists_and_withdraws(home: Home) -> None:
    acceptances.accept(home, wished(DRIFT, reason="[bold] fair"), DECLARED, {})
    listed = invoke("acceptances", "--home", home.root)
    assert listed.returncode == 0
    assert "holds" in listed.stdout
    assert "[bold] fair" in " ".join(listed.stdout.split())
    printed = json.loads(invoke("status", "--home", home.root, "--json").stdout)
    assert [item["check"] for item in printed["acceptances"]] == [DRIFT]
    taken = invoke("acceptances", "--withdraw", DRIFT, "--home", home.root, "--json")
    (entry,) = json.loads(taken.stdout)
    assert (entry["holds"], entry["withdrawn_by"]) == (False, acceptances.user())
    again = invoke("acceptances", "--withdraw", DRIFT, "--home", home.root)
    assert again.returncode == 2
    assert "no acceptance of it holds" in again.stderr


def test_evidence_is_found_wherever_it_is_kept(home: Home) -> None:
    found = Evidence("out", "r000001-20140131", 1, [checked(DRIFT, outcome="crashed")])
    home.evidence.mkdir(parents=True)
    write_json(
        home.evidence / "r000001-20140131.json",
        {"opened_at": WORD.at, "evidence": [asdict(found)]},
    )
    assert advice.evidence_of(home, "r000001-20140131") == {"out": found}
    assert advice.evidence_of(home, "r000002-20140131") == {}
