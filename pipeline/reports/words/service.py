"""Words of the page of service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "service": ("Service levels kept", "服务水平达成"),
    "service.caption": (
        "Tickets opened in the last 12 months, by the tier that their customer has today. "
        "Median hours from opening to resolution, of the tickets that were resolved.",
        "近 12 个月开立的工单，按客户当前等级。中位小时数为已解决工单从开立到解决的时间。",
    ),
    "service.per_orders": ("Per 100 orders", "每百单"),
    "service.unresolved": ("Not resolved", "未解决"),
    "service.hours": ("Median hours", "中位小时"),
    "service.met": ("Met service level", "达到服务水平"),
    "service.met_of": ("{met} of {all}", "{met} / {all}"),
    "service.nobody": ("Of no known customer", "客户不明"),
    "service.all_known": (
        "Every ticket belongs to a known customer.",
        "每张工单都有已知客户。",
    ),
    "service.categories": (
        "The same tickets by what they are about, the most frequent first.",
        "同样的工单按主题，最多的在前。",
    ),
    "service.category": ("Category", "主题"),
    "service.others": ("All others", "其他"),
    "service.complaints": ("Complaints", "投诉"),
    "service.share": ("Share of tickets", "工单占比"),
    "service.none": (
        "No ticket was opened in the last 12 months, or no source provides tickets.",
        "近 12 个月没有工单，或没有数据源提供工单。",
    ),
    "promised": ("Promised", "服务承诺"),
    "promised.caption": (
        "What the service policy promises to each tier; days between visits and calls, "
        "hours for tickets.",
        "服务政策对各等级的承诺：拜访和电话间隔（天）、工单时限（小时）。",
    ),
    "promised.first": ("First answer, hours", "首次响应（小时）"),
    "promised.resolution": ("Resolution, hours", "解决（小时）"),
    "promised.visit": ("Visit every, days", "拜访间隔（天）"),
    "promised.call": ("Call every, days", "电话间隔（天）"),
    "promised.channel": ("How", "方式"),
    "promised.not": ("none", "无"),
    "effort": ("Planned against done", "计划与实际"),
    "effort.caption": (
        "What the service policies ask for in a year, and what was done in the last 12 "
        "months, by the tier of today.",
        "服务政策一年的计划量与近 12 个月实际完成量，按当前等级。",
    ),
    "effort.kind": ("Kind", "类型"),
    "effort.planned": ("Planned", "计划"),
    "effort.done": ("Done", "实际"),
    "effort.kept": ("Kept", "完成率"),
    "effort.difference": ("Difference", "差额"),
    "effort.not_recorded": ("not recorded", "无记录"),
    "voices": ("What customers say: CSAT and NPS", "客户评价：CSAT 与 NPS"),
    "voices.caption": (
        "Answers of the last 12 months by the tier that the customer had then. CSAT: good "
        "over good and bad answers; NPS: promoters less detractors, −100 to 100.",
        "近 12 个月的回答，按当时等级。CSAT 为好评 /（好评 + 差评）；NPS 为推荐者减贬损者，"
        "−100 至 100。",
    ),
    "voices.csat": ("CSAT", "CSAT"),
    "voices.nps": ("NPS", "NPS"),
    "voices.answers": ("Answers", "回答数"),
    "voices.none": (
        "No customer was asked, or no source records answers.",
        "没有满意度或推荐度的回答，或没有数据源记录。",
    ),
    "voices.months": (
        "Month by month, all customers.",
        "逐月，全部客户。",
    ),
    "voices.month": ("Month", "月份"),
    "costs": ("What service costs", "服务成本"),
    "costs.caption": (
        "Cost to serve of the last 12 months by tier, in {money}.",
        "近 12 个月各等级服务成本，{money}。",
    ),
    "costs.a_customer": ("A customer", "每客户"),
    "costs.share": ("Of revenue", "占收入"),
    "costs.unknown": (
        "Not known: no rate in <code>cost_rates.csv</code> says what an order, a ticket or "
        "a visit costs.",
        "未知：<code>cost_rates.csv</code> 中没有订单、工单或拜访的费率。",
    ),
    "badly": ("High value, badly served", "高价值、服务欠佳"),
    "badly.lead": (
        "{customers} of class A in the last 12 months with a reason to complain.",
        "近 12 个月 A 类客户中有理由不满的：{customers}。",
    ),
    "badly.caption": (
        "Those with the highest revenue, {n} at most, with every alarm of the service "
        "policy that sounds. Money in {money}, last 12 months; contact in days.",
        "其中收入最高者，最多 {n} 位，附全部服务警报。{money}，近 12 个月；联系间隔按天。",
    ),
    "badly.without_contact": ("Without contact", "未联系天数"),
    "badly.none": (
        "No alarm of the service policy sounds for a customer of class A.",
        "没有 A 类客户触发服务警报。",
    ),
}
