"""Maximum likelihood, or maximum a posteriori under weak priors, and whether to trust it.

One way for every model: starting points, a bounded quasi-Newton search over the logarithms
of the parameters with the analytic gradient, Newton steps to the very top, and a diagnosis.
A fit that fails says so in its diagnosis; it raises nothing, and it is never silent. Not
here: the likelihoods (the models), and what is done about a failed fit (`champion`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.value.histories import Booleans, Floats, Triples, weighted
from pipeline.value.models import PurchaseModel

# The search keeps each parameter, in the units that `fit` chooses, between these. No
# customer base that we know comes near them; a fit that ends here is running away.
LOWEST, HIGHEST = 1e-4, 1e4

# Fits with plain likelihood have ridges along which two parameters run away together and
# the likelihood hardly changes. Where a parameter is known to a factor of exp(3) = 20
# only, the data do not tell it.
_VAGUE = 3.0

# A mean age that is rounding and no time; no unit of time is so long.
_NO_TIME = 1e-9

# Derivative of the mean log-likelihood of a customer by the logarithm of a parameter.
_SMALL_GRADIENT = 1e-6

# The search for the region of the optimum runs on at most so many rows.
COARSE_ROWS = 20_000

# The quasi-Newton search: most steps, most halvings of a step, the gradient at rest, and
# the share of the value that is no progress any more.
_STEPS, _HALVINGS, _AT_REST, _NO_PROGRESS = 200, 30, 1e-7, 1e-14

# Newton's method: most steps, the step of a difference, and what is not worth a step.
_NEWTON_STEPS, _SHIFT, _NOTHING_TO_GAIN = 20, 1e-5, 1e-9

# Starting points whose optimum is within so much of the best (in ln L) found the same.
_SAME_OPTIMUM = 0.01

Objective = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class LogNormal:
    """A prior: the logarithm of the parameter is normal around ln(median).

    Attributes:
        median: In the units of a fit: the customers' mean age is the unit of time, their
            median spend the unit of money, so that one prior serves every business.
        deviation: Standard deviation of the logarithm. 2 holds the parameter between a
            fiftieth and fifty times the median with a probability of 95 %.
    """

    median: float = 1.0
    deviation: float = 2.0


# Weak: on the 2,357 customers of CDNOW it moves no parameter of any model by more than a
# fifth of its standard error, and yet it keeps those from running away that the data say
# nothing of.
WEAK = LogNormal()


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
    priors = each_prior(prior, len(model.parameter_names))
    return maximise(
        model.name,
        model.parameter_names,
        objective=lambda logs: _by_logarithms(model, scaled, logs),
        coarse=_coarse(model, scaled),
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


def _coarse(model: PurchaseModel, triples: Triples) -> Objective | None:
    """The same objective on a coarser grid, to find the region of the optimum cheaply."""
    if len(triples) <= COARSE_ROWS or not model.rescales:
        return None
    step = float(triples.age.max()) / 128
    coarse = triples.on_grid(step)
    while len(coarse) > COARSE_ROWS and step < float(triples.age.max()) / 8:
        step *= 2
        coarse = coarse.on_grid(step)
    return lambda logs: _by_logarithms(model, coarse, logs)


def each_prior(
    prior: LogNormal | Sequence[LogNormal] | None, count: int
) -> tuple[LogNormal, ...] | None:
    """One prior for each of `count` parameters, or None."""
    if prior is None:
        return None
    if isinstance(prior, LogNormal):
        return (prior,) * count
    if len(prior) != count:
        raise ValueError(f"{len(prior)} priors were given for {count} parameters.")
    return tuple(prior)


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
    coarse: Objective | None,
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
        coarse: The same on fewer rows, for the search from the starting points; or None.
        starts: Starting points, in the units of the fit.
        scale: What the parameters are multiplied with to come to the units of the data.
        log_likelihood_shift: What ln L gains by the change of units.
        prior: The priors, or None.
        about: What the diagnosis says about the data.
    """
    search = _Search(objective, about.customers, prior)
    near = search if coarse is None else _Search(coarse, about.customers, prior)
    with np.errstate(all="ignore"):
        found = sorted(
            (near.climb(np.log(np.asarray(start))) for start in starts),
            key=lambda each: each[1],
        )
        best, curvature = found[0][0], None
        if coarse is not None:
            # The coarse rows know the curvature well enough to lead to the top of all.
            best, curvature, *_ = near.polish(best)
        logs, hessian, gradient, converged = search.polish(best, curvature)

    free = ~_at_bound(logs, gradient)
    norm = float(np.abs(gradient[free]).max(initial=0.0))
    covariance, positive = _covariance(hessian * about.customers, free)
    parameters = np.exp(logs) * scale
    errors = np.sqrt(np.diag(covariance)) * parameters
    known = np.diag(covariance) <= _VAGUE**2
    at_bound = _named(names, ~free)
    vague = _named(names, free & ~known)
    agreeing = sum(
        (each[1] - found[0][1]) * about.customers < _SAME_OPTIMUM for each in found
    )
    log_likelihood = search.log_likelihood(logs) + log_likelihood_shift
    finite = bool(np.isfinite(log_likelihood) and np.isfinite(parameters).all())
    small = norm <= _SMALL_GRADIENT

    problems = []
    if not finite:
        problems.append("the likelihood is not finite")
    if not converged or not small:
        problems.append(f"it did not converge: the gradient is {norm:.1e}")
    if at_bound:
        problems.append(f"at the boundary: {', '.join(at_bound)}")
    if not positive:
        problems.append("the Hessian is not positive definite: no standard errors")
    elif vague:
        problems.append(f"the data do not determine {', '.join(vague)}")
    return Fit(
        model=name,
        names=names,
        parameters=parameters,
        standard_errors=errors,
        log_covariance=covariance,
        log_likelihood=log_likelihood,
        prior=prior,
        diagnosis=Diagnosis(
            customers=about.customers,
            rows=about.rows,
            left_out=about.left_out,
            converged=converged and small,
            gradient_norm=norm,
            at_bound=at_bound,
            vague=vague,
            curvature_positive=positive,
            starts_agreeing=agreeing,
            starts=len(found),
            evaluations=search.evaluations,
            problems=tuple(problems),
        ),
    )


