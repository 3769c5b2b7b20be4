"""The columns of the sheets that are tables, in both languages, and where they come from.

A column that the release does not have, or in which nobody has a value, is left out: an
empty column would say that there is something to be known there. Not here: how cells are
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import duckdb

Lang = Literal["en", "zh"]
Kind = Literal["text", "date", "money", "count", "share", "score", "number"]


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes:
        expression: In the sheet's query; `{lang}` stands for the language.
        en: What it is called.
        zh: The same in Chinese.
        kind: What its values are, by which they are formatted.
        width: In characters.
        needs: Columns of the release without which there is none, `table.column`.
    """

    expression: str
    en: str
    zh: str
    kind: Kind = "text"
    width: int = 12
    needs: Sequence[str] = ()

    def head(self, lang: Lang, currency: str) -> str:
        """What stands above it; money says of which currency it is."""
        name = self.en if lang == "en" else self.zh
        if self.kind != "money":
            return name
        return f"{name} ({currency})" if lang == "en" else f"{name}（{currency}）"


@dataclass(frozen=True)
class Sheet:
    """A sheet that is one table.

    Attributes:
        key: What it is known by.
        en: Its name.
        zh: The same in Chinese.
        source: What stands behind `from`; `{lang}` stands for the language.
        order: Most important first: the last rows are those that a sheet has no room for.
        needs: Tables of marts without which there is no sheet.
        optional: Table → a join that is added to the source where the release has it.
        frozen: So many columns stay in sight.
    """

    key: str
    en: str
    zh: str
    columns: Sequence[Column]
    source: str
    order: str
    needs: Sequence[str]
    optional: Sequence[tuple[str, str]] = ()
    frozen: int = 1

    def name(self, lang: Lang) -> str:
        """What the sheet is called."""
        return self.en if lang == "en" else self.zh


_VERDICTS = (
    "customer_verdicts",
    "left join marts.customer_verdicts as verdicts "
    "on verdicts.customer_id = {customer}.customer_id",
)
_TIERS = (
    "customer_tiers",
    "left join marts.customer_tiers as tiers "
    "on tiers.customer_id = {customer}.customer_id",
)


def _joined(join: tuple[str, str], customer: str) -> tuple[str, str]:
    table, text = join
    return table, text.format(customer=customer)


def _verdict(expression: str, en: str, zh: str, kind: Kind, width: int) -> Column:
    needs = [expression.replace("verdicts.", "customer_verdicts.")]
    return Column(expression, en, zh, kind, width, needs)


_VERDICT = (
    _verdict("verdicts.verdict_name_{lang}", "Verdict", "结论", "text", 16),
    _verdict("verdicts.recommendation_{lang}", "What to do", "建议", "text", 44),
    _verdict("verdicts.at_stake", "At stake", "涉及金额", "money", 14),
    _verdict("verdicts.at_stake_means_{lang}", "Which is", "金额含义", "text", 24),
)


def _of(table: str, name: str, en: str, zh: str, kind: Kind, width: int) -> Column:
    """A column of a table whose alias is the last word of its name, or its own."""
    alias = {"customer_360": "c", "customer_tiers": "tiers", "account_matrix": "m"}
    return Column(f"{alias[table]}.{name}", en, zh, kind, width, [f"{table}.{name}"])


def _c(name: str, en: str, zh: str, kind: Kind = "text", width: int = 12) -> Column:
    return _of("customer_360", name, en, zh, kind, width)


def _t(name: str, en: str, zh: str, kind: Kind = "score", width: int = 10) -> Column:
    return _of("customer_tiers", name, en, zh, kind, width)


