"""What every page of a release says and needs: seal, periods, labels, and who has a page.

Asked once for all pages. Not here: what a single page shows.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
from markupsafe import Markup

from pipeline.reports import periods, queries, sales, trust
from pipeline.reports.periods import Period, Seal
from pipeline.reports.words import WORDS, Language

TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Site:
    """The pages of a release.

    Attributes:
        plans: Customer → address of its account plan; likewise `owners`. Addresses are
            from the folder of a language.
        labels: (kind, code) → what the code is called in English and in Chinese.
        roles: Role that stands for the owner of customers without one, as the tables
            have it → likewise.
        tier_names: Likewise of tiers, those of earlier policies among them.
        withheld: (what, customer type) whose model is worth less than its bound.
    """

    seal: Seal
    period: Period
    currency: str | None
    policies: str | None
    labels: Mapping[tuple[str, str], tuple[str, str]]
    tier_names: Mapping[str, tuple[str, str]]
    withheld: Set[tuple[str, str]]
    roles: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    plans: Mapping[str, str] = field(default_factory=dict)
    owners: Mapping[str, str] = field(default_factory=dict)


def collect(connection: duckdb.DuckDBPyConnection, seal: Seal) -> Site:
    """Asks a release what all its pages need."""
    return Site(
        seal=seal,
        period=periods.period(seal),
        currency=seal.currency or sales.booked_currency(connection),
        policies=queries.one(
            connection,
            "select string_agg(distinct policy_id, ', ' order by policy_id) "
            "as policies from marts.customer_tiers",
        )["policies"],
        labels=_labels(connection),
        tier_names=_tier_names(connection),
        withheld=trust.withheld(connection),
        roles=_roles(connection),
    )


def _labels(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], tuple[str, str]]:
    if not queries.has(connection, "meta", "code_labels", "code_kind", "label_zh"):
        return {}
    return {
        (row["code_kind"], row["code"]): (row["label_en"], row["label_zh"])
        for row in queries.rows(
            connection,
            "select code_kind, code, label_en, label_zh from meta.code_labels",
        )
    }


def _roles(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    """The roles of the service policy, which customers without an owner have for one."""
    named = ("owner_role_en", "owner_role_zh")
    if not queries.has(connection, "meta", "service_policies", *named):
        return {}
    return {
        row["owner_role_en"]: (row["owner_role_en"], row["owner_role_zh"])
        for row in queries.rows(
            connection,
            "select distinct owner_role_en, owner_role_zh from meta.service_policies",
        )
    }


def _tier_names(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    """By the code: as the policy in force calls a tier, else as an earlier one did."""
    names: dict[str, tuple[str, str]] = {}
    for table in ("meta.tiers", "marts.tier_summary"):
        schema, name = table.split(".")
        if queries.has(connection, schema, name, "tier_code", "tier_name_zh"):
            for row in queries.rows(
                connection,
                f"select tier_code, tier_name_en, tier_name_zh from {table}",
            ):
                names[row["tier_code"]] = (row["tier_name_en"], row["tier_name_zh"])
    return names


@dataclass(frozen=True)
class Edition:
    """The pages of a release in one language, as templates see them: `site`.

    Attributes:
        pages: (page, address from the folder of the language), for the way between them.
        data_docs_at: Where the Data Docs begin, from the same folder.
    """

    site: Site
    language: Language
    pages: Sequence[tuple[str, str]]
    data_docs_at: str

    @property
    def seal(self) -> Seal:
        """The record of the release."""
        return self.site.seal

    @property
    def period(self) -> Period:
        """The 12 months that the pages are about."""
        return self.site.period

    @property
    def currency(self) -> str | None:
        """In which money is, where it is known."""
        return self.site.currency

    @property
    def policies(self) -> str | None:
        """The policies in force."""
        return self.site.policies

    @property
    def plans(self) -> Mapping[str, str]:
        """Customer → address of its account plan."""
        return self.site.plans

    @property
    def owners(self) -> Mapping[str, str]:
        """Owner → address of its page."""
        return self.site.owners

    @property
    def withheld(self) -> Set[tuple[str, str]]:
        """What is not shown of customers of a type."""
        return self.site.withheld

    @property
    def _place(self) -> int:
        return 1 if self.language == "zh" else 0

    def code(self, kind: str, code: str | None) -> str:
        """What a code is called; the code itself where the release has no name for it."""
        if code is None:
            return "–"
        names = self.site.labels.get((kind, code))
        return (names[self._place] or code) if names else code

    def owner(self, name: str | None) -> str | None:
        """Who looks after a customer: by name, or the role in the words of the page."""
        names = self.site.roles.get(name or "")
        return (names[self._place] or name) if names else name

    def tier_name(self, code: str | None) -> str:
        """What a tier is called, by its code, or the state of who has none."""
        if code is None:
            return "–"
        names = self.site.tier_names.get(code)
        if names:
            return names[self._place] or code
        for kind in ("tier_migration.from_tier", "service_levels.tier_code"):
            if (kind, code) in self.site.labels:
                return self.code(kind, code)
        return code

    def type_name(self, customer_type: str) -> str:
        """One customer of a type; the type itself where nobody has words for it."""
        return self._type("type.one", customer_type)

    def types_name(self, customer_type: str) -> str:
        """The customers of a type."""
        return self._type("type.many", customer_type)

    def _type(self, key: str, customer_type: str) -> str:
        words = WORDS.get(f"{key}.{customer_type}")
        return words[self._place] if words else customer_type

    @cached_property
    def script(self) -> Markup:
        """The script of the tables."""
        return Markup((TEMPLATES / "tables.js").read_text(encoding="utf-8"))

    @cached_property
    def script_hash(self) -> str:
        """By which the browser knows the one script that it may run."""
        digest = hashlib.sha256(str(self.script).encode()).digest()
        return base64.b64encode(digest).decode()
