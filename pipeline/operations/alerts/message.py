"""Words an event for people, in English or Chinese; how it is dressed is the senders'.

Each message says what happened, since when, what readers see now, the first failing
checks, what to do next and where to look.
"""

from __future__ import annotations

import datetime as dt
import math
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from pipeline.operations.alerts.config import Language
from pipeline.operations.alerts.ledger import Delivery, Event
from pipeline.operations.freshness import Freshness

# A message that is sent so much later than its event was found says so.
DELAY_TOLD = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Message:
    """One event in one language.

    Attributes:
        id: The same at every try, so that a receiver can tell a repeat.
        sections: A heading and its lines, in the order in which they are read.
        facts: The same as plain values, for machines.
    """

    id: str
    kind: str
    language: Language
    title: str
    sections: Sequence[tuple[str, Sequence[str]]]
    raised_at: str
    is_repeat: bool = False
    facts: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The message as plain text, title left out."""
        parts = []
        for heading, lines in self.sections:
            parts.append("\n".join([heading, *(f"  {line}" for line in lines)]))
        return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class Place:
    """Whence it is told: what a message needs to know besides its event."""

    home: str
    time_zone: str
    installation: str = ""
    link: str = ""

    @property
    def sender(self) -> str:
        """How every title begins; robots that ask for a keyword find it there."""
        return f"[customer-tiers {self.installation}]".replace(" ]", "]")


HEADINGS: dict[Language, tuple[str, ...]] = {
    "en": (
        "What happened",
        "Since when",
        "What readers see now",
        "Checks that failed first",
        "What to do next",
        "Where to look",
    ),
    "zh": (
        "发生了什么",
        "从何时起",
        "读者现在看到的",
        "最先失败的检查",
        "下一步",
        "在哪里查看",
    ),
}

BAD_STATES = {"refused", "failed", "died"}

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
}


def compose(
    event: Event,
    delivery: Delivery,
    language: Language,
    place: Place,
    seen: Freshness,
) -> Message:
    """The message of an event as it is to be sent now.

    Args:
        event: What happened.
        delivery: How earlier tries went.
        language: English or Chinese.
        place: Whence it is told.
        seen: What readers see at this moment, which may be later than the event.
    """
    words = _English(event, place) if language == "en" else _Chinese(event, place)
    happened, since, todo = words.happened(), words.since(), words.todo()
    now = dt.datetime.fromisoformat(seen.looked_at)
    if now - dt.datetime.fromisoformat(event.raised_at) > DELAY_TOLD:
        happened.append(words.delayed())
    if delivery.is_uncertain:
        happened.append(words.repeated())
    bodies = [
        happened,
        since,
        [words.readers(seen)],
        words.checks(),
        todo,
        words.where(),
    ]
    sections = [
        (heading, lines)
        for heading, lines in zip(HEADINGS[language], bodies, strict=True)
        if lines
    ]
    return Message(
        id=event.id,
        kind=event.kind,
        language=language,
        title=f"{place.sender} {words.title()}",
        sections=sections,
        raised_at=event.raised_at,
        is_repeat=delivery.is_uncertain,
        facts=event.facts,
    )


def test_message(language: Language, place: Place, now: dt.datetime) -> Message:
    """The message of `customer-tiers alerts test`."""
    moment = shown(now.isoformat(), place.time_zone)
    if language == "en":
        title, heading = "Test message", "What happened"
        line = (
            f"Somebody ran `customer-tiers alerts test` at {moment}. Nothing is wrong."
        )
    else:
        title, heading = "测试消息", "发生了什么"
        line = f"有人在 {moment} 执行了 `customer-tiers alerts test`。一切正常。"
    where = f"{socket.gethostname()}: {place.home}"
    return Message(
        id=f"test-{now:%Y%m%dT%H%M%S%f}",
        kind="test",
        language=language,
        title=f"{place.sender} {title}",
        sections=[(heading, [line]), (HEADINGS[language][-1], [where])],
        raised_at=now.isoformat(),
    )


def shown(moment: str | None, time_zone: str) -> str:
    """A moment for a person, in the time zone of the installation."""
    if moment is None:
        return "?"
    local = dt.datetime.fromisoformat(moment).astimezone(ZoneInfo(time_zone))
    return f"{local:%Y-%m-%d %H:%M} ({time_zone})"


class _Words:
    """What both languages need; each sentence is a language's own."""

    units: Sequence[tuple[int, str]]

    def __init__(self, event: Event, place: Place) -> None:
        self.event = event
        self.facts = event.facts
        self.place = place

    def at(self, name: str) -> str:
        return shown(self.facts.get(name), self.place.time_zone)

    def _raised(self) -> str:
        return shown(self.event.raised_at, self.place.time_zone)

    def length(self, seconds: float | None) -> str:
        left = max(seconds or 0, 0)
        for size, name in self.units:
            if left >= 2 * size or size == 1:
                return f"{math.floor(left / size)}{name}"
        raise AssertionError("the last unit is the second")

    @staticmethod
    def check_id(check: dict[str, Any]) -> str:
        """As `refresh --accept` takes it."""
        return f"{check['subject']}:{check['name']}"

    @property
    def refresh(self) -> str:
        return str(self.facts.get("refresh_id") or "")

    @property
    def late_since(self) -> str:
        if self.facts.get("sealed_at") is None:
            return "?"
        sealed = dt.datetime.fromisoformat(self.facts["sealed_at"])
        allowed = dt.timedelta(seconds=self.facts["max_age_seconds"])
        return shown((sealed + allowed).isoformat(), self.place.time_zone)

    def where(self) -> list[str]:
        lines = [f"{socket.gethostname()}: {self.place.home}"]
        if self.event.kind in {"refused", "failed"}:
            lines.append(f"customer-tiers logs {self.refresh}")
        lines.append("customer-tiers status")
        if self.place.link:
            lines.append(self.place.link)
        return lines


