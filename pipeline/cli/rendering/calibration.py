"""How a calibration looks on a terminal, in English and in Chinese.

Nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from pipeline.cli.output import pastable
from pipeline.cli.rendering import what_if
from pipeline.cli.rendering.language import Language, format_number, write
from pipeline.tiers.calibrate import ANCHORS, LEAST_VALUES, MONTHS, Calibration
from pipeline.tiers.policy import FACT_NAMES


def calibration(
    found: Calibration,
    written: Sequence[Path],
    language: str,
    to: Console,
    options: Mapping[str, Path],
) -> None:
    """Prints what a calibration proposes, who would move, and what was written.

    Args:
        options: The home and the sources that were named, for the command that is next.
    """
    write(_Rendering(language).render(found), to)
    # As it stands, for whoever wants to apply it.
    to.file.write(f"{found.diff}\n\n" if found.diff else "")
    if found.moves is not None:
        what_if.what_if(found.moves, language, to)
    write(_Rendering(language).end(found, written, options), to)


class _Rendering(Language):
    """One language."""

    def render(self, found: Calibration) -> Iterator[RenderableType]:
        """Head, the anchors of each factor, and what changes in the files."""
        yield Text(
            self.either(
                f"Anchors for {found.policy_id} from the last {MONTHS} month ends of "
                f"{found.release}, as of {found.as_of_date}",
                f"{found.policy_id}的锚点，取自{found.release}最近{MONTHS}个月末，"
                f"截至{found.as_of_date}",
            ),
            style="bold",
        )
        table = self.table(
            "",
            *("", "factor", ">values"),
            *(f">{score:g}" for _, score in ANCHORS),
        )
        for item in found.factors:
            table.add_row(
                self.text(item.customer_type),
                self.either(*FACT_NAMES[item.factor]),
                f"{item.values:,}",
                *(map(format_number, item.anchors) if item.anchors else ["–"] * 4),
            )
        yield table
        yield self.either(
            f"– fewer than {LEAST_VALUES} known values: no anchors and no weight.",
            f"– 已知值少于{LEAST_VALUES}个：无锚点，无权重。",
        )
        for item in found.factors:
            if not item.has_drifted:
                continue
            name = self.either(*FACT_NAMES[item.factor])
            before = format_number(item.median_before)
            now = format_number(item.quantiles[1])
            yield self.either(
                f"{name} ({item.customer_type}): the median was {before} and is {now}; "
                "the anchors are of another time.",
                f"{name}（{self.text(item.customer_type)}）：中位数原为{before}，"
                f"现为{now}，锚点已过时。",
            )
        yield ""
        if not found.diff:
            yield self.either("Nothing changes.", "没有变化。")

    def end(
        self,
        found: Calibration,
        written: Sequence[Path],
        options: Mapping[str, Path],
    ) -> Iterator[RenderableType]:
        """Whether anybody moves at all, and what was written or how to."""
        if found.moves is None:
            yield self.either(
                "No rule of this policy asks for a score: nobody moves by it.",
                "本政策没有规则要求得分，无人因此变动。",
            )
        if written:
            yield self.either("Written: ", "已写入：") + ", ".join(map(str, written))
        elif found.texts:
            said = self.either(
                "Nothing is written; `--write` does. Then `customer-tiers refresh`.",
                "尚未写入；加`--write`写入，然后运行`customer-tiers refresh`。",
            )
            yield pastable(said, options)
