"""What `sources.yaml` says of a source of kind `zoho_crm` or `zoho_desk`.

And what its entities are unless it says otherwise: their key and their cursor are Zoho's
and the same for every company. Not here: the options that other kinds have too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pipeline.sources.entity import Strict

DataCenter = Literal["com", "eu", "in", "com.au", "com.cn", "jp", "ca", "sa"]

# Canada and the Kingdom have domains of their own.
_DOMAINS = {"ca": "zohocloud.ca", "sa": "zoho.sa"}
# What owners are; no module.
USERS = "users"
# The lists of Zoho Desk that say when a record was changed, and can be searched by it.
SEARCHED = {"tickets"}


class Zoho(Strict):
    """Where an organisation's data is, and the credentials to read it.

    Attributes:
        data_center: The end of the address at which people log in.
        accounts_url: Where tokens are given; that of the data centre when absent.
        api_url: Where records are read; what comes with the token, or the data centre's
            desk, when absent.
    """

    data_center: DataCenter = Field(
        default="com", description="The end of the address at which people log in."
    )
    client_id: str = Field(min_length=1, repr=False)
    client_secret: str = Field(min_length=1, repr=False)
    refresh_token: str = Field(min_length=1, repr=False)
    org_id: str | None = Field(
        default=None, description="The organisation's number; Zoho Desk needs it."
    )
    accounts_url: str | None = Field(
        default=None,
        description="Where tokens are given; that of the data centre when absent.",
    )
    api_url: str | None = Field(
        default=None,
        description="Where records are read; of the data centre when absent.",
    )
    bulk: bool = Field(
        default=True,
        description="First loads by bulk read (scope ZohoCRM.bulk.READ); page by page "
        "without it.",
    )
    coql: bool = Field(
        default=True,
        description="Increments by COQL (scope ZohoCRM.coql.READ), which misses no row "
        "that changes meanwhile and costs a third of the credits; page by page without.",
    )
    most_missing: float = Field(
        default=0,
        ge=0,
        le=1,
        description="The share of records that a whole reading may lack against Zoho's "
        "own count; for modules of which a profile sees less than it counts.",
    )

    @field_validator("accounts_url", "api_url")
    @classmethod
    def _is_encrypted(cls, url: str | None) -> str | None:
        if url is not None and not is_encrypted(url):
            raise ValueError(
                "give the address with https://; a secret does not go over a line that "
                "is not encrypted"
            )
        return url

    @property
    def accounts_host(self) -> str:
        """The address that gives tokens."""
        domain = _DOMAINS.get(self.data_center, f"zoho.{self.data_center}")
        return (self.accounts_url or f"https://accounts.{domain}").rstrip("/")

    @property
    def desk_host(self) -> str:
        """The address of the organisation's desk."""
        domain = _DOMAINS.get(self.data_center, f"zoho.{self.data_center}")
        return (self.api_url or f"https://desk.{domain}").rstrip("/")


def is_encrypted(url: str) -> bool:
    """Whether nobody on the way can read what goes to the address."""
    return url.startswith(("https://", "http://127.0.0.1:", "http://localhost:"))


def entity_defaults(kind: str, entity: dict[str, Any]) -> dict[str, Any]:
    """What an entity is unless sources.yaml says otherwise.

    Args:
        kind: The source's.
        entity: What sources.yaml says, as it is read.
    """
    if entity.get("reads") == "metadata":
        key = ["object", "field", "option_value"]
        return {"key": key, "load": "snapshot", "personal": "none"}
    # What is no text is refused afterwards, with its place.
    name = str(entity.get("object") or entity.get("name"))
    # A record that changes while it is read comes twice, and the newer one counts.
    found: dict[str, Any] = {"key": ["id"], "repeated_keys": "newest"}
    if name == USERS or (kind == "zoho_desk" and name not in SEARCHED):
        return found | {"load": "snapshot"}
    if entity.get("load") == "snapshot":
        return found
    if kind == "zoho_desk":
        cursor = {"column": "modifiedTime", "overlap": "10 minutes"}
        return found | {"cursor": cursor, "sweep_days": 30}
    if entity.get("parent"):
        # A line has no time of its own that could be relied on: it is read with its
        # order, and all lines of an order with each other.
        cursor = {"column": "Parent_Modified_Time", "overlap": "10 minutes"}
        found |= {"replace": ["Parent_Id"], "cursor": cursor}
    else:
        cursor = {"column": "Modified_Time", "overlap": "10 minutes"}
        found["cursor"] = cursor
    return found | {"sweep_days": 7}
