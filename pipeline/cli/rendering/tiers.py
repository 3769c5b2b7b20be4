"""How an explanation and a what-if look on a terminal, in English and in Chinese.

Plain lines and tables without borders: piped into a file they are readable too. Nothing
is worked out here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.tiers.explain import Explanation, total
from pipeline.tiers.what_if import WhatIf

WIDTH: Final = 100
LANGUAGES: Final = ("en", "zh")

# What is shown, in both languages; a key is the English, where that is all of it.
_CHINESE: Final = {
    "Tier": "等级",
    "Why": "原因",
    "Override": "人工指定",
    "Scores": "得分",
    "Up": "如何升级",
    "Value": "价值",
    "Keys": "来源编号",
    "Month ends": "月末",
    "score": "得分",
    "factor": "因素",
    "measured": "实际值",
    "weight": "权重",
    "gives": "贡献",
    "sum": "合计",
    "value": "价值",
    "potential": "潜力",
    "total": "总分",
    "rule": "规则",
    "tier": "等级",
    "holds": "成立",
    "by how much": "差距",
    "yes": "是",
    "no": "否",
    "month end": "月末",
    "earned": "达到",
    "held": "持有",
    "from": "自",
    "until": "至",
    "now": "现在",
    "reason": "原因",
    "not known": "未知",
    "not rated": "未评级",
    "company": "企业",
    "person": "个人",
    "What the scores are made of": "得分构成",
    "Rules of the policy": "政策规则",
    "The last month ends": "最近月末",
    "Tiers so far": "等级历史",
    "Restated month ends": "更正的月末",
    "published": "原公布",
    "why": "原因",
    "refresh": "更新",
    "Due": "待办",
    "due on": "到期日",
    "action": "事项",
    "owner": "负责人",
    "customers": "客户数",
    "then": "之后",
    "revenue 12 m": "近12个月销售额",
    "profit 12 m": "近12个月利润",
    "service hours": "服务工时",
    "customer": "客户",
    "Who moves": "谁会变动",
    "From tier (rows) to tier (columns)": "由等级（行）到等级（列）",
    "Tiers": "等级",
    "The largest of those who move": "变动客户中销售额最大者",
    "Service": "服务",
    "Warning": "注意",
    "Written": "已写入",
    "up": "升",
    "down": "降",
    "sideways": "平移",
    "same": "不变",
    "move": "变动",
    "all": "全部",
    "value score": "价值得分",
    "potential score": "潜力得分",
    "": "",
}


def console() -> Console:
    """Standard output, not wider than a person reads; piped, as wide as that."""
    found = Console(highlight=False)
    width = min(found.width, WIDTH) if found.is_terminal else WIDTH
    return Console(highlight=False, width=width)


def explanation(found: Explanation, language: str, to: Console) -> None:
    """Prints why a customer has its tier."""
    _print(_Shown(language).explanation(found), to)


def what_if(found: WhatIf, language: str, to: Console) -> None:
    """Prints what a policy would change."""
    _print(_Shown(language).what_if(found), to)


def _print(items: Iterator[RenderableType], to: Console) -> None:
    with to.capture() as captured:
        for item in items:
            to.print(item)
    # Tables are filled up with spaces to their width.
    for line in captured.get().splitlines():
        to.file.write(line.rstrip() + "\n")


class _Shown:
    """One language."""

    def __init__(self, language: str) -> None:
        self._language = language

    def _(self, english: str) -> str:
        return english if self._language == "en" else _CHINESE[english]

    def _of(self, row: Any, name: str) -> str:
        """The column of the language."""
        return row[f"{name}_{self._language}"] or ""

    def _either(self, english: str, chinese: str) -> str:
        return english if self._language == "en" else chinese

    # An explanation ---------------------------------------------------------------------

    def explanation(self, found: Explanation) -> Iterator[RenderableType]:
        """Head, facts and tables, in the order in which a person asks for them."""
        who, tier = found.customer, found.tier
        told = [who["customer_id"], self._(who["customer_type"])]
        places = dict.fromkeys(who[key] for key in ("region", "country", "industry"))
        told += [place for place in places if place]
        if who["owner"]:
            told.append(self._either("owner ", "负责人") + who["owner"])
        yield Text.assemble((who["customer_name"] or "", "bold"), "  ", ", ".join(told))
        yield Text(
            self._either(
                f"{found.release}, as of {found.as_of_date}, "
                f"policy {tier['policy_name_en']} ({tier['policy_id']})",
                f"{found.release}，截至{found.as_of_date}，"
                f"{tier['policy_name_zh']}（{tier['policy_id']}）",
            ),
            style="dim",
        )
        yield ""
        yield self._facts(
            [
                ("Tier", self._tier(tier)),
                ("Why", self._of(tier, "reason")),
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

    def _tier(self, tier: Any) -> str:
        name = f"{tier['tier_name_en']} {tier['tier_name_zh']} ({tier['vip_class']})"
        before = " ".join(
            tier[f"previous_tier_name_{language}"] or "" for language in LANGUAGES
        ).strip()
        return self._either(
            f"{name}, since {tier['tier_since']}"
            + (f"; before that {before}" if before else "; the first"),
            f"{name}，自{tier['tier_since']}起"
            + (f"；此前为{before}" if before else "；首个等级"),
        )

    def _override(self, tier: Any) -> str:
        if not tier["is_override"]:
            return ""
        earned = self._of(tier, "earned_tier_name")
        return self._either(
            f"by {tier['override_author']} until {tier['override_expires_on']}: "
            f"{tier['override_reason']}; the rules earn {earned}",
            f"{tier['override_author']}指定至{tier['override_expires_on']}："
            f"{tier['override_reason']}；按规则为{earned}",
        )

    def _scores(self, found: Explanation) -> str:
        told = []
        for row in found.scores:
            name, covered = self._(row["score_name"]), f"{row['coverage']:.0%}"
            if row["is_rated"]:
                told.append(
                    self._either(
                        f"{name} {_score(row['score'])} ({covered} known)",
                        f"{name}{_score(row['score'])}（已知{covered}）",
                    )
                )
            else:
                least = f"{row['min_coverage']:.0%}"
                told.append(
                    self._either(
                        f"{name} not rated ({covered} known of {least} needed)",
                        f"{name}未评级（已知{covered}，需{least}）",
                    )
                )
        if found.tier["total_score"] is not None:
            told.append(f"{self._('total')} {_score(found.tier['total_score'])}")
        return self._either(", ", "，").join(told)

    def _next(self, found: Explanation) -> str:
        """What would move it up, as a sentence."""
        step = found.next
        if step is None:
            if found.tier["tier_rank"] == 1:
                return self._either("there is no better tier", "已是最高等级")
            return self._either(
                "no single change leads to a better tier", "没有单项变化可升级"
            )
        name = self._of(step, "tier_name")
        if step["measure"] == "first order":
            return self._either(f"a first order leads to {name}", f"首次下单即为{name}")
        needed = step["month_ends_needed"]
        confirmed = (
            self._either(
                f", at {needed} month ends in a row (so far {step['month_ends']})",
                f"，须连续{needed}个月末达到（目前{step['month_ends']}个）",
            )
            if needed > 1
            else ""
        )
        if step["measure"] == "confirmation":
            return self._either(
                f"{name} is earned; to be confirmed{confirmed}",
                f"已达到{name}，待确认{confirmed}",
            )
        measure = self._measure(found, step["measure"])
        # A threshold is asked for in full: 7.349 is not 7.35.
        asked = _number(step["needed"], up=True)
        told = self._either(
            f"{name} asks for {asked} in {measure}", f"{name}要求{measure}达{asked}"
        )
        if step["there_is"] is not None:
            there = _number(step["there_is"])
            told += self._either(f" (now {there})", f"（现为{there}）")
        told += confirmed
        if step["factor"]:
            factor, now = self._of(step, "factor_name"), _number(step["factor_now"])
            least = _measured(step["factor"], step["factor_needed"], up=True)
            told += self._either(
                f"; {least} in {factor} (now {now}) would do by itself",
                f"；仅{factor}达{least}（现为{now}）即可",
            )
        return told

    def _measure(self, found: Explanation, measure: str) -> str:
        if measure in ("value_score", "potential_score"):
            return self._(measure.replace("_", " "))
        named = {row["factor"]: self._of(row, "factor_name") for row in found.factors}
        return named.get(measure, measure)

    def _value(self, found: Explanation) -> str:
        value, currency = found.value, found.currency
        orders = value.get("order_count_12m")
        told = []
        for key, english, chinese in (
            ("revenue_12m", "revenue", "销售额"),
            ("margin_12m", "margin", "毛利"),
            ("cost_to_serve_12m", "cost to serve", "服务成本"),
            ("profit_12m", "profit", "利润"),
        ):
            if value.get(key) is not None:
                told.append(f"{self._either(english, chinese)} {value[key]:,.0f}")
        sentence = self._either(
            f"{currency} in the last 12 months: {', '.join(told)}; "
            f"{orders} {'order' if orders == 1 else 'orders'}",
            f"近12个月（{currency}）：{'，'.join(told)}；{orders}张订单",
        )
        if value.get("predicted_revenue_12m") is not None:
            sentence += self._either(
                f"; {value['predicted_revenue_12m']:,.0f} forecast for the next 12",
                f"；预测未来12个月{value['predicted_revenue_12m']:,.0f}",
            )
        if value.get("last_order_date"):
            sentence += self._either(
                f"; last order {value['last_order_date']}",
                f"；最近下单{value['last_order_date']}",
            )
        kinds = [value.get("rfm_segment"), value.get("lifecycle_stage")]
        kinds.append(f"ABC {value['abc_class']}" if value.get("abc_class") else None)
        told = [kind for kind in kinds if kind]
        return sentence + self._either("; ", "；") + self._either(", ", "、").join(told)

    def _factors(self, found: Explanation) -> Iterator[RenderableType]:
        table = self._table(
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
                    self._(name),
                    self._of(row, "factor_name"),
                    _number(row["raw_value"]) if known else self._("not known"),
                    _score(row["score"]),
                    f"{row['weight']:.1%}" if known else "",
                    f"{row['contribution']:.6f}" if known else "",
                )
            summed = self._("sum")
            if not score["is_rated"]:
                summed += f" ({self._('not rated')})"
            table.add_row(
                *(
                    self._(name),
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
        table = self._table(
            "Rules of the policy", *("", "tier", "rule", "holds", "by how much")
        )
        for rule in found.rules:
            decides = rule["rule_order"] == found.decided_by
            table.add_row(
                str(rule["rule_order"]),
                self._of(rule, "tier_name"),
                self._of(rule, "rule"),
                self._("yes" if rule["holds"] else "no")
                + (self._either(", decides", "，决定") if decides else ""),
                self._conditions(found, rule),
                style="bold" if decides else "",
            )
        yield table

    def _conditions(self, found: Explanation, rule: Any) -> str:
        told = []
        asked = rule["has_purchased_asked"]
        if asked is not None and asked != rule["has_purchased"]:
            told.append(
                self._either("has not bought", "尚未购买")
                if asked
                else self._either("has bought", "已购买")
            )
        for item in rule["conditions"]:
            measure, least = self._measure(found, item["measure"]), item["at_least"]
            if item["there_is"] is None:
                told.append(f"{measure} {self._('not known')}")
                continue
            gap = f"{item['over']:+,.2f}"
            there, limit = _number(item["there_is"]), _number(least)
            one = self._either(
                f"{measure} {there} against {limit} ({gap})",
                f"{measure}{there}，要求{limit}（{gap}）",
            )
            if item["to_enter"] != item["to_stay"]:
                enter, stay = _number(item["to_enter"]), _number(item["to_stay"])
                one += self._either(
                    f"; {enter} to come in, {stay} to stay",
                    f"；进入需{enter}，保持需{stay}",
                )
            told.append(one)
        return self._either("; ", "；").join(told)

    def _month_ends(self, found: Explanation) -> Iterator[RenderableType]:
        if not found.month_ends:
            return
        table = self._table(
            "The last month ends",
            *("month end", "earned", "held", ">value", ">potential"),
        )
        for row in found.month_ends:
            table.add_row(
                str(row["as_of_date"]),
                self._of(row, "earned_tier_name"),
                self._of(row, "held_tier_name"),
                _score(row["value_score"]),
                _score(row["potential_score"]),
            )
        yield table
        for item in found.confirmations:
            if not item["month_ends"]:
                continue
            earned = item["kind"] == "earned"
            name = self._of(item, "tier_name")
            count, needed = item["month_ends"], item["needed"]
            ends = "month end" if count == 1 else f"{count} month ends"
            yield self._either(
                f"{name}: {'earned with its band' if earned else 'missed'} at the last "
                f"{ends}; {needed} in a row move {'up into' if earned else 'down from'} "
                "it.",
                f"{name}：最近连续{count}个月末{'达到（含缓冲）' if earned else '未达到'}；"
                f"连续{needed}个月末即{'升入' if earned else '降级'}。",
            )

    def _history(self, found: Explanation) -> Iterator[RenderableType]:
        table = self._table("Tiers so far", *("from", "until", "tier", "reason"))
        for row in found.history:
            table.add_row(
                str(row["valid_from"]),
                str(row["valid_to"] or self._("now")),
                self._of(row, "tier_name"),
                row["change_reason" if self._language == "en" else "change_reason_zh"],
            )
        yield table

    def _due(self, found: Explanation) -> Iterator[RenderableType]:
        table = self._table("Due", *("due on", "action", "owner", "reason"))
        for row in found.actions:
            table.add_row(
                str(row["due_on"]),
                row.get(f"action_name_{self._language}") or row["action"],
                row["owner"] or "",
                row.get(f"reason_{self._language}") or "",
            )
        if found.actions:
            yield table

    def _restated(self, found: Explanation) -> Iterator[RenderableType]:
        table = self._table(
            "Restated month ends",
            *("from", "until", "published", "now", "why", "refresh"),
        )
        for row in found.restatements:
            table.add_row(
                str(row["first_month"]),
                str(row["last_month"]),
                self._of(row, "published_tier_name"),
                self._of(row, "restated_tier_name"),
                row["cause"],
                row["refresh_id"],
            )
        if found.restatements:
            yield table

    # A what-if --------------------------------------------------------------------------

    def what_if(self, found: WhatIf) -> Iterator[RenderableType]:
        """Head, who moves, the matrix, the tiers, service, the largest movers."""
        name = self._of(
            {"n_en": found.policy_name_en, "n_zh": found.policy_name_zh}, "n"
        )
        now = ", ".join(found.policies_now)
        yield Text.assemble((name, "bold"), f" ({found.policy_id})")
        yield Text(
            self._either(
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
        table = self._table(
            "Who moves", *("move", ">customers", ">revenue 12 m", ">profit 12 m")
        )
        for row in found.moves:
            table.add_row(
                self._(row["move"]),
                f"{row['customers']:,}",
                _money(row["revenue_12m"]),
                _money(row["profit_12m"]),
            )
        yield table
        yield from self._matrix(found)
        yield from self._tiers(found)
        yield ""
        yield self._facts(
            [("Service", self._service(found))]
            + [("Warning", warning) for warning in found.warnings]
            + [("Written", found.output or "")]
        )
        table = self._table(
            "The largest of those who move",
            *("customer", "", "move", ">revenue 12 m", ">profit 12 m"),
        )
        names = self._tier_names(found)
        for row in found.largest:
            table.add_row(
                row["customer_id"],
                row["customer_name"] or "",
                f"{names[row['tier_now']]} → {names[row['tier_then']]}",
                _money(row["revenue_12m"]),
                _money(row["profit_12m"]),
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
            ("revenue_12m", _money),
            ("profit_12m", _money),
        )
        headings = {"revenue_12m": "revenue 12 m", "profit_12m": "profit 12 m"}
        names = self._tier_names(found)
        table = self._table("From tier (rows) to tier (columns)", "", "")
        for code in columns:
            table.add_column(names[code], justify="right")
        for code in codes:
            if not any(from_tier == code for from_tier, _ in cells):
                continue
            for place, (measure, told) in enumerate(measures):
                table.add_row(
                    names[code] if place == 0 else "",
                    self._(headings.get(measure, measure)),
                    *(
                        told(cells[code, to_tier][measure])
                        if (code, to_tier) in cells
                        else "·"
                        for to_tier in columns
                    ),
                )
        yield table

    def _tier_names(self, found: WhatIf) -> dict[str, str]:
        return {tier["tier_code"]: self._of(tier, "tier_name") for tier in found.tiers}

    def _tiers(self, found: WhatIf) -> Iterator[RenderableType]:
        known = found.service.hours_then is not None
        table = self._table("Tiers", "tier")
        for measure in ("customers", "revenue 12 m", "profit 12 m"):
            table.add_column(self._(measure), justify="right")
            table.add_column(self._("then"), justify="right")
        if known:
            table.add_column(self._("service hours"), justify="right")
            table.add_column(self._("then"), justify="right")
        for tier in found.tiers:
            cells = [
                f"{tier['customers_now']:,}",
                f"{tier['customers_then']:,}",
                *(
                    _money(tier[f"{measure}_{when}"])
                    for measure in ("revenue_12m", "profit_12m")
                    for when in ("now", "then")
                ),
            ]
            if known:
                cells += [
                    _money(tier[f"service_hours_{when}"]) for when in ("now", "then")
                ]
            table.add_row(self._of(tier, "tier_name"), *cells)
        yield table

    def _service(self, found: WhatIf) -> str:
        service = found.service
        if service.planned_by is None:
            told = self._either(
                "hours are unknown: the release has no service policies",
                "工时未知：该版本没有服务政策",
            )
        elif service.hours_now is None or service.hours_then is None:
            codes = ", ".join(service.not_planned)
            told = self._either(
                f"hours are unknown: none are planned for {codes}",
                f"工时未知：{codes}没有计划工时",
            )
        else:
            told = self._either(
                f"{service.hours_now:,.0f} hours a year now, "
                f"{service.hours_then:,.0f} then, as planned by {service.planned_by}",
                f"每年工时由{service.hours_now:,.0f}变为{service.hours_then:,.0f}"
                f"（{service.planned_by}）",
            )
            if service.capacity_hours:
                share = float(service.hours_then) / service.capacity_hours
                told += self._either(
                    f"; {share:.0%} of the {service.capacity_hours:,.0f} that there are",
                    f"；占可用{service.capacity_hours:,.0f}小时的{share:.0%}",
                )
        if service.recorded_hours_12m is not None:
            told += self._either(
                f"; {service.recorded_hours_12m:,.0f} hours of interactions were recorded "
                "in the last 12 months",
                f"；近12个月记录的互动为{service.recorded_hours_12m:,.0f}小时",
            )
        return told

    # Both -------------------------------------------------------------------------------

    def _facts(self, facts: list[tuple[str, str]]) -> Table:
        """A label and what is said under it, wrapped; nothing where nothing is said."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, told in facts:
            if told:
                table.add_row(Text(self._(label), style="bold"), Text(told))
        return table

    def _table(self, title: str, *headings: str) -> Table:
        """A table without borders; numbers, marked by `>`, stand at the right."""
        table = Table(
            title=Text("\n" + self._(title), style="bold"),
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        for heading in headings:
            right = heading.startswith(">")
            table.add_column(
                self._(heading.removeprefix(">")),
                justify="right" if right else "left",
                no_wrap=right,
            )
        return table


def _score(score: Any) -> str:
    return "" if score is None else f"{score:.2f}"


def _money(amount: Any) -> str:
    return "–" if amount is None else f"{amount:,.0f}"


def _number(value: Any, *, up: bool = False) -> str:
    """Two decimals, none of a large number; rounded up where less would not do."""
    if value is None:
        return ""
    number = float(value)
    if abs(number) >= 1000:
        return f"{math.ceil(number - 1e-9) if up else number:,.0f}"
    if up:
        number = math.ceil(number * 100 - 1e-6) / 100
    return f"{number:,.2f}".removesuffix(".00")


def _measured(factor: str, value: float, *, up: bool) -> str:
    """A factor's value; half an order is none."""
    whole = factor.endswith("_count_12m")
    return _number(math.ceil(value - 1e-9) if whole and up else value, up=up)
