"""Words of the page of data quality, and of what is known of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "gates": ("Gates", "检查关口"),
    "gates.caption": (
        "Checks of each gate: of what sources gave (in), of the models between "
        "(transform), of what is published (out).",
        "各关口的检查：数据源（in）、中间模型（transform）、发布内容（out）。",
    ),
    "gates.gate": ("Gate", "关口"),
    "gates.checks": ("Checks", "检查数"),
    "gates.passed": ("Passed", "通过"),
    "gates.accepted": ("Accepted", "已接受"),
    "gates.not_passed": ("In force", "未通过"),
    "data": ("Warnings in force", "未通过的检查"),
    "data.caption": (
        "{passed} of {checks} passed; these did not. A warning does not stop a release, "
        "it is for a person to read; so is what somebody accepted.",
        "{checks}中 {passed} 项通过；以下未通过。警告不阻止发布，供人阅读；"
        "已被接受的失败也列在此。",
    ),
    "data.table": ("Table", "表"),
    "data.check": ("Check", "检查"),
    "data.expected": ("Expected", "应为"),
    "data.found": ("Found", "实为"),
    "data.rows": ("Rows", "行数"),
    "data.accepted": (
        "<strong>Accepted</strong> by {by} until {until}: {why}",
        "<strong>已接受</strong>：{by}，至 {until}：{why}",
    ),
    "data.none": (
        "{passed} of {checks} passed; there is nothing to read.",
        "{checks}中 {passed} 项通过，没有需要阅读的内容。",
    ),
    "severity.warning": ("warning", "警告"),
    "severity.critical": ("critical", "严重"),
    "outcome.failed": ("failed", "未通过"),
    "outcome.crashed": ("crashed", "无法检查"),
    "fresh": ("Rows read and freshness", "读取与新鲜度"),
    "fresh.caption": (
        "What each source gave. A row that was read must have landed or be in the "
        "quarantine.",
        "各数据源提供的行。读取的行必须已落地或在隔离区。",
    ),
    "fresh.source": ("Source", "数据源"),
    "fresh.entity": ("Entity", "实体"),
    "fresh.read": ("Read", "读取"),
    "fresh.landed": ("Landed", "落地"),
    "fresh.quarantined": ("Quarantined", "隔离"),
    "fresh.adds_up": ("Adds up", "是否相符"),
    "fresh.last": ("Last read, UTC", "最近读取（UTC）"),
    "fresh.none": ("No source has landed anything.", "没有数据源落地数据。"),
    "reconciled": ("From the sources to the marts", "从数据源到业务表"),
    "reconciled.caption": (
        "Rows and money that the sources gave against what stands in the marts; money in "
        "the source's own currency. The differences must be zero.",
        "数据源提供的行数和金额与业务表比对；金额为数据源币种。差额必须为零。",
    ),
    "reconciled.currency": ("Currency", "币种"),
    "reconciled.given": ("Given", "提供"),
    "reconciled.later": ("After the as-of day", "截止日之后"),
    "reconciled.marts": ("In the marts", "业务表中"),
    "reconciled.difference": ("Difference", "差额"),
    "reconciled.money": ("Money in the marts", "业务表金额"),
    "reconciled.money_difference": ("Difference of money", "金额差额"),
    "reconciled.none": ("There is nothing to reconcile.", "没有可比对的内容。"),
    "quarantine": ("Quarantine", "隔离区"),
    "quarantine.by": (
        "{rows} could not be read; the most frequent reasons, {n} at most.",
        "{rows}无法读取；最常见的原因，最多 {n} 个。",
    ),
    "quarantine.caption": (
        "The newest of them, {n} at most. Their text is left out, because it may be "
        "personal.",
        "其中最新的，最多 {n} 行。原文可能含个人信息，故不显示。",
    ),
    "quarantine.file": ("File", "文件"),
    "quarantine.line": ("Line", "行"),
    "quarantine.none": (
        "The quarantine is empty: every row could be read.",
        "隔离区为空：所有行均可读取。",
    ),
    "models": ("Quality of the models", "模型质量"),
    "models.forecasters": (
        "Whose forecasts are published for which customers, and why. Error against the "
        'naive baseline: below 1 is better than "the same as last year".',
        "各类客户采用的预测模型及原因。相对误差：低于 1 即优于“与去年相同”。",
    ),
    "models.model": ("Model", "模型"),
    "models.error": ("Relative error", "相对误差"),
    "models.outside": (
        "{n} of {all} figures are outside their bounds.",
        "{all} 个指标中有 {n} 个超出界限。",
    ),
    "models.caption": (
        "What is outside, the critical ones first. What such a figure stands for is not "
        "shown on other pages.",
        "超出界限的指标，严重的在前。其所对应的内容不在其他页面显示。",
    ),
    "models.metric": ("Figure", "指标"),
    "models.of": ("Of", "对象"),
    "models.value": ("Value", "数值"),
    "models.bounds": ("Bounds", "界限"),
    "models.means": ("What it means", "含义"),
    "models.well": (
        "All {all} figures of the models are within their bounds.",
        "模型的 {all} 个指标均在界限内。",
    ),
    "models.none": (
        "This release does not measure its models.",
        "此版本没有模型指标。",
    ),
    "coverage": ("What is known of customers", "客户数据覆盖"),
    "coverage.caption": (
        "Of how many customers a thing is known, of those of whom it could be, and what "
        "would make it known of more.",
        "各项数据已知的客户数（占可能知道的客户），以及如何补充。",
    ),
    "coverage.what": ("What", "数据"),
    "coverage.known": ("Known", "已知"),
    "coverage.of": ("Of", "应有"),
    "coverage.bring": ("What to bring", "如何补充"),
    "joined": ("Who was joined by what", "哪些记录合并为同一客户"),
    "joined.lead": (
        "One customer of several records, each under the one that it was joined to, with "
        "the rule and how sure it is. What is dashed was not joined. Those on whose least "
        "certain link the most money hangs; <code>customer-tiers explain CUSTOMER "
        "--identity</code> has any other.",
        "同一客户的多条记录：每条列在与其合并的记录之下，并注明依据与把握。虚线表示未合并"
        "及其原因。此处为最不确定的合并所涉金额最大的客户；其他客户见 <code>customer-tiers "
        "explain CUSTOMER --identity</code>。",
    ),
    "joined.sizes": ("{records}, {sources}", "{records}，{sources}"),
    "joined.revenue": (
        "; {amount} {money} in 12 months",
        "；近 12 个月 {amount} {money}",
    ),
    "joined.least": ("; least certain link {sure}", "；最不确定的合并 {sure}"),
    "joined.no_name": ("without a name", "无名称"),
    "joined.not": (
        "not joined: {why}; by {rule}, {sure}",
        "未合并：{why}；{rule}，{sure}",
    ),
    "joined.by": ("{rule}, {sure}", "{rule}，{sure}"),
    "joined.left_both": (
        "And {records}, and {links} that were not made:",
        "另有{records}和未采用的{links}：",
    ),
    "joined.left_records": ("And {records}:", "另有{records}："),
    "joined.left_links": ("And {links} that were not made:", "另有未采用的{links}："),
    # What is measured of customers (knowledge), and what would make it known.
    "measure.margin": ("Margin", "毛利"),
    "measure.cost to serve and profit": ("Cost to serve and profit", "服务成本与利润"),
    "measure.growth against the year before": (
        "Growth against the year before",
        "同比增长",
    ),
    "measure.orders expected": ("Orders expected", "预期订单"),
    "measure.service tickets": ("Service tickets", "服务工单"),
    "measure.open deals": ("Open deals", "进行中的商机"),
    "measure.size or income": ("Size or income", "规模或收入水平"),
    "measure.influence and strategic weight": (
        "Influence and strategic weight",
        "影响力与战略价值",
    ),
    "bring.margin": (
        "what each line cost (order_lines.cost_amount)",
        "每个订单行的成本（order_lines.cost_amount）",
    ),
    "bring.cost to serve and profit": (
        "margins, and rates in cost_rates.csv: what an order, a ticket, a visit costs you",
        "毛利，以及 cost_rates.csv 中的费率：一张订单、一张工单、一次拜访的成本",
    ),
    "bring.growth against the year before": ("two years of sales", "两年的销售数据"),
    "bring.orders expected": (
        "a longer history of sales by day; meta.value_models says what was tried",
        "更长的、按日的销售历史；尝试过的模型见 meta.value_models",
    ),
    "bring.service tickets": (
        "the tickets of a help desk (service_tickets)",
        "客服系统的工单（service_tickets）",
    ),
    "bring.open deals": (
        "the deals of a CRM with their amounts (leads)",
        "CRM 中带金额的商机（leads）",
    ),
    "bring.size or income": (
        "annual_revenue or employee_count of companies, yearly_income of persons",
        "企业的 annual_revenue 或 employee_count，个人的 yearly_income",
    ),
    "bring.influence and strategic weight": (
        "what account managers think of their customers (assessments)",
        "客户经理对客户的评估（assessments）",
    ),
}