class _Search:
    """The mean negative log-posterior of a customer, and ways to its lowest place."""

    def __init__(
        self,
        objective: Objective,
        customers: float,
        prior: tuple[LogNormal, ...] | None,
    ) -> None:
        self._objective = objective
        self._customers = customers
        self._medians = np.log([each.median for each in prior or ()])
        self._precisions = np.array([each.deviation**-2 for each in prior or ()])
        self._bounds = (np.log(LOWEST), np.log(HIGHEST))
        self.evaluations = 0

    def log_likelihood(self, logs: Floats) -> float:
        return self._objective(logs)[0]

    def __call__(self, logs: Floats) -> tuple[float, Floats]:
        self.evaluations += 1
        value, gradient = self._objective(logs)
        if len(self._medians):
            away = logs - self._medians
            value -= float(self._precisions @ away**2) / 2
            gradient = gradient - self._precisions * away
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            # A high plateau: the line search turns back.
            return 1e12, np.zeros(len(logs))
        return -value / self._customers, -gradient / self._customers

    def climb(self, logs: Floats) -> tuple[Floats, float]:
        """The optimum near a starting point, and the value there.

        BFGS with backtracking on at most five parameters; one that stands at an edge and
        is pushed over it stays there until it is pushed back. scipy's L-BFGS-B does the
        same, but waits for its linear algebra's threads: on two busy cores it took two
        thirds of the time of a whole backtest.
        """
        logs = np.clip(logs, *self._bounds)
        value, gradient = self(logs)
        inverse = np.eye(len(logs))
        for _ in range(_STEPS):
            free = ~_at_bound(logs, gradient)
            slope = np.where(free, gradient, 0.0)
            if np.abs(slope).max() < _AT_REST:
                break
            step = -(np.where(np.outer(free, free), inverse, 0.0) @ slope)
            if not step @ slope < 0:
                inverse = np.eye(len(logs))
                step = -slope
            # A factor of e in a parameter is as far as a quadratic picture is believed.
            step /= max(1.0, float(np.abs(step).max()))
            for _ in range(_HALVINGS):
                moved = np.clip(logs + step, *self._bounds)
                new_value, new_gradient = self(moved)
                if new_value <= value + 1e-4 * float(slope @ (moved - logs)):
                    break
                step = step / 2
            else:
                break
            inverse = _updated(inverse, moved - logs, new_gradient - gradient)
            gained = value - new_value
            logs, value, gradient = moved, new_value, new_gradient
            if gained <= _NO_PROGRESS * abs(value):
                break
        return logs, value

    def hessian(self, logs: Floats, gradient: Floats) -> Floats:
        """Differences of the analytic gradient; exact to about 1e-5."""
        rows = []
        for at in range(len(logs)):
            shift = np.zeros(len(logs))
            shift[at] = _SHIFT
            rows.append((self(logs + shift)[1] - gradient) / _SHIFT)
        result = np.array(rows)
        symmetric: Floats = (result + result.T) / 2
        return symmetric

    def polish(
        self, logs: Floats, hessian: Floats | None = None
    ) -> tuple[Floats, Floats, Floats, bool]:
        """Newton steps to the top, in the parameters that are not at a bound.

        Args:
            logs: A place near it.
            hessian: The curvature there as far as it is known. Each step teaches it, and
                it is kept as long as a step leaves a quarter of what the one before it left
                to gain: to see it anew costs as much as four steps.

        Returns:
            The place, the curvature and the gradient there, and whether a further step
            would gain nothing.
        """
        value, gradient = self(logs)
        known_here = hessian is None
        if hessian is None:
            hessian = self.hessian(logs, gradient)
        left, rest = float("inf"), False
        for _ in range(_NEWTON_STEPS):
            free = ~_at_bound(logs, gradient)
            part = hessian[np.ix_(free, free)]
            step = np.zeros(len(logs))
            if free.any() and _positive(part):
                step[free] = -np.linalg.solve(part, gradient[free])
                # In the log-likelihood of all customers; half of it is what the step gains.
                gain = -float(gradient @ step) * self._customers
                rest = gain < _NOTHING_TO_GAIN
                if rest:
                    break
                moved = np.clip(logs + step, *self._bounds)
                new_value, new_gradient = self(moved)
                if gain < left / 4 and new_value <= value + 1e-13 * abs(value):
                    hessian = _learnt(hessian, moved - logs, new_gradient - gradient)
                    logs, value, gradient = moved, new_value, new_gradient
                    left, known_here = gain, False
                    continue
            if known_here:
                break
            hessian, known_here, left = self.hessian(logs, gradient), True, float("inf")
        if not known_here:
            hessian = self.hessian(logs, gradient)
        free = ~_at_bound(logs, gradient)
        rest |= float(np.abs(gradient[free]).max(initial=0.0)) <= _SMALL_GRADIENT
        return logs, hessian, gradient, rest