CUSTOMERS = Sheet(
    key="customers",
    en="Customers",
    zh="客户",
    columns=(
        _c("customer_label", "Customer", "客户", "text", 34),
        Column(
            "case when '{lang}' = 'zh' then c.customer_type_zh else c.customer_type end",
            "Kind",
            "客户类型",
            "text",
            11,
        ),
        _c("tier_name_{lang}", "Tier", "客户等级", "text", 12),
        *_VERDICT,
        _c("revenue_12m", "Revenue, last 12 months", "近12个月收入", "money", 15),
        _c(
            "revenue_previous_12m",
            "Revenue, 12 months before",
            "前12个月收入",
            "money",
            15,
        ),
        _c("margin_12m", "Margin, last 12 months", "近12个月毛利", "money", 15),
        _c("profit_12m", "Profit, last 12 months", "近12个月利润", "money", 15),
        _c(
            "predicted_revenue_12m",
            "Expected revenue, next 12 months",
            "未来12个月预期收入",
            "money",
            16,
        ),
        _c(
            "clv",
            "Customer lifetime value, 12 months",
            "客户生命周期价值（12个月）",
            "money",
            16,
        ),
        _c(
            "no_purchase_probability_12m",
            "Probability of no purchase, next 12 months",
            "未来12个月不再购买的概率",
            "share",
            14,
        ),
        _t("value_score", "Value score", "价值得分"),
        _t("potential_score", "Potential score", "潜力得分"),
        _t("total_score", "Total score", "总分"),
        _c("health_score", "Health", "健康度", "score", 9),
        _c("lifecycle_stage_{lang}", "Lifecycle", "生命周期阶段", "text", 13),
        _c("last_order_date", "Last order", "最近下单日期", "date", 12),
        _c("days_since_last_order", "Days since", "距今天数", "count", 9),
        _c("owner", "Owner", "负责人", "text", 18),
        _c("actions_due", "Actions due", "待办行动数", "count", 9),
        _c("next_action_{lang}", "Next action", "下一步行动", "text", 30),
        _c("next_action_due_on", "Due on", "到期日", "date", 12),
        _c("next_action_owner", "Done by", "执行人", "text", 18),
        _c("tier_since", "In the tier since", "等级起始日", "date", 12),
        _c("reason_{lang}", "Why this tier", "评级依据", "text", 60),
        _c("industry", "Industry", "行业", "text", 18),
        _c("city", "City", "城市", "text", 16),
        _c("country", "Country", "国家或地区", "text", 16),
        Column("c.customer_id", "Customer id", "客户编号", "text", 16),
    ),
    source="marts.customer_360 as c",
    order="c.revenue_12m desc nulls last, c.tier_rank, c.customer_id",
    needs=("customer_360",),
    optional=(_joined(_TIERS, "c"), _joined(_VERDICTS, "c")),
)


def _a(name: str, en: str, zh: str, kind: Kind = "text", width: int = 12) -> Column:
    return Column(f"a.{name}", en, zh, kind, width, [f"customer_actions.{name}"])


_YES = "case when {column} then if('{{lang}}' = 'zh', '是', 'yes') end"

ACTIONS = Sheet(
    key="actions",
    en="Actions by owner",
    zh="待办行动（按负责人）",
    columns=(
        Column(
            "coalesce(a.owner, if('{lang}' = 'zh', '未指定', 'nobody named'))",
            "Owner",
            "负责人",
            "text",
            20,
        ),
        _a("action_name_{lang}", "Action", "行动", "text", 32),
        Column("coalesce(c.customer_label, a.lead_id)", "Customer", "客户", "text", 34),
        Column("c.tier_name_{lang}", "Tier", "客户等级", "text", 12),
        _a("priority", "Priority", "优先级", "count", 8),
        _a("due_on", "Due on", "到期日", "date", 12),
        Column(
            _YES.format(column="a.is_overdue"),
            "Overdue",
            "是否逾期",
            "text",
            9,
        ),
        _a("at_stake", "At stake", "涉及金额", "money", 14),
        _a("minutes", "Minutes", "所需分钟", "count", 9),
        Column(
            _YES.format(column="a.fits_week"),
            "Fits this week",
            "本周可完成",
            "text",
            10,
            ["customer_actions.fits_week"],
        ),
        _a("times_missed", "Times missed", "错过次数", "count", 9),
        _a("reason_{lang}", "Why", "原因", "text", 70),
        _a("owner_role_{lang}", "Role", "角色", "text", 20),
        _a("channel_{lang}", "Served by", "服务方式", "text", 26),
        Column("a.customer_id", "Customer id", "客户编号", "text", 16),
    ),
    source="marts.customer_actions as a "
    "left join marts.customer_360 as c on c.customer_id = a.customer_id",
    order="a.owner is null, a.owner, a.place",
    needs=("customer_actions", "customer_360"),
    frozen=1,
)

_KINDS_OF_CHANGE = (
    "case when '{lang}' = 'en' then h.change_kind else case h.change_kind "
    "when 'new' then '首次评级' when 'first order' then '首次下单' "
    "when 'up' then '上升' when 'down' then '下降' else h.change_kind end end"
)

