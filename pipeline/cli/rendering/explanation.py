"""Renders an explanation of a tier, in English and in Chinese.

Nothing is worked out here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from pipeline.cli.rendering.language import (
    LANGUAGES,
    Language,
    format_number,
    format_score,
    write,
)
from pipeline.tiers.explain import WORDED, Explanation, total
from pipeline.tiers.policy import UNKNOWN_TYPE
from pipeline.tiers.scoring import MEASURE_NAMES


def explanation(found: Explanation, language: str, to: Console) -> None:
    """Prints why a customer has its tier."""
    write(_Rendering(language).render(found), to)


class _Rendering(Language):
    """One language."""

    def render(self, found: Explanation) -> Iterator[RenderableType]:
        """Head, facts and tables, in the order in which a person asks for them."""
        who, tier = found.customer, found.tier
        parts = [who["customer_id"], self.text(who["customer_type"])]
        places = dict.fromkeys(who[key] for key in ("region", "country", "industry"))
        parts += [place for place in places if place]
        if who["owner"]:
            parts.append(self.either("owner ", "负责人") + who["owner"])
        yield Text.assemble(
            (who["customer_name"] or "", "bold"), "  ", ", ".join(parts)
        )
        yield Text(
            self.either(
                f"{found.release}, as of {found.as_of_date}, "
                f"policy {tier['policy_name_en']} ({tier['policy_id']})",
                f"{found.release}，截至{found.as_of_date}，"
                f"{tier['policy_name_zh']}（{tier['policy_id']}）",
            ),
            style="dim",
        )
        yield ""
        yield self.facts(
            [
                *self._verdict(found),
                ("Tier", self._tier(tier)),
                ("Why", self.of(tier, "reason")),
                ("Override", self._override(tier)),
                ("Scores", self._scores(found)),
                ("Up", self._next(found)),
                ("Value", self._value(found)),
                ("Keys", ", ".join(who["keys"])),
            ]
        )
        yield from self._factors(found)
        yield from self._rules(found)
        yield from self._month_ends(found)
        yield from self._history(found)
        yield from self._restated(found)
        yield from self._due(found)
        yield from self._leads(found)

    def _verdict(self, found: Explanation) -> list[tuple[str, str]]:
        """What its figures say together, and what speaks for it and against it."""
        verdict = found.verdict
        if verdict is None:
            return []
        name = self.of(verdict, "verdict_name")
        if verdict["at_stake"] is not None:
            money = f"{format_number(verdict['at_stake'])} {found.currency}"
            means = self.of(verdict, "at_stake_means")
            name += self.either(f", at stake {money}: ", f"，所涉金额{money}：") + means
        facts = {
            side: self.either("; ", "；").join(
                self.of(row, "text") for row in found.evidence if row["speaks"] == side
            )
            for side in ("for", "against")
        }
        return [
            ("Verdict", name),
            ("What to do", self.of(verdict, "recommendation")),
            ("Speaks for it", facts["for"]),
            ("Against it", facts["against"]),
        ]

    def _tier(self, tier: Any) -> str:
        name = f"{tier['tier_name_en']} {tier['tier_name_zh']} ({tier['vip_class']})"
        before = " ".join(
            tier[f"previous_tier_name_{language}"] or "" for language in LANGUAGES
        ).strip()
        return self.either(
            f"{name}, since {tier['tier_since']}"
            + (f"; before that {before}" if before else "; the first"),
            f"{name}，自{tier['tier_since']}起"
            + (f"；此前为{before}" if before else "；首个等级"),
        )

    def _override(self, tier: Any) -> str:
        if not tier["is_override"]:
            return ""
        earned = self.of(tier, "earned_tier_name")
        return self.either(
            f"by {tier['override_author']} until {tier['override_expires_on']}: "
            f"{tier['override_reason']}; the rules earn {earned}",
            f"{tier['override_author']}指定至{tier['override_expires_on']}："
            f"{tier['override_reason']}；按规则为{earned}",
        )

    def _scores(self, found: Explanation) -> str:
        if not found.scores:
            return self.either("none, this policy makes none", "本政策不设得分")
        parts = []
        for row in found.scores:
            name, covered = self.text(row["score_name"]), f"{row['coverage']:.0%}"
            if row["is_rated"]:
                parts.append(
                    self.either(
                        f"{name} {format_score(row['score'])} ({covered} known)",
                        f"{name}{format_score(row['score'])}（已知{covered}）",
                    )
                )
            else:
                least = f"{row['min_coverage']:.0%}"
                parts.append(
                    self.either(
                        f"{name} not rated ({covered} known of {least} needed)",
                        f"{name}未评级（已知{covered}，需{least}）",
                    )
                )
        if found.tier["total_score"] is not None:
            parts.append(
                f"{self.text('total')} {format_score(found.tier['total_score'])}"
            )
        return self.either(", ", "，").join(parts)

    def _next(self, found: Explanation) -> str:
        """What would move it up, as a sentence."""
        step = found.next
        if not found.rules and found.customer["customer_type"] == UNKNOWN_TYPE:
            return self.either(
                "not graded, as it stands for customers whom no source knows",
                "代表数据源中查无资料的客户，不评级",
            )
        if not found.rules:
            return self.either(
                "nobody is graded, as no source records sales", "无销售记录，不评级"
            )
        if step is None:
            if found.tier["tier_rank"] == 1:
                return self.either("there is no better tier", "已是最高等级")
            return self.either(
                "no single change leads to a better tier", "没有单项变化可升级"
            )
        name = self.of(step, "tier_name")
        if step["measure"] == "first order":
            return self.either(f"a first order leads to {name}", f"首次下单即为{name}")
        needed = step["month_ends_needed"]
        confirmed = (
            self.either(
                f", at {needed} month ends in a row (so far {step['month_ends']})",
                f"，须连续{needed}个月末达到（目前{step['month_ends']}个）",
            )
            if needed > 1
            else ""
        )
        if step["measure"] == "confirmation":
            return self.either(
                f"{name} is earned; to be confirmed{confirmed}",
                f"已达到{name}，待确认{confirmed}",
            )
        measure = self._measure(found, step["measure"])
        # A threshold is asked for in full: 7.349 is not 7.35.
        asked = format_number(step["needed"], up=True)
        sentence = self.either(
            f"{name} asks for {asked} in {measure}", f"{name}要求{measure}达{asked}"
        )
        if step["there_is"] is not None:
            there = format_number(step["there_is"])
            sentence += self.either(f" (now {there})", f"（现为{there}）")
        sentence += confirmed
        if step["factor"]:
            factor, now = (
                self.of(step, "factor_name"),
                format_number(step["factor_now"]),
            )
            least = _format_measured(step["factor"], step["factor_needed"], up=True)
            sentence += self.either(
                f"; {least} in {factor} (now {now}) would do by itself",
                f"；仅{factor}达{least}（现为{now}）即可",
            )
        return sentence

    def _measure(self, found: Explanation, measure: str) -> str:
        # What the policy calls a factor goes before what everybody calls it.
        named = {row["factor"]: self.of(row, "factor_name") for row in found.factors}
        return named.get(measure) or self.either(*MEASURE_NAMES[measure])

    def _value(self, found: Explanation) -> str:
        value, currency = found.value, found.currency
        orders = value.get("order_count_12m")
        parts = []
        for key, english, chinese in (
            ("revenue_12m", "revenue", "销售额"),
            ("margin_12m", "margin", "毛利"),
            ("cost_to_serve_12m", "cost to serve", "服务成本"),
            ("profit_12m", "profit", "利润"),
        ):
            if value.get(key) is not None:
                parts.append(f"{self.either(english, chinese)} {value[key]:,.0f}")
        # What no source records is left out.
        if not parts:
            parts.append(self.text("not known"))
        sentence = self.either(
            f"{currency} in the last 12 months: {', '.join(parts)}",
            f"近12个月（{currency}）：{'，'.join(parts)}",
        )
        if orders is not None:
            sentence += self.either(
                f"; {orders} {'order' if orders == 1 else 'orders'}",
                f"；{orders}张订单",
            )
        if value.get("predicted_revenue_12m") is not None:
            sentence += self.either(
                f"; {value['predicted_revenue_12m']:,.0f} forecast for the next 12",
                f"；预测未来12个月{value['predicted_revenue_12m']:,.0f}",
            )
        if value.get("last_order_date"):
            sentence += self.either(
                f"; last order {value['last_order_date']}",
                f"；最近下单{value['last_order_date']}",
            )
        kinds = [
            self.either("", value.get(f"{code}_zh") or "") or value.get(code)
            for code in WORDED
        ]
        kinds.append(f"ABC {value['abc_class']}" if value.get("abc_class") else None)
        parts = [kind for kind in kinds if kind]
        return sentence + self.either("; ", "；") + self.either(", ", "、").join(parts)

    def _factors(self, found: Explanation) -> Iterator[RenderableType]:
        if not found.scores:
            return
        table = self.table(
            "What the scores are made of",
            *("", "factor"),
            *(">measured", ">score", ">weight", ">gives"),
        )
        for score in found.scores:
            name = score["score_name"]
            for row in found.factors:
                if row["score_name"] != name:
                    continue
                known = row["score"] is not None
                table.add_row(
                    self.text(name),
                    self.of(row, "factor_name"),
                    format_number(row["raw_value"])
                    if known
                    else self.text("not known"),
                    format_score(row["score"]),
                    f"{row['weight']:.1%}" if known else "",
                    f"{row['contribution']:.6f}" if known else "",
                )
            summed = self.text("sum")
            if not score["is_rated"]:
                summed += f" ({self.text('not rated')})"
            table.add_row(
                *(
                    self.text(name),
                    summed,
                    "",
                    "",
                    "",
                    f"{total(found.factors, name):.6f}",
                ),
                style="bold",
            )
        yield table

    def _rules(self, found: Explanation) -> Iterator[RenderableType]:
        if not found.rules:
            return
        table = self.table(
            "Rules of the policy", *("", "tier", "rule", "holds", "by how much")
        )
        for rule in found.rules:
            decides = rule["rule_order"] == found.decided_by
            table.add_row(
                str(rule["rule_order"]),
                self.of(rule, "tier_name"),
                self.of(rule, "rule"),
                self.text("yes" if rule["holds"] else "no")
                + (self.either(", decides", "，决定") if decides else ""),
                self._conditions(found, rule),
                style="bold" if decides else "",
            )
        yield table

    def _conditions(self, found: Explanation, rule: Any) -> str:
        parts = []
        asked = rule["has_purchased_asked"]
        if asked is not None and asked != rule["has_purchased"]:
            parts.append(
                self.either("has not bought", "尚未购买")
                if asked
                else self.either("has bought", "已购买")
            )
        for item in rule["conditions"]:
            measure, least = self._measure(found, item["measure"]), item["at_least"]
            if item["there_is"] is None:
                parts.append(f"{measure} {self.text('not known')}")
                continue
            gap = f"{item['over']:+,.2f}"
            there, limit = format_number(item["there_is"]), format_number(least)
            one = self.either(
                f"{measure} {there} against {limit} ({gap})",
                f"{measure}{there}，要求{limit}（{gap}）",
            )
            if item["to_enter"] != item["to_stay"]:
                enter, stay = (
                    format_number(item["to_enter"]),
                    format_number(item["to_stay"]),
                )
                one += self.either(
                    f"; {enter} to come in, {stay} to stay",
                    f"；进入需{enter}，保持需{stay}",
                )
            parts.append(one)
        return self.either("; ", "；").join(parts)

    def _month_ends(self, found: Explanation) -> Iterator[RenderableType]:
        if not found.month_ends:
            return
        names = [score["score_name"] for score in found.scores]
        table = self.table(
            "The last month ends",
            *("month end", "earned", "held", *(f">{name}" for name in names)),
        )
        for row in found.month_ends:
            table.add_row(
                str(row["as_of_date"]),
                self.of(row, "earned_tier_name"),
                self.of(row, "held_tier_name"),
                *(format_score(row[f"{name}_score"]) for name in names),
            )
        yield table
        for item in found.confirmations:
            if not item["month_ends"]:
                continue
            earned = item["kind"] == "earned"
            name = self.of(item, "tier_name")
            count, needed = item["month_ends"], item["needed"]
            ends = "month end" if count == 1 else f"{count} month ends"
            yield self.either(
                f"{name}: {'earned with its band' if earned else 'missed'} at the last "
                f"{ends}; {needed} in a row move {'up into' if earned else 'down from'} "
                "it.",
                f"{name}：最近连续{count}个月末{'达到（含缓冲）' if earned else '未达到'}；"
                f"连续{needed}个月末即{'升入' if earned else '降级'}。",
            )

    def _history(self, found: Explanation) -> Iterator[RenderableType]:
        table = self.table("Tiers so far", *("from", "until", "tier", "reason"))
        for row in found.history:
            table.add_row(
                str(row["valid_from"]),
                str(row["valid_to"] or self.text("now")),
                self.of(row, "tier_name"),
                row["change_reason" if self.language == "en" else "change_reason_zh"],
            )
        yield table

    def _due(self, found: Explanation) -> Iterator[RenderableType]:
        table = self.table("Due", *("due on", "action", "owner", "reason"))
        for row in found.actions:
            table.add_row(
                str(row["due_on"]),
                row.get(f"action_name_{self.language}") or row["action"],
                row["owner"] or "",
                row.get(f"reason_{self.language}") or "",
            )
        if found.actions:
            yield table

    def _leads(self, found: Explanation) -> Iterator[RenderableType]:
        table = self.table(
            "Leads that seem to be with it; they count for nothing here",
            *("lead", "name", "stage", "owner", "matched by"),
        )
        for row in found.leads:
            table.add_row(
                row["lead_id"],
                row["lead_name"] or "",
                row["stage"],
                row["owner"] or "",
                self.text(row["matched_by"]),
            )
        if found.leads:
            yield table

    def _restated(self, found: Explanation) -> Iterator[RenderableType]:
        table = self.table(
            "Restated month ends",
            *("from", "until", "published", "now", "why", "refresh"),
        )
        for row in found.restatements:
            table.add_row(
                str(row["first_month"]),
                str(row["last_month"]),
                self.of(row, "published_tier_name"),
                self.of(row, "restated_tier_name"),
                row["cause"],
                row["refresh_id"],
            )
        if found.restatements:
            yield table


def _format_measured(factor: str, value: float, *, up: bool) -> str:
    """A factor's value; half an order is none."""
    whole = factor.endswith("_count_12m")
    return format_number(math.ceil(value - 1e-9) if whole and up else value, up=up)