def _updated(inverse: Floats, step: Floats, change: Floats) -> Floats:
    """The BFGS update of the inverse Hessian; none where the curvature is not positive."""
    product = float(step @ change)
    if product <= 1e-12 * float(np.sqrt((step @ step) * (change @ change))):
        return inverse
    if np.array_equal(inverse, np.eye(len(step))):
        # The first picture of the curvature sets the scale.
        inverse = inverse * (product / float(change @ change))
    turn = np.eye(len(step)) - np.outer(step, change) / product
    result: Floats = turn @ inverse @ turn.T + np.outer(step, step) / product
    return result


def _learnt(hessian: Floats, step: Floats, change: Floats) -> Floats:
    """The BFGS update of the Hessian itself."""
    seen, told = float(step @ change), hessian @ step
    if seen <= 0 or not step @ told > 0:
        return hessian
    result: Floats = (
        hessian
        + np.outer(change, change) / seen
        - np.outer(told, told) / float(step @ told)
    )
    return result


def _at_bound(logs: Floats, gradient: Floats) -> Booleans:
    """Which parameters stand at an edge that the likelihood pushes them over."""
    low = (logs <= np.log(LOWEST) + 1e-6) & (gradient >= 0)
    high = (logs >= np.log(HIGHEST) - 1e-6) & (gradient <= 0)
    result: Booleans = low | high
    return result


def _named(names: tuple[str, ...], chosen: Booleans) -> tuple[str, ...]:
    return tuple(name for name, is_it in zip(names, chosen, strict=True) if is_it)


def _positive(matrix: Floats) -> bool:
    return bool(np.isfinite(matrix).all() and (np.linalg.eigvalsh(matrix) > 0).all())


def _covariance(hessian: Floats, free: Booleans) -> tuple[Floats, bool]:
    """Inverse of the curvature in the free parameters; NaN elsewhere."""
    result = np.full(hessian.shape, np.nan)
    part = hessian[np.ix_(free, free)]
    if not free.any() or not _positive(part):
        return result, False
    result[np.ix_(free, free)] = np.linalg.inv(part)
    return result, True
