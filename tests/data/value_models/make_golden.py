"""Writes golden.json: likelihoods and forecasts by the papers' closed forms, to 60 digits.

    python make_golden.py > golden.json

Needs mpmath, which the project does not depend on; run it in an environment of its own. It
knows nothing of pipeline.value and takes another road to each figure: hypergeometric
functions where the models integrate, derivatives by differences of 20-digit steps.
"""

from __future__ import annotations

import functools
import json
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mpmath import beta as beta_function
from mpmath import diff, gamma, hyp2f1, hyperu, log, mp, mpf

Number = Any


def pareto_nbd(p: Sequence[Number], x: Number, t_x: Number, age: Number) -> Number:
    """L of Pareto/NBD with the two hypergeometric functions."""
    r, alpha, s, beta = p
    power = s + 1 if alpha >= beta else r + x
    distance, larger = abs(alpha - beta), max(alpha, beta)

    def part(t: Number) -> Number:
        ratio = distance / (larger + t)
        total = r + s + x
        return hyp2f1(total, power, total + 1, ratio) / (larger + t) ** total

    factor = gamma(r + x) * alpha**r * beta**s / gamma(r)
    alive = 1 / ((alpha + age) ** (r + x) * (beta + age) ** s)
    return factor * (alive + s / (r + s + x) * (part(t_x) - part(age)))


def beta_geometric(first: int) -> Callable[..., Number]:
    """L of BG/NBD (first = 0) or MBG/NBD (first = 1)."""

    def likelihood(p: Sequence[Number], x: Number, t_x: Number, age: Number) -> Number:
        r, alpha, a, b = p
        survived = x + first
        factor = gamma(r + x) * alpha**r / gamma(r) / beta_function(a, b)
        result = beta_function(a, b + survived) / (alpha + age) ** (r + x)
        if survived > 0:
            result += beta_function(a + 1, b + survived - 1) / (alpha + t_x) ** (r + x)
        return factor * result

    return likelihood


def bg_bb(p: Sequence[Number], x: Number, t_x: Number, age: Number) -> Number:
    """L of BG/BB as the sum over where the customer stopped."""
    alpha, beta, gam, delta = p
    below = beta_function(alpha, beta) * beta_function(gam, delta)
    result = beta_function(alpha + x, beta + age - x) * beta_function(gam, delta + age)
    for i in range(int(age - t_x)):
        result += beta_function(alpha + x, beta + t_x - x + i) * beta_function(
            gam + 1, delta + t_x + i
        )
    return result / below


LIKELIHOODS: dict[str, Callable[..., Number]] = {
    "bg_nbd": beta_geometric(0),
    "mbg_nbd": beta_geometric(1),
    "pareto_nbd": pareto_nbd,
    "bg_bb": bg_bb,
}


def alive_and_expected(
    model: str, p: Sequence[Number], x: Number, t_x: Number, age: Number, t: Number
) -> tuple[Number, Number, Number]:
    """P(alive), E[Y(t) | x, t_x, T] and E[X(t)] by the closed forms."""
    likelihood = LIKELIHOODS[model](p, x, t_x, age)
    if model == "pareto_nbd":
        r, alpha, s, beta = p
        factor = gamma(r + x) * alpha**r * beta**s / gamma(r)
        alive = factor / ((alpha + age) ** (r + x) * (beta + age) ** s) / likelihood
        rate = (r + x) * (beta + age) / ((alpha + age) * (s - 1))
        expected = rate * (1 - ((beta + age) / (beta + age + t)) ** (s - 1))
        new = r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))
        return alive, alive * expected, new
    if model == "bg_bb":
        alpha, beta, gam, delta = p
        alive = (
            beta_function(alpha + x, beta + age - x)
            * beta_function(gam, delta + age)
            / beta_function(alpha, beta)
            / beta_function(gam, delta)
            / likelihood
        )

        def tail(n: Number) -> Number:
            return gamma(1 + delta + n) / gamma(gam + delta + n)

        factor = delta / (gam - 1) * gamma(gam + delta) / gamma(1 + delta)
        share = beta_function(alpha + x + 1, beta + age - x) / beta_function(
            alpha, beta
        )
        expected = share / likelihood * factor * (tail(age) - tail(age + t))
        new = alpha / (alpha + beta) * factor * (tail(0) - tail(t))
        return alive, expected, new
    r, alpha, a, b = p
    first = 1 if model == "mbg_nbd" else 0
    survived = x + first
    factor = gamma(r + x) * alpha**r / gamma(r) / beta_function(a, b)
    alive = (
        factor * beta_function(a, b + survived) / (alpha + age) ** (r + x) / likelihood
    )

    def bought(shape: Number, scale: Number, other: Number) -> Number:
        below = a + other - 1
        z = t / (scale + t)
        series = hyp2f1(shape, other, below, z)
        return below / (a - 1) * (1 - (scale / (scale + t)) ** shape * series)

    expected = bought(r + x, alpha + age, b + survived)
    new = bought(r, alpha, b + first) * (b / (a + b)) ** first
    return alive, alive * expected, new


