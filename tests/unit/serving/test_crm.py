"""What goes back into a CRM as files: which accounts, in which format, and when no more."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pydantic import ValidationError

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.serving.crm import accounts, export, state
from pipeline.serving.crm.accounts import Target
from pipeline.serving.folder import ExportRunning
from pipeline.sources import Source
from tests.conftest import invoke
from tests.standins.zoho_crm import CREDENTIALS
from tests.unit.serving.customers import tables
from tests.unit.serving.releases import publish

KING = "7328395000000680055"
VERDICTS = (
    "create table marts.customer_verdicts as select 'C2' as customer_id, "
    "'Loses money' as verdict_name_en, '亏损' as verdict_name_zh, "
    "75.5::decimal(28,4) as at_stake, '=Review prices' as recommendation_en, "
    "'复核价格' as recommendation_zh"
)
ZOHO = {
    "name": "zoho_crm",
    "kind": "zoho_crm",
    "zoho": CREDENTIALS,
    "entities": {},
    "provides": [],
}
FXIAOKE = {
    "name": "fxiaoke",
    "kind": "fxiaoke",
    "fxiaoke": {
        "app_id": "FSAID_1",
        "app_secret": "secret",
        "permanent_code": "code",
        "user_id": "1000",
    },
    "entities": {},
    "provides": [],
}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


def target(given: dict[str, Any], **writeback: Any) -> Target:
    more = {"writeback": writeback} if writeback else {}
    found = accounts.target_of(Source.model_validate({**given, **more}))
    assert found is not None
    return found


def lines(path: Path | None) -> list[list[str]]:
    assert path is not None
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_zoho_imports_a_csv_by_record_id_and_api_names(
    home: Home, tmp_path: Path
) -> None:
    release = publish(home, VERDICTS, tables=tables())
    done = export.export(home, release, target(ZOHO), tmp_path)
    assert (done.id, done.accounts, done.left_out) == ("zoho_crm-1", 3, [])
    heads, king, *others = lines(done.file)
    assert heads == [
        *("Record Id", "Customer_Tier", "Customer_Score", "Customer_Verdict"),
        *("Customer_Recommendation", "Customer_At_Stake", "Customer_Next_Action"),
        "Customer_Next_Action_Due",
    ]
    assert king == [KING, "Key", "6.50", "", "", "", "Visit", "2024-02-10"]
    # A customer with two accounts has its values in both; a formula is none.
    assert [row[1:4] for row in others] == [["Standard", "6.50", "Loses money"]] * 2
    assert {row[4] for row in others} == {"'=Review prices"}


def test_fxiaoke_imports_a_workbook_with_chinese_heads(
    home: Home, tmp_path: Path
) -> None:
    release = publish(home, VERDICTS, tables=tables())
    done = export.export(home, release, target(FXIAOKE), tmp_path)
    assert done.file is not None
    book = openpyxl.load_workbook(done.file)
    heads, first, second = book.active.values
    assert heads[:4] == ("唯一性ID", "客户分级", "客户得分", "客户结论")
    assert first[:3] == ("66450f1f2ab79c0001a1b2c3", "重要客户", 6.5)
    assert second[heads.index("下一步行动")] == "致电"


def test_a_release_without_verdicts_leaves_their_fields_as_they_are(
    home: Home, tmp_path: Path
) -> None:
    done = export.export(home, publish(home, tables=tables()), target(ZOHO), tmp_path)
    assert done.left_out == ["verdict", "recommendation", "at_stake"]
    assert "Customer_Verdict" not in lines(done.file)[0]


def test_only_what_changed_since_the_last_confirmed(home: Home, tmp_path: Path) -> None:
    zoho = target(ZOHO)
    first = publish(home, tables=tables())
    assert export.export(home, first, zoho, tmp_path).accounts == 3
    # Nobody has confirmed it: the next one holds them again.
    again = export.export(home, first, zoho, tmp_path)
    assert (again.id, again.accounts) == ("zoho_crm-2", 3)
    assert export.confirm(home, "zoho_crm-2") == 3
    none = export.export(home, first, zoho, tmp_path)
    assert (none.id, none.file, none.unchanged) == (None, None, 3)
    changed = publish(
        home,
        "update marts.customer_360 set tier_name_en = 'Gold' where customer_id = 'C1'",
        tables=tables(),
    )
    moved = export.export(home, changed, zoho, tmp_path)
    assert [row[:2] for row in lines(moved.file)[1:]] == [[KING, "Gold"]]
    # Everything, whatever was confirmed.
    whole = export.export(home, changed, zoho, tmp_path, whole=True)
    assert whole.accounts == 3
    # What became unknown empties the field.
    export.confirm(home, str(whole.id))
    nothing = publish(
        home,
        "update marts.customer_360 set tier_name_en = 'Gold', next_action_en = null, "
        "next_action_due_on = null where customer_id = 'C1'",
        tables=tables(),
    )
    (row,) = lines(export.export(home, nothing, zoho, tmp_path).file)[1:]
    assert row == [KING, "Gold", "6.50", "", ""]


def test_another_field_is_another_state(home: Home, tmp_path: Path) -> None:
    release = publish(home, tables=tables())
    done = export.export(home, release, target(ZOHO), tmp_path)
    export.confirm(home, str(done.id))
    other = target(ZOHO, fields={"tier": "My_Tier"})
    found = export.export(home, release, other, tmp_path)
    assert lines(found.file)[0] == ["Record Id", "My_Tier"]
    assert found.accounts == 3


def test_an_older_export_cannot_turn_a_later_one_back(
    home: Home, tmp_path: Path
) -> None:
    release = publish(home, tables=tables())
    for _ in range(2):
        export.export(home, release, target(ZOHO), tmp_path)
    export.confirm(home, "zoho_crm-2")
    for number in (1, 2):
        with pytest.raises(ConfigurationError, match="confirmed already"):
            export.confirm(home, f"zoho_crm-{number}")
    with pytest.raises(ConfigurationError, match="no export zoho_crm-9"):
        export.confirm(home, "zoho_crm-9")
    for wrong in ("zoho_crm", "../x-1", "nobody-1"):
        with pytest.raises(ConfigurationError, match="no export"):
            export.confirm(home, wrong)


def test_the_state_holds_no_id_and_no_value(home: Home, tmp_path: Path) -> None:
    release = publish(home, VERDICTS, tables=tables())
    export.export(home, release, target(ZOHO), tmp_path)
    export.confirm(home, "zoho_crm-1")
    export.export(home, release, target(ZOHO), tmp_path, whole=True)
    held = [path for path in (home.root / "serving").rglob("*") if path.is_file()]
    assert {path.name for path in held} == {"lock", "state.json", "2.json"}
    texts = "".join(path.read_text("utf-8") for path in held)
    assert not [word for word in (KING, "Key", "prices", "Visit") if word in texts]
    assert {path.stat().st_mode & 0o777 for path in held} == {0o600}


def test_an_account_that_is_gone_is_dropped(home: Home, tmp_path: Path) -> None:
    export.export(home, publish(home, tables=tables()), target(ZOHO), tmp_path)
    export.confirm(home, "zoho_crm-1")
    fewer = publish(
        home,
        f"delete from marts.customer_source_keys where source_customer_id = '{KING}'",
        "update marts.customer_360 set tier_name_en = 'Gold'",
        tables=tables(),
    )
    export.export(home, fewer, target(ZOHO), tmp_path)
    with state.opened(home, "zoho_crm") as held:
        assert len(held.confirmed) == 2


def test_keys_that_are_no_ids_of_zoho_are_counted(home: Home, tmp_path: Path) -> None:
    release = publish(
        home,
        "update marts.customer_source_keys set source_customer_id = "
        "case source_customer_id when '7328395000000680056' then 'A-17' "
        "else 'zcrm_' || source_customer_id end where source = 'zoho_crm'",
        tables=tables(),
    )
    done = export.export(home, release, target(ZOHO), tmp_path)
    assert (done.accounts, done.unusable) == (2, 1)
    assert lines(done.file)[1][0] == KING


def test_half_a_line_of_a_killed_sending_is_none(home: Home) -> None:
    with state.opened(home, "zoho_crm") as held:
        held.begin()
        held.accepted({"a": "1"})
        log = held.folder / "accepted.jsonl"
        log.write_text(log.read_text() + '{"b": "2')
    with state.opened(home, "zoho_crm") as held:
        assert held.confirmed == {"a": "1"}
        held.save()
        assert not log.exists()
    with state.opened(home, "zoho_crm") as held:
        assert held.confirmed == {"a": "1"}


def test_one_export_to_a_crm_at_a_time(home: Home) -> None:
    with (
        state.opened(home, "zoho_crm"),
        pytest.raises(ExportRunning, match="Another export to zoho_crm"),
        state.opened(home, "zoho_crm"),
    ):
        pass


def test_a_state_that_was_damaged_says_what_to_do(home: Home, tmp_path: Path) -> None:
    export.export(home, publish(home, tables=tables()), target(ZOHO), tmp_path)
    path = home.root / "serving" / "crm" / "zoho_crm" / "state.json"
    path.write_text(path.read_text().replace('"last": 1', '"last": 2'))
    with pytest.raises(ConfigurationError, match=r"Remove .*state\.json"):
        export.confirm(home, "zoho_crm-1")


def test_an_export_that_cannot_be_written_is_an_error(
    home: Home, tmp_path: Path
) -> None:
    release = publish(home, tables=tables())
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        export.export(home, release, target(ZOHO), tmp_path / "file")


@pytest.mark.parametrize(
    ("given", "writeback", "message"),
    [
        (ZOHO, {"fields": {"colour": "X"}}, "colour"),
        (ZOHO, {"fields": {}}, "at least 1"),
        (ZOHO, {"system": "fxiaoke"}, "is for zoho"),
        ({"kind": "files", "path": "."}, {}, "needs system"),
        (
            {"kind": "files", "path": "."},
            {"system": "zoho", "send": True},
            "is not written to",
        ),
    ],
)
def test_a_writeback_that_makes_no_sense_is_refused(
    given: dict[str, Any], writeback: dict[str, Any], message: str
) -> None:
    source = {**ZOHO, **given, "writeback": writeback}
    if given["kind"] == "files":
        del source["zoho"]
    with pytest.raises(ValidationError, match=message):
        Source.model_validate(source)


def test_an_export_of_its_pages_has_a_format_too() -> None:
    files = {
        "name": "pages",
        "kind": "files",
        "path": ".",
        "entities": {},
        "provides": [],
        "writeback": {"system": "fxiaoke", "language": "en"},
    }
    found = accounts.target_of(Source.model_validate(files))
    assert found is not None
    assert (found.system, found.object, found.language) == (
        *("fxiaoke", "AccountObj", "en"),
    )


def test_the_command(home: Home, tmp_path: Path) -> None:
    publish(home, tables=tables())
    sources = tmp_path / "sources.yaml"
    sources.write_text(json.dumps({"version": 1, "sources": [ZOHO, FXIAOKE]}))
    both = ("--home", str(home.root), "--sources", str(sources))
    done = invoke("export", "crm", tmp_path / "out", *both)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("fxiaoke-1.xlsx", "zoho_crm-1.csv")
    ]
    again = f"export crm --confirm zoho_crm-1 --home {home.root} --sources {sources}`"
    assert again in done.stdout
    confirmed = invoke("export", "crm", "--confirm", "zoho_crm-1", *both)
    assert "zoho_crm-1 is confirmed: 3 accounts." in confirmed.stdout
    none = invoke("export", "crm", "--source", "zoho_crm", *both)
    assert "zoho_crm: nothing has changed; 3 accounts have" in none.stdout
    off = invoke("export", "crm", "--source", "zoho_crm", "--send", "--all", *both)
    assert off.returncode == 2
    assert "does not allow zoho_crm to be written to" in off.stderr
    nobody = invoke("export", "crm", "--source", "erp", *both)
    assert (nobody.returncode, "no CRM" in nobody.stderr) == (2, True)
    dry = invoke("export", "crm", "--source", "fxiaoke", "--dry-run", *both)
    assert "2 accounts would be written" in dry.stdout
    assert "customer_tier__c=重要客户" in dry.stdout
