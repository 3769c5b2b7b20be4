"""Words of the pages of owners."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "owners.list": ("Who looks after whom", "客户负责人"),
    "owners.caption": (
        "Owners by what is due of them; each leads to the customers and the week. Money "
        "of the last 12 months in {money}.",
        "按待办数量排列的负责人，点击可看其客户与本周事项。近 12 个月，{money}。",
    ),
    "owners.more": (
        "And {more} with less to do, who have no page of their own.",
        "另有{more}待办较少，没有单独页面。",
    ),
    "owners.unowned": (
        "{customers} with {revenue} {money} of revenue in the last 12 months have no "
        "owner.",
        "{customers}没有负责人，近 12 个月收入 {revenue}（{money}）。",
    ),
    "owners.none": (
        "No source says who looks after a customer, and nothing is due of anybody.",
        "没有数据源记录客户负责人，也没有任何待办。",
    ),
    "owner.week": ("My week", "我的本周"),
    "owner.week_lead": (
        "{actions} due, {overdue} overdue.",
        "{actions}，{overdue} 项已逾期。",
    ),
    "owner.fits": (
        "{fitting} of them fit into the week of {minutes} minutes; the rest, {left}, "
        "waits.",
        "本周 {minutes} 分钟可完成 {fitting} 项，其余 {left} 项顺延。",
    ),
    "owner.capacity_unknown": (
        "How much fits into a week is not known: no conversation of this owner has its "
        "minutes recorded.",
        "本周可完成多少未知：没有该负责人的沟通时长记录。",
    ),
    "owner.fits_week": ("This week", "本周"),
    "owner.later": ("later", "顺延"),
    "owner.minutes": ("Minutes", "分钟"),
    "owner.actions_caption": (
        "What is due, in the order of the list, {n} of {all}.",
        "待办事项，按清单顺序，{all} 项中的 {n} 项。",
    ),
    "owner.nothing": ("Nothing is due.", "没有待办事项。"),
    "owner.customers": ("My customers", "我的客户"),
    "owner.customers_caption": (
        "Customers by revenue of the last 12 months, {n} of {all}. Money in {money}.",
        "按近 12 个月收入排列的客户，{all} 位中的 {n} 位。{money}。",
    ),
    "owner.no_customers": (
        "No customer has this owner; what is due comes from a rule or a role.",
        "没有客户归其负责；待办来自规则或岗位。",
    ),
    "owner.all": ("All owners", "全部负责人"),
}
