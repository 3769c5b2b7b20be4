"""Which forecaster is published, by a rule that everybody can read and repeat.

Not here: the measuring (`backtest`), and the forecasts that are then published (`scoring`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.value.backtest import Backtest, Result
from pipeline.value.baselines import BASELINES, NAIVE
from pipeline.value.forecasters import FORECASTERS

# A model must be better than the better baseline by this share of its error; below it the
# difference is noise, and the simpler answer stays.
MARGIN = 0.01

# A group of customers chooses its own champion where each of its origins has so many of
# them, and so many that bought in the horizon; otherwise it takes that of all customers.
ENOUGH_CUSTOMERS = 300
ENOUGH_BUYERS = 100


@dataclass(frozen=True)
class Standing:
    """How one forecaster stands.

    Attributes:
        forecaster: Its name.
        error: Its relative error, NaN where it has none at some origin.
        mae: Its mean absolute error over the origins.
        relative_bias: Mean of its relative bias over the origins.
        problems: Why it is out; empty if it is not.
    """

    forecaster: str
    error: float
    mae: float
    relative_bias: float
    problems: tuple[str, ...]


@dataclass(frozen=True)
class Choice:
    """The champion, and why.

    Attributes:
        champion: Its name.
        reason: One sentence on why it is the one.
        standings: All forecasters, the eligible ones by error first.
    """

    champion: str
    reason: str
    standings: tuple[Standing, ...]

    @property
    def order(self) -> tuple[str, ...]:
        """Who is published, and who instead where it cannot be: champion first.

        After the champion come those that are better than the baselines, then the better
        baseline; the naive one, which cannot fail, is always the last.
        """
        best = next(
            (each.error for each in self.standings if each.forecaster in BASELINES),
            float("inf"),
        )
        better = [
            each.forecaster
            for each in self.standings
            if not each.problems
            and (each.error <= best * (1 - MARGIN) or each.forecaster in BASELINES)
        ]
        ordered = [self.champion, *better, NAIVE]
        return tuple(dict.fromkeys(ordered))


def choose(tested: Backtest) -> Choice:
    """Chooses the champion.

    The rule. At each origin a forecaster's error is the mean of two ratios: its mean
    absolute error to that of the naive baseline, and its root mean squared error to that
    of the naive baseline. Its error is the mean over the origins. Out is who at any origin
    failed to fit, stood at a bound, was not determined by the data, or gave forecasts that
    are not plausible. Champion is the model with the lowest error, if that is at least 1 %
    lower than that of the better baseline; else the better baseline. Equal errors go to
    the simpler forecaster, in the order of `FORECASTERS`.

    Why two errors. The absolute error is lowest for the median, and the median customer
    buys nothing: a forecast of nothing for everybody can win it. The squared error is
    lowest for the mean, which is what adds up to a plan, but a handful of large customers
    may decide it. Neither of the two alone may make a champion.
    """
    origins = len(tested.origins)
    naive = tested.of(NAIVE)
    standings = [
        _standing(name, tested.of(name), naive, origins) for name in FORECASTERS
    ]
    # Python's sort is stable: equal errors stay in the order of FORECASTERS.
    ranked = sorted(
        (each for each in standings if not each.problems), key=lambda each: each.error
    )
    out = [each for each in standings if each.problems]
    baselines = [each for each in ranked if each.forecaster in BASELINES]
    models = [each for each in ranked if each.forecaster not in BASELINES]
    all_standings = (*ranked, *out)
    if not baselines:
        return Choice(
            NAIVE,
            "There is no history that anything could be tested on, so that the customers "
            "are taken to buy as in the last 12 months.",
            all_standings,
        )
    bar = baselines[0]
    if models and models[0].error <= bar.error * (1 - MARGIN):
        best = models[0]
        gain = 1 - best.error / bar.error
        return Choice(
            best.forecaster,
            f"{best.forecaster} has the lowest error over {_origins(origins)}, "
            f"{gain:.1%} below the better baseline, {bar.forecaster}.",
            all_standings,
        )
    nearest = (
        f"the best of them, {models[0].forecaster}, has {models[0].error / bar.error:.3f} "
        "times its error"
        if models
        else "none of them is sound and plausible at every origin"
    )
    return Choice(
        bar.forecaster,
        f"No model beats the baseline {bar.forecaster} over {_origins(origins)}: "
        f"{nearest}.",
        all_standings,
    )


def choose_by_group(
    groups: Mapping[str, Backtest], everybody: Backtest
) -> dict[str, Choice]:
    """The champion of each group of customers, such as companies and persons.

    A group that is large enough at each origin (`has_enough`) chooses for itself, from
    models fitted to it alone. Any other takes the champion of all customers, whose
    forecasts for its customers are those to publish.

    Args:
        groups: The backtest of each group.
        everybody: The backtest of all customers together.
    """
    common = choose(everybody)
    taken = replace(
        common,
        reason="There are too few customers or buyers for a champion of their own; that "
        f"of all customers is taken. {common.reason}",
    )
    return {
        group: choose(tested) if has_enough(tested) else taken
        for group, tested in groups.items()
    }


def has_enough(tested: Backtest) -> bool:
    """Whether a group of customers is large enough to choose a champion of its own."""
    measured = [each.purchases for each in tested.of(NAIVE)]
    return bool(measured) and all(
        each is not None
        and each.customers >= ENOUGH_CUSTOMERS
        and each.buyers >= ENOUGH_BUYERS
        for each in measured
    )


def _standing(
    name: str, results: Sequence[Result], naive: Sequence[Result], origins: int
) -> Standing:
    problems = [
        f"{each.origin}: {problem}" for each in results for problem in each.problems
    ]
    measured = {each.origin: each.purchases for each in results if each.purchases}
    if not measured or len(measured) < origins:
        problems.append("it has no forecast to measure at some origin")
    errors = [
        (_times(mine.mae, theirs.mae) + _times(mine.rmse, theirs.rmse)) / 2
        for each in naive
        if (theirs := each.purchases) and (mine := measured.get(each.origin))
    ]
    return Standing(
        forecaster=name,
        error=_mean(errors),
        mae=_mean([mine.mae for mine in measured.values()]),
        relative_bias=_mean([mine.relative_bias for mine in measured.values()]),
        problems=tuple(dict.fromkeys(problems)),
    )


def _times(mine: float, theirs: float) -> float:
    """The ratio of two errors; 1 where both are 0."""
    if theirs == 0:
        return 1.0 if mine == 0 else float("inf")
    return mine / theirs


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _origins(count: int) -> str:
    return "1 origin" if count == 1 else f"{count} origins"
