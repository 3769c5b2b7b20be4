"""English and Chinese on a terminal: the words, numbers and tables of both languages.

Plain lines and tables without borders: piped into a file they are readable too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from pipeline.cli.output import Printer
from pipeline.common.language import Sentence, in_language, said

WIDTH: Final = 100
LANGUAGES: Final = ("en", "zh")

# What is printed, in both languages; a key is the English, where that is all of it.
_CHINESE: Final = {
    "Verdict": "结论",
    "What to do": "建议",
    "Speaks for it": "依据",
    "Against it": "相反事实",
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
    "Leads that seem to be with it; they count for nothing here": (
        "疑似属于该客户的线索（不计入其数据）"
    ),
    "lead": "线索",
    "name": "名称",
    "stage": "阶段",
    "matched by": "匹配依据",
    "e-mail": "电子邮箱",
    "phone and name": "电话与名称",
    "domain and name": "域名与名称",
    "phone": "电话",
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
    "": "",
}


def console() -> Console:
    """Standard output, not wider than a person reads; piped, as wide as that."""
    found = Printer(highlight=False)
    width = min(found.width, WIDTH) if found.is_terminal else WIDTH
    return Printer(highlight=False, width=width)


def write(items: Iterable[RenderableType], to: Console) -> None:
    """Prints the items, without spaces at the ends of lines."""
    with to.capture() as captured:
        for item in items:
            to.print(item)
    # Tables are filled up with spaces to their width.
    for line in captured.get().splitlines():
        to.file.write(line.rstrip() + "\n")


class Language:
    """What is printed in one language; `rendering` of a subject builds on it."""

    def __init__(self, language: str) -> None:
        self.language = language

    def text(self, english: str) -> str:
        """A fixed text, or a sentence, in this language."""
        if self.language == "zh" and english in _CHINESE:
            return _CHINESE[english]
        return in_language(english, self.language)

    def say(self, pattern: str, /, **values: Any) -> str:
        """A sentence in this language; its Chinese stands in `pipeline.common.chinese`."""
        return in_language(said(pattern, **values), self.language)

    def marked(self, pattern: str, /, **values: Any) -> str:
        """The same for rich: marks of the pattern count, those of a value do not."""
        return self.say(
            pattern,
            **{
                name: escape(in_language(value, self.language))
                if isinstance(value, Sentence)
                else escape(value)
                if isinstance(value, str)
                else value
                for name, value in values.items()
            },
        )

    def of(self, row: Any, name: str) -> str:
        """The column of the language."""
        return row[f"{name}_{self.language}"] or ""

    def either(self, english: str, chinese: str) -> str:
        """The one of this language."""
        return english if self.language == "en" else chinese

    def facts(self, facts: list[tuple[str, str]]) -> Table:
        """A label and what is said under it, wrapped; nothing where nothing is said."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for label, value in facts:
            if value:
                table.add_row(Text(self.text(label), style="bold"), Text(value))
        return table

    def table(self, title: str, *headings: str) -> Table:
        """A table without borders; numbers, marked by `>`, stand at the right."""
        table = Table(
            title=Text("\n" + self.text(title), style="bold"),
            title_justify="left",
            box=None,
            pad_edge=False,
        )
        for heading in headings:
            right = heading.startswith(">")
            table.add_column(
                self.text(heading.removeprefix(">")),
                justify="right" if right else "left",
                no_wrap=right,
            )
        return table


def format_score(value: Any) -> str:
    """Two decimals; nothing where it is not known."""
    return "" if value is None else f"{value:.2f}"


def format_money(amount: Any) -> str:
    """Whole units of the currency; a dash where it is not known."""
    return "–" if amount is None else f"{amount:z,.0f}"


def format_number(value: Any, *, up: bool = False) -> str:
    """Two decimals, none of a large number; rounded up where less would not do."""
    if value is None:
        return ""
    number = float(value)
    if abs(number) >= 1000:
        return f"{math.ceil(number - 1e-9) if up else number:,.0f}"
    if up:
        number = math.ceil(number * 100 - 1e-6) / 100
    return f"{number:,.2f}".removesuffix(".00")
