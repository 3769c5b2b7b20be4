"""Maximum likelihood, or maximum a posteriori under weak priors, and whether to trust it.

One way for every model: starting points, a bounded quasi-Newton search over the logarithms
of the parameters with the analytic gradient, Newton steps to the very top, and a diagnosis.
A fit that fails says so in its diagnosis; it raises nothing, and it is never silent. Not
here: the likelihoods (the models), and what is done about a failed fit (`champion`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from pipeline.value.histories import Floats, Triples, weighted
from pipeline.value.kept import unless_kept
from pipeline.value.models import PurchaseModel
from pipeline.value.priors import LogNormal, each_prior
from pipeline.value.search import (
    SMALL_GRADIENT,
    Objective,
    Search,
    at_bound,
    covariance,
    named,
)

# Fits with plain likelihood have ridges along which two parameters run away together and
# the likelihood hardly changes. Where a parameter is known to a factor of exp(3) = 20
# only, the data do not say it.
_VAGUE = 3.0

# A mean age that is rounding and no time; no unit of time is so long.
_NO_TIME = 1e-9

# The search for the optimum goes over so many rows at most: from all starting points over the
# few, from the best of what they found over the many, and then over all.
FEW_ROWS, COARSE_ROWS = 2_000, 20_000

# Starting points whose optimum is within so much of the best (in ln L) found the same.
_SAME_OPTIMUM = 0.01


@dataclass(frozen=True)
class Diagnosis:
    """What is to be known about a fit before anything made with it is used.

    Attributes:
        customers: Customers that the fit is about.
        rows: Distinct rows that they were reduced to.
        left_out: Rows that cannot be a history (or a spend); they took no part.
        converged: Whether the optimiser and the Newton steps came to rest.
        gradient_norm: Largest derivative of the mean log-posterior of a customer by the
            logarithm of a parameter; parameters at a bound are left out.
        at_bound: Parameters at the edge of where they may be.
        vague: Parameters that the data do not determine.
        curvature_positive: Whether the Hessian of the negative log-posterior by the
            logarithms is positive definite.
        starts_agreeing: Of the starting points, how many led to the same optimum.
        starts: Starting points tried.
        evaluations: Evaluations of the likelihood over all rows.
        problems: Sentences on what is wrong; empty if nothing is.
    """

    customers: float
    rows: int
    left_out: int
    converged: bool = False
    gradient_norm: float = float("nan")
    at_bound: tuple[str, ...] = ()
    vague: tuple[str, ...] = ()
    curvature_positive: bool = False
    starts_agreeing: int = 0
    starts: int = 0
    evaluations: int = 0
    problems: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether the fit may be used."""
        return not self.problems


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model.

    Attributes:
        model: Its name.
        names: Names of the parameters.
        parameters: Their values in the units of the data, shape (k,); NaN after a failure.
        standard_errors: From the curvature at the optimum, shape (k,); NaN where there is
            none.
        log_covariance: Covariance of the logarithms of the parameters, shape (k, k).
        log_likelihood: ln L of all customers, without the prior.
        prior: The prior on each parameter, or None for maximum likelihood.
        diagnosis: Whether to trust it.
    """

    model: str
    names: tuple[str, ...]
    parameters: Floats
    standard_errors: Floats
    log_covariance: Floats = field(repr=False)
    log_likelihood: float
    prior: tuple[LogNormal, ...] | None
    diagnosis: Diagnosis

    def __getitem__(self, name: str) -> float:
        """The value of a parameter."""
        return float(self.parameters[self.names.index(name)])

    def with_problem(self, problem: str) -> Fit:
        """The same fit with one more sentence against it."""
        problems = (*self.diagnosis.problems, problem)
        return replace(self, diagnosis=replace(self.diagnosis, problems=problems))


def unless_made(
    about: Sequence[object], columns: Sequence[Floats], make: Callable[[], Fit]
) -> Fit:
    """A fit that is made only where it is not kept (`kept.unless_kept`)."""
    return unless_kept(about, columns, make, _written, _read)


def _written(fitted: Fit) -> str:
    """A fit as JSON, whose numbers are read again as they were, to the last bit."""
    return json.dumps(
        {
            "model": fitted.model,
            "names": fitted.names,
            "parameters": fitted.parameters.tolist(),
            "standard_errors": fitted.standard_errors.tolist(),
            "log_covariance": fitted.log_covariance.tolist(),
            "log_likelihood": float(fitted.log_likelihood),
            "prior": None if fitted.prior is None else list(map(asdict, fitted.prior)),
            "diagnosis": asdict(fitted.diagnosis),
        }
    )


def _read(text: str) -> Fit:
    """A fit that `_written` wrote.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: It is none.
    """
    found = json.loads(text)
    prior = found["prior"]
    diagnosis: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in found["diagnosis"].items()
    }
    return Fit(
        model=found["model"],
        names=tuple(found["names"]),
        parameters=np.array(found["parameters"], dtype=np.float64),
        standard_errors=np.array(found["standard_errors"], dtype=np.float64),
        log_covariance=np.array(found["log_covariance"], dtype=np.float64),
        log_likelihood=found["log_likelihood"],
        prior=None if prior is None else tuple(LogNormal(**each) for each in prior),
        diagnosis=Diagnosis(**diagnosis),
    )


def fit(
    model: PurchaseModel,
    triples: Triples,
    prior: LogNormal | Sequence[LogNormal] | None = None,
) -> Fit:
    """Fits a purchase model.

    Args:
        model: The model.
        triples: The customers, best as distinct rows with counts; in any order. Rows that
            cannot be a history are left out and counted in the diagnosis.
        prior: One prior for all parameters, one for each, or None for plain maximum
            likelihood.

    Returns:
        The fit. Where nothing can be fitted its parameters are NaN and its diagnosis says
        why.
    """
    sound = triples.sound().collapsed()[0]
    left_out = int((~triples.valid).sum())
    priors = each_prior(prior, len(model.parameter_names))
    return unless_made(
        (model.name, priors, left_out),
        (sound.x, sound.t_x, sound.age, sound.count),
        lambda: _fitted(model, sound, left_out, priors),
    )


def _fitted(
    model: PurchaseModel,
    sound: Triples,
    left_out: int,
    priors: tuple[LogNormal, ...] | None,
) -> Fit:
    """Fits a purchase model to rows that can all be a history."""
    empty = Diagnosis(sound.customers, len(sound), left_out)
    if sound.customers == 0:
        return failed(
            model.name, model.parameter_names, empty, "there are no customers"
        )
    if sound.repeaters == 0:
        return failed(
            model.name, model.parameter_names, empty, "no customer bought a second time"
        )
    unit = 1.0
    if model.rescales:
        unit = weighted(sound.age, sound.count) / sound.customers
        if unit < _NO_TIME:
            problem = "no customer has been known for any time"
            return failed(model.name, model.parameter_names, empty, problem)
    scaled = sound.in_unit(unit)
    return maximise(
        model.name,
        model.parameter_names,
        objective=lambda logs: _by_logarithms(model, scaled, logs),
        coarser=_coarser(model, scaled),
        starts=model.starts,
        scale=np.where(model.time_parameters, unit, 1.0),
        # A density of x moments in time: each carries one over the unit.
        log_likelihood_shift=(
            -weighted(sound.x, sound.count) * float(np.log(unit))
            if model.rescales
            else 0.0
        ),
        prior=priors,
        about=empty,
    )


def _by_logarithms(
    model: PurchaseModel, triples: Triples, logs: Floats
) -> tuple[float, Floats]:
    parameters = np.exp(logs)
    value, gradient = model.total(parameters, triples)
    return value, gradient * parameters


def _coarser(model: PurchaseModel, triples: Triples) -> list[Objective]:
    """The same objective on coarser grids, the coarsest first, to come near the optimum."""
    found: list[Objective] = []
    if len(triples) <= COARSE_ROWS or not model.rescales:
        return found
    step = float(triples.age.max()) / 128
    grid = triples.on_grid(step)
    for most in (COARSE_ROWS, FEW_ROWS):
        while len(grid) > most and step < float(triples.age.max()) / 8:
            step *= 2
            grid = grid.on_grid(step)
        found.insert(0, partial(_by_logarithms, model, grid))
    return found


def failed(name: str, names: tuple[str, ...], about: Diagnosis, problem: str) -> Fit:
    """A fit that there is none of, and why."""
    count = len(names)
    return Fit(
        model=name,
        names=names,
        parameters=np.full(count, np.nan),
        standard_errors=np.full(count, np.nan),
        log_covariance=np.full((count, count), np.nan),
        log_likelihood=float("nan"),
        prior=None,
        diagnosis=Diagnosis(
            about.customers, about.rows, about.left_out, problems=(problem,)
        ),
    )


def maximise(
    name: str,
    names: tuple[str, ...],
    *,
    objective: Objective,
    coarser: Sequence[Objective],
    starts: Sequence[Sequence[float]],
    scale: Floats,
    log_likelihood_shift: float,
    prior: tuple[LogNormal, ...] | None,
    about: Diagnosis,
) -> Fit:
    """Maximises a log-likelihood over the logarithms of its parameters.

    Args:
        name: The model's name.
        names: Its parameters' names.
        objective: ln L of all customers and its derivatives by the logarithms of the
            parameters, in the units of the fit.
        coarser: The same on fewer rows, the fewest first, to come near the optimum.
        starts: Starting points, in the units of the fit.
        scale: What the parameters are multiplied with to come to the units of the data.
        log_likelihood_shift: What ln L gains by the change of units.
        prior: The priors, or None.
        about: What the diagnosis says about the data.
    """
    search = Search(objective, about.customers, prior)
    nearer = [Search(each, about.customers, prior) for each in coarser]
    first, *others = nearer or [search]
    with np.errstate(all="ignore"):
        found = sorted(
            (first.climb(np.log(np.asarray(start))) for start in starts),
            key=lambda each: each[1],
        )
        best, curvature = found[0][0], None
        for near in others:
            best, _ = near.climb(best)
        if nearer:
            # The coarse rows know the curvature well enough to lead to the top of all.
            best, curvature, *_ = nearer[-1].polish(best)
        logs, hessian, gradient, converged = search.polish(best, curvature)

    free = ~at_bound(logs, gradient)
    norm = float(np.abs(gradient[free]).max(initial=0.0))
    spread, positive = covariance(hessian * about.customers, free)
    parameters = np.exp(logs) * scale
    variances = np.diag(spread)
    log_likelihood = search.log_likelihood(logs) + log_likelihood_shift
    diagnosis = replace(
        about,
        converged=converged and norm <= SMALL_GRADIENT,
        gradient_norm=norm,
        at_bound=named(names, ~free),
        vague=named(names, free & ~(variances <= _VAGUE**2)),
        curvature_positive=positive,
        starts_agreeing=sum(
            (each[1] - found[0][1]) * about.customers < _SAME_OPTIMUM for each in found
        ),
        starts=len(found),
        evaluations=search.evaluations,
    )
    finite = bool(np.isfinite(log_likelihood) and np.isfinite(parameters).all())
    return Fit(
        model=name,
        names=names,
        parameters=parameters,
        standard_errors=np.sqrt(variances) * parameters,
        log_covariance=spread,
        log_likelihood=log_likelihood,
        prior=prior,
        diagnosis=replace(diagnosis, problems=_problems(diagnosis, finite=finite)),
    )


def _problems(found: Diagnosis, *, finite: bool) -> tuple[str, ...]:
    """Sentences on what is wrong with a fit."""
    problems = []
    if not finite:
        problems.append("the likelihood is not finite")
    if not found.converged:
        problems.append(
            f"it did not converge: the gradient is {found.gradient_norm:.1e}"
        )
    if found.at_bound:
        problems.append(f"at the boundary: {', '.join(found.at_bound)}")
    if not found.curvature_positive:
        problems.append("the Hessian is not positive definite: no standard errors")
    elif found.vague:
        problems.append(f"the data do not determine {', '.join(found.vague)}")
    return tuple(problems)