MOVEMENT = Sheet(
    key="movement",
    en="Movement",
    zh="等级变动",
    columns=(
        Column("h.valid_from", "Day", "日期", "date", 12),
        Column("c.customer_label", "Customer", "客户", "text", 34),
        Column(_KINDS_OF_CHANGE, "Change", "变动", "text", 12),
        Column(
            "coalesce(names_before.tier_name_{lang}, h.previous_tier_code)",
            "From",
            "原等级",
            "text",
            13,
        ),
        Column(
            "coalesce(names.tier_name_{lang}, h.tier_code)", "To", "新等级", "text", 13
        ),
        Column(
            "if('{lang}' = 'zh', h.change_reason_zh, h.change_reason)",
            "Why",
            "原因",
            "text",
            70,
            ["customer_tier_history.change_reason_zh"],
        ),
        Column("c.tier_name_{lang}", "Tier today", "当前等级", "text", 12),
        _c("revenue_12m", "Revenue, last 12 months", "近12个月收入", "money", 15),
        _c("profit_12m", "Profit, last 12 months", "近12个月利润", "money", 15),
        _c("owner", "Owner", "负责人", "text", 18),
        Column("h.customer_id", "Customer id", "客户编号", "text", 16),
    ),
    source="marts.customer_tier_history as h "
    "inner join marts.customer_360 as c on c.customer_id = h.customer_id "
    "and h.valid_from > c.as_of_date - interval 12 month "
    "and h.previous_tier_code is not null "
    "left join (select tier_code, any_value(tier_name_en) as tier_name_en, "
    "any_value(tier_name_zh) as tier_name_zh from marts.tier_summary group by tier_code) "
    "as names on names.tier_code = h.tier_code "
    "left join (select tier_code, any_value(tier_name_en) as tier_name_en, "
    "any_value(tier_name_zh) as tier_name_zh from marts.tier_summary group by tier_code) "
    "as names_before on names_before.tier_code = h.previous_tier_code",
    order="h.valid_from desc, c.revenue_12m desc nulls last, h.customer_id",
    needs=("customer_tier_history", "customer_360", "tier_summary"),
    frozen=2,
)


def _m(name: str, en: str, zh: str, kind: Kind = "text", width: int = 12) -> Column:
    return _of("account_matrix", name, en, zh, kind, width)


# The first four are what the chart of the overview is drawn from.
MATRIX = Sheet(
    key="matrix",
    en="Matrix",
    zh="客户矩阵",
    columns=(
        _c("customer_label", "Customer", "客户", "text", 34),
        _m("strategy_{lang}", "Strategy", "策略", "text", 12),
        _m("relative_strength", "Relative strength", "相对竞争力", "score", 11),
        _m("attractiveness", "Attractiveness", "客户吸引力", "score", 11),
        _c("tier_name_{lang}", "Tier", "客户等级", "text", 12),
        *_VERDICT,
        _c("revenue_12m", "Revenue, last 12 months", "近12个月收入", "money", 15),
        _c("profit_12m", "Profit, last 12 months", "近12个月利润", "money", 15),
        _m("guidance_{lang}", "What the strategy means", "策略要求", "text", 60),
        _m("best_competitor", "Best competitor", "主要竞争对手", "text", 26),
        _m("evidence", "Evidence", "依据", "text", 60),
        _m("scorer", "Scored by", "评分人", "text", 18),
        _m("scored_on", "Scored on", "评分日期", "date", 12),
        _m("not_rated_reason", "Not rated because", "未评原因", "text", 40),
        _c("owner", "Owner", "负责人", "text", 18),
        Column("m.customer_id", "Customer id", "客户编号", "text", 16),
    ),
    source="marts.account_matrix as m "
    "inner join marts.customer_360 as c on c.customer_id = m.customer_id",
    order="not m.is_rated, m.strategy_code, c.revenue_12m desc nulls last, m.customer_id",
    needs=("account_matrix", "customer_360"),
    optional=(_joined(_VERDICTS, "m"),),
)

SHEETS = (CUSTOMERS, ACTIONS, MOVEMENT, MATRIX)


@dataclass(frozen=True)
class Query:
    """A sheet as one release gives it.

    Attributes:
        columns: Those in which somebody has a value.
        text: Gives them, in their order.
        rows: How many there are.
    """

    sheet: Sheet
    columns: Sequence[Column]
    text: str
    rows: int


def columns_of(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The columns of the marts of a release, as `table.column`."""
    return {
        f"{table}.{column}"
        for table, column in connection.execute(
            "select table_name, column_name from duckdb_columns() "
            "where schema_name = 'marts' and database_name = current_database()"
        ).fetchall()
    }


def found(
    connection: duckdb.DuckDBPyConnection, lang: Lang, known: set[str]
) -> Iterator[Query]:
    """The sheets of a release that have a row, each with the columns that say something."""
    tables = {name.split(".")[0] for name in known}
    for sheet in SHEETS:
        if not tables.issuperset(sheet.needs):
            continue
        joins = [join for table, join in sheet.optional if table in tables]
        source = " ".join([sheet.source, *joins])
        possible = [
            column
            for column in sheet.columns
            if known.issuperset(name.replace("{lang}", lang) for name in column.needs)
        ]
        expressions = [column.expression.replace("{lang}", lang) for column in possible]
        counts = ", ".join(f"count({expression})" for expression in expressions)
        rows, *values = connection.execute(
            f"select count(*), {counts} from {source}"
        ).fetchone() or (0,)
        if not rows:
            continue
        kept = [place for place, count in enumerate(values) if count]
        yield Query(
            sheet,
            [possible[place] for place in kept],
            f"select {', '.join(expressions[place] for place in kept)} "
            f"from {source} order by {sheet.order}",
            rows,
        )
