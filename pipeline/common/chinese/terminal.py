"""What commands print: headings, states, sentences; by room of `cli.rendering`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_STATUS: Final = {
    "attempt": "运行",
    "state": "状态",
    "started": "开始时间",
    "took": "用时",
    "{seconds:.0f} s": "{seconds:.0f} 秒",
    "running": "正在运行",
    "published": "已发布",
    "built": "已构建未发布",
    "refused": "被拒绝",
    "failed": "失败",
    "died": "中断",
    "crashed": "无法执行",
    "passed": "通过",
    "Current release [bold]{release}[/bold], as of {day}, sealed {ago} ago; "
    "{checks} checks, {warnings} warnings{accepted}.": (
        "当前版本 [bold]{release}[/bold]，数据截止 {day}，完成于 {ago}前；"
        "检查 {checks} 项，警告 {warnings} 项{accepted}。"
    ),
    ", {count} accepted": "，已接受 {count} 项",
    "[red]Readers find no whole release[/red]: {problem}. `customer-tiers "
    "rollback{options}` goes back to an older one; `customer-tiers refresh{again}` makes "
    "a new one.": (
        "[red]读者找不到完整的版本[/red]：{problem}。"
        "`customer-tiers rollback{options}` 回到较早的版本；"
        "`customer-tiers refresh{again}` 生成新的版本。"
    ),
    "There is no release yet; run [bold]customer-tiers refresh{options}[/bold].": (
        "还没有任何版本；请执行 [bold]customer-tiers refresh{options}[/bold]。"
    ),
    "[red]Forgetting {receipt} is not finished[/red]: run `customer-tiers forget "
    "CUSTOMER{options}` again, with the same customer; until then the home holds what it "
    "looks for.": (
        "[red]客户删除 {receipt} 没有完成[/red]：请对同一客户再次执行 "
        "`customer-tiers forget CUSTOMER{options}`；在此之前数据目录中仍保留待删除的内容。"
    ),
    "[yellow]{path} cannot be removed[/yellow], since {since}: {problem}. It is tried "
    "again after every refresh, and by `customer-tiers prune{options}`.": (
        "[yellow]{path} 自 {since} 起无法删除[/yellow]：{problem}。每次运行之后会再次尝试，"
        "也可以执行 `customer-tiers prune{options}`。"
    ),
    "{alerts} alerts could not be sent: `customer-tiers alerts{options}`.": (
        "有 {alerts} 条告警未能送出：`customer-tiers alerts{options}`。"
    ),
}
_RELEASES: Final = {
    "release": "版本",
    "as of": "数据截止",
    "sealed (UTC)": "完成时间（UTC）",
    "checks": "检查",
    "warnings": "警告",
    "[green]current[/green]": "[green]当前[/green]",
    "[red]damaged[/red]": "[red]已损坏[/red]",
    "[bold]{release}[/bold], as of {day}, is current again.": (
        "[bold]{release}[/bold]（数据截止 {day}）重新成为当前版本。"
    ),
    "{refresh} is built and passed every gate; not published.": (
        "{refresh} 已构建并通过所有关口，按要求未发布。"
    ),
    "Customer tiers": "客户分级",
    "share": "占比",
    "revenue 12 m {currency}": "近12个月销售额 {currency}",
    "margin 12 m {currency}": "近12个月毛利 {currency}",
    "Release": "版本",
    "Report": "报告",
    "Data Docs": "检查报告",
    "Query": "查询",
    "What is known": "已知信息",
    "of the customers": "客户信息",
    "known of": "已知客户",
    "to know more, bring": "要了解更多，请提供",
    "nobody": "无",
    "{known:,} of {all:,}": "{known:,} / {all:,}",
    "Nobody is graded: no source records sales (order_lines).": (
        "没有客户被评级：没有数据源提供销售记录（order_lines）。"
    ),
    "Nobody is in the tier {tier} ({rules}).": "等级“{tier}”没有客户（{rules}）。",
    "; or ": "；或 ",
    "margin": "毛利",
    "what each line cost (order_lines.cost_amount)": (
        "每个订单行的成本（order_lines.cost_amount）"
    ),
    "cost to serve and profit": "服务成本与利润",
    "margins, and rates in cost_rates.csv: what an order, a ticket, a visit costs you": (
        "毛利，以及 cost_rates.csv 中的费率：一张订单、一个工单、一次拜访的成本"
    ),
    "growth against the year before": "同比增长",
    "two years of sales": "两年的销售记录",
    "orders expected": "预期订单数",
    "a longer history of sales by day; meta.value_models says what was tried": (
        "更长的、按日的销售历史；尝试过的模型见 meta.value_models"
    ),
    "service tickets": "服务工单",
    "the tickets of a help desk (service_tickets)": "服务台的工单（service_tickets）",
    "open deals": "未结商机",
    "the deals of a CRM with their amounts (leads)": "CRM 中带金额的商机（leads）",
    "size or income": "企业规模或个人收入",
    "annual_revenue or employee_count of companies, yearly_income of persons": (
        "企业的 annual_revenue 或 employee_count，个人的 yearly_income"
    ),
    "influence and strategic weight": "影响力与战略重要性",
    "what account managers think of their customers (assessments)": (
        "客户经理对客户的评估（assessments）"
    ),
}
_REFUSALS: Final = {
    "[bold red]{refresh} was refused[/bold red], as of {day}": (
        "[bold red]{refresh} 被关口拒绝[/bold red]，数据截止 {day}"
    ),
    "must": "要求",
    "why": "原因",
    "seen": "实际",
    "do": "处理",
    "1 row": "1 行",
    "{failing:,} rows": "{failing:,} 行",
    "{failing:,} of {rows:,} rows": "{rows:,} 行中的 {failing:,} 行",
    "{count:,} more did not pass; see the Data Docs.": (
        "另有 {count:,} 项未通过，见检查报告（Data Docs）。"
    ),
    "Nothing changed. Readers keep {kept}.": "没有任何变化。读者看到的仍是 {kept}。",
    "nothing, as before: there is no release yet": "空白：还没有任何版本",
    "[blue]accepted[/blue]": "[blue]已接受[/blue]",
    "[yellow]unused acceptance[/yellow]": "[yellow]未用到的接受[/yellow]",
    "[yellow]void acceptance[/yellow]": "[yellow]无效的接受[/yellow]",
    "[dim]acceptance[/dim]": "[dim]接受[/dim]",
    "{check}, by {by} until {until}: {reason}": "{check}，{by}，至 {until}：{reason}",
    "The check passes. Withdraw it: customer-tiers acceptances --withdraw {check}": (
        "该检查已通过，可以撤回：customer-tiers acceptances --withdraw {check}"
    ),
    "It crashed, or is not acceptable any more; it counts as not passed.": (
        "该检查无法执行，或已不可接受；按未通过处理。"
    ),
    "{check} is not accepted any more.": "{check} 不再被接受。",
    "Nobody has accepted anything.": "没有人接受过任何检查。",
    "check": "检查项",
    "by": "接受人",
    "since": "自",
    "[dim]withdrawn[/dim]": "[dim]已撤回[/dim]",
    "[green]holds[/green]": "[green]有效[/green]",
    "[dim]over[/dim]": "[dim]已到期[/dim]",
}
_SOURCES: Final = {
    "source": "数据源",
    "entity": "实体",
    "sample": "样本",
    "columns": "列数",
    "outcome": "结果",
    "{rows:,} rows": "{rows:,} 行",
    "first {rows:,} rows": "前 {rows:,} 行",
    "[red]stops[/red] {message}": "[red]阻止[/red] {message}",
    "[yellow]note[/yellow] {message}": "[yellow]注意[/yellow] {message}",
    "{file}, line {line}": "{file}，第 {line} 行",
    "[red]could not be read[/red]": "[red]无法读取[/red]",
    "[red]1 thing to mend[/red]": "[red]1 处需要修正[/red]",
    "[red]{count} things to mend[/red]": "[red]{count} 处需要修正[/red]",
    "[green]good[/green]": "[green]正常[/green]",
    "[green]good[/green], without what is still being written: {left}": (
        "[green]正常[/green]，不含仍在写入的文件：{left}"
    ),
}
_QUARANTINE: Final = {
    "Nothing is in quarantine.": "隔离区为空。",
    "will be read again by the next refresh.": "下次运行时会重新读取。",
    "[bold]{source}.{entity}[/bold] {file}: {failed:,} of {rows:,} rows{again}": (
        "[bold]{source}.{entity}[/bold] {file}：{rows:,} 行中的 {failed:,} 行{again}"
    ),
    "; read again at the next refresh": "；下次运行时重新读取",
    "line": "行号",
    "text": "内容",
}
_ALERTS: Final = {
    "channel": "渠道",
    "kind": "类型",
    "to": "发往",
    "language": "语言",
    "events": "事件",
    "sent": "已送出",
    "pending": "待送出",
    "event": "事件",
    "found (UTC)": "发现时间（UTC）",
    "notified": "已通知",
    "No alert was due yet.": "还没有需要发送的告警。",
    "recovered": "已恢复",
    "late": "版本过旧",
}
_COPIES: Final = {
    "  {kind} {target} {has}": "  {kind} {target} {has}",
    "has no release of ours": "没有本系统的版本",
    "has {release}, exported {moment}": "已有 {release}，导出于 {moment}",
    "[yellow]The export of {moment} failed[/yellow]: {problem} {command} tries again.": (
        "[yellow]{moment} 的导出失败[/yellow]：{problem} 再次尝试：{command}。"
    ),
    "[yellow]{problem}[/yellow]: {command} puts it there.": (
        "[yellow]{problem}[/yellow]：用 {command} 重新导出。"
    ),
    "  {kind} {target}, until you run {command}": (
        "  {kind} {target}，直到执行 {command}"
    ),
    "not the current release: {command}": "不是当前版本：{command}",
}
WORDS: Final[Mapping[str, str]] = {
    **_STATUS,
    **_RELEASES,
    **_REFUSALS,
    **_SOURCES,
    **_QUARANTINE,
    **_ALERTS,
    **_COPIES,
}
