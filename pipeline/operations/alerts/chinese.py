"""The sentences of a message in Chinese."""

from __future__ import annotations

from pipeline.operations.alerts.sentences import BAD_STATES, Sentences
from pipeline.operations.freshness import Freshness

STATES_ZH = {
    "published": "已发布",
    "built": "已构建未发布",
    "refused": "被拒绝",
    "failed": "失败",
    "died": "中断",
    "running": "正在运行",
    "passed": "通过",
    "crashed": "无法执行",
    "late": "版本过旧",
    "copy": "副本未更新",
}


class Chinese(Sentences):
    """An event in Chinese."""

    units = ((86_400, " 天"), (3_600, " 小时"), (60, " 分钟"), (1, " 秒"))

    def title(self) -> str:
        """What it is, in one line."""
        trouble = self.facts.get("trouble")
        if self.event.kind == "refused":
            return f"运行 {self.refresh} 被关口拒绝"
        if self.event.kind == "failed":
            died = self.facts["state"] == "died"
            return f"运行 {self.refresh} {'意外中断' if died else '失败'}"
        if self.event.kind == "recovered":
            return f"已恢复：当前版本为 {self.facts['release_id']}"
        if self.event.kind == "copy":
            return f"副本 {self.facts['target']} 未能更新"
        if trouble == "no release":
            return "还没有任何版本"
        if trouble == "clock":
            return "时钟被调回，无法得知版本有多旧"
        if trouble == "damaged":
            return "读者找不到完整的版本"
        return f"版本 {self.facts['release_id']} 过旧"

    def happened(self) -> list[str]:
        """What happened, and the reason where one is known."""
        facts = self.facts
        if self.event.kind == "recovered":
            over = "、".join(
                f"{item['refresh_id'] or ''} {_kind_zh(item['kind'])}".strip()
                for item in facts["over"]
            )
            return [f"已有新的可用版本。已结束的问题：{over}。"]
        if self.event.kind == "late":
            return self._late()
        if self.event.kind == "copy":
            return [
                f"当前版本为 {facts['release_id']}，但 {facts['target']}"
                f"（{facts['copy_kind']}）中的副本未能更新。该副本的读者看到的仍是："
                f"{facts['has'] or '未知'}。",
                facts["reason"],
            ]
        stage, as_of = facts["stage"], facts["as_of"]
        if self.event.kind == "refused":
            lines = [f"{as_of} 的运行在 `{stage}` 被关口拒绝。读者看到的内容没有变化。"]
        elif facts["state"] == "died":
            lines = [
                f"{as_of} 的运行在 `{stage}` 中断，没有留下原因：进程被终止，或机器停机。"
            ]
        else:
            lines = [f"{as_of} 的运行在 `{stage}` 失败。"]
        if facts["reason"] and (facts["state"] != "died" or not stage):
            lines.append(facts["reason"])
        return lines

    def _late(self) -> list[str]:
        facts = self.facts
        if facts["trouble"] == "no release":
            line = "已经尝试过运行，但仍然没有任何版本。"
        elif facts["trouble"] == "damaged":
            line = f"当前版本无法读取：{facts['problem']}。"
        elif facts["trouble"] == "clock":
            behind = self.length(facts["clock_behind_seconds"])
            line = f"本机时钟比已有记录慢 {behind}。"
        elif facts["trouble"] == "behind":
            line = (
                f"版本虽新，但数据截止 {facts['release_as_of']}，"
                f"已落后 {facts['lag_days']} 天。"
            )
        else:
            line = (
                f"版本完成于 {self.length(facts['age_seconds'])}前，"
                f"最多允许 {self.length(facts['max_age_seconds'])}。"
            )
        if facts.get("newest_id") not in {None, facts["release_id"]}:
            state = STATES_ZH.get(facts["newest_state"], facts["newest_state"])
            line += f"最近一次尝试 {facts['newest_id']}：{state}。"
        return [line]

    def since(self) -> list[str]:
        """Since when it is so."""
        if self.event.kind == "late":
            old = self.facts["trouble"] == "old"
            return [self.late_since if old else self.raised()]
        if self.event.kind == "recovered":
            return [f"{self.raised()}；最早一次告警在 {self.at('since')}。"]
        line = self.at("since")
        if self.facts.get("in_a_row", 1) > 1:
            line += f"；已连续 {self.facts['in_a_row']} 次没有发布新版本"
        return [line]

    def readers(self, seen: Freshness) -> str:
        """What readers see at this moment."""
        if seen.trouble == "damaged":
            return "没有完整的版本。"
        if seen.release_id is None:
            return "什么也看不到：还没有版本。"
        return (
            f"版本 {seen.release_id}，数据截止 {seen.as_of_date}，"
            f"完成于 {self.length(seen.age_seconds)}前。"
        )

    def checks(self) -> list[str]:
        """The checks that failed first."""
        lines = []
        for check in self.facts.get("checks", []):
            rows = check["failing_rows"]
            count = f"，{rows:,} 行" if rows else ""
            outcome = STATES_ZH.get(check["outcome"], check["outcome"])
            lines.append(f"{self.check_id(check)} {outcome}{count}")
        if more := self.facts.get("more_checks"):
            lines.append(f"另有 {more} 项")
        return lines

    def todo(self) -> list[str]:
        """What to do next."""
        facts = self.facts
        if self.event.kind == "recovered":
            return ["无需处理。"]
        if self.event.kind == "refused":
            return [
                "在数据源或模型中修正，然后执行 `customer-tiers refresh`。"
                "确认无误的警告或波动可以接受："
                "`customer-tiers refresh --accept CHECK --reason TEXT --until DATE`。"
            ]
        if self.event.kind == "late":
            if facts["trouble"] == "clock":
                return ["校正时钟，然后执行 `customer-tiers status --check`。"]
            if facts["trouble"] == "damaged":
                return [
                    "`customer-tiers rollback` 立即回到较早的版本；"
                    "`customer-tiers refresh` 生成新的版本。"
                ]
            if facts.get("newest_state") in BAD_STATES:
                return [
                    f"查看最近一次尝试为何没有发布新版本（`customer-tiers logs "
                    f"{facts['newest_id']}`），修正后执行 `customer-tiers refresh`。"
                ]
            if facts.get("newest_state") == "running":
                return ["一次运行正在进行，请等待结束。"]
            return [
                "确认定时任务已开启且守护进程在运行；"
                "也可以立即执行 `customer-tiers refresh`。"
            ]
        if self.event.kind == "copy":
            return [f"排除原因后执行 `{self.export}` 重新生成。"]
        if facts["state"] == "died":
            return [
                "查明进程为何结束（内存、磁盘、重启）。无需清理，"
                "直接执行 `customer-tiers refresh`。"
            ]
        if facts["exit_code"] == 5:
            return [
                "用 `customer-tiers check-sources` 查看哪个数据源读不到；"
                "恢复后执行 `customer-tiers refresh`。"
            ]
        return ["查看日志，排除原因后执行 `customer-tiers refresh`。"]

    def delayed(self) -> str:
        """That it was found earlier than it is sent."""
        return f"此事发现于 {self.raised()}，当时未能送出。"

    def repeated(self) -> str:
        """That it may have arrived before."""
        return f"本消息可能重复：无法确定 {self.event.id} 此前是否送达。"


def _kind_zh(kind: str) -> str:
    return STATES_ZH.get(kind, kind)
