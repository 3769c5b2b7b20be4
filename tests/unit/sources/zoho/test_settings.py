"""What sources.yaml says of Zoho, and what it need not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.secrets import cleared
from pipeline.common.settings import Settings
from pipeline.sources import Source, load_sources
from pipeline.sources.zoho_settings import Zoho

CREDENTIALS = {"client_id": "id", "client_secret": "secret", "refresh_token": "token"}


def crm(**entities: Any) -> Source:
    return Source.model_validate(
        {
            "name": "zoho",
            "kind": "zoho_crm",
            "zoho": CREDENTIALS,
            "provides": [],
            "entities": entities,
        }
    )


def test_key_and_cursor_are_zohos() -> None:
    source = crm(
        accounts=None,
        lines={"object": "Ordered_Items", "parent": "Sales_Orders"},
        users={"object": "users"},
        metadata={"reads": "metadata"},
        settings={"load": "snapshot"},
    )
    of = source.entities
    assert (of["accounts"].key, of["accounts"].sweep_days) == (["id"], 7)
    assert of["accounts"].cursor is not None
    assert of["accounts"].cursor.column == "Modified_Time"
    assert of["lines"].replace == ["Parent_Id"]
    assert of["lines"].cursor is not None
    assert of["lines"].cursor.column == "Parent_Modified_Time"
    assert of["users"].load == "snapshot"
    assert of["metadata"].key == ["object", "field", "option_value"]
    assert of["settings"].cursor is None
    # As the reading of a module that changes meanwhile needs it.
    assert {one.repeated_keys for one in of.values() if one.reads == "records"} == {
        "newest"
    }


def test_what_is_said_wins() -> None:
    (entity,) = crm(
        accounts={"sweep_days": 30, "repeated_keys": "refuse"}
    ).entities.values()
    assert (entity.sweep_days, entity.repeated_keys) == (30, "refuse")


@pytest.mark.parametrize(
    ("center", "accounts", "desk"),
    [
        ("com.cn", "https://accounts.zoho.com.cn", "https://desk.zoho.com.cn"),
        ("eu", "https://accounts.zoho.eu", "https://desk.zoho.eu"),
        ("ca", "https://accounts.zohocloud.ca", "https://desk.zohocloud.ca"),
        ("sa", "https://accounts.zoho.sa", "https://desk.zoho.sa"),
    ],
)
def test_each_data_center_has_its_addresses(
    center: str, accounts: str, desk: str
) -> None:
    zoho = Zoho.model_validate({**CREDENTIALS, "data_center": center})
    assert (zoho.accounts_host, zoho.desk_host) == (accounts, desk)


def written(folder: Path, zoho: str, kind: str = "zoho_crm") -> Settings:
    path = folder / "sources.yaml"
    path.write_text(
        "version: 1\nsources:\n"
        f"  - {{name: z, kind: {kind}, zoho: {zoho}, provides: [], "
        "entities: {accounts: {}}}\n"
    )
    environment = {"ID": "1000.ID77", "SECRET": "s3cr3t-77", "TOKEN": "1000.t0k3n-77"}
    return Settings(folder / "home", path, environment=environment)


REFERRED = "client_id: '${ID}', client_secret: '${SECRET}', refresh_token: '${TOKEN}'"


def test_credentials_are_secrets_from_then_on(tmp_path: Path) -> None:
    settings = written(tmp_path, f"{{data_center: com.cn, {REFERRED}}}")
    sources = load_sources(settings)
    assert "77" not in cleared("1000.ID77 s3cr3t-77 1000.t0k3n-77")
    assert "77" not in repr(sources)
    assert sources.sources[0].zoho is not None
    assert sources.sources[0].zoho.client_secret == "s3cr3t-77"


@pytest.mark.parametrize(
    ("zoho", "kind", "text"),
    [
        ("null", "zoho_crm", "needs zoho"),
        (f"{{{REFERRED}}}", "zoho_desk", "org_id"),
        (f"{{data_center: cn, {REFERRED}}}", "zoho_crm", "data_center"),
        ("{client_id: x}", "zoho_crm", "client_secret"),
        (f"{{{REFERRED}, accounts_url: 'http://a.example'}}", "zoho_crm", "https"),
        (f"{{{REFERRED}, acounts_url: x}}", "zoho_crm", "acounts_url"),
    ],
)
def test_what_makes_no_sense_is_said(
    tmp_path: Path, zoho: str, kind: str, text: str
) -> None:
    with pytest.raises(ConfigurationError, match=text) as error:
        load_sources(written(tmp_path, zoho, kind))
    assert "s3cr3t" not in str(error.value)
