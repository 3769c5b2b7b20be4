"""Which forecaster is published, by a rule that everybody can read and repeat.

Not here: the measuring (`backtest`), and the forecasts that are then published (`scoring`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.value.backtest import Backtest, Result
from pipeline.value.baselines import BASELINES, NAIVE
from pipeline.value.forecasters import FORECASTERS, off_by

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
        error: Its relative error, the mean over the origins at which it was usable; NaN
            where there is none.
        mae: Its mean absolute error over the same origins.
        relative_bias: Mean of its relative bias over the same origins.
        problems: Why it is out; empty if it is not.
        unusable: The origins at which it could not be used, each with the reason.
        to_baseline: Its error over that of the better baseline at the same origins: below
            1 it is better. NaN where there is none.
    """

    forecaster: str
    error: float
    mae: float
    relative_bias: float
    problems: tuple[str, ...]
    unusable: tuple[tuple[dt.date, str], ...] = ()
    to_baseline: float = float("nan")


@dataclass(frozen=True)
class Choice:
    """The champion, and why.

    Attributes:
        champion: Its name.
        reason: One sentence on why it is the one.
        standings: All forecasters, the eligible ones by error first.
        factor: By how much the total of a baseline was ever off, at least 1: as much may
            be expected of a total that can be believed. Infinity where nothing was tested.
    """

    champion: str
    reason: str
    standings: tuple[Standing, ...]
    factor: float = float("inf")

    @property
    def order(self) -> tuple[str, ...]:
        """Who is published, and who instead where it cannot be: champion first.

        After the champion come the models that are better than the better baseline, then
        the baselines, the better one first; the naive one, which cannot fail, is always
        among them.
        """
        sound = [each for each in self.standings if not each.problems]
        better = sorted(
            (
                each
                for each in sound
                if each.forecaster not in BASELINES and each.to_baseline <= 1 - MARGIN
            ),
            key=lambda each: each.to_baseline,
        )
        baselines = [each for each in sound if each.forecaster in BASELINES]
        ordered = [each.forecaster for each in (*better, *baselines)]
        return tuple(dict.fromkeys([self.champion, *ordered, NAIVE]))


def choose(tested: Backtest) -> Choice:
    """Chooses the champion.

    The rule. At each origin a forecaster's error is the mean of two ratios: its mean
    absolute error to that of the naive baseline, and its root mean squared error to that
    of the naive baseline. At an origin it is not usable if its fit failed, stood at a bound
    or was not determined by the data, if a forecast is none that anybody would believe
    (`forecasters.implausible`), or if its total was off by more than the factor that the
    total of a baseline ever was at any origin. Its error is the mean over the origins at
    which it was usable. Out is who was not usable at the latest origin, or not at half of
    all. Champion is the model with the lowest error beside that of the better baseline at
    the same origins, if that is at least 1 % lower; else the better baseline. Equal errors
    go to the simpler forecaster, in the order of `FORECASTERS`.

    Why two errors. The absolute error is lowest for the median, and the median customer
    buys nothing: a forecast of nothing for everybody can win it. The squared error is
    lowest for the mean, which is what adds up to a plan, but a handful of large customers
    may decide it. Neither of the two alone may make a champion.

    Why the baselines' factor. How far a total can be off is a property of the business: on
    a marketplace where nearly nobody returns "the same as last year" is off by a factor of
    twenty, and no fixed limit separates that from a failed fit.
    """
    factor = baselines_factor(tested)
    standings = [_standing(name, tested, factor) for name in FORECASTERS]
    # Python's sort is stable: equal errors stay in the order of FORECASTERS.
    baselines = sorted(
        (
            each
            for each in standings
            if each.forecaster in BASELINES and not each.problems
        ),
        key=lambda each: each.error,
    )
    if not baselines:
        return Choice(
            NAIVE,
            "There is no history that anything could be tested on, so that the customers "
            "are taken to buy as in the last 12 months.",
            tuple(standings),
        )
    bar = baselines[0]
    standings = [
        replace(each, to_baseline=_to_baseline(tested, factor, each, bar))
        for each in standings
    ]
    ranked = sorted(
        (each for each in standings if not each.problems), key=lambda each: each.error
    )
    out = [each for each in standings if each.problems]
    models = sorted(
        (each for each in ranked if each.forecaster not in BASELINES),
        key=lambda each: each.to_baseline,
    )
    wins = bool(models) and models[0].to_baseline <= 1 - MARGIN
    return Choice(
        models[0].forecaster if wins else bar.forecaster,
        _reason(models, bar, len(tested.origins), wins=wins),
        (*ranked, *out),
        factor,
    )


