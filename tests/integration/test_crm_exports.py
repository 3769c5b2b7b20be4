"""Folders of exports, from `init --preset SYSTEM --from FOLDER` to a tier table.

What an account is worth is known from the stand-ins, whose records the files hold; one
refresh of each system serves all tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.common.settings import PROJECT_ROOT
from tests.standins import exports, fxiaoke_company, zoho_company
from tests.standins.base import ManualClock
from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.preset import PresetProject
from tests.standins.zoho_crm import ZohoCrm
from tests.standins.zoho_desk import ZohoDesk

AS_OF = "2026-05-31"

pytestmark = pytest.mark.slow


@dataclass
class Project(PresetProject):
    """A project of files that a system exported.

    Attributes:
        system: What the preset and the source are called.
        kinds: The customer's key → the kind of account that it is.
        revenue: The customer's key → what its orders come to, in cents.
    """

    system: str
    kinds: Mapping[str, str]
    revenue: Mapping[str, int]


def of_zoho(folder: Path) -> Project:
    crm = ZohoCrm(ManualClock(zoho_company.NOW))
    company = zoho_company.furnish(crm, ZohoDesk(crm))
    exports.zoho(crm, folder / "in", lines="first")
    return Project(folder / "project", "zoho", company.accounts, company.revenue)


def of_fxiaoke(folder: Path) -> Project:
    tenant = FxiaokeStandin(ManualClock(fxiaoke_company.NOW))
    company = fxiaoke_company.furnish(tenant)
    exports.fxiaoke(tenant, folder / "in")
    names = {key: one["name"] for key, one in tenant.objects["AccountObj"].items()}
    return Project(
        folder / "project",
        "fxiaoke",
        {names[key]: kind for key, kind in company.accounts.items()},
        {names[key]: cents for key, cents in company.revenue.items()},
    )


@pytest.fixture(scope="module", params=[of_zoho, of_fxiaoke], ids=["zoho", "fxiaoke"])
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    folder = tmp_path_factory.mktemp("exports")
    made: Project = request.param(folder)
    written = made.run(
        *("init", str(made.folder), "--preset", made.system),
        *("--from", str(folder / "in")),
        at=PROJECT_ROOT,
    )
    assert written.returncode == 0, written.stdout + written.stderr
    # Nothing is filled in: it refreshes as it was written.
    made.refresh(AS_OF)
    return made


def test_every_account_is_a_customer_with_its_revenue(project: Project) -> None:
    rows = project.query(
        f"""
        select source_customer_id, cast(100 * revenue as bigint)
        from marts.customer_value
        inner join marts.customer_source_keys using (customer_id)
        where source = '{project.system}'
        """
    )
    assert dict(rows) == project.revenue


def test_tiers_are_those_of_the_kinds(project: Project) -> None:
    rows = project.query(
        "select source_customer_id, tier_rank from marts.customer_tiers "
        "inner join marts.customer_source_keys using (customer_id)"
    )
    ranks: dict[str, list[int]] = {}
    for key, rank in rows:
        ranks.setdefault(project.kinds[str(key)], []).append(rank)
    assert sum(map(len, ranks.values())) == len(project.kinds)
    mean = {kind: sum(found) / len(found) for kind, found in ranks.items()}
    assert max(ranks["key"]) <= min(ranks["standard"]), mean
    assert mean["key"] < mean["growth"] < mean["standard"] < mean["prospect"], mean
    assert mean["standard"] <= mean["dormant"], mean


def test_a_lead_is_shown_with_the_customer_that_it_seems_to_be_with(
    project: Project,
) -> None:
    assert (
        len(
            project.query(
                "select lead_id from marts.leads "
                "where customer_id is null and matched_customer_id is not null"
            )
        )
        == 1
    )


def test_all_rows_are_accounted_for(project: Project) -> None:
    assert (
        project.query(
            """
            select landed_entity, entity, landing_difference, row_difference
            from meta.landing_reconciliation
            where landing_difference <> 0 or row_difference <> 0
                or amount_difference <> 0
            """
        )
        == []
    )


def test_orders_are_the_sum_of_their_lines(project: Project) -> None:
    found = project.query(
        "select check_name, outcome from meta.check_results "
        "where check_name like '%orders_are_the_sum_of_their_lines%'"
    )
    assert [outcome for _, outcome in found] == ["passed"], found
