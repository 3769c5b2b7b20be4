"""Words of the overview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "headline": ("Headline figures", "主要数字"),
    "profit_12m": ("Profit, last 12 months", "近 12 个月利润"),
    "profit.of_types": ("{name} {amount}", "{name} {amount}"),
    "revenue_12m": ("Revenue, last 12 months", "近 12 个月收入"),
    "revenue.growth": (
        "<strong>{growth}</strong> against the 12 months before ({before})",
        "较上一个 12 个月（{before}）<strong>{growth}</strong>",
    ),
    "revenue.before": ("{before} in the 12 months before", "上一个 12 个月 {before}"),
    "revenue.begins": (
        ", but the data begin only on {day}",
        "，但数据自 {day} 才开始",
    ),
    "revenue.no_ratio": ("; no ratio to that", "；无法比较"),
    "margin_12m": ("Margin, last 12 months", "近 12 个月毛利"),
    "margin.rate": (
        "<strong>{rate}</strong> of revenue, after cost of goods",
        "占收入 <strong>{rate}</strong>，已扣商品成本",
    ),
    "margin.no_rate": ("No rate: revenue is not positive", "收入不为正，无毛利率"),
    "margin.coverage": ("; cost known for {share} of it", "；其中 {share} 的成本已知"),
    "key_share": ("Revenue share of {tier}", "{tier}收入占比"),
    "key_share.any": ("Revenue share of the best tier", "最高等级收入占比"),
    "key_share.nobody": (
        "Nobody is graded, as no source records sales",
        "没有数据源记录销售，无人被分级",
    ),
    "key_share.no_total": (
        "of {total} in the last 12 months: no share of a total that is not positive",
        "近 12 个月合计 {total}：合计不为正，无占比",
    ),
    "key_share.of": (
        "{amount} in the last 12 months from {customers}",
        "近 12 个月 {amount}，来自{customers}",
    ),
    "key_share.of_all": (" ({share} of all)", "（占全部 {share}）"),
    "key_share.no_tiers": ("The policy has no tiers", "政策中没有等级"),
    "tile.customers": ("Customers", "客户数"),
    "customers.types": ("{companies}, {persons}", "{companies}、{persons}"),
    "customers.without_order": (
        "; {n} not bought yet",
        "；{n} 位尚未下单",
    ),
    "months.caption": (
        "Revenue by month over the last 24 months, in {money}; the last month ends on "
        "{day}.",
        "近 24 个月各月收入（{money}）；最后一个月截至 {day}。",
    ),
    "months.before": ("12 months before: {range}", "上一个 12 个月：{range}"),
    "months.last": ("Last 12 months: {range}", "近 12 个月：{range}"),
    "months.range": ("{first} to {last}", "{first} 至 {last}"),
    "months.title": ("Revenue by month", "各月收入"),
    "months.oldest_first": ("Oldest first, in {money}:", "由远及近，{money}："),
    "months.month": ("month to {day} {amount}", "截至 {day} {amount}"),
    "months.latest": ("Latest order:", "最近下单："),
    "months.latest_of": (
        "{types} {day}, {days} before the as-of day",
        "{types} {day}，截止日前{days}",
    ),
    "missing": ("What this report cannot say", "本报告尚不能说明"),
    "missing.lead": (
        "Known of few or of nobody, and what would make it known:",
        "以下数据缺失或很少；补充后即可显示：",
    ),
    "missing.known": ("{known} of {of}", "{of} 中 {known}"),
    "today": ("Whom to call first", "今天先联系谁"),
    "today.lead": (
        "One verdict an account, from tier, profit, prediction, rhythm and service; the "
        "most urgent first, then the most at stake.",
        "每位客户一个结论，综合等级、利润、预测、购买节奏和服务；最紧急的在前，其次按涉及金额。",
    ),
    "today.nothing": (
        "No customer asks for more than the standard of its tier.",
        "没有客户需要标准服务以外的行动。",
    ),
    "today.against": ("Against it: {what}", "不同迹象：{what}"),
    "today.of_owner": ("Owner: {owner}", "负责人：{owner}"),
    "tiers": ("Tiers", "客户等级"),
    "tiers.caption": (
        "The tiers on {day}. Money in {money}; revenue, margin, profit, orders and "
        "tickets of the last 12 months; tenure is the mean time since the first order.",
        "{day} 的客户等级。金额单位：{money}；收入、毛利、利润、订单和工单均为近 12 个月；"
        "合作年限为首单至今的平均年数。",
    ),
    "tiers.no_customer": ("no customer", "无客户"),
    "tiers.no_order": ("no order", "无订单"),
    "moves": ("Who moved, and why", "等级变动与原因"),
    "moves.since_release": (
        "Since the release as of {day}: {up} up, {down} down, {new} new.",
        "自上一版本（截至 {day}）：升级 {up}，降级 {down}，新增 {new}。",
    ),
    "moves.since_month": (
        "No earlier release is known. Since {day}, a month ago: {up} up, {down} down, "
        "{new} new.",
        "没有更早的版本。自一个月前（{day}）：升级 {up}，降级 {down}，新增 {new}。",
    ),
    "moves.year": (
        "Over a year, since {day}: {up} up, {down} down, {new} new.",
        "近一年（自 {day}）：升级 {up}，降级 {down}，新增 {new}。",
    ),
    "moves.flow": (
        "{types}: from the tier of {day} to that of today",
        "{types}：{day} 的等级 → 当前等级",
    ),
    "moves.then": ("on {day}", "{day}"),
    "moves.now": ("today", "当前"),
    "moves.not_known_then": ("not known then", "当时尚无"),
    "moves.table": (
        "{types}: tier on {day} (rows) and today (columns)",
        "{types}：{day} 的等级（行）与当前等级（列）",
    ),
    "moves.from": ("On {day}", "{day}"),
    "moves.kinds": ("Changes since {day} by kind:", "自 {day} 以来的变动："),
    "moves.caption": (
        "Changes since {day} of the customers with the most revenue, {n} at most. "
        "Revenue of the last 12 months in {money}.",
        "自 {day} 以来变动的客户中收入最高者，最多 {n} 位。近 12 个月收入，{money}。",
    ),
    "moves.on": ("On", "日期"),
    "moves.change": ("Change", "变动"),
    "moves.why": ("Why", "原因"),
    "moves.nothing": (
        "Nobody changed the tier since {day}.",
        "自 {day} 以来无人变动。",
    ),
    "moves.unknown": (
        "This release has no history of tiers to compare with.",
        "此版本没有可比较的等级历史。",
    ),
    "losses": ("Large accounts that lose money", "亏损的大客户"),
    "losses.unknown": (
        "Not known: profit needs the cost of what was bought and rates in "
        "<code>cost_rates.csv</code>.",
        "未知：计算利润需要商品成本以及 <code>cost_rates.csv</code> 中的费率。",
    ),
    "losses.none": (
        "No customer of class A costs more than it brings.",
        "没有亏损的 A 类客户。",
    ),
    "losses.lead": (
        "{large} of class A lost {lost} in the last 12 months; {all} altogether lost "
        "{lost_all}.",
        "近 12 个月 {large} A 类客户亏损 {lost}；全部亏损客户 {all}，共 {lost_all}。",
    ),
    "losses.caption": (
        "The largest losses of class A, {n} at most: revenue less cost of goods is "
        "margin, less freight, cost to serve and to win is profit. Money in {money}, "
        "last 12 months.",
        "A 类客户中亏损最大者，最多 {n} 位。收入减商品成本为毛利，再减运费、服务与获客成本"
        "为利润。{money}，近 12 个月。",
    ),
    "risk": ("Money at risk", "流失风险"),
    "risk.none": (
        "Nobody who bought is at risk, declining or dormant.",
        "没有处于流失预警、衰退或沉睡期的客户。",
    ),
    "risk.stages": (
        "Customers that slip away, by stage of the life cycle. Money in {money}.",
        "正在流失的客户，按生命周期阶段。{money}。",
    ),
    "risk.caption": (
        "Those with the most revenue of the last 12 months, {n} at most.",
        "其中近 12 个月收入最高者，最多 {n} 位。",
    ),
    "risk.kind": ("Type", "类型"),
    "risk.revenue": ("Revenue, last 12 months", "近 12 个月收入"),
    "risk.withheld": (
        "The chance of no order is not shown for {types}: on the past it sorted them "
        "worse than its bound.",
        "{types}不显示不再下单概率：在历史数据上其排序能力低于下限。",
    ),
    "withheld": ("withheld", "不显示"),
    "look": ("Key customers that need a look", "需要关注的重要客户"),
    "look.nobody": (
        "No customer is in the best tier, {tier}.",
        "最高等级（{tier}）中没有客户。",
    ),
    "look.no_tier": ("The policy has no tiers", "政策中没有等级"),
    "look.lead": (
        "Of {customers} in tier {tier}, {falling} bought less than in the 12 months "
        "before ({lost} together), and {silent} silent.",
        "{tier}共{customers}，其中 {falling} 位收入低于上一个 12 个月（合计 {lost}），"
        "{silent} 位久未下单。",
    ),
    "look.silent_one": ("{n} is", "{n}"),
    "look.silent_many": ("{n} are", "{n}"),
    "look.caption": (
        "The {tier} customers that lost most revenue and those that have been silent "
        "longest. Money in {money}, last 12 months; silence in days.",
        "{tier}中收入下降最多和未下单最久的客户。{money}，近 12 个月；未下单时间按天。",
    ),
    "look.fell": ("Revenue fell most", "收入下降最多"),
    "look.silent": ("Silent longest", "未下单最久"),
    "look.too_few": ("too few orders", "订单太少"),
    "look.note": (
        "Silent: no order for more than {gaps} times the customer's usual gap, the "
        "median days between its days of purchase, or those of its type where it has "
        "too few; for {days} days where nobody's gap is known.",
        "久未下单：超过其通常间隔（两次购买之间天数的中位数，订单太少时取同类客户的）的 "
        "{gaps} 倍；间隔未知时为 {days} 天。",
    ),
    "due": ("What is due", "待办事项"),
    "due.no_list": ("This release has no list of actions.", "此版本没有待办清单。"),
    "due.nothing": ("Nothing is due.", "没有待办事项。"),
    "due.lead": (
        "{due} on the list, {overdue} overdue:",
        "共{due}，{overdue} 项已逾期：",
    ),
    "due.owners": (
        "By owner, the most overdue first.",
        "按负责人，逾期最多的在前。",
    ),
    "due.fits": ("Fits the week", "本周可完成"),
    "due.first": ("First due", "最早到期"),
    "due.is_overdue": ("Overdue", "已逾期"),
    "due.caption_first": (
        "The first {n} actions, in the order of the list.",
        "前 {n} 项待办，按清单顺序。",
    ),
    "due.caption_all": (
        "All of them, in the order of the list.",
        "全部待办，按清单顺序。",
    ),
    "due.owners_more": (
        'And {more}: <a href="{root}owners/index.html">{page}</a>',
        '另有{more}：<a href="{root}owners/index.html">{page}</a>',
    ),
}
