"""What the value models cost for a million customers, and what the week grid changes.

    .venv/bin/python benchmarks/value_models.py [--customers 1000000] [--lifetimes PYTHON]
        [--repeat 3]

Customers of three years are generated, purchase by purchase. DuckDB reduces them with the
queries of `pipeline.value.reduction`, which is timed and told apart. Then, each in a
process of its own:

- BG/NBD and Gamma-Gamma, fit and score (the bound: 10 s, 2 GB on two cores);
- the whole backtest, all models and baselines, purchases and revenue (120 s);
- the week grid against the day grid: parameters and forecasts;
- BG/NBD by `lifetimes`, if `--lifetimes` names a Python interpreter that has it (a virtual
  environment with `pip install lifetimes`; its newest release, 0.11.3, still runs with
  NumPy 2 and pandas 3). It gets the same customers on the same grid, one row each. The
  bound: ours, after the reduction, at least 15 times as fast on the grid that the product
  uses for so many, with parameters equal to 1e-3.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from pipeline.value import reduction  # noqa: E402
from pipeline.value.backtest import plan_origins  # noqa: E402

FIRST = dt.date(2022, 1, 1)
AS_OF = dt.date(2024, 12, 31)
OPPORTUNITY_DAYS = 28
# BG/NBD in weeks, and Gamma-Gamma.
PURCHASES = (0.6, 8.0, 0.7, 2.5)
SPEND = (5.0, 4.0, 60.0)


def generate(customers: int, path: Path) -> None:
    """Writes purchase days of customers who come evenly over the three years."""
    draw = np.random.default_rng(7)
    r, alpha, a, b = PURCHASES
    p, q, gamma = SPEND
    days = (AS_OF - FIRST).days
    first = draw.uniform(0, days, customers)
    rate = draw.gamma(r, 1 / alpha, customers) / 7
    stop = draw.beta(a, b, customers)
    scale = draw.gamma(q, 1 / gamma, customers)
    alive = np.arange(customers)
    clock = first
    buyers, moments = [alive], [first]
    while len(alive):
        clock = clock + draw.exponential(1 / rate[alive])
        bought = clock <= days
        alive, clock = alive[bought], clock[bought]
        buyers.append(alive)
        moments.append(clock)
        survives = draw.random(len(alive)) >= stop[alive]
        alive, clock = alive[survives], clock[survives]
    customer, moment = np.concatenate(buyers), np.concatenate(moments)
    purchases = {
        "customer_id": customer,
        "day": np.floor(moment).astype(np.int32),
        "money": draw.gamma(p, 1.0, len(customer)) / scale[customer],
    }
    with duckdb.connect() as connection:
        connection.register("purchases", purchases)
        connection.execute(
            f"""
            copy (
                select
                    customer_id,
                    date '{FIRST}' + day as purchase_date,
                    sum(money) as spend
                from purchases
                group by all
            ) to '{path}'
            """
        )


def columns(relation: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """The result as numpy arrays of float64, nulls as NaN; the one group is left out."""
    return {
        name: np.ma.filled(np.ma.asarray(column).astype(np.float64), np.nan)
        for name, column in relation.fetchnumpy().items()
        if name != "customer_group"
    }


def reduce(folder: Path, origin: dt.date, horizon_days: int, grid_days: int) -> float:
    """Writes the rows of one origin as <date>_<grid>.npz; returns the seconds it took."""
    begun = time.perf_counter()
    with duckdb.connect() as connection:
        connection.execute(
            "create table snapshot as "
            + reduction.SNAPSHOT.format(
                purchase_days=f"read_parquet('{folder / 'purchases.parquet'}')"
            ),
            {
                "origin": origin,
                "horizon_days": horizon_days,
                "opportunity_days": OPPORTUNITY_DAYS,
            },
        )
        one_group = {"customer_group": "''", "snapshot": "snapshot"}
        cells = connection.execute(
            reduction.CELLS.format(**one_group), {"grid_days": grid_days}
        )
        rows = {f"cells_{name}": each for name, each in columns(cells).items()}
        opportunities = connection.execute(reduction.OPPORTUNITIES.format(**one_group))
        for name, each in columns(opportunities).items():
            rows[f"opportunities_{name}"] = each
        money = connection.execute(
            f"""
            select
                x, recent, m, recent_spend, holdout_spend, holdout,
                round(t_x_days / {grid_days}) * {grid_days} / 7 as t_x,
                round(age_days / {grid_days}) * {grid_days} / 7 as age,
                opportunities_used, last_opportunity, opportunities,
                opportunity_purchases
            from snapshot
            """
        )
        for name, each in columns(money).items():
            rows[f"money_{name}"] = each
    seconds = time.perf_counter() - begun
    np.savez(folder / f"{origin}_{grid_days}.npz", **rows)
    return seconds


PRELUDE = """
import datetime as dt, json, pathlib, sys, time
import numpy as np
from pipeline.value import gamma_gamma
from pipeline.value.backtest import Money, Window, backtest
from pipeline.value.bg_nbd import BG_NBD
from pipeline.value.champion import choose
from pipeline.value.fitting import fit
from pipeline.value.forecasters import MODELS
from pipeline.value.histories import Triples
from pipeline.value.population import Cells, Opportunities, Population
folder = pathlib.Path(sys.argv[1])
arguments = json.loads(sys.argv[2])

