"""What goes back into a CRM through its API, on the stand-ins of both."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    SourceUnavailable,
)
from pipeline.common.home import Home
from pipeline.release.catalogue import Release
from pipeline.serving.crm import export, sending
from pipeline.serving.crm.accounts import target_of
from pipeline.serving.crm.sending import Sent
from pipeline.sources import Source
from pipeline.sources.http import Clock
from tests.standins import fxiaoke
from tests.standins.base import Asked, ManualClock, Reply, json_reply
from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.zoho_crm import ALL_SCOPES, CREDENTIALS, ZohoCrm, field_of
from tests.unit.serving.customers import tables
from tests.unit.serving.releases import publish

START = dt.datetime(2026, 6, 1, 8, 0, tzinfo=dt.UTC)
VERDICTS = (
    "create table marts.customer_verdicts as select customer_id, "
    "'Keep' as verdict_name_en, '保持' as verdict_name_zh, "
    "75.5::decimal(28,4) as at_stake, repeat('Do it. ', 60) as recommendation_en, "
    "'保持联系' as recommendation_zh from marts.customer_360"
)


def first_id(number: int) -> str:
    return str(7_328_395_000_000_680_000 + number)


@dataclass
class Company:
    """A release of which each of some accounts is a customer, and its Zoho CRM."""

    home: Home
    crm: ZohoCrm
    clock: Clock
    accounts: int

    def source(self, **writeback: Any) -> Source:
        return Source.model_validate(
            {
                "name": "zoho",
                "kind": "zoho_crm",
                "zoho": {**CREDENTIALS, "accounts_url": self.crm.base_url},
                "connection": {"timeout_seconds": 5},
                "retry": {"tries": 2, "first_seconds": 1},
                "entities": {},
                "provides": [],
                "writeback": {"send": True, **writeback},
            }
        )

    def release(self, tier: str = "Key", *more: str) -> Release:
        return publish(
            self.home,
            "create or replace table marts.customer_source_keys as select 'zoho' as "
            f"source, ({first_id(0)} + i)::varchar as source_customer_id, "
            f"'C1' as customer_id from range({self.accounts}) as r(i)",
            f"update marts.customer_360 set tier_name_en = '{tier}'",
            VERDICTS,
            *more,
            tables=tables(),
        )

    def send(self, release: Release, **options: Any) -> Sent:
        whole = options.pop("whole", False)
        source = self.source(**options)
        return sending.send(self.home, release, source, whole=whole, clock=self.clock)

    def values(self, field: str) -> list[Any]:
        records = self.crm.modules["Accounts"].records
        return [records[key].get(field) for key in sorted(records)]

    def written(self) -> list[list[str]]:
        """The ids of each call that writes."""
        return [
            [record["id"] for record in asked.json()["data"]]
            for asked in self.crm.asked
            if asked.method == "PUT"
        ]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    before = os.umask(0o077)
    yield Home.open(tmp_path / "home")
    os.umask(before)


@pytest.fixture
def company(home: Home) -> Iterator[Company]:
    crm = ZohoCrm(ManualClock(START))
    crm.scopes = {*ALL_SCOPES, "ZohoCRM.modules.UPDATE"}
    crm.define(
        "Accounts",
        field_of("Account_Name"),
        field_of("Customer_Tier", "picklist"),
        field_of("Customer_Score", "double"),
        field_of("Customer_Verdict"),
        field_of("Customer_Recommendation", length=100),
        field_of("Customer_At_Stake", "currency"),
        field_of("Customer_Next_Action"),
        field_of("Customer_Next_Action_Due", "date"),
    )
    made = Company(home, crm, crm.clock.as_clock(), 5)
    with crm.serving():
        yield made


def fill(company: Company, accounts: int) -> None:
    company.accounts = accounts
    for number in range(accounts):
        company.crm.put("Accounts", first_id(number), Account_Name=f"A {number}")


def test_zoho_has_what_the_release_says(company: Company) -> None:
    fill(company, 250)
    done = company.send(company.release())
    assert (done.accepted, done.refused, done.unchanged) == (250, 0, 0)
    assert [len(ids) for ids in company.written()] == [100, 100, 50]
    assert set(company.values("Customer_Tier")) == {"Key"}
    assert set(company.values("Customer_Score")) == {Decimal("6.5")}
    assert set(company.values("Customer_At_Stake")) == {Decimal("75.5")}
    assert set(company.values("Customer_Next_Action_Due")) == {"2024-02-10"}
    (sentence,) = set(company.values("Customer_Recommendation"))
    assert (len(sentence), sentence[-1]) == (100, "…")  # as long as the field
    assert set(company.values("Account_Name")) > {"A 1"}  # what is not ours stays
    asked = [one for one in company.crm.asked if one.method == "PUT"]
    assert {repr(one.json()["trigger"]) for one in asked} == {"[]"}


def test_what_is_there_is_not_sent_again(company: Company) -> None:
    fill(company, 5)
    company.send(company.release())
    calls = len(company.crm.asked)
    again = company.send(company.release())
    assert (again.accepted, again.unchanged) == (0, 5)
    assert len(company.crm.asked) == calls  # nobody was asked anything
    changed = company.send(company.release("Gold"))
    assert (changed.accepted, set(company.values("Customer_Tier"))) == (5, {"Gold"})
    # Sent again it changes nothing.
    assert company.send(company.release("Gold"), whole=True).accepted == 5
    assert set(company.values("Customer_Tier")) == {"Gold"}


def test_what_became_unknown_empties_the_field(company: Company) -> None:
    fill(company, 1)
    company.send(company.release())
    company.send(
        company.release("Key", "update marts.customer_360 set next_action_en = null")
    )
    assert company.values("Customer_Next_Action") == [None]


def test_a_record_that_is_refused_does_not_stop_the_others(company: Company) -> None:
    fill(company, 5)
    company.crm.locked = {first_id(1)}
    company.crm.delete("Accounts", first_id(3))
    done = company.send(company.release())
    assert (done.accepted, done.refused) == (3, 2)
    assert done.refusals == [
        {"id": first_id(1), "why": "RECORD_LOCKED id: record is locked"},
        {
            "id": first_id(3),
            "why": "INVALID_DATA id: the id given seems to be invalid",
        },
    ]
    # They go out again, and nobody else does.
    company.crm.locked = set()
    again = company.send(company.release())
    assert (again.accepted, again.refused, again.unchanged) == (1, 1, 3)
    assert company.written()[-1] == [first_id(1), first_id(3)]


def test_a_sending_that_breaks_remembers_what_was_accepted(company: Company) -> None:
    fill(company, 250)
    gone = Reply(503, b"", {})
    company.crm.next_replies("/crm/v8/Accounts", [gone, gone], after=1)
    release = company.release()
    with pytest.raises(SourceUnavailable, match="503"):
        company.send(release)
    assert company.values("Customer_Tier").count("Key") == 100
    done = company.send(release)
    assert (done.accepted, done.unchanged) == (150, 100)
    assert set(company.values("Customer_Tier")) == {"Key"}


def test_a_call_that_breaks_is_made_again(company: Company) -> None:
    fill(company, 5)
    busy = json_reply(
        {"code": "INTERNAL_ERROR", "details": {}, "message": "", "status": "error"}, 500
    )
    company.crm.once("/crm/v8/Accounts", busy)
    company.crm.before("/crm/v8/Accounts", company.crm.end_tokens)
    assert company.send(company.release()).accepted == 5


def test_an_answer_that_was_lost_gives_the_same_state(company: Company) -> None:
    """Zoho took it, and the answer never came: it is sent again, to the same effect."""
    fill(company, 5)
    release = company.release()
    lost = 0

    def lose(asked: Asked) -> Reply | None:
        nonlocal lost
        if asked.method != "PUT" or lost == 2:
            return None
        lost += 1
        return replace(company.crm.answer(asked), cut_after=10)

    company.crm.faults.append(lose)
    with pytest.raises(SourceUnavailable, match="It was tried 2 times"):
        company.send(release)
    assert set(company.values("Customer_Tier")) == {"Key"}
    assert company.send(release).accepted == 5  # as nobody knew that they were there
    assert set(company.values("Customer_Tier")) == {"Key"}


def test_a_field_that_is_missing_is_named_before_anything_is_sent(
    company: Company,
) -> None:
    """Zoho drops a name that it does not know, and says that all is well."""
    fill(company, 5)
    fields = {"tier": "Tier_of_Ours", "score": "Customer_Score"}
    with pytest.raises(ConfigurationError, match="Tier_of_Ours"):
        company.send(company.release(), fields=fields)
    assert not company.written()


def test_a_value_that_its_field_cannot_hold_is_refused(company: Company) -> None:
    fill(company, 5)
    done = company.send(company.release(), fields={"tier": "Customer_Score"})
    assert (done.accepted, done.refused) == (0, 5)
    assert done.refusals[0]["why"] == "Customer_Score is no field of text"
    assert not company.written()


def test_a_scope_that_is_missing_is_named(company: Company) -> None:
    fill(company, 5)
    company.crm.scopes = set(ALL_SCOPES)
    with pytest.raises(SourceUnavailable, match=r"ZohoCRM\.modules\.UPDATE"):
        company.send(company.release())
    assert company.values("Customer_Tier") == [None] * 5


def test_all_of_them_refused_is_no_matter_of_the_accounts(company: Company) -> None:
    fill(company, 150)
    company.crm.locked = {first_id(number) for number in range(150)}
    with pytest.raises(CustomerTiersError, match="refused the first 100 accounts"):
        company.send(company.release())
    assert len(company.written()) == 1


def test_it_is_off_until_sources_yaml_says_so(company: Company) -> None:
    with pytest.raises(ConfigurationError, match="does not allow zoho"):
        company.send(company.release(), send=False)
    assert not company.crm.asked


def test_a_dry_run_asks_nobody(company: Company) -> None:
    fill(company, 12)
    target = target_of(company.source())
    assert target is not None
    done = sending.dry(company.home, company.release(), target, whole=False)
    assert (done.would, len(done.sample), done.accepted) == (12, 10, 0)
    assert done.sample[0]["Customer_Tier"] == "Key"
    assert not company.crm.asked
    assert company.send(company.release()).accepted == 12


def test_a_file_of_before_a_sending_cannot_be_confirmed(
    company: Company, tmp_path: Path
) -> None:
    fill(company, 5)
    target = target_of(company.source())
    assert target is not None
    made = export.export(company.home, company.release(), target, tmp_path)
    company.send(company.release("Gold"))
    with pytest.raises(ConfigurationError, match="confirmed already, or what came"):
        export.confirm(company.home, str(made.id))


@pytest.fixture
def tenant() -> Iterator[FxiaokeStandin]:
    standin = FxiaokeStandin(ManualClock(START))
    standin.declare(
        "AccountObj",
        {
            "name": {"type": "text"},
            "customer_tier__c": {
                "type": "select_one",
                "options": [{"label": "重要客户", "value": "a"}],
            },
            "customer_score__c": {"type": "number"},
            "customer_next_action__c": {"type": "text"},
            "customer_next_action_due__c": {"type": "date"},
        },
    )
    for number in (3, 4):
        standin.put("AccountObj", _id=f"66450f1f2ab79c0001a1b2c{number}", name="N")
    with standin.serving():
        yield standin


def fxiaoke_source(tenant: FxiaokeStandin) -> Source:
    return Source.model_validate(
        {
            "name": "fxiaoke",
            "kind": "fxiaoke",
            "fxiaoke": {
                "host": tenant.base_url,
                "app_id": fxiaoke.APP_ID,
                "app_secret": fxiaoke.APP_SECRET,
                "permanent_code": fxiaoke.PERMANENT_CODE,
                "user_id": fxiaoke.USER_ID,
            },
            "connection": {"timeout_seconds": 5},
            "retry": {"tries": 2, "first_seconds": 1},
            "entities": {},
            "provides": [],
            "writeback": {"send": True},
        }
    )


def test_fxiaoke_has_what_the_release_says(home: Home, tenant: FxiaokeStandin) -> None:
    """Numbers are text there, days milliseconds in China, options their values."""
    clock = tenant.clock.as_clock()
    release = publish(home, tables=tables())
    source = fxiaoke_source(tenant)
    done = sending.send(home, release, source, clock=clock)
    assert (done.accepted, done.refused) == (1, 1)
    # An option that the tenant does not have is not made up.
    assert done.refusals == [
        {
            "id": "66450f1f2ab79c0001a1b2c4",
            "why": "customer_tier__c has no option 普通客户",
        }
    ]
    record = tenant.objects["AccountObj"]["66450f1f2ab79c0001a1b2c3"]
    midnight = dt.datetime(2024, 2, 10, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    assert record["customer_tier__c"] == "a"
    assert record["customer_score__c"] == "6.50"
    assert record["customer_next_action__c"] == "拜访"
    assert record["customer_next_action_due__c"] == midnight.timestamp() * 1000
    assert record["name"] == "N"
    (asked,) = tenant.calls("/data/update")
    assert asked.json()["triggerWorkFlow"] is False
    tenant.fields["AccountObj"]["customer_tier__c"]["options"].append(
        {"label": "普通客户", "value": "b"}
    )
    again = sending.send(home, release, source, clock=clock)
    assert (again.accepted, again.unchanged) == (1, 1)


def test_fxiaoke_refuses_a_record_and_takes_the_next(
    home: Home, tenant: FxiaokeStandin
) -> None:
    tenant.fields["AccountObj"]["customer_tier__c"] = {"type": "text"}
    tenant.invalidate("AccountObj", "66450f1f2ab79c0001a1b2c3")
    done = sending.send(
        home,
        publish(home, tables=tables()),
        fxiaoke_source(tenant),
        clock=tenant.clock.as_clock(),
    )
    assert (done.accepted, done.refused) == (1, 1)
    assert "cannot be changed, errorCode 10006" in done.refusals[0]["why"]


def test_fxiaoke_without_a_permission_stops(home: Home, tenant: FxiaokeStandin) -> None:
    tenant.fields["AccountObj"]["customer_tier__c"] = {"type": "text"}
    refused = {"errorCode": 20020, "errorMessage": "no permission"}
    tenant.next_replies("/data/update", [json_reply(refused)], after=1)
    release = publish(home, tables=tables())
    source, clock = fxiaoke_source(tenant), tenant.clock.as_clock()
    with pytest.raises(SourceUnavailable, match="20020"):
        sending.send(home, release, source, clock=clock)
    done = sending.send(home, release, source, clock=clock)
    assert (done.accepted, done.unchanged) == (1, 1)