def gamma_gamma(p: Sequence[Number], x: Number, m: Number) -> Number:
    """The density of m given x."""
    shape, q, scale = p
    return (
        gamma(shape * x + q)
        / (gamma(shape * x) * gamma(q))
        * scale**q
        * m ** (shape * x - 1)
        * x ** (shape * x)
        / (scale + m * x) ** (shape * x + q)
    )


def gradient(
    function: Callable[[Sequence[Number]], Number], p: Sequence[Number]
) -> Any:
    """Derivatives of ln of the function by each parameter."""
    result = []
    for at in range(len(p)):

        def of_one(value: Number, at: int = at) -> Number:
            return log(function([*p[:at], value, *p[at + 1 :]]))

        result.append(float(diff(of_one, p[at], h=mpf(10) ** -20 * p[at])))
    return result


def points(model: str, draw: random.Random, count: int) -> list[dict[str, Any]]:
    """Parameters over three decades or more, and histories of all kinds."""
    result = []
    for _ in range(count):
        p = [10 ** draw.uniform(-2, 1.5) for _ in range(4)]
        p[1] = 10 ** draw.uniform(-2, 2.5)
        if model == "pareto_nbd":
            p[3] = 10 ** draw.uniform(-2, 2.5)
        if model == "bg_bb":
            age = float(draw.choice([1, 6, 13, 52]))
            t_x = float(draw.randint(0, int(age)))
            x = float(draw.randint(1, int(t_x))) if t_x else 0.0
            t = float(draw.choice([1, 4, 13]))
        else:
            x = float(draw.choice([0, 0, 1, 1, 2, 3, 5, 10, 30, 100, 300]))
            age = 10 ** draw.uniform(0.3, 2.3)
            share = draw.choice([draw.random(), 1.0, 1 - 1e-3, 1e-3])
            t_x = age * share if x else 0.0
            t = draw.choice([1.0, 13.0, 52.0, 104.0])
        rate = draw.choice([1e-4, 0.0027, 0.1])
        p = [float(f"{value:.6g}") for value in p]
        result.append({"p": p, "x": x, "t_x": t_x, "age": age, "t": t, "rate": rate})
    return result


def main() -> None:
    """Prints all golden values as JSON."""
    draw = random.Random(20050501)
    golden: dict[str, list[dict[str, Any]]] = {}
    for model, likelihood in LIKELIHOODS.items():
        golden[model] = []
        for point in points(model, draw, 60):
            mp.dps = 60 + int(point["x"])
            p = [mpf(repr(value)) for value in point["p"]]
            x, t_x, age, t, rate = (
                mpf(repr(point[name])) for name in ("x", "t_x", "age", "t", "rate")
            )
            now = likelihood(p, x, t_x, age)
            alive, expected, new = alive_and_expected(model, p, x, t_x, age, t)
            point["log_likelihood"] = float(log(now))
            point["gradient"] = gradient(
                functools.partial(likelihood, x=x, t_x=t_x, age=age), p
            )
            point["alive"] = float(alive)
            point["conditional_expectation"] = float(expected)
            point["expected_purchases"] = float(new)
            point["no_purchase"] = float(likelihood(p, x, t_x, age + t) / now)
            if model == "pareto_nbd":
                r, alpha, s, beta = p
                point["dert"] = float(
                    alpha**r
                    * beta**s
                    * rate ** (s - 1)
                    * gamma(r + x + 1)
                    * hyperu(s, s, rate * (beta + age))
                    / (gamma(r) * (alpha + age) ** (r + x + 1) * now)
                )
            golden[model].append(point)
    mp.dps = 60
    golden["gamma_gamma"] = []
    for _ in range(30):
        p = [float(f"{10 ** draw.uniform(-1, 2):.6g}") for _ in range(3)]
        x, m = draw.choice([1, 2, 10, 300]), 10 ** draw.uniform(-1, 4)
        exact = [mpf(repr(value)) for value in p]
        density = functools.partial(gamma_gamma, x=mpf(x), m=mpf(repr(m)))
        golden["gamma_gamma"].append(
            {
                "p": p,
                "x": x,
                "m": m,
                "log_likelihood": float(log(density(exact))),
                "gradient": gradient(density, exact),
            }
        )
    json.dump(golden, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