def load(name):
    with np.load(folder / f"{name}.npz") as file:
        return {key: file[key] for key in file.files}

def population(rows, kind="cells", each=False):
    if each:
        ones = np.ones(len(rows["money_x"]))
        take = lambda name: rows[f"money_{name}"]
        cells = Cells(
            Triples(take("x"), take("t_x"), take("age"), ones),
            take("recent"), take("holdout"),
        )
        opportunities = Opportunities(
            Triples(
                take("opportunities_used"), take("last_opportunity"),
                take("opportunities"), ones,
            ),
            take("opportunity_purchases"), take("holdout"), arguments["weeks_each"],
        )
        return Population(cells, opportunities)
    take = lambda name: rows[f"cells_{name}"]
    cells = Cells(
        Triples(take("x"), take("t_x"), take("age"), take("customer_count")),
        take("recent"), take("holdout"),
    )
    take = lambda name: rows[f"opportunities_{name}"]
    opportunities = Opportunities(
        Triples(take("x"), take("t_x"), take("age"), take("customer_count")),
        take("opportunity_purchases"), take("holdout"), arguments["weeks_each"],
    )
    return Population(cells, opportunities)

def told(**figures):
    # Not ru_maxrss, which a process takes over from the one that started it.
    status = pathlib.Path("/proc/self/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    print(json.dumps({**figures, "peak_mb": int(peak.split()[1]) / 1024}))
"""

FIT_AND_SCORE = """
rows = load(arguments["rows"])
cells = population(rows).cells
triples = cells.triples
spend = gamma_gamma.Spend.of(rows["money_x"], rows["money_m"])
begun, cpu = time.perf_counter(), time.process_time()
distinct, places = triples.collapsed()
fitted = fit(BG_NBD, distinct)
fit_seconds, fit_cpu = time.perf_counter() - begun, time.process_time() - cpu
expected = BG_NBD.conditional_expectation(fitted.parameters, distinct, 365 / 7)
none = BG_NBD.no_purchase_probability(fitted.parameters, distinct, 365 / 7)
scored = time.perf_counter()
winsorised = spend.winsorised()
money = gamma_gamma.fit(winsorised)
means = gamma_gamma.conditional_mean(money.parameters, winsorised)
seconds = time.perf_counter() - begun
told(
    seconds=seconds, fit_seconds=fit_seconds, fit_cpu_seconds=fit_cpu,
    score_seconds=scored - begun - fit_seconds,
    spend_seconds=time.perf_counter() - scored,
    rows=len(distinct), customers=triples.customers,
    parameters=fitted.parameters.tolist(), errors=fitted.standard_errors.tolist(),
    money=money.parameters.tolist(), total=float(expected @ distinct.count),
    none=float(none @ distinct.count), evaluations=fitted.diagnosis.evaluations,
    problems=[*fitted.diagnosis.problems, *money.diagnosis.problems],
    means=float(np.mean(means)),
)
"""

BACKTEST = """
def windows():
    for origin in arguments["origins"]:
        rows = load(origin + arguments["grid"])
        earlier = dt.date.fromisoformat(origin) - dt.timedelta(days=arguments["horizon"])
        before = load(f"{earlier}" + arguments["grid"])
        money = Money(
            population(rows, each=True),
            gamma_gamma.Spend.of(rows["money_x"], rows["money_m"]),
            rows["money_recent_spend"], rows["money_holdout_spend"],
        )
        yield Window(
            dt.date.fromisoformat(origin), arguments["horizon"] / 7, population(rows),
            population(before).cells, money,
        )

begun = time.perf_counter()
tested = backtest(windows())
choice = choose(tested)
told(
    seconds=time.perf_counter() - begun, champion=choice.champion, reason=choice.reason,
    standings=[[each.forecaster, each.error, each.mae] for each in choice.standings],
    figures=len(list(tested.rows())),
)
"""

GRIDS = """
day, week = (population(load(name)).cells.triples for name in arguments["rows"])
customers = load(arguments["rows"][0])
exact = Triples.of(customers["money_x"], customers["money_t_x"], customers["money_age"])
coarse = load(arguments["rows"][1])
rounded = Triples.of(coarse["money_x"], coarse["money_t_x"], coarse["money_age"])
result = {}
for name in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
    model, found = MODELS[name], []
    for triples, each in ((day, exact), (week, rounded)):
        begun = time.perf_counter()
        fitted = fit(model, triples)
        seconds = time.perf_counter() - begun
        distinct, places = each.collapsed()
        forecast = model.conditional_expectation(fitted.parameters, distinct, 365 / 7)
        none = model.no_purchase_probability(fitted.parameters, distinct, 365 / 7)
        found.append((fitted, forecast[places], none[places], seconds, len(distinct)))
    # Fitted to the week, scored to the day.
    mixed = model.conditional_expectation(found[1][0].parameters, exact, 365 / 7)
    (one, f, n, s, k), (two, g, m, t, j) = found
    result[name] = {
        "day": one.parameters.tolist(), "week": two.parameters.tolist(),
        "relative": (np.abs(two.parameters / one.parameters - 1)).tolist(),
        "errors": (one.standard_errors / one.parameters).tolist(),
        "seconds": [s, t], "rows": [k, j],
        "total": float(g.sum() / f.sum() - 1),
        "mean_difference": float(np.abs(g - f).mean()), "mean": float(f.mean()),
        "largest": float(np.abs(g - f).max()),
        "largest_if_scored_to_the_day": float(np.abs(mixed - f).max()),
        "no_purchase_mean": float(np.abs(m - n).mean()),
        "no_purchase_largest": float(np.abs(m - n).max()),
    }
told(models=result)
"""

LIFETIMES = """
import json, pathlib, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
from lifetimes import BetaGeoFitter
folder, arguments = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])
with np.load(folder / (arguments["rows"] + ".npz")) as file:
    x, t_x, age = (file[f"money_{name}"] for name in ("x", "t_x", "age"))
