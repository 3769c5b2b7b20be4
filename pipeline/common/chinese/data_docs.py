"""The pages of the evidence (`gates.data_docs`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    "Data Docs of {refresh}": "{refresh} 的检查报告",
    "Data Docs of customer-tiers. What must hold is worded by Great Expectations or dbt, "
    "why it must by whoever wrote the suite. Made from the evidence that publish reads, "
    "and from nothing else.": (
        "customer-tiers 的检查报告（Data Docs）。由 publish 所读取的证据生成，别无其他来源。"
        "贵公司自己编写的检查以其原文显示。"
    ),
    "{some} of {all}": "{some} / {all}",
    "{count} to mend": "{count} 项需修正",
    "1 warning": "1 项警告",
    "{count} warnings": "{count} 项警告",
    "{count} accepted": "{count} 项已接受",
    "Refused: 1 check did not pass": "被拒绝：1 项检查未通过",
    "Refused: {count} checks did not pass": "被拒绝：{count} 项检查未通过",
    "Not all gates have looked": "尚有关口未检查",
    "Nothing stops it; 1 warning": "可以发布；警告 1 项",
    "Nothing stops it; {count} warnings": "可以发布；警告 {count} 项",
    "All checks passed": "全部检查通过",
    "Refresh": "运行",
    "As of": "数据截止",
    "Checks": "检查",
    "Gate": "关口",
    "{some} of {all} passed": "{all} 项中 {some} 项通过",
    "{some} of 1 check passed": "1 项检查中 {some} 项通过",
    "{some} of {all} checks passed": "{all} 项检查中 {some} 项通过",
    "{some} of {all} checks stop the release": "{all} 项检查中 {some} 项阻止发布",
    "{some} of {all} checks passed, nothing stops": (
        "{all} 项检查中 {some} 项通过，不阻止发布"
    ),
    "Accepted by a person": "人工接受",
    "What did not pass": "未通过的检查",
    "Outcome": "结果",
    "Check": "检查项",
    "Rows": "行数",
    "has not looked": "尚未检查",
    "1 test of the models and seeds": "模型与种子文件的 1 项测试",
    "{count} tests of the models and seeds": "模型与种子文件的 {count} 项测试",
    "dbt's tests, between the gates": "两道关口之间的 dbt 测试",
    "Gate out: what readers will see": "出口关口：读者将看到的内容",
    "Gate in: what {source} gave": "入口关口：{source} 提供的数据",
    "accepted": "已接受",
    "warning": "警告",
    "critical": "关键",
    ", acceptable": "，可接受",
    ", crashed": "，无法执行",
    "{seconds:.2f} s": "{seconds:.2f} 秒",
    "The query that must find nothing": "应查不到任何行的查询",
    "Observed": "实际",
    "Accepted by {by} until {until}: {reason}": "由 {by} 接受，至 {until}：{reason}",
    "It could not be evaluated, which is no pass. Mend the check or the table; it cannot "
    "be accepted.": "无法执行，不等于通过。请修正检查或表；不可接受。",
    "Where it is right this time, a person may accept it:": (
        "如果这次确实无误，可以人工接受："
    ),
}
