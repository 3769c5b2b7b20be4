"""A company that has Fxiaoke and nothing else: from `init --preset` to a tier table.

The project is the preset's, the service a stand-in on loopback, and one refresh serves all
tests. What an account is worth is known from the stand-in alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.standins import fxiaoke, fxiaoke_company
from tests.standins.base import ManualClock
from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.fxiaoke_company import Company
from tests.standins.preset import PresetProject

AS_OF = "2026-05-31"

pytestmark = pytest.mark.slow


@dataclass
class Project(PresetProject):
    """A project that `init --preset fxiaoke` wrote, and the tenant that it reads."""

    tenant: FxiaokeStandin
    company: Company


def write_project(folder: Path, tenant: FxiaokeStandin, company: Company) -> Project:
    project = Project(folder, tenant, company)
    assert "FXIAOKE_APP_SECRET" in project.init("fxiaoke")
    # What a person fills in: the gateway of the cloud, and the tenant's own fields.
    path = folder / "sources.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("host: https://open.fxiaoke.com", f"host: {tenant.base_url}")
    score, cases = {"score": fxiaoke_company.SCORE_FIELD}, fxiaoke_company.CASE_ALIASES
    for own in (cases, score):
        written = ", ".join(f"{name}: {field}" for name, field in own.items())
        text = text.replace("aliases: {}", f"aliases: {{{written}}}", 1)
    path.write_text(text, encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    tenant = FxiaokeStandin(ManualClock(fxiaoke_company.NOW))
    company = fxiaoke_company.furnish(tenant)
    # The clock of the stand-in stands, and with it every window.
    tenant.limits.calls = 10_000
    with tenant.serving():
        folder = tmp_path_factory.mktemp("fxiaoke") / "project"
        made = write_project(folder, tenant, company)
        made.refresh(AS_OF)
        yield made


def test_every_account_is_a_customer_with_its_revenue(project: Project) -> None:
    rows = project.query(
        """
        select source_customer_id, cast(100 * revenue as bigint)
        from marts.customer_value
        inner join marts.customer_source_keys using (customer_id)
        where source = 'fxiaoke'
        """
    )
    assert dict(rows) == project.company.revenue


def test_tiers_are_those_of_the_kinds(project: Project) -> None:
    rows = project.query(
        """
        select source_customer_id, tier_rank, vip_class
        from marts.customer_tiers
        inner join marts.customer_source_keys using (customer_id)
        where source = 'fxiaoke'
        """
    )
    ranks: dict[str, list[int]] = {}
    for account, rank, _ in rows:
        ranks.setdefault(project.company.accounts[str(account)], []).append(rank)
    assert {kind: len(found) for kind, found in ranks.items()} == {
        kind: count for kind, (count, *_) in fxiaoke_company.KINDS.items()
    }
    mean = {kind: sum(found) / len(found) for kind, found in ranks.items()}
    assert max(ranks["key"]) <= min(ranks["standard"])
    assert mean["key"] < mean["growth"] < mean["standard"] < mean["prospect"], mean
    # Who bought nothing for ten months is above none who still buys as much.
    assert mean["standard"] <= mean["dormant"], mean


def test_labels_are_those_of_the_tenant(project: Project) -> None:
    assert project.query(
        "select distinct industry from marts.customers order by 1"
    ) == [
        ("机械",),
        ("电子",),
        ("食品",),
    ]
    assert project.query("select distinct kind from marts.interactions order by 1") == [
        ("call",),
        ("email",),
        ("visit",),
    ]


def test_tickets_have_what_the_aliases_name(project: Project) -> None:
    (row,) = project.query(
        """
        select
            count(*), count(priority), count(resolved_at), count(met_sla),
            count(*) filter (where is_complaint), count(first_response_at)
        from marts.service_tickets
        """
    )
    count = len(project.tenant.objects["CasesObj"])
    assert row[:4] == (count, count, count, count)
    assert 0 < row[4] < count
    # No field of the tenant says it, so that it is not known.
    assert row[5] == 0


def test_a_lead_is_shown_with_the_customer_that_it_seems_to_be_with(
    project: Project,
) -> None:
    """It brings the customer nothing but the hint: the figures are tested above."""
    assert project.query(
        """
        select leads.customer_id, leads.matched_by, keys.source_customer_id
        from marts.leads as leads
        inner join marts.customer_source_keys as keys
            on leads.matched_customer_id = keys.customer_id
        """
    ) == [(None, "phone", list(project.company.accounts)[1])]


def test_orders_are_the_sum_of_their_lines(project: Project) -> None:
    """Of one order in ten the whole has a discount."""
    found = project.query(
        "select outcome from meta.check_results "
        "where check_name like '%orders_are_the_sum_of_their_lines%'"
    )
    assert found == [("passed",)]


def test_what_the_crm_does_not_know_is_null(project: Project) -> None:
    assert project.query(
        "select count(cost_amount), count(margin_amount) from marts.order_lines"
    ) == [(0, 0)]
    assert project.query("select count(unit_cost) from marts.products") == [(0,)]
    assert project.query("select count(due_date) from marts.payments") == [(0,)]


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


def test_no_secret_is_in_any_file(project: Project) -> None:
    secrets = [fxiaoke.APP_SECRET, fxiaoke.PERMANENT_CODE, project.tenant.tokens[-1][0]]
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".jsonl" for path in files), "no log was written"
    for path in files:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in secrets), path


def test_tiers_go_back_into_the_tenant(project: Project) -> None:
    """By their Chinese names; an account of a tier that the tenant lacks is refused."""
    fields = project.tenant.fields["AccountObj"]
    fields["tier_of_ours__c"] = {
        "type": "select_one",
        "options": [
            {"label": "重要客户", "value": "a"},
            {"label": "普通客户", "value": "b"},
        ],
    }
    path = project.folder / "sources.yaml"
    before = path.read_text(encoding="utf-8")
    back = "    writeback: {send: true, fields: {tier: tier_of_ours__c}}\n"
    path.write_text(
        before.replace("    kind: fxiaoke\n", f"    kind: fxiaoke\n{back}"), "utf-8"
    )
    try:
        sent = project.run("export", "crm", "--send", "--json")
    finally:
        path.write_text(before, encoding="utf-8")
        del fields["tier_of_ours__c"]
    rows = project.query(
        """
        select source_customer_id, tier_name_zh
        from marts.customer_360
        inner join marts.customer_source_keys using (customer_id)
        where source = 'fxiaoke'
        """
    )
    options = {"重要客户": "a", "普通客户": "b"}
    taken = {key: options[tier] for key, tier in rows if tier in options}
    records = project.tenant.objects["AccountObj"].items()
    written = {
        key: record["tier_of_ours__c"]
        for key, record in records
        if "tier_of_ours__c" in record
    }
    assert written == taken
    (done,) = json.loads(sent.stdout)
    assert taken
    assert (done["accepted"], done["refused"]) == (len(taken), len(rows) - len(taken))
    assert sent.returncode == (1 if done["refused"] else 0), sent.stderr


def test_a_field_that_vanishes_stops_the_next_refresh(project: Project) -> None:
    """And an option that is new; the release stays as it was."""
    before = (project.folder / "data" / "current").readlink()
    fields = project.tenant.fields
    order_time = fields["SalesOrderObj"].pop("order_time")
    levels = fields["NewOpportunityObj"]["sales_status"]["options"]
    levels.append({"value": "9", "label": "暂停"})
    try:
        refreshed = project.run("refresh", "--as-of", AS_OF)
    finally:
        fields["SalesOrderObj"]["order_time"] = order_time
        levels.pop()
    assert refreshed.returncode == 3, refreshed.stdout + refreshed.stderr
    said = " ".join((refreshed.stdout + refreshed.stderr).split())
    for words in ("no_field_vanished", "order_time", "no_option_is_new", "暂停"):
        assert words in said
    assert (project.folder / "data" / "current").readlink() == before


def test_a_missing_permission_is_said_in_plain_words(project: Project) -> None:
    project.tenant.hidden.add("SalesOrderObj")
    try:
        checked = project.run("check-sources")
    finally:
        project.tenant.hidden.clear()
    assert checked.returncode == 5, checked.stdout + checked.stderr
    said = " ".join(checked.stdout.split())
    assert "SalesOrderObj cannot be read, errorCode 20020" in said
    assert "right to read this object" in said
