"""How a CRM takes tiers and verdicts back: the lines under `writeback:` of a source.

Nothing is sent unless they say so. Not here: what is written (`pipeline.serving.crm`) and
the calls that write (`zoho.writing`, `fxiaoke.writing`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field

from pipeline.sources.entity import Strict

System = Literal["zoho", "fxiaoke"]
Value = Literal[
    "tier",
    "score",
    "verdict",
    "recommendation",
    "at_stake",
    "next_action",
    "next_action_due",
]

# What an account is called, and the fields that an administrator makes for us.
OBJECTS: Final[Mapping[System, str]] = {"zoho": "Accounts", "fxiaoke": "AccountObj"}
FIELDS: Final[Mapping[System, Mapping[Value, str]]] = {
    "zoho": {
        "tier": "Customer_Tier",
        "score": "Customer_Score",
        "verdict": "Customer_Verdict",
        "recommendation": "Customer_Recommendation",
        "at_stake": "Customer_At_Stake",
        "next_action": "Customer_Next_Action",
        "next_action_due": "Customer_Next_Action_Due",
    },
    "fxiaoke": {
        "tier": "customer_tier__c",
        "score": "customer_score__c",
        "verdict": "customer_verdict__c",
        "recommendation": "customer_recommendation__c",
        "at_stake": "customer_at_stake__c",
        "next_action": "customer_next_action__c",
        "next_action_due": "customer_next_action_due__c",
    },
}
# The system of a source that is read through its API.
SYSTEMS: Final[Mapping[str, System]] = {"zoho_crm": "zoho", "fxiaoke": "fxiaoke"}


class Writeback(Strict):
    """What of a release goes back into the system, and into which of its fields.

    Attributes:
        system: Whose import format, for a source that is read from files.
        send: Whether `export crm --send` may write through the API.
        fields: What we know → the system's field; what is not named is not written. All
            of it, into fields of our names, when absent.
    """

    system: System | None = Field(
        default=None,
        description="zoho or fxiaoke; only for a source of kind files or database, whose "
        "kind does not say it.",
    )
    send: bool = Field(
        default=False, description="Lets `export crm --send` write through the API."
    )
    object: str | None = Field(
        default=None,
        description="The module or object of accounts; Accounts or AccountObj when absent.",
    )
    language: Literal["en", "zh"] | None = Field(
        default=None,
        description="Of names and sentences; en for Zoho, zh for Fxiaoke when absent.",
    )
    fields: dict[Value, str] | None = Field(
        default=None,
        min_length=1,
        description="tier, score, verdict, recommendation, at_stake, next_action, "
        "next_action_due, each with the API name of your field.",
    )
