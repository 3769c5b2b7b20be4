"""Words of the portfolio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "concentration": ("Concentration of revenue", "收入集中度"),
    "concentration.lead": (
        "Customers of one type in order of their revenue over the whole past, the largest "
        "first, and how much of that revenue they hold together. The further the line "
        "bends away from the diagonal, the more depends on a few.",
        "同类客户按历史总收入从大到小排列，曲线为其累计收入占比。"
        "曲线离对角线越远，收入越依赖少数客户。",
    ),
    "concentration.none": (
        "No customer has revenue yet, so there is no curve.",
        "还没有客户产生收入，因此没有曲线。",
    ),
    "concentration.count": ("{n} {types} with revenue", "有收入的{types} {n}"),
    "concentration.gini": ("; Gini {gini}", "；基尼系数 {gini}"),
    "concentration.title": ("Pareto curve: {types}", "帕累托曲线：{types}"),
    "concentration.desc": (
        "Share of revenue against share of customers, the largest first. {n} of {all} "
        "make 80 %.",
        "收入占比与客户占比（从大到小）。{all} 位中 {n} 位合计占 80%。",
    ),
    "concentration.equal": ("if all bought the same", "若人人相同"),
    "concentration.top": ("top 20 % hold", "前 20% 占"),
    "concentration.x": ("Share of customers, largest first", "客户占比（从大到小）"),
    "concentration.y": ("Share of revenue", "收入占比"),
    "concentration.one": (
        "Only one {type} has revenue, so there is nothing to compare.",
        "只有一位{type}有收入，无从比较。",
    ),
    "concentration.few": (
        "{n} of {all} make 80&nbsp;% of the revenue; with fewer than five, a top "
        "20&nbsp;% would be less than one of them.",
        "{all} 位中 {n} 位合计占收入的 80%；不足五位时，前 20% 不到一位。",
    ),
    "concentration.said": (
        "The top 20&nbsp;% ({top}) hold <strong>{share}</strong> of the revenue: on "
        "average one of them brings {times} times what one of the others does. The first "
        "{n} make 80&nbsp;%.",
        "前 20%（{top} 位）占收入的 <strong>{share}</strong>，平均每位是其他客户的 "
        "{times} 倍。前 {n} 位合计占 80%。",
    ),
    "concentration.note": (
        "Gini: 0 if all bought the same, near 1 if one bought everything. Customers "
        "without positive revenue are left out.",
        "基尼系数：人人相同为 0，全部集中于一位时接近 1。不含收入不为正的客户。",
    ),
    "whale": ("Who earns the profit: the whale curve", "利润来自谁：鲸鱼曲线"),
    "whale.lead": (
        "Customers of one type in order of their profit over the whole past, the most "
        "profitable first. Up to the peak each adds to the profit, after it each takes "
        "away.",
        "同类客户按历史总利润从高到低排列的累计利润。峰值之前每位客户增加利润，之后减少利润。",
    ),
    "whale.unknown": (
        "Not known: profit needs what the goods cost and what serving customers costs "
        "(<code>cost_rates.csv</code>). Until then the curve of revenue above is all that "
        "can be said.",
        "未知：需要商品成本和服务费率（<code>cost_rates.csv</code>）才能计算利润；"
        "目前只能看上面的收入曲线。",
    ),
    "whale.title": ("Whale curve: {types}", "鲸鱼曲线：{types}"),
    "whale.count": ("{n} with known profit", "利润已知的 {n} 位"),
    "whale.said": (
        "The first {n} ({share} of them) earn <strong>{peak}</strong>; the others take "
        "away {lost}. What is left is <strong>{total}</strong> {money}.",
        "前 {n} 位（{share}）合计盈利 <strong>{peak}</strong>，其余客户损失 {lost}，"
        "最后剩下 <strong>{total}</strong>（{money}）。",
    ),
    "whale.x": (
        "Share of customers, most profitable first",
        "客户占比（利润从高到低）",
    ),
    "whale.peak": ("peak {amount}", "峰值 {amount}"),
    "whale.end": ("all {amount}", "全部 {amount}"),
    "dependence": ("What depends on a few", "集中风险"),
    "dependence.lead": (
        "What the largest customers hold of the revenue of the last 12 months of their "
        "type: what would be missing if they left.",
        "最大的几位客户占同类近 12 个月收入的比例，即失去他们时会减少的收入。",
    ),
    "dependence.caption": (
        "Revenue of the last 12 months in {money}.",
        "近 12 个月收入，{money}。",
    ),
    "dependence.first": ("The first", "前几位"),
    "dependence.buyers": ("of buyers", "购买客户数"),
    "dependence.groups": (
        "Groups of companies under one parent with the most revenue of the last 12 "
        "months, {n} of {all}.",
        "同一母公司下近 12 个月收入最高的集团（{all} 个中的 {n} 个）。",
    ),
    "dependence.group": ("Group", "集团"),
    "dependence.members": ("Members", "成员"),
    "dependence.buying": ("Buying", "购买成员"),
    "migration": ("Tier migration", "等级迁移"),
    "migration.caption": (
        "Moves from one month end to the next from {first} to {last}: of those in the "
        "tier of the row, the share that was in the tier of the column a month later.",
        "{first} 至 {last} 各月末之间的迁移：行中等级的客户一个月后处于列中等级的比例。",
    ),
    "migration.from": ("From, a month before", "上月等级"),
    "migration.months": ("Customer-months", "客户·月"),
    "cohorts": ("Do new customers come back?", "新客户是否回来"),
    "cohorts.caption": (
        "Customers by the month of their first order, and the share of them with an order "
        "so many months later. Months that have not ended are empty.",
        "按首单月份分组的客户，及其在若干个月后下单的比例。尚未结束的月份为空。",
    ),
    "cohorts.month": ("First order in", "首单月份"),
    "cohorts.later": ("+{n}", "+{n}"),
    "top": ("Largest customers", "最大客户"),
    "top.none": (
        "No customer has bought anything in the last 12 months.",
        "近 12 个月没有客户购买。",
    ),
    "top.caption": (
        "Customers with the highest revenue of the last 12 months, {n} at most. Money in "
        "{money}. Growth is against the 12 months before; it needs two years of history.",
        "近 12 个月收入最高的客户，最多 {n} 位。{money}。增长与上一个 12 个月相比，"
        "需要两年历史。",
    ),
    "segments": ("RFM segments", "RFM 客户细分"),
    "segments.none": ("There are no customers to compare.", "没有可比较的客户。"),
    "segments.caption": (
        "Customers by how recently, how often and for how much they bought, each compared "
        "with its own type. Revenue of the last 12 months in {money}.",
        "按最近购买时间、频率和金额细分客户，各与同类比较。近 12 个月收入，{money}。",
    ),
    "segments.segment": ("Segment", "细分"),
    "matrix": ("Account matrix", "大客户矩阵"),
    "matrix.lead": (
        "How attractive an account is, against how strong we are there compared with the "
        "best competitor. Where names would stand over each other, a number leads to the "
        '<a href="{root}account-plans/index.html">list</a>.',
        "客户吸引力与我方相对于最强竞争对手的优势。名称过密处以编号代替，"
        '见<a href="{root}account-plans/index.html">列表</a>。',
    ),
    "no_sales.lead": (
        "No source records sales, so there is nothing to say about revenue.",
        "没有数据源记录销售，无法说明收入。",
    ),
}
