"""One customer for each real one, whom the ERP, Zoho, Fxiaoke and the help desk know.

The projects of both presets in one, with an ERP of CSV files beside them. Who is who is
known from the population alone, which was written by somebody who did not know the rules.
"""

from __future__ import annotations

import csv
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.populations import companies
from tests.standins import fxiaoke_company, zoho_company
from tests.standins.base import ManualClock
from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.preset import PresetProject
from tests.standins.zoho_crm import ZohoCrm
from tests.standins.zoho_desk import ZohoDesk

COMPANIES = 400
SEED = 20261129
AS_OF = "2026-05-31"
Record = tuple[str, str]
PLACES = {"country": "country", "province": "region", "city": "city"}

pytestmark = pytest.mark.slow


@dataclass
class Systems:
    """What the four systems hold.

    Attributes:
        identity: Source and key → the company that it is.
        zoho_ids: The population's key → the account's id in Zoho; so for Fxiaoke.
    """

    crm: ZohoCrm
    desk: ZohoDesk
    tenant: FxiaokeStandin
    identity: dict[Record, str]
    erp: dict[str, list[dict[str, Any]]]


def furnish() -> Systems:
    crm = ZohoCrm(ManualClock(zoho_company.NOW))
    crm.limits.tokens_in_ten_minutes = 1_000
    desk = ZohoDesk(crm)
    tenant = FxiaokeStandin(ManualClock(fxiaoke_company.NOW))
    zoho_company.declare(crm)
    fxiaoke_company.declare(tenant)
    population = companies.generate(COMPANIES, SEED)
    places = _declare_places(tenant, population)
    truth = {
        (row["source"], row["source_customer_id"]): str(row["identity"])
        for row in population.truth.to_pylist()
    }
    found = Systems(crm, desk, tenant, {}, defaultdict(list))
    keys: dict[Record, str] = {}
    for row in population.records.to_pylist():
        record = (row["source"], row["source_customer_id"])
        enter = {"erp": _in_erp, "zoho": _in_zoho, "fxiaoke": _in_fxiaoke}[record[0]]
        keys[record] = enter(found, {**row, "places": places})
        found.identity[record[0], keys[record]] = truth[record]
        if record[0] == "zoho" and len(keys) % 2:
            ticket_of = _in_desk(found, row, keys[record])
            found.identity["zoho_desk", ticket_of] = truth[record]
    for row in population.references.to_pylist():
        one = (row["source"], row["source_customer_id"])
        other = (row["other_source"], row["other_source_customer_id"])
        if "erp" in (one[0], other[0]):
            mine, theirs = (one, other) if one[0] == "erp" else (other, one)
            found.erp["customer_references"].append(
                {
                    "source_customer_id": keys[mine],
                    "other_source": theirs[0],
                    "other_source_customer_id": keys[theirs],
                }
            )
    return found


def _declare_places(
    tenant: FxiaokeStandin, population: companies.Population
) -> dict[str, dict[str, str]]:
    """Gives the tenant the places of its accounts to choose from; value by name."""
    rows = population.records.to_pylist()
    chosen: dict[str, dict[str, str]] = {}
    fields = dict(fxiaoke_company.OBJECTS["AccountObj"])
    for field, column in PLACES.items():
        names = sorted({row[column] for row in rows if row[column]})
        chosen[field] = {name: str(place) for place, name in enumerate(names)}
        fields[field] = {
            **fields[field],
            "options": [
                {"value": value, "label": name} for name, value in chosen[field].items()
            ],
        }
    tenant.declare("AccountObj", fields)
    return chosen


def _in_erp(systems: Systems, row: Mapping[str, Any]) -> str:
    key = str(row["source_customer_id"])
    systems.erp["customers"].append(
        {
            name: "" if row[name] is None else row[name]
            for name in ("source_customer_id", *companies.TEXT_COLUMNS)
        }
    )
    systems.erp["order_lines"].append(
        {
            "order_id": f"O-{key}",
            "line_number": 1,
            "customer_source": "erp",
            "source_customer_id": key,
            "order_date": "2026-03-02",
            "quantity": 1,
            "net_amount": 100 + len(str(row["customer_name"])),
            "is_return": False,
            "currency": "CNY",
        }
    )
    return key


def _in_zoho(systems: Systems, row: Mapping[str, Any]) -> str:
    return systems.crm.put(
        "Accounts",
        Owner={"id": zoho_company.USERS[0], "name": "User 0", "email": "u0@x.example"},
        Account_Name=row["customer_name"],
        Phone=row["phone"],
        Website=row["website"],
        Billing_Street=row["street"],
        Billing_City=row["city"],
        Billing_State=row["region"],
        Billing_Code=row["postal_code"],
        Billing_Country=row["country"],
        Tax_Number=row["registration_number"],
    )