class _English(_Words):
    units = (
        (86_400, " days"), (3_600, " hours"), (60, " minutes"), (1, " seconds"),
    )  # fmt: skip

    def title(self) -> str:
        trouble = self.facts.get("trouble")
        if self.event.kind == "refused":
            return f"Refresh {self.refresh} was refused"
        if self.event.kind == "failed":
            died = self.facts["state"] == "died"
            return f"Refresh {self.refresh} {'died' if died else 'failed'}"
        if self.event.kind == "recovered":
            return f"Recovered: release {self.facts['release_id']} is current"
        if trouble == "no release":
            return "There is no release yet"
        if trouble == "clock":
            return "The clock was set back; the age of the release is not known"
        if trouble == "damaged":
            return "Readers find no whole release"
        return f"Release {self.facts['release_id']} is too old"

    def happened(self) -> list[str]:
        facts = self.facts
        if self.event.kind == "recovered":
            over = ", ".join(
                f"{item['kind']} {item['refresh_id'] or ''}".strip()
                for item in facts["over"]
            )
            return [f"A good release is current again. Over: {over}."]
        if self.event.kind == "late":
            return self._late()
        stage, as_of = facts["stage"], facts["as_of"]
        if self.event.kind == "refused":
            lines = [
                f"Stage `{stage}` refused the refresh of {as_of}. Nothing that readers "
                "see has changed."
            ]
        elif facts["state"] == "died":
            lines = [
                f"The refresh of {as_of} ended without a word in `{stage}`: it was "
                "killed, or the machine stopped."
            ]
        else:
            lines = [f"The refresh of {as_of} failed in `{stage}`."]
        if facts["reason"] and (facts["state"] != "died" or not stage):
            lines.append(facts["reason"])
        return lines

    def _late(self) -> list[str]:
        facts = self.facts
        if facts["trouble"] == "no release":
            line = "Refreshes were tried, and there is still no release."
        elif facts["trouble"] == "damaged":
            line = f"The current release cannot be read: {facts['problem']}."
        elif facts["trouble"] == "clock":
            behind = self.length(facts["clock_behind_seconds"])
            line = f"The clock of this machine is {behind} behind what was recorded."
        elif facts["trouble"] == "behind":
            line = (
                f"The release is new, but {facts['lag_days']} days have ended since "
                f"its as-of date {facts['release_as_of']}."
            )
        else:
            line = (
                f"The release was sealed {self.length(facts['age_seconds'])} ago; "
                f"{self.length(facts['max_age_seconds'])} are allowed."
            )
        if facts.get("newest_id") not in {None, facts["release_id"]}:
            line += (
                f" The newest attempt {facts['newest_id']}: {facts['newest_state']}."
            )
        return [line]

    def since(self) -> list[str]:
        if self.event.kind == "late":
            old = self.facts["trouble"] == "old"
            return [self.late_since if old else self._raised()]
        if self.event.kind == "recovered":
            return [f"{self._raised()}; first told of at {self.at('since')}."]
        line = self.at("since")
        if self.facts["in_a_row"] > 1:
            line += f"; {self.facts['in_a_row']} attempts in a row published nothing"
        return [line]

    def readers(self, seen: Freshness) -> str:
        if seen.trouble == "damaged":
            return "No whole release."
        if seen.release_id is None:
            return "Nothing: there is no release."
        return (
            f"Release {seen.release_id}, as of {seen.as_of_date}, sealed "
            f"{self.length(seen.age_seconds)} ago."
        )

    def checks(self) -> list[str]:
        lines = []
        for check in self.facts.get("checks", []):
            rows = check["failing_rows"]
            count = f", {rows:,} rows" if rows else ""
            lines.append(f"{self.check_id(check)} {check['outcome']}{count}")
        if more := self.facts.get("more_checks"):
            lines.append(f"and {more} more")
        return lines

    def todo(self) -> list[str]:
        facts = self.facts
        if self.event.kind == "recovered":
            return ["Nothing."]
        if self.event.kind == "refused":
            return [
                "Mend the data at its source, or the model, and run `customer-tiers "
                "refresh`. A warning or a drift that is right can be accepted: "
                "`customer-tiers refresh --accept CHECK --reason TEXT --until DATE`."
            ]
        if self.event.kind == "late":
            if facts["trouble"] == "clock":
                return ["Set the clock right; then `customer-tiers status --check`."]
            if facts["trouble"] == "damaged":
                return [
                    "`customer-tiers rollback` goes back to an older release at once; "
                    "`customer-tiers refresh` makes a new one."
                ]
            if facts.get("newest_state") in BAD_STATES:
                return [
                    f"See why the newest attempt published nothing (`customer-tiers logs "
                    f"{facts['newest_id']}`), mend it, and run `customer-tiers refresh`."
                ]
            if facts.get("newest_state") == "running":
                return ["A refresh is running; wait for its end."]
            return [
                "See that the schedule is on and its daemon runs; `customer-tiers "
                "refresh` goes at once."
            ]
        if facts["state"] == "died":
            return [
                "Look for what ended it (memory, disk, a restart). Nothing needs to be "
                "cleaned up: run `customer-tiers refresh`."
            ]
        if facts["exit_code"] == 5:
            return [
                "`customer-tiers check-sources` says which source cannot be read; when "
                "it can, `customer-tiers refresh`."
            ]
        return ["Read the log, mend what stopped it, and run `customer-tiers refresh`."]

    def delayed(self) -> str:
        return f"This was found at {self._raised()} and could not be sent then."

    def repeated(self) -> str:
        return f"This may be a repeat: whether {self.event.id} arrived is not known."


