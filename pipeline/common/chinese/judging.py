"""What gates, trials of sources, freshness and releases say; patterns with their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ADVICE: Final = {
    "no reason given": "未给出原因",
    "The check itself could not be made, so nothing is known: mend it, or the table that "
    "it looks at. It cannot be accepted.": (
        "检查本身无法执行，因此结果未知：请修正检查，或它所检查的表。不可接受。"
    ),
    "See the rows and why they could not be read: customer-tiers quarantine list "
    "--source {source} --entity {entity}{options}": (
        "查看这些行及无法读取的原因：customer-tiers quarantine list "
        "--source {source} --entity {entity}{options}"
    ),
    "Mend {source}.{entity} where it comes from and refresh again: the batch was not "
    "taken in and is read anew.": (
        "在源头修正 {source}.{entity}，然后重新运行：该批次没有被采用，会重新读取。"
    ),
    "Mend the named rows of the seeds and refresh again.": (
        "修正种子文件中指出的行，然后重新运行。"
    ),
    "Look for the rows in the candidate, which is kept a while: "
    "candidates/{refresh}/release/warehouse.duckdb holds the marts, "
    "candidates/{refresh}/work.duckdb what they are made of.": (
        "在候选版本中查找这些行（会保留一段时间）："
        "candidates/{refresh}/release/warehouse.duckdb 是业务表，"
        "candidates/{refresh}/work.duckdb 是它们的来源。"
    ),
    "If it is right this time, accept it, for as long as it is right.": (
        "如果这次确实无误，可以接受，期限以确实无误的时间为准。"
    ),
    "It keeps rows, keys or money whole and cannot be accepted.": (
        "该检查保证行、键或金额的完整，不可接受。"
    ),
    "{source}.{entity}: {finding}": "{source}.{entity}：{finding}",
    "{subject}: {name} {outcome}": "{subject}：{name} {outcome}",
    "such as {examples}": "例如 {examples}",
    "accepted by {by} until {until}": "由 {by} 接受，至 {until}",
    "not made, because something before it failed": "未执行，因为之前的步骤失败",
    "gate {gate}: {planned} checks were planned and {made} were made": (
        "关口 {gate}：计划检查 {planned} 项，实际执行 {made} 项"
    ),
}
_FRESHNESS: Final = {
    "{number} days": "{number} 天",
    "{number} hours": "{number} 小时",
    "{number} minutes": "{number} 分钟",
    "{number} seconds": "{number} 秒",
    "release {release} (as of {day}) was sealed {age} ago": (
        "版本 {release}（数据截止 {day}）完成于 {age}前"
    ),
    "Fine: {named}; {allowed} are allowed.": "正常：{named}，最多允许 {allowed}。",
    "Too old: {named}; {allowed} are allowed.": "版本过旧：{named}，最多允许 {allowed}。",
    "Behind: {named}, but {lag} days have ended since its as-of date{unread}.": (
        "数据落后：{named}，但截止日之后已过去 {lag} 天{unread}。"
    ),
    " (yesterday is expected, because {why})": "（按应有昨天的数据计算，因为 {why}）",
    "The clock of this machine is at least {behind} behind what the home has recorded; "
    "set it right. At the least, {named}.": (
        "本机时钟比已有记录至少慢 {behind}，请校正。可以确定的是：{named}。"
    ),
    "There is no release yet.": "还没有任何版本。",
    "Readers find no whole release: {problem}.": "读者找不到完整的版本：{problem}。",
    "No refresh was ever tried.": "从未尝试过运行。",
    "The newest attempt {refresh} is running ({stage}).": (
        "最近一次运行 {refresh} 正在进行（{stage}）。"
    ),
    "The newest attempt {refresh} was refused ({stage}).": (
        "最近一次运行 {refresh} 被拒绝（{stage}）。"
    ),
    "The newest attempt {refresh} failed ({stage}).": (
        "最近一次运行 {refresh} 失败（{stage}）。"
    ),
    "The newest attempt {refresh} died ({stage}).": (
        "最近一次运行 {refresh} 中断（{stage}）。"
    ),
}
_RELEASE: Final = {
    "{file} is missing": "缺少 {file}",
    "{file} is missing or damaged ({error})": "{file} 缺失或已损坏（{error}）",
    "{file} has {size:,} bytes and not those that were sealed": (
        "{file} 为 {size:,} 字节，与封存时不符"
    ),
    "{file} points at {target}, which is not there": "{file} 指向的 {target} 不存在",
    "{file} is not the link to a release": "{file} 不是指向版本的链接",
    "{file} is not what was exported": "{file} 不是导出时的文件",
}
_TRIAL: Final = {
    "1 thing": "1 处问题",
    "{count} things": "{count} 处问题",
    "{count} would stop a refresh.": "{count}会阻止运行。",
    "{count} would stop a refresh; each is listed with its place.": (
        "{count}会阻止运行；上面列出了每一处的位置。"
    ),
    "{first} and {more:,} more": "{first} 等，另有 {more:,} 个",
    ", line {line}": "在第 {line} 行",
    " (line {line} of {file})": "（{file} 第 {line} 行）",
    "The same holds for {names}.": "以下也是如此：{names}。",
    "{name}: {failed:,} of {rows:,} rows of {file} cannot be read, and at most "
    "{share:.1%} may (max_quarantined). The first{line}: {reason}. Mend the file, or how "
    "it is read in sources.yaml.": (
        "{name}：{file} 的 {rows:,} 行中有 {failed:,} 行无法读取，最多允许 "
        "{share:.1%}（max_quarantined）。第一处{line}：{reason}。"
        "请修正文件，或在 sources.yaml 中修改读取方式。"
    ),
    "{name}: its files are still being written: {files}. Ask again once they are whole; "
    "how long a file must be unchanged is `settle_seconds` in sources.yaml.": (
        "{name}：文件仍在写入：{files}。请在文件完整之后再试；"
        "文件须保持不变的时间是 sources.yaml 中的 `settle_seconds`。"
    ),
    "{file} {why}": "{file} {why}",
    "has the name of a temporary file": "的名称是临时文件",
    "changed less than {seconds:g} seconds ago": "在 {seconds:g} 秒内有改动",
    "its files": "它的文件",
    "{name}: {files} hold no row and no column. Bring a file with a header at least, or "
    "take the entity out of sources.yaml.": (
        "{name}：{files} 没有任何行和列。请提供至少带表头的文件，"
        "或从 sources.yaml 中去掉该实体。"
    ),
    "{name}: there is no column {column} in {files}, which sources.yaml names in "
    "`{option}`; {has}.": (
        "{name}：{files} 中没有列 {column}，而 sources.yaml 的 `{option}` 用到它；{has}。"
    ),
    "there are {columns}": "已有的列：{columns}",
    "{file} has {columns}": "{file} 已有的列：{columns}",
    "{name}: {files} have no column {column}, which other files have; it is null there.": (
        "{name}：{files} 没有列 {column}，而其他文件有；在这些文件中按空值处理。"
    ),
    "{name}: {files} has no column {column}, which other files have; it is null there.": (
        "{name}：{files} 没有列 {column}，而其他文件有；在该文件中按空值处理。"
    ),
    "{model} gives the column {column}, which {entity} does not have. It has: "
    "{columns}.": (
        "{model} 给出了列 {column}，但 {entity} 没有这一列。它的列：{columns}。"
    ),
    "{model} does not work: {problem}": "{model} 无法执行：{problem}",
    "{model}: {column} is no {type}: {problem}": (
        "{model}：{column} 不是 {type}：{problem}"
    ),
    "{model}: {count:,} values of {key} stand in several rows, such as {example}; "
    "{entity} has one row each.": (
        "{model}：{key} 有 {count:,} 个值出现在多行，例如 {example}；"
        "{entity} 每个值只应有一行。"
    ),
    "{model}: {column} is empty in {count:,} rows, and tells the rows of {entity} apart. "
    "Leave such rows out, or give them one.": (
        "{model}：{count:,} 行的 {column} 为空，而 {entity} 靠它区分各行。"
        "请去掉这些行，或补上该值。"
    ),
    "{model}: {column} is empty in {count:,} order lines, such as one of order {order}: "
    "such a line cannot count. Leave it out, or give it one.": (
        "{model}：{count:,} 个订单行的 {column} 为空，例如订单 {order}："
        "这样的行无法计入。请去掉，或补上该值。"
    ),
    "{model}: {count:,} of {rows:,} tickets name a customer whom no source gives: {keys}. "
    "They count for nobody; give them in customers, if they are.": (
        "{model}：{rows:,} 个工单中有 {count:,} 个的客户没有任何数据源提供：{keys}。"
        "这些工单不计入任何客户；如果他们是客户，请在 customers 中提供。"
    ),
    "{model}: {count:,} order lines name a customer whom no source gives: {keys}.": (
        "{model}：{count:,} 个订单行的客户没有任何数据源提供：{keys}。"
    ),
    "Give them in customers, or say in sources.yaml what becomes of such lines: "
    "`unknown_customers: unknown_customer` or `leave_out`.": (
        "请在 customers 中提供这些客户，或在 sources.yaml 中说明如何处理这些行："
        "`unknown_customers: unknown_customer` 或 `leave_out`。"
    ),
    "They are treated as sources.yaml says: {treatment}.": (
        "按 sources.yaml 的规定处理：{treatment}。"
    ),
    "{model}: amounts are in {currencies}, figures are in {reporting}{place}, and nobody "
    "gives a rate. Mend `business.reporting_currency` or the column currency, or provide "
    "fx_rates.": (
        "{model}：金额的币种是 {currencies}，报告币种是 {reporting}{place}，"
        "但没有汇率。请修正 `business.reporting_currency` 或 currency 列，"
        "或提供 fx_rates。"
    ),
    "Your data ends on {last}, and a refresh would know of everything until {day}: "
    "nothing has happened since then. Set `as_of: {last}` under `business` in "
    "sources.yaml if there is no newer data.": (
        "数据止于 {last}，而运行会按截至 {day} 处理：其间没有任何记录。"
        "如果没有更新的数据，请在 sources.yaml 的 `business` 下设置 `as_of: {last}`。"
    ),
    "Your data begins on {first}, after the as-of day {day}: a refresh would know of "
    "nothing. Mend `as_of` under `business` in sources.yaml.": (
        "数据始于 {first}，晚于截止日 {day}：运行将看不到任何记录。"
        "请修正 sources.yaml 中 `business` 下的 `as_of`。"
    ),
    "No policy is in force on the as-of day {day}{place}: {when}. Mend valid_from or "
    "valid_to, or the as-of day.": (
        "截止日 {day}{place} 没有生效的政策：{when}。"
        "请修正 valid_from 或 valid_to，或截止日。"
    ),
    "the first, {policy}, begins on {day}": "最早的政策 {policy} 自 {day} 起生效",
    "the last one published ended by {day}": "最后一个已发布的政策于 {day} 终止",
    "{source} says that it provides {entity}, and the model {model}.sql is not in "
    "{folder}.": "{source} 声明提供 {entity}，但 {folder} 中没有模型 {model}.sql。",
    "Nobody provides customers: everything else is about them. Where a file of sales or "
    "service names them only, take customers from it as well.": (
        "没有数据源提供 customers，而其他一切都以客户为准。"
        "如果客户只出现在销售或服务文件中，也请从该文件提取 customers。"
    ),
    "{model}: still to be filled in: {columns}.": "{model}：尚待填写：{columns}。",
    "{model} does not give the column {columns}.": "{model} 没有给出列 {columns}。",
}
_DEMANDS: Final = {
    "{demand}: the query finds no row.": "{demand}：查询不得返回任何行。",
    "No row is without {column}.": "{column} 不得为空。",
    "No two rows have one {column}.": "{column} 不得重复。",
    "No two rows of {table} share {columns}, and none is without it.": (
        "{table} 的 {columns} 不得重复，也不得为空。"
    ),
    "No row of {table} is without {columns}.": "{table} 的 {columns} 不得为空。",
    "No two rows of {table} share {columns}.": "{table} 的 {columns} 不得重复。",
    "Every {column} is one of {values}, or unknown.": (
        "{column} 只能是 {values}，或未知。"
    ),
    "Every {column} is a {other}, or unknown.": "{column} 必须存在于 {other}，或未知。",
    "{of}: {test} finds no row.": "{of}：{test} 不得返回任何行。",
}
WORDS: Final[Mapping[str, str]] = {
    **_ADVICE,
    **_FRESHNESS,
    **_RELEASE,
    **_TRIAL,
    **_DEMANDS,
}