def _reason(
    models: Sequence[Standing], bar: Standing, origins: int, *, wins: bool
) -> str:
    """A sentence on who is champion and why."""
    if not models:
        return (
            f"No model beats the baseline {bar.forecaster} over {_origins(origins)}: none "
            "of them was usable at the latest and at half of them."
        )
    best = models[0]
    usable = origins - len(best.unusable)
    over = _origins(origins) if usable == origins else f"{usable} of {origins} origins"
    if wins:
        return (
            f"{best.forecaster} has the lowest error over {over}, "
            f"{1 - best.to_baseline:.1%} below the better baseline, {bar.forecaster}."
        )
    if not np.isfinite(best.to_baseline):
        return f"No model beats the baseline {bar.forecaster} over {over}: it made no error."
    return (
        f"No model beats the baseline {bar.forecaster} over {over}: the best of them, "
        f"{best.forecaster}, has {best.to_baseline:.3f} times its error."
    )


def baselines_factor(tested: Backtest) -> float:
    """By how much the total of a baseline was off at most, at any origin; at least 1."""
    return max(
        (
            off_by(each.purchases.forecast_mean, each.purchases.actual_mean)
            for name in BASELINES
            for each in tested.of(name)
            if each.purchases is not None and not each.problems
        ),
        default=float("inf"),
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


def _why_not(result: Result, factor: float) -> tuple[str, ...]:
    """Why a forecaster could not be used at an origin; empty if it could."""
    found = result.purchases
    if found is None or result.problems:
        return result.problems or ("it has no forecast to measure",)
    off = off_by(found.forecast_mean, found.actual_mean)
    if off > factor:
        forecast, actual = (
            each * found.customers for each in (found.forecast_mean, found.actual_mean)
        )
        return (
            f"it expected {forecast:.4g} purchase days where {actual:.4g} came, a factor "
            f"of {off:.3g}; no baseline's total was off by more than {factor:.3g}",
        )
    return ()


def _errors(tested: Backtest, name: str, factor: float) -> dict[dt.date, float]:
    """The error of a forecaster at each origin at which it was usable."""
    naive = {each.origin: each.purchases for each in tested.of(NAIVE)}
    return {
        each.origin: (_times(mine.mae, theirs.mae) + _times(mine.rmse, theirs.rmse)) / 2
        for each in tested.of(name)
        if not _why_not(each, factor)
        and (mine := each.purchases)
        and (theirs := naive.get(each.origin))
    }


def _to_baseline(
    tested: Backtest, factor: float, standing: Standing, bar: Standing
) -> float:
    """An error beside that of the better baseline, where both could be used."""
    mine = _errors(tested, standing.forecaster, factor)
    theirs = _errors(tested, bar.forecaster, factor)
    both = sorted(mine.keys() & theirs.keys())
    return _times(
        _mean([mine[origin] for origin in both]),
        _mean([theirs[origin] for origin in both]),
    )


def _standing(name: str, tested: Backtest, factor: float) -> Standing:
    results = {each.origin: each for each in tested.of(name)}
    unusable = {
        origin: "; ".join(why)
        for origin in tested.origins
        if (
            why := _why_not(results[origin], factor)
            if origin in results
            else ("it was not tried",)
        )
    }
    errors = _errors(tested, name, factor)
    problems: tuple[str, ...] = ()
    if not tested.origins:
        problems = ("there is no origin to measure it at",)
    elif tested.origins[-1] in unusable or 2 * len(errors) < len(tested.origins):
        problems = tuple(f"{origin}: {why}" for origin, why in unusable.items())
    measured = [found for day in errors if (found := results[day].purchases)]
    return Standing(
        forecaster=name,
        error=_mean(list(errors.values())),
        mae=_mean([mine.mae for mine in measured]),
        relative_bias=_mean([mine.relative_bias for mine in measured]),
        problems=problems,
        unusable=tuple(unusable.items()),
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