class _Chinese(_Words):
    units = ((86_400, " 天"), (3_600, " 小时"), (60, " 分钟"), (1, " 秒"))

    def title(self) -> str:
        trouble = self.facts.get("trouble")
        if self.event.kind == "refused":
            return f"运行 {self.refresh} 被关口拒绝"
        if self.event.kind == "failed":
            died = self.facts["state"] == "died"
            return f"运行 {self.refresh} {'意外中断' if died else '失败'}"
        if self.event.kind == "recovered":
            return f"已恢复：当前版本为 {self.facts['release_id']}"
        if trouble == "no release":
            return "还没有任何版本"
        if trouble == "clock":
            return "时钟被调回，无法得知版本有多旧"
        if trouble == "damaged":
            return "读者找不到完整的版本"
        return f"版本 {self.facts['release_id']} 过旧"

    def happened(self) -> list[str]:
        facts = self.facts
        if self.event.kind == "recovered":
            over = "、".join(
                f"{item['refresh_id'] or ''} {_kind_zh(item['kind'])}".strip()
                for item in facts["over"]
            )
            return [f"已有新的可用版本。已结束的问题：{over}。"]
        if self.event.kind == "late":
            return self._late()
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
        if self.event.kind == "late":
            old = self.facts["trouble"] == "old"
            return [self.late_since if old else self._raised()]
        if self.event.kind == "recovered":
            return [f"{self._raised()}；最早一次告警在 {self.at('since')}。"]
        line = self.at("since")
        if self.facts["in_a_row"] > 1:
            line += f"；已连续 {self.facts['in_a_row']} 次没有发布新版本"
        return [line]

    def readers(self, seen: Freshness) -> str:
        if seen.trouble == "damaged":
            return "没有完整的版本。"
        if seen.release_id is None:
            return "什么也看不到：还没有版本。"
        return (
            f"版本 {seen.release_id}，数据截止 {seen.as_of_date}，"
            f"完成于 {self.length(seen.age_seconds)}前。"
        )

    def checks(self) -> list[str]:
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
        return f"此事发现于 {self._raised()}，当时未能送出。"

    def repeated(self) -> str:
        return f"本消息可能重复：无法确定 {self.event.id} 此前是否送达。"


def _kind_zh(kind: str) -> str:
    return STATES_ZH.get(kind, kind)
