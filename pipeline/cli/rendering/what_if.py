"""Renders a what-if, in English and in Chinese.

Nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from pipeline.cli.rendering.language import Language, format_money, write
from pipeline.tiers.what_if import WhatIf


def what_if(found: WhatIf, language: str, to: Console) -> None:
    """Prints what a policy would change."""
    write(_Rendering(language).render(found), to)


class _Rendering(Language):
    """One language."""

    def render(self, found: WhatIf) -> Iterator[RenderableType]:
        """Head, who moves, the matrix, the tiers, service, the largest movers."""
        name = self.of(
            {"n_en": found.policy_name_en, "n_zh": found.policy_name_zh}, "n"
        )
        now = ", ".join(found.policies_now)
        yield Text.assemble((name, "bold"), f" ({found.policy_id})")
        yield Text(
            self.either(
                f"against {now} in {found.release}, as of {found.as_of_date}; "
                f"money in {found.currency}",
                f"对比{now}，{found.release}，截至{found.as_of_date}；"
                f"金额单位{found.currency}",
            ),
            style="dim",
        )
        files = {
            table: origin
            for table, origin in found.origins.items()
            if origin != found.policy_id
        }
        if files:
            yield Text(
                "; ".join(f"{table}: {origin}" for table, origin in files.items()),
                style="dim",
            )
        table = self.table(
            "Who moves", *("move", ">customers", ">revenue 12 m", ">profit 12 m")
        )
        for row in found.moves:
            table.add_row(
                self.text(row["move"]),
                f"{row['customers']:,}",
                format_money(row["revenue_12m"]),
                format_money(row["profit_12m"]),
            )
        yield table
        yield from self._matrix(found)
        yield from self._tiers(found)
        yield ""
        yield self.facts(
            [("Service", self._service(found))]
            + [("Warning", warning) for warning in found.warnings]
            + [("Written", found.output or "")]
        )
        table = self.table(
            "The largest of those who move",
            *("customer", "", "move", ">revenue 12 m", ">profit 12 m"),
        )
        names = self._tier_names(found)
        for row in found.largest:
            table.add_row(
                row["customer_id"],
                row["customer_name"] or "",
                f"{names[row['tier_now']]} → {names[row['tier_then']]}",
                format_money(row["revenue_12m"]),
                format_money(row["profit_12m"]),
            )
        if found.largest:
            yield table

    def _matrix(self, found: WhatIf) -> Iterator[RenderableType]:
        cells = {(row["from_tier"], row["to_tier"]): row for row in found.matrix}
        codes = [tier["tier_code"] for tier in found.tiers]
        columns = [
            code for code in codes if any(to_tier == code for _, to_tier in cells)
        ]
        measures: tuple[tuple[str, Callable[[Any], str]], ...] = (
            ("customers", lambda value: f"{value:,}"),
            ("revenue_12m", format_money),
            ("profit_12m", format_money),
        )
        headings = {"revenue_12m": "revenue 12 m", "profit_12m": "profit 12 m"}
        names = self._tier_names(found)
        table = self.table("From tier (rows) to tier (columns)", "", "")
        for code in columns:
            table.add_column(names[code], justify="right")
        for code in codes:
            if not any(from_tier == code for from_tier, _ in cells):
                continue
            for place, (measure, format_cell) in enumerate(measures):
                table.add_row(
                    names[code] if place == 0 else "",
                    self.text(headings.get(measure, measure)),
                    *(
                        format_cell(cells[code, to_tier][measure])
                        if (code, to_tier) in cells
                        else "·"
                        for to_tier in columns
                    ),
                )
        yield table

    def _tier_names(self, found: WhatIf) -> dict[str, str]:
        return {tier["tier_code"]: self.of(tier, "tier_name") for tier in found.tiers}

    def _tiers(self, found: WhatIf) -> Iterator[RenderableType]:
        known = found.service.hours_then is not None
        table = self.table("Tiers", "tier")
        for measure in ("customers", "revenue 12 m", "profit 12 m"):
            table.add_column(self.text(measure), justify="right")
            table.add_column(self.text("then"), justify="right")
        if known:
            table.add_column(self.text("service hours"), justify="right")
            table.add_column(self.text("then"), justify="right")
        for tier in found.tiers:
            cells = [
                f"{tier['customers_now']:,}",
                f"{tier['customers_then']:,}",
                *(
                    format_money(tier[f"{measure}_{when}"])
                    for measure in ("revenue_12m", "profit_12m")
                    for when in ("now", "then")
                ),
            ]
            if known:
                cells += [
                    format_money(tier[f"service_hours_{when}"])
                    for when in ("now", "then")
                ]
            table.add_row(self.of(tier, "tier_name"), *cells)
        yield table

    def _service(self, found: WhatIf) -> str:
        service = found.service
        if service.planned_by is None:
            sentence = self.either(
                "hours are unknown: the release has no service policies",
                "工时未知：该版本没有服务政策",
            )
        elif service.hours_now is None or service.hours_then is None:
            codes = ", ".join(service.not_planned)
            sentence = self.either(
                f"hours are unknown: none are planned for {codes}",
                f"工时未知：{codes}没有计划工时",
            )
        else:
            sentence = self.either(
                f"{service.hours_now:,.0f} hours a year now, "
                f"{service.hours_then:,.0f} then, as planned by {service.planned_by}",
                f"每年工时由{service.hours_now:,.0f}变为{service.hours_then:,.0f}"
                f"（{service.planned_by}）",
            )
            if service.capacity_hours:
                share = float(service.hours_then) / service.capacity_hours
                sentence += self.either(
                    f"; {share:.0%} of the {service.capacity_hours:,.0f} that there are",
                    f"；占可用{service.capacity_hours:,.0f}小时的{share:.0%}",
                )
        if service.recorded_hours_12m is not None:
            sentence += self.either(
                f"; {service.recorded_hours_12m:,.0f} hours of interactions were recorded "
                "in the last 12 months",
                f"；近12个月记录的互动为{service.recorded_hours_12m:,.0f}小时",
            )
        return sentence
