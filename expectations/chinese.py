"""The reasons of the product's suites in Chinese, by their English.

What a person reads of a check that failed, in a Chinese refusal and on the Chinese pages of
the evidence. A test holds that every reason of the product has its Chinese here. A suite of
a project's own is read in the language in which its `why` is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FAR: Final = "this far from what is usual, "
_GRAIN: Final = {
    "the grain": "表的粒度",
    "the grain: one row per key account": "表的粒度：每个大客户一行",
    "the grain: one row per customer": "表的粒度：每个客户一行",
    "the grain: one row per contact": "表的粒度：每个联系人一行",
    "the grain: one row per lead": "表的粒度：每条线索一行",
    "the grain: one row per open lead": "表的粒度：每条未结线索一行",
    "the grain: one row per factor": "表的粒度：每个因素一行",
    "the grain: one row per offer": "表的粒度：每个推荐一行",
    "the grain: one row per cost pool": "表的粒度：每个成本池一行",
    "the grain: one row per product": "表的粒度：每个产品一行",
    "the grain: one row per interaction": "表的粒度：每次互动一行",
    "the grain: one row per ticket": "表的粒度：每个工单一行",
    "the grain: one row per tier": "表的粒度：每个等级一行",
    "one statement a year": "每年一份报表",
    "a curve has one point a place": "曲线的每个名次只有一个点",
    "a list has one row a place": "清单的每个位置只有一行",
    "exactly one tier a customer": "每个客户恰好一个等级",
    "every customer has a tier": "每个客户都有等级",
    "one best offer a customer": "每个客户只有一个最佳推荐",
}
_INCOMING: Final = {
    "sources.yaml names it as the key": "sources.yaml 把它声明为键",
    "of rows with one key only the last counts: name further columns as the key until it "
    "tells the rows apart, or say repeated_keys: newest in sources.yaml where they are "
    "versions of one row": (
        "同一个键的多行中只有最后一行有效：请在键中加入更多列，直到能区分各行；"
        "如果它们是同一行的不同版本，请在 sources.yaml 中写 repeated_keys: newest"
    ),
    "staging reads the columns that came before; bring the column back, or change staging "
    "and ask for --full": (
        "staging 要读取以前就有的列；请恢复该列，或修改 staging 后使用 --full"
    ),
    "the same name means something else now; mend the source, or declare the column's "
    "type in sources.yaml; where the change is meant, ask for --full": (
        "同一列名现在含义不同；请修正数据源，或在 sources.yaml 中声明该列的类型；"
        "如果是有意的变更，请使用 --full"
    ),
    "it is landed and kept; nothing reads it until staging does": (
        "该列已落地并保留；在 staging 读取之前没有人用到它"
    ),
    "nothing is lost: every row read is in the batch's file or in the quarantine, or was "
    "a forgotten customer's": (
        "一行不丢：读到的每一行都在批次文件或隔离区中，或属于已删除的客户"
    ),
    "staging reads it, and would find no value; bring the field back, or the right to see "
    "it, or name another in `aliases` and ask for --full": (
        "staging 要读取该字段，却会读不到值；请恢复该字段或查看权限，"
        "或在 `aliases` 中指定另一个字段并使用 --full"
    ),
    "the same name means something else now, and what was read before does not; see what "
    "staging makes of it, then ask for --full": (
        "同一名称现在含义不同，以前读到的数据则不然；"
        "请查看 staging 如何处理，然后使用 --full"
    ),
    "records that were read before do not have it until they change; ask for --full once, "
    "so that all have it": (
        "以前读到的记录在变更之前没有该字段；使用一次 --full 即可补齐"
    ),
    "staging may not know what it means, and a status without a meaning counts as none; "
    "add it to staging where it matters, then accept it or ask for --full": (
        "staging 可能不认识它，没有含义的状态按无状态处理；"
        "如有影响请加入 staging，然后接受或使用 --full"
    ),
    "records have the new label from now on; a rule of yours that speaks of the old one "
    "does not hold any more": "此后的记录使用新标签；引用旧标签的规则不再生效",
}
_CUSTOMERS: Final = {
    "a release without customers was not meant": "没有客户的版本不会是本意",
    "the two types, and lines of unknown customers": (
        "只有两种类型，以及代表未知客户订单的一种"
    ),
    "a customer of no record": "没有任何记录的客户",
    "who has no parent is the top of its group, and nobody else's": (
        "没有上级的客户是本集团的顶层，且只属于自己的集团"
    ),
    "the revenue of its group would be split between two tops": (
        "集团的销售额会被拆到两个顶层"
    ),
    "a refresh knows nothing after its as-of day": "运行不知道截止日之后的任何事",
    "not as usual; somebody should know why. docs/gates.md says what each metric is": (
        "与往常不同，应有人知道原因。各指标的含义见 docs/gates.md"
    ),
    "a source record that is two customers doubles its revenue": (
        "一条源记录对应两个客户会使销售额加倍"
    ),
    "a probability": "是概率",
    "a link that nobody can explain": "无法解释的关联",
    "such a source has no customer twice: two of its records in one are two customers "
    "taken for one": (
        "该数据源中的客户不会重复：两条记录合为一个，就是把两个客户当成一个"
    ),
    "where fewer than one in ten has a customer, the keys are those of another system: a "
    "broken mapping": ("如果不到十分之一有客户，则这些键属于另一个系统：映射出错"),
    "what is nobody's counts for no customer: in no service, coverage or cost": (
        "没有客户的记录不计入任何客户的服务、覆盖或成本"
    ),
    "an account is here for its contacts": "企业因其联系人而列在此处",
    "a contact that is counted twice shows here": "重复计数的联系人会在此暴露",
    "covered means that one of us knows the contact": "“已覆盖”指我方有人认识该联系人",
    "coverage counts decision makers under this name": "覆盖率按此名称统计决策人",
    "one customer alone is no group": "单个客户不成集团",
    "a group is the sum of its members, to the last decimal": (
        "集团等于其成员之和，精确到最后一位小数"
    ),
    "whom the list leaves out nobody looks after": "清单漏掉的客户没有人照管",
    "readers of the other language see nothing; a segment or factor of your own needs its "
    "names in its seed, a stage in code_labels.csv": (
        "另一种语言的读者什么也看不到；自定义的细分或因素需在其种子文件中给出名称，"
        "阶段则在 code_labels.csv 中"
    ),
    "a customer that is known stays known": "已知的客户始终已知",
    "a customer that is in no row has been lost": "不在任何一行的客户就是丢失了",
    "every customer has a value, be it zero": "每个客户都有价值，哪怕为零",
    "customers that are joined wrongly are graded wrongly": "合并错误的客户会被错误评级",
    "each customer has its row, be nothing kept of it": (
        "每个客户都有自己的一行，即使没有保留任何内容"
    ),
}
_POTENTIAL: Final = {
    "how it ended is told by it; of a deal that was closed after the as-of day the stage "
    "is not known yet": ("结果由阶段说明；截止日之后才结束的商机，其阶段尚未知"),
    "a rate is looked for under this name; `usd` or `$` would have none": (
        "按此名称查找汇率；`usd` 或 `$` 查不到"
    ),
    "a missing rate would lose the deal from the pipeline": (
        "缺少汇率会使商机从管道中消失"
    ),
    "a deal that is won, or of the future, is no pipeline": (
        "已赢得或属于未来的商机不算管道"
    ),
    "a lead without a score is at the end of nobody's list": (
        "没有得分的线索不会出现在任何人的清单上"
    ),
    "a score that its factors do not explain, to the last decimal": (
        "得分与其因素不符（精确到最后一位小数）"
    ),
    "a score that its factors do not explain": "得分与其因素不符",
    "anchors lie between 0 and 10": "锚点在 0 与 10 之间",
    "what the seed says an offer must be": "推荐须符合种子文件的要求",
    "a category is no reason for itself": "品类不能作为推荐自身的理由",
    "it is the chance that two customers are told apart rightly": (
        "它是正确区分两个客户的概率"
    ),
    "where the days since the last order tell better who will buy nothing, nobody should "
    "call customers by their health. The demonstration's health is worse for both types "
    "(2026-11-22): its tickets are of other people, and its persons come back after "
    "years": (
        "如果距上次下单的天数更能预示谁不再购买，就不应按健康度称呼客户。"
        "演示数据的健康度对两种类型都更差（2026-11-22）：工单属于其他人，个人隔多年才回来"
    ),
    "-1 for unknown, a chance of 90 instead of .9, the year 24: set it to null in "
    "staging, or mend the source": (
        "用 -1 表示未知、把概率 0.9 写成 90、年份写成 24：请在 staging 中置空，或修正数据源"
    ),
}
_ACCOUNTS: Final = {
    "scores run from 0 to 10": "得分在 0 到 10 之间",
    "an account without a strategy must say what it lacks": (
        "没有策略的客户必须说明缺少什么"
    ),
    "ties go to the higher cell": "并列时归入较高的格",
    "who calls everybody a key account has none": "把所有客户都当大客户，就等于没有大客户",
    "a share": "是占比",
    "nobody should have to guess why a figure is not there": "不应让人猜测数字为何缺失",
    "without a rate amounts in another currency are missing": "没有汇率，外币金额就会缺失",
    "three years are looked at": "展望三年",
    "a band beside its figure is a mistake of sign": "区间不包含其数值，是符号错误",
}
_REFRESH: Final = {
    "without a figure no model was looked at": "没有数值，说明没有评估任何模型",
    "forecasts must prove themselves on the company's own past before anyone may read "
    "them": "预测必须先在公司自己的历史上得到验证，才能给人看",
    "nobody acts on a tier that is another one next month": (
        "下个月就变的等级没有人会据以行动"
    ),
    "a bound that a business has made critical stops, too": (
        "企业设为关键的界限同样会阻止发布"
    ),
    "the bound and its reason stand in the seed quality_bounds": (
        "界限及其理由在种子文件 quality_bounds 中"
    ),
    "without a single figure nothing was compared": "没有任何数值，说明什么也没有比较",
    "a column that has become empty, or another bound that a business has made critical "
    "in drift_bounds": ("某列变空，或超出企业在 drift_bounds 中设为关键的其他界限"),
    "something must have been read": "必须读到了内容",
    "what was read has landed, or says why not, and of what landed the newest row of each "
    "key counts": "读到的都已落地或说明了原因；落地的内容中，每个键以最新一行为准",
    "a join in staging loses or doubles rows; or mend `becomes` in sources.yaml, where "
    "staging leaves rows out on purpose": (
        "staging 中的关联丢失或重复了行；如果 staging 是有意去掉，"
        "请修正 sources.yaml 中的 `becomes`"
    ),
    "the money of the landed rows is the money of staging, to the last decimal": (
        "落地各行的金额等于 staging 的金额，精确到最后一位小数"
    ),
    "without `becomes` in sources.yaml nobody can tell whether staging lost rows": (
        "sources.yaml 中没有 `becomes`，就无法知道 staging 是否丢了行"
    ),
    "something must have been compared": "必须进行过比较",
    "what a source gave is in the marts, or after the as-of day": (
        "数据源提供的内容都在业务表中，或晚于截止日"
    ),
    "an amount without a rate is missing from every sum": "没有汇率的金额不会计入任何合计",
    "what needs no rate is the same money before and after, to the last decimal": (
        "不需要汇率的金额前后一致，精确到最后一位小数"
    ),
    "every pair of marts was compared": "每一对业务表都比较过",
    "the same money and the same customers in every mart, to the last decimal": (
        "各业务表中的金额和客户一致，精确到最后一位小数"
    ),
    "every figure is of the same as-of day": "所有数字属于同一截止日",
    "the past and the present go through one query": "历史与现在由同一查询得出",
}
_DRIFT: Final = {
    _FAR
    + "customers have gone or have doubled": "偏离往常如此之远，说明客户消失或加倍了",
    _FAR + "a part of a source's customers has gone": (
        "偏离往常如此之远，说明某数据源的一部分客户消失了"
    ),
    _FAR + "the source has stopped": "偏离往常如此之远，说明数据源已停止",
    _FAR + "the amounts are in another unit, or two columns are swapped": (
        "偏离往常如此之远，说明金额单位变了，或两列互换了"
    ),
    _FAR + "two columns are swapped, or products have other keys": (
        "偏离往常如此之远，说明两列互换了，或产品的键变了"
    ),
    _FAR + "the currency is mislabelled": "偏离往常如此之远，说明币种标错了",
    _FAR + "days have come twice under other numbers": (
        "偏离往常如此之远，说明某些天的数据以别的编号重复出现"
    ),
    _FAR + "the time zone is another one": "偏离往常如此之远，说明时区变了",
    _FAR + "returns and sales are told apart in another way": (
        "偏离往常如此之远，说明退货与销售的区分方式变了"
    ),
    _FAR + "a column has become empty": "偏离往常如此之远，说明某列变空了",
    _FAR + "a part of the published past has gone or has doubled": (
        "偏离往常如此之远，说明已发布的历史有一部分消失或加倍了"
    ),
    _FAR + "customers change their tiers in crowds": (
        "偏离往常如此之远，说明客户在成批地变更等级"
    ),
    _FAR
    + "scores have moved for everybody": "偏离往常如此之远，说明所有人的得分都变了",
}
_SALES: Final = {
    "the seven costs of the formula of profit": "利润公式中的七种成本",
    "what was spent stands at a customer or at nobody, and once: a join that doubles or "
    "loses makes customers look dear or cheap": (
        "花费记在某个客户或无人名下，且只记一次："
        "关联造成重复或丢失，会使客户显得昂贵或便宜"
    ),
    "cost_rates has a gap: it needs a row for this key and day, or `*`; without it "
    "serving costs nothing": (
        "cost_rates 有空缺：需要这个键和日期的行，或 `*`；否则服务成本为零"
    ),
    "a sign that means something else would turn margins over": (
        "符号含义不同会使毛利正负颠倒"
    ),
    "a release without sales was not meant": "没有销售的版本不会是本意",
    "a line twice is revenue twice": "一行重复就是销售额重复",
    "revenue that belongs to nobody": "不属于任何人的销售额",
    "a missing rate would lose revenue": "缺少汇率会丢失销售额",
    "an identity, to the last decimal": "恒等式，精确到最后一位小数",
    "a return is a negative line and never an order": "退货是负数行，绝不是订单",
    "a default date, or the wrong century: it would make the customer one of the oldest": (
        "默认日期或错误的世纪：会使该客户成为最老的客户之一"
    ),
    "no time zone is further than a day away; two columns of two events are mixed up": (
        "时区相差不会超过一天；是两个事件的两列弄混了"
    ),
    "the last point of the curve is everybody": "曲线的最后一点是全体客户",
    "the last buyer completes the whole, and no place is empty": (
        "最后一个买家使合计完整，且没有空缺的名次"
    ),
    "a cohort is made of those who ordered in its first month": (
        "同期群由首月下单的客户组成"
    ),
    "a line that two spells of a tier hold, or none, is revenue twice or lost": (
        "被两段等级期间包含或不被包含的行，会使销售额重复或丢失"
    ),
}
_SERVICE: Final = {
    "time is spent, not given back": "时间只会花费，不会退回",
    "costs and rhythms go by it": "成本与节奏以此为准",
    "what has no day belongs to no period": "没有日期就不属于任何期间",
    "an invoice twice is late twice": "一张发票重复就是逾期两次",
    "a missing rate would lose the invoice": "缺少汇率会丢失发票",
    "early is not late": "提前不是逾期",
    "without it nobody can say whether it is late; leave it empty where the source does "
    "not say": "没有它就无法判断是否逾期；数据源没有提供时请留空",
    "late days cost money; two swapped days would charge the good payers": (
        "逾期天数会计成本；两个日期互换会让按时付款的客户承担"
    ),
    "a ticket belongs to a period": "工单属于某个期间",
    "a resolution before the opening is a shifted clock": "解决早于创建，说明时钟有偏差",
    "1 is the most urgent, and SLA go by it": "1 为最紧急，服务级别以此为准",
    "a refresh knows nothing after its as-of day; a day more is the time zone's": (
        "运行不知道截止日之后的任何事；多出的一天是时区造成的"
    ),
    "a part that counts twice": "某一部分被重复计算",
    "parts are cut off, so their sum cannot exceed the best score": (
        "各部分有上限，其和不会超过最高分"
    ),
    "the weights of unknown factors are shared out, not lost": (
        "未知因素的权重会分摊，而不是丢失"
    ),
    "a difference of two shares": "是两个占比之差",
    "a ticket that is counted twice, or two swapped columns": "工单重复计数，或两列互换",
    "a ticket that is in no tier is a customer without one": (
        "不属于任何等级的工单，说明有客户没有等级"
    ),
    "the same tickets by another road": "用另一种方法得到同样的工单",
    "the scale of the scores": "评分的刻度",
    "an alarm sounds once": "一个警报只响一次",
    "the list is of high value alone": "清单只含高价值客户",
    "a name on this list costs somebody a day": "清单上的每个名字都要花人一天的时间",
    "a mark from 0 to 10": "0 到 10 的评分",
}
_TIERS: Final = {
    "a tier that the policy in force does not have promises nothing": (
        "现行政策中没有的等级不作任何承诺"
    ),
    "the second vocabulary": "第二套名称",
    "a tier that nobody can explain": "无法解释的等级",
    "tiers of two policies cannot be compared": "两个政策的等级无法比较",
    "an override without an end is for ever": "没有期限的人工指定会永远有效",
    "nobody acts on what is not explained": "没有解释的事项没有人会处理",
    "an action without a day is not done": "没有日期的事项不会完成",
    "an action of nobody is not done: service_policies names a role for each tier": (
        "没有负责人的事项不会完成：service_policies 为每个等级指定了角色"
    ),
    "two calls for one reason annoy the customer": "同一原因打两次电话会惹恼客户",
    "a lost join shows here": "丢失的关联会在此暴露",
    "a greeting after the day is worse than none": "迟到的问候还不如没有",
    "the demonstration lists 920 actions for 19,192 customers (2026-11-30); what is due "
    "for every tenth is read by nobody: tighten action_rules": (
        "演示数据为 19,192 个客户列出 920 项（2026-11-30）；"
        "每十个客户就有一项的清单没有人看：请收紧 action_rules"
    ),
    "the kinds that reports know": "报告所认识的种类",
    "effort is not given back": "投入不会退回",
    "nobody should have to ask where a tier is": "不应让人追问某个等级在哪里",
    "a customer is in one tier on each day": "客户在每一天只属于一个等级",
    "the history reaches to the as-of day and no further": "历史止于截止日",
    "a move is told from where it came": "变动要说明来自哪个等级",
    "a spell of nobody is a merge that was not followed": (
        "不属于任何客户的期间，说明合并没有同步"
    ),
    "history and present are one story": "历史与现状一致",
    "everybody of a tier went somewhere": "每个等级的客户都有去向",
    "rules with a gap would leave somebody without": "规则有空缺会使某些客户没有等级",
    "the tiers are everybody": "各等级合起来就是全体客户",
    "a customer that is in no tier, or in two": "不在任何等级或同时在两个等级的客户",
}
_VALUE: Final = {
    "the classes of ABC": "ABC 分类",
    "whose sales are recorded has a class; of whom none are, has none": (
        "有销售记录的客户都有分类；没有记录的则没有"
    ),
    "an identity, to the last decimal; a lost cost flatters": (
        "恒等式，精确到最后一位小数；漏掉成本会美化结果"
    ),
    "RFM are cells of a cube of five, scores run from 0 to 10, coverage is a share, and "
    "ABC has three classes": (
        "RFM 为五级，得分在 0 到 10 之间，覆盖率是占比，ABC 有三类"
    ),
    "the stages are total": "各阶段涵盖所有客户",
    "a customer spends with us what it spends on the whole: the rates of wallet_rates are "
    "too low; up to a fifth is noise": (
        "客户在我方的支出等于其全部支出：wallet_rates 的比率过低；五分之一以内属于误差"
    ),
    "a buyer has three scores, others have none": "买家有三个评分，其他客户没有",
    "a window that is too wide shows here": "过宽的时间窗会在此暴露",
    "the naive baseline never fails: a gap is a lost join": (
        "朴素基线不会失败：空缺说明关联丢失"
    ),
    "it is a probability": "是概率",
    "BG/NBD at its boundary forecasts -4.5e18 orders without an error; such a fit is "
    "refused, and this would notice if not": (
        "BG/NBD 在边界处会不报错地预测 -4.5e18 个订单；"
        "这样的拟合会被拒绝，若未被拒绝则在此发现"
    ),
}
_WORK: Final = {
    "what has waited longest is not what matters most": "等得最久的不一定最重要",
    "an alarm that nobody has to answer; the rule alarm_unanswered of action_rules is off "
    "or leaves out the best tier": (
        "没有人需要处理的警报；action_rules 的规则 alarm_unanswered 已关闭，"
        "或没有包含最高等级"
    ),
    "the grain: one row per owner": "表的粒度：每个负责人一行",
    "a week has no more minutes": "一周没有更多的分钟",
    "a part is no more than the whole": "部分不会大于整体",
    "unknown is neither full nor empty": "未知既不是满，也不是空",
    "the rest of the list is counted, not lost": "清单的其余部分要计数，而不是丢失",
}
_VERDICTS: Final = {
    "exactly one verdict a customer": "每个客户恰好一个结论",
    "the verdicts are total: who is in none is forgotten": (
        "结论涵盖所有客户：没有结论的客户会被遗忘"
    ),
    "a verdict says what to do": "结论要说明怎么做",
    "nobody believes what is not explained": "没有解释的结论没有人相信",
    "an amount of which nobody knows what it is misleads": (
        "不知道是什么的金额会误导读者"
    ),
    "what is not known to be a loss is none": "不确知是亏损的，就不算亏损",
    "without sales nobody is known to slip": "没有销售记录，就无法知道谁在流失",
    "every verdict rests on something": "每个结论都有依据",
    "one fact a place": "每个位置只有一条事实",
    "a fact speaks for or against": "事实或支持或反对",
    "a fact that nobody can read": "没有人能读懂的事实",
    "a placeholder that nothing was put into": "没有填入内容的占位符",
    "a verdict without a reason is an opinion": "没有理由的结论只是意见",
    "pages ask it before they show a figure": "页面在显示数字之前要查询它",
    "a figure that is missing without a word looks like a fault": (
        "不加说明就缺失的数字看上去像是错误"
    ),
}
REASONS: Final[Mapping[str, str]] = {
    **_GRAIN,
    **_INCOMING,
    **_CUSTOMERS,
    **_POTENTIAL,
    **_ACCOUNTS,
    **_REFRESH,
    **_DRIFT,
    **_SALES,
    **_SERVICE,
    **_TIERS,
    **_VALUE,
    **_WORK,
    **_VERDICTS,
}