begun, cpu = time.perf_counter(), time.process_time()
fitter = BetaGeoFitter()
fitter.fit(x, t_x, age)
fitted, cpu = time.perf_counter(), time.process_time() - cpu
fitter.conditional_expected_number_of_purchases_up_to_time(365 / 7, x, t_x, age)
print(json.dumps({
    "seconds": fitted - begun, "cpu_seconds": cpu,
    "score_seconds": time.perf_counter() - fitted,
    "rows": len(x),
    "parameters": [float(fitter.params_[name]) for name in ("r", "alpha", "a", "b")],
}))
"""


def run(code: str, folder: Path, arguments: dict[str, Any], python: str) -> Any:
    """Runs the code in a process of its own; what it prints is JSON."""
    process = subprocess.run(
        [python, "-c", code, str(folder), json.dumps(arguments)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    return json.loads(process.stdout.splitlines()[-1])


def told(title: str, figures: dict[str, Any]) -> None:
    """Prints the figures of one part."""
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name}: {json.dumps(value)}")


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--lifetimes", metavar="PYTHON")
    parser.add_argument("--repeat", type=int, default=3, help="of that comparison")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begun = time.perf_counter()
        generate(asked.customers, folder / "purchases.parquet")
        print(f"generated in {time.perf_counter() - begun:.1f} s")
        horizon, origins = plan_origins(FIRST, AS_OF)
        seconds = {grid: reduce(folder, AS_OF, horizon, grid) for grid in (1, 7)}
        told("reduction in DuckDB, as of today, by grid", seconds)
        with np.load(folder / f"{AS_OF}_1.npz") as file:
            triples = np.stack([file[f"cells_{each}"] for each in ("x", "t_x", "age")])
        day_rows = len(np.unique(triples, axis=1).T)
        grid = reduction.grid_days(day_rows)
        print(f"  distinct triples to the day: {day_rows}; the grid is {grid} days")
        common = {"weeks_each": OPPORTUNITY_DAYS / 7}
        for each in (7, 1):
            rows = {**common, "rows": f"{AS_OF}_{each}"}
            told(
                f"BG/NBD and Gamma-Gamma, fit and score, {each}-day grid",
                run(PRELUDE + FIT_AND_SCORE, folder, rows, sys.executable),
            )
        both = {**common, "rows": [f"{AS_OF}_1", f"{AS_OF}_7"]}
        told(
            "week against day grid", run(PRELUDE + GRIDS, folder, both, sys.executable)
        )
        earlier = {each - dt.timedelta(days=horizon) for each in origins}
        for each in (7, 1):
            taken = [
                reduce(folder, origin, horizon, each)
                for origin in sorted({*origins, *earlier})
            ]
            tested = run(
                PRELUDE + BACKTEST,
                folder,
                {
                    **common,
                    "origins": [str(origin) for origin in origins],
                    "horizon": horizon,
                    "grid": f"_{each}",
                },
                sys.executable,
            )
            tested["reduction_seconds"] = sum(taken)
            told(f"the whole backtest, {len(origins)} origins, {each}-day grid", tested)
        if asked.lifetimes:
            for each in (7, 1):
                rows = {**common, "rows": f"{AS_OF}_{each}"}
                pairs = [
                    (
                        run(PRELUDE + FIT_AND_SCORE, folder, rows, sys.executable),
                        run(LIFETIMES, folder, rows, asked.lifetimes),
                    )
                    for _ in range(asked.repeat)
                ]
                # In turn, and the best of each: other work on the machine hits both.
                mine = {
                    name: min(pair[0][name] for pair in pairs)
                    for name in ("fit_seconds", "fit_cpu_seconds")
                }
                theirs = min(
                    (pair[1] for pair in pairs), key=lambda one: one["seconds"]
                )
                theirs["cpu_seconds"] = min(pair[1]["cpu_seconds"] for pair in pairs)
                theirs["times ours"] = theirs["seconds"] / mine["fit_seconds"]
                theirs["times our CPU time"] = (
                    theirs["cpu_seconds"] / mine["fit_cpu_seconds"]
                )
                theirs["parameters relative to ours"] = [
                    one / two - 1
                    for one, two in zip(
                        theirs["parameters"], pairs[0][0]["parameters"], strict=True
                    )
                ]
                told(
                    f"lifetimes, BG/NBD, the same customers, {each}-day grid",
                    {**mine, **theirs},
                )


if __name__ == "__main__":
    main()