def _in_fxiaoke(systems: Systems, row: Mapping[str, Any]) -> str:
    values = {
        **{
            field: row["places"][field].get(row[column])
            for field, column in PLACES.items()
        },
        "name": row["customer_name"],
        "uniform_social_credit_code": row["registration_number"],
        "tel": row["phone"],
        "email": row["email"],
        "url": row["website"],
        "address": row["street"],
    }
    given = {name: value for name, value in values.items() if value is not None}
    return systems.tenant.put("AccountObj", **given)


def _in_desk(systems: Systems, row: Mapping[str, Any], account: str) -> str:
    key = f"1329983000{int(account[-9:]):09}"
    systems.desk.put(
        "accounts",
        key,
        accountName=f"{row['customer_name']} (support)",
        phone=None,
        email=None,
        website=None,
        zohoCRMAccount={"id": account},
    )
    return key


def write_project(systems: Systems, folder: Path) -> None:
    """The projects of both presets in one, and an ERP of files."""
    for preset in ("zoho", "fxiaoke"):
        PresetProject(folder / preset).init(preset)
    whole = folder / "zoho"
    other = folder / "fxiaoke"
    described = yaml.safe_load((whole / "sources.yaml").read_text("utf-8"))
    (theirs,) = yaml.safe_load((other / "sources.yaml").read_text("utf-8"))["sources"]
    for source in described["sources"]:
        if source["name"] == "zoho":
            source["zoho"]["accounts_url"] = systems.crm.base_url
            source["entities"]["accounts"]["aliases"] = {
                "registration_number": "Tax_Number"
            }
        else:
            source["zoho"]["api_url"] = systems.desk.base_url
            source["zoho"]["accounts_url"] = systems.crm.base_url
    theirs["fxiaoke"]["host"] = systems.tenant.base_url
    described["sources"] += [theirs, _erp(systems, whole)]
    (whole / "sources.yaml").write_text(
        yaml.safe_dump(described, allow_unicode=True), "utf-8"
    )
    for part in ("dbt_project", "expectations"):
        shutil.copytree(other / part, whole / part, dirs_exist_ok=True)


def _erp(systems: Systems, project: Path) -> dict[str, Any]:
    staging = project / "dbt_project" / "models" / "staging" / "erp"
    inbox = project / "erp"
    staging.mkdir(parents=True)
    inbox.mkdir()
    keys = {
        "customers": ["source_customer_id"],
        "customer_references": [
            "source_customer_id",
            "other_source",
            "other_source_customer_id",
        ],
        "order_lines": ["order_id", "line_number"],
    }
    for entity, rows in systems.erp.items():
        with (inbox / f"{entity}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        columns = ",\n    ".join(f"nullif({name}, '') as {name}" for name in rows[0])
        (staging / f"stg_erp__{entity}.sql").write_text(
            f"with rows_ as (\n    {{{{ latest(source('erp', '{entity}')) }}}}\n)\n\n"
            f"select\n    {columns}\nfrom rows_\n"
        )
    return {
        "name": "erp",
        "kind": "files",
        "path": "erp",
        "provides": list(systems.erp),
        "entities": {
            entity: {
                "files": f"{entity}.csv",
                "key": keys[entity],
                "repeated_keys": "newest",
                "load": "snapshot",
                "settle_seconds": 0,
                "personal": "none",
            }
            for entity in systems.erp
        },
    }


@pytest.fixture(scope="module")
def matched(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Systems, dict[Record, str]]]:
    """The systems, and the customer of each record."""
    systems = furnish()
    folder = tmp_path_factory.mktemp("four")
    with systems.crm.serving(), systems.desk.serving(), systems.tenant.serving():
        write_project(systems, folder)
        project = PresetProject(folder / "zoho")
        project.refresh(AS_OF)
        rows = project.query(
            "select source, source_customer_id, customer_id "
            "from marts.customer_source_keys"
        )
        yield systems, {(source, key): customer for source, key, customer in rows}


def _pairs(groups: Mapping[Record, str]) -> set[tuple[Record, Record]]:
    """The pairs of records that are of one group."""
    members: dict[str, list[Record]] = defaultdict(list)
    for record, group in sorted(groups.items()):
        members[group].append(record)
    return {pair for group in members.values() for pair in combinations(group, 2)}


def test_each_record_of_each_system_has_a_customer(
    matched: tuple[Systems, dict[Record, str]],
) -> None:
    systems, customers = matched
    assert customers.keys() == systems.identity.keys()
    assert {source for source, _ in customers} == {
        "erp",
        "fxiaoke",
        "zoho",
        "zoho_desk",
    }


def test_one_customer_for_each_real_one(
    matched: tuple[Systems, dict[Record, str]],
) -> None:
    systems, customers = matched
    true, found = _pairs(systems.identity), _pairs(customers)
    assert len(true) > COMPANIES
    assert len(true & found) / len(found) >= 0.99
    assert len(true & found) / len(true) >= 0.95
