"""Writes the pages of a release: which there are, where they lie, what leads where.

A language has a folder of its own, English the one above the others; within it the
addresses are the same, so that a page of one language leads to the same page of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import duckdb
from jinja2 import Environment

from pipeline.common import pages
from pipeline.common.files import write_text
from pipeline.gates import data_docs
from pipeline.release.layout import DATA_DOCS
from pipeline.reports import (
    customers,
    drawing,
    overview,
    owners,
    plans,
    portfolio,
    quality,
    service,
    site,
    wording,
)
from pipeline.reports.overview import Overview
from pipeline.reports.owners import Owners
from pipeline.reports.periods import Seal
from pipeline.reports.plans import Plan
from pipeline.reports.portfolio import Portfolio
from pipeline.reports.quality import Quality
from pipeline.reports.service import Service
from pipeline.reports.site import TEMPLATES, Edition, Site
from pipeline.reports.words import LANGUAGES, WORDS, Language, say

FOLDERS: Final[Mapping[Language, str]] = {"en": "", "zh": "zh"}
INDEX: Final = "index.html"


@dataclass(frozen=True)
class Found:
    """What a release has for all its pages, asked once whatever the languages."""

    site: Site
    overview: Overview
    portfolio: Portfolio
    plans: Sequence[Plan]
    midpoint: float
    service: Service
    owners: Owners
    quality: Quality


def collect(connection: duckdb.DuckDBPyConnection, seal: Seal) -> Found:
    """Asks the release everything that its pages show."""
    there = site.collect(connection, seal)
    account_plans = plans.collect(connection, seal)
    found_owners = owners.collect(connection)
    there = replace(
        there,
        plans={plan.account["customer_id"]: plan.address for plan in account_plans},
        owners={each.summary["owner"]: each.address for each in found_owners.pages},
    )
    first = overview.collect(connection, there)
    return Found(
        site=there,
        overview=first,
        portfolio=portfolio.collect(
            connection, there, sales_recorded=first.headline["sales_recorded"]
        ),
        plans=account_plans,
        midpoint=plans.midpoint(connection) if account_plans else 0.0,
        service=service.collect(connection, there),
        owners=found_owners,
        quality=quality.collect(connection, there),
    )


def write(found: Found, reports: Path, languages: Sequence[Language]) -> None:
    """Writes the pages in the languages, in place of all earlier ones of these.

    Args:
        found: What the release has.
        reports: Its folder of reports.
        languages: In which.
    """
    for language in languages:
        others = [each for each in LANGUAGES if each != language]
        other = next(
            (
                each
                for each in others
                if each in languages or (reports / FOLDERS[each] / INDEX).exists()
            ),
            None,
        )
        _Writer(found, language, other, reports / FOLDERS[language]).write()


class _Writer:
    """Writes the pages of one language."""

    def __init__(
        self, found: Found, language: Language, other: Language | None, folder: Path
    ) -> None:
        self.found = found
        self.language = language
        self.other = other
        self.folder = folder
        up = "../" if FOLDERS[language] else ""
        self.edition = Edition(
            site=found.site,
            language=language,
            pages=[
                (name, address)
                for name, address in (
                    ("overview", INDEX),
                    ("portfolio", "portfolio.html"),
                    ("accounts", f"{plans.FOLDER}/{INDEX}"),
                    ("service", "service.html"),
                    ("owners", f"{owners.FOLDER}/{INDEX}"),
                    ("quality", "quality.html"),
                )
                if name != "accounts" or found.plans
            ],
            data_docs_at=f"{up}{DATA_DOCS.name}/{data_docs.INDEX}",
        )
        self.environment = _environment(language)

    def write(self) -> None:
        """Writes all of them."""
        found = self.found
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._page(
            "overview",
            "overview",
            INDEX,
            facts=found.overview,
            months=found.overview.columns,
            flows=found.overview.flows,
            silent_days=customers.SILENT_WITHOUT_RHYTHM,
            silent_gaps=customers.SILENT_GAPS,
        )
        cells = drawing.cells(found.midpoint, large=True)
        self._page(
            "portfolio",
            "portfolio",
            "portfolio.html",
            facts=found.portfolio,
            cells=cells,
            matrix=plans.labels(found.plans, cells),
            rated=[plan.address for plan in found.plans if plan.place],
            cohort_months=portfolio.COHORT_MONTHS,
            max_top=customers.TOP_CUSTOMERS,
        )
        self._page(
            "service",
            "service",
            "service.html",
            facts=found.service,
            max_badly_served=customers.BADLY_SERVED,
        )
        self._page(
            "quality", "quality", "quality.html", facts=found.quality, known_words=WORDS
        )
        self._folder(plans.FOLDER, bool(found.plans))
        if found.plans:
            self._account_plans()
        self._folder(owners.FOLDER, True)
        self._page("owners", "owners", f"{owners.FOLDER}/{INDEX}", found=found.owners)
        for owner in found.owners.pages:
            address = f"{owners.FOLDER}/{owner.file_name}"
            self._page("owner", "owners", address, owner=owner, found=found.owners)

    def _account_plans(self) -> None:
        """A page for each key account, and one that leads to them."""
        small, large = (
            drawing.cells(self.found.midpoint, large=size) for size in (False, True)
        )
        for plan in self.found.plans:
            self._page(
                "account_plan",
                "accounts",
                f"{plans.FOLDER}/{plan.file_name}",
                plan=plan,
                chart=plan.chart,
                cells=small,
                max_contacts=plans.MAX_CONTACTS,
            )
        self._page(
            "account_plans",
            "accounts",
            f"{plans.FOLDER}/{INDEX}",
            plans=self.found.plans,
            cells=large,
            labels=plans.labels(self.found.plans, large),
        )

    def _folder(self, name: str, wanted: bool) -> None:
        """Takes the pages of before out of a folder, and the folder where none come."""
        place = self.folder / name
        for old in place.glob("*.html"):
            old.unlink()
        if wanted:
            place.mkdir(mode=0o700, exist_ok=True)
        elif place.exists():
            place.rmdir()

    def _page(self, template: str, page: str, address: str, **values: Any) -> None:
        deep = address.count("/")
        root = "../" * deep
        text = self.environment.get_template(f"{template}.html.j2").render(
            values,
            site=self.edition,
            page=page,
            root=root,
            other_language_at=self._other(address),
        )
        write_text(self.folder / address, text)

    def _other(self, address: str) -> str | None:
        """The same page in the other language, from this one."""
        if self.other is None:
            return None
        up = "../" * (address.count("/") + (1 if FOLDERS[self.language] else 0))
        folder = FOLDERS[self.other]
        start, _, name = address.rpartition("/")
        quoted = quote(name)
        return up + "/".join(part for part in (folder, start, quoted) if part)


@cache
def _environment(language: Language) -> Environment:
    environment = pages.environment(TEMPLATES)
    environment.filters.update(wording.filters(language))
    environment.globals["t"] = say(language)
    return environment
