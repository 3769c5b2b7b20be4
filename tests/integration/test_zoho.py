"""A company that has Zoho and nothing else: from `init --preset` to a tier table.

The project is the preset's, the services stand-ins on loopback, and one refresh serves all
tests. What an account is worth is known from the stand-ins alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.standins import zoho_company
from tests.standins.base import ManualClock
from tests.standins.preset import PresetProject
from tests.standins.zoho_company import Company
from tests.standins.zoho_crm import CREDENTIALS, ZohoCrm, field_of
from tests.standins.zoho_desk import ZohoDesk

AS_OF = "2026-05-31"

pytestmark = pytest.mark.slow


@dataclass
class Project(PresetProject):
    """A project that `init --preset zoho` wrote, and the services that it reads."""

    crm: ZohoCrm
    desk: ZohoDesk
    company: Company


def write_project(project: Project) -> None:
    """What `init --preset zoho` writes, and what a person fills in."""
    folder = project.folder
    assert "ZOHO_REFRESH_TOKEN" in project.init("zoho")
    path = folder / "sources.yaml"
    text = path.read_text(encoding="utf-8")
    # In place of the addresses of the data centre, those of the stand-ins.
    text = text.replace(
        "      data_center: com.cn\n",
        f"      data_center: com.cn\n      accounts_url: {project.crm.base_url}\n",
    )
    text = text.replace(
        "      org_id: ", f"      api_url: {project.desk.base_url}\n      org_id: "
    )
    # The organisation's own fields.
    for own in ("registration_number: Tax_Number", "order_date: Order_Date"):
        text = text.replace("aliases: {}", f"aliases: {{{own}}}", 1)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    crm = ZohoCrm(ManualClock(zoho_company.NOW))
    desk = ZohoDesk(crm)
    company = zoho_company.furnish(crm, desk)
    # The clock of the stand-ins stands, and with it every window.
    crm.limits.tokens_in_ten_minutes = 1_000
    with crm.serving(), desk.serving():
        folder = tmp_path_factory.mktemp("zoho") / "project"
        made = Project(folder, crm, desk, company)
        write_project(made)
        made.refresh(AS_OF)
        yield made


def test_every_account_is_a_customer_with_its_revenue(project: Project) -> None:
    rows = project.query(
        """
        select source_customer_id, cast(100 * revenue as bigint)
        from marts.customer_value
        inner join marts.customer_source_keys using (customer_id)
        where source = 'zoho'
        """
    )
    assert dict(rows) == project.company.revenue


def test_desk_and_crm_know_one_customer(project: Project) -> None:
    (counted,) = project.query("select count(*) from marts.customers")
    assert counted == (len(project.company.accounts),)
    rows = project.query(
        """
        select keys.source_customer_id, count(distinct tickets.ticket_id)
        from marts.customer_source_keys as keys
        left join marts.service_tickets as tickets
            on keys.customer_id = tickets.customer_id
            and tickets.source = 'zoho_desk'
        where keys.source = 'zoho'
        group by keys.source_customer_id
        """
    )
    assert dict(rows) == project.company.tickets


def test_tiers_are_those_of_the_kinds(project: Project) -> None:
    rows = project.query(
        """
        select source_customer_id, tier_rank
        from marts.customer_tiers
        inner join marts.customer_source_keys using (customer_id)
        where source = 'zoho'
        """
    )
    ranks: dict[str, list[int]] = {}
    for account, rank in rows:
        ranks.setdefault(project.company.accounts[str(account)], []).append(rank)
    assert {kind: len(found) for kind, found in ranks.items()} == {
        kind: count for kind, (count, *_) in zoho_company.KINDS.items()
    }
    mean = {kind: sum(found) / len(found) for kind, found in ranks.items()}
    assert max(ranks["key"]) <= min(ranks["standard"])
    assert mean["key"] < mean["growth"] < mean["standard"] < mean["prospect"], mean
    # Who bought nothing for ten months is above none who still buys as much.
    assert mean["standard"] <= mean["dormant"], mean


def test_what_is_known_comes_through(project: Project) -> None:
    assert project.query(
        "select distinct industry from marts.customers order by 1"
    ) == [("Electronics",), ("Food",), ("Machinery",)]
    assert project.query(
        "select distinct acquisition_source from marts.customers order by 1"
    ) == [("Partner",), ("Trade Show",), ("Web Research",)]
    assert project.query("select distinct owner from marts.customers") == [("User 0",)]
    assert project.query("select distinct kind from marts.interactions order by 1") == [
        ("call",),
        ("visit",),
    ]
    (row,) = project.query(
        "select count(*), count(customer_id), min(minutes), max(minutes) "
        "from marts.interactions"
    )
    assert row[0] == row[1]
    assert row[2] >= 5
    assert row[3] == 120
    (row,) = project.query(
        "select count(*), count(resolved_at), count(priority), "
        "count(*) filter (where is_complaint), count(met_sla) "
        "from marts.service_tickets where source = 'zoho_desk'"
    )
    tickets = len(project.desk.records["tickets"])
    assert (row[0], row[1], row[2], row[4]) == (tickets,) * 4
    assert 0 < row[3] < tickets
    (row,) = project.query(
        "select count(*), count(resolved_at) from marts.service_tickets "
        "where source = 'zoho'"
    )
    cases = project.crm.modules["Cases"].records.values()
    closed = sum(case["Status"] == "Closed" for case in cases)
    assert row == (len(cases), closed)
    assert 0 < closed < len(cases)


def test_a_lead_is_shown_with_the_customer_that_it_seems_to_be_with(
    project: Project,
) -> None:
    (lead,) = project.query(
        """
        select leads.customer_id, leads.matched_by, keys.source_customer_id
        from marts.leads as leads
        inner join marts.customer_source_keys as keys
            on leads.matched_customer_id = keys.customer_id
        where keys.source = 'zoho'
        """
    )
    account = next(iter(project.company.accounts))
    assert lead == (None, "domain and name", account)
    explained = project.run("explain", f"zoho:{account}")
    assert explained.returncode == 0, explained.stderr
    assert "Leads that seem to be with it" in explained.stdout
    assert "domain and name" in explained.stdout
    # One that was converted is the customer's own, and none that it seems to be.
    (converted,) = project.query(
        "select count(customer_id), count(matched_customer_id) from marts.leads "
        "where stage = 'Converted'"
    )
    assert converted == (len(project.company.accounts), 0)


def test_orders_are_the_sum_of_their_lines(project: Project) -> None:
    """Of one order in ten the whole has a discount."""
    found = project.query(
        "select outcome from meta.check_results "
        "where check_name like '%orders_are_the_sum_of_their_lines%'"
    )
    assert found == [("passed",)]


def test_what_zoho_does_not_know_is_null(project: Project) -> None:
    assert project.query(
        "select count(cost_amount), count(margin_amount) from marts.order_lines"
    ) == [(0, 0)]
    assert project.query("select count(unit_cost) from marts.products") == [(0,)]
    assert project.query("select count(*) from marts.payments") == [(0,)]


def test_all_rows_are_accounted_for(project: Project) -> None:
    assert (
        project.query(
            """
            select landed_entity, entity, landing_difference, row_difference
            from meta.landing_reconciliation
            where landing_difference <> 0 or row_difference <> 0
            """
        )
        == []
    )


def test_the_allowance_that_was_used_is_in_the_log(project: Project) -> None:
    logs = sorted((project.folder / "data" / "logs" / "refreshes").glob("*.jsonl"))
    text = logs[0].read_text(encoding="utf-8")
    assert "calls, " in text
    assert "within a day" in text
    for secret in CREDENTIALS.values():
        assert secret not in text


def test_tiers_go_back_into_the_crm(project: Project) -> None:
    """As a person sets it up: the fields, the scope, `send`; then again, to no effect."""
    off = project.run("export", "crm", "--send")
    assert off.returncode == 2
    assert "does not allow zoho to be written to" in off.stderr
    module = project.crm.modules["Accounts"]
    kept = list(module.fields)
    tier, due = "Customer_Tier", "Customer_Next_Action_Due"
    module.fields = [*kept, field_of(tier, "picklist"), field_of(due, "date")]
    path = project.folder / "sources.yaml"
    before = path.read_text(encoding="utf-8")
    fields = f"{{tier: {tier}, next_action_due: {due}}}"
    path.write_text(
        before.replace(
            "    kind: zoho_crm\n",
            f"    kind: zoho_crm\n    writeback: {{send: true, fields: {fields}}}\n",
        ),
        encoding="utf-8",
    )
    try:
        lacking = project.run("export", "crm", "--send")
        project.crm.scopes.add("ZohoCRM.modules.UPDATE")
        project.crm.end_tokens()
        sent = project.run("export", "crm", "--send", "--json")
        again = project.run("export", "crm", "--send")
    finally:
        path.write_text(before, encoding="utf-8")
        project.crm.scopes.discard("ZohoCRM.modules.UPDATE")
        module.fields = kept
    assert lacking.returncode == 5
    assert "lacks the scope ZohoCRM.modules.UPDATE" in lacking.stderr
    assert sent.returncode == 0, sent.stderr
    rows = project.query(
        """
        select source_customer_id, tier_name_en, next_action_due_on::varchar
        from marts.customer_360
        inner join marts.customer_source_keys using (customer_id)
        where source = 'zoho'
        """
    )
    written = [
        (key, record.get(tier), record.get(due))
        for key, record in module.records.items()
        if tier in record
    ]
    assert sorted(written, key=str) == sorted(rows, key=str)
    assert json.loads(sent.stdout)[0]["accepted"] == len(rows)
    assert f"0 accounts written, 0 refused, {len(rows)} had" in again.stdout


def test_a_field_that_vanishes_stops_the_next_refresh(project: Project) -> None:
    """And an option that is new; the release stays as it was."""
    before = (project.folder / "data" / "current").readlink()
    orders, deals = project.crm.modules["Sales_Orders"], project.crm.modules["Deals"]
    kept = list(orders.fields)
    orders.fields = [one for one in kept if one["api_name"] != "Order_Date"]
    (stage,) = (one for one in deals.fields if one["api_name"] == "Stage")
    new = {"actual_value": "On Ice", "display_value": "On Ice"}
    stage["pick_list_values"].append(new)
    # The desk as well: a status that nobody knows, and a field less.
    tickets = project.desk.fields["tickets"]
    (status,) = (one for one in tickets if one["apiName"] == "status")
    status["allowedValues"].append({"value": "Parts", "statusType": "On Hold"})
    project.desk.fields["tickets"] = [
        one for one in tickets if one["apiName"] != "classification"
    ]
    try:
        refreshed = project.run("refresh", "--as-of", AS_OF)
    finally:
        orders.fields = kept
        stage["pick_list_values"].remove(new)
        project.desk.fields["tickets"] = tickets
        status["allowedValues"].pop()
    assert refreshed.returncode == 3, refreshed.stdout + refreshed.stderr
    said = " ".join((refreshed.stdout + refreshed.stderr).split())
    for words in ("no_field_vanished", "order_date", "no_option_is_new", "On Ice"):
        assert words in said
    for words in ("zoho_desk", "classification", "Parts"):
        assert words in said
    assert (project.folder / "data" / "current").readlink() == before


def test_a_missing_scope_is_said_in_plain_words(project: Project) -> None:
    project.crm.scopes.discard("ZohoCRM.coql.READ")
    project.crm.hidden.add("Cases")
    project.crm.scopes.discard("Desk.search.READ")
    try:
        checked = project.run("check-sources")
    finally:
        project.crm.scopes |= {"ZohoCRM.coql.READ", "Desk.search.READ"}
        project.crm.hidden.clear()
    assert checked.returncode == 5, checked.stdout + checked.stderr
    said = " ".join(checked.stdout.split())
    assert "lacks the scope ZohoCRM.coql.READ" in said
    assert "Crm_Implied_View_Cases" in said
    assert "lacks the scope Desk.search.READ" in said
