"""Measures the weights of `dbt_project/seeds/match_weights.csv` on a population.

    python -m benchmarks.match_weights person RECORDS.parquet
    python -m benchmarks.match_weights company RECORDS.parquet --truth TRUTH.parquet

Without a truth splink estimates u on random pairs and m by expectation maximisation. With
one (source, source_customer_id, identity), m is the frequency among pairs of one customer,
and u the distribution among compared pairs of two customers that separates both best: the
comparisons are not independent (a sister company shares phone, domain and door at once), and
plain frequencies would count the same evidence three times.

Prints rows of the seed. Read them before you paste them: a level that is rare in the
population has a poor estimate, and an extreme weight decides alone. How ours were rounded:
`docs/identity.md`.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import median

import duckdb
import numpy as np
from scipy.optimize import minimize
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI

from pipeline.identity import normal, pairs, policy, shared
from tests.unit.identity.ground import COLUMNS, Ground, vocabulary

# What splink's expectation maximisation holds fixed, one after the other.
TRAINING = {
    "person": [
        ("family_key", "postal_key"),
        ("given_key", "city_key"),
        ("birth_date",),
        ("registration_key",),
        ("street_key", "street_number"),
    ],
    "company": [
        ("name_core",),
        ("name_sound", "country_key"),
        ("phone_key",),
        ("domain_key",),
        ("registration_key",),
        ("street_key", "street_number"),
    ],
}
Weights = Mapping[tuple[str, str], tuple[float | None, float | None]]


def main() -> None:
    """Prints the measured rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["company", "person"])
    parser.add_argument("records", type=Path, help="Parquet of canonical customers")
    parser.add_argument("--truth", type=Path)
    arguments = parser.parse_args()
    ground = Ground()
    connection = ground.connection
    made_forms(connection, arguments.records, arguments.kind)
    if arguments.truth:
        prior, weights = fitted(connection, arguments.kind, arguments.truth)
        print(f"prior {prior:.2g}", file=sys.stderr)
    else:
        weights = estimated(connection, arguments.kind)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for comparison in pairs.COMPARISONS[arguments.kind]:
        for level in [*comparison.levels, "else"]:
            m, u = weights[comparison.name, level]
            writer.writerow(
                [
                    arguments.kind,
                    comparison.name,
                    level,
                    "" if m is None else f"{m:.2g}",
                    "" if u is None else f"{u:.2g}",
                ]
            )


def made_forms(connection: duckdb.DuckDBPyConnection, path: Path, kind: str) -> None:
    """Makes the table `forms` from the records of one kind."""
    given = {
        name
        for name, *_ in connection.execute(
            f"describe select * from '{path}'"
        ).fetchall()
    }
    columns = ", ".join(
        name
        if name in given
        else f"null::{'date' if name == 'birth_date' else 'varchar'} as {name}"
        for name in COLUMNS
    )
    records = connection.execute(
        f"select row_number() over () as record_no, source, source_customer_id, {columns} "
        f"from '{path}' where customer_type = '{kind}'"
    ).to_arrow_table()
    connection.register("records", records)
    connection.register("made", normal.forms(records, vocabulary()))
    connection.execute(
        "create table own as select record_no, source, source_customer_id, "
        "customer_type, birth_date, made.* from records positional join made"
    )
    rules = policy.read(connection, "warehouse.meta")
    connection.execute(f"create table every as {shared.add(connection, rules, 'own')}")
    connection.execute(f"create table forms as {shared.weighed('every')}")


def estimated(connection: duckdb.DuckDBPyConnection, kind: str) -> Weights:
    """Splink's estimates: the median over the training rules."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    comparisons = pairs.COMPARISONS[kind]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_no",
        comparisons=[
            {
                "output_column_name": item.name.replace(" ", "_"),
                "comparison_levels": [
                    {
                        "sql_condition": item.missing,
                        "label_for_charts": "missing",
                        "is_null_level": True,
                    },
                    *(
                        {"sql_condition": sql, "label_for_charts": name}
                        for name, sql in item.levels.items()
                    ),
                    {"sql_condition": "ELSE", "label_for_charts": "else"},
                ],
            }
            for item in comparisons
        ],
        blocking_rules_to_generate_predictions=[],
    )
    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register("forms"), settings, log_level=logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for columns in TRAINING[kind]:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), fix_u_probabilities=True
        )
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for comparison in linker._settings_obj.comparisons:
        name = comparison.output_column_name.replace("_", " ")
        for level in comparison.comparison_levels:
            if level.is_null_level:
                continue
            for side, records in (
                ("m", level._trained_m_probabilities),
                ("u", level._trained_u_probabilities),
            ):
                found[name, level.label_for_charts, side] += [
                    record["probability"]
                    for record in records
                    if isinstance(record["probability"], float)
                ]
    return {
        (item.name, level): (
            _median(found[item.name, level, "m"]),
            _median(found[item.name, level, "u"]),
        )
        for item in comparisons
        for level in [*item.levels, "else"]
    }


def _median(values: list[float]) -> float | None:
    return median(values) if values else None


def fitted(
    connection: duckdb.DuckDBPyConnection, kind: str, truth: Path
) -> tuple[float, Weights]:
    """Frequencies among pairs of one customer, and the u that separate best.

    Returns:
        The prior, and m and u by comparison and level.
    """
    rules = policy.read(connection, "warehouse.meta")
    comparisons = pairs.COMPARISONS[kind]
    names = [
        (item.name, level) for item in comparisons for level in [*item.levels, "else"]
    ]
    place = {name: number for number, name in enumerate(names)}
    groups = [
        np.array([place[item.name, level] for level in [*item.levels, "else"]])
        for item in comparisons
    ]
    connection.execute(
        f"""
        create table known as select record_no, identity
        from forms inner join '{truth}' using (source, source_customer_id);
        create table blocks as {pairs.block_values(rules, "forms")};
        create table compared as {pairs.candidates(rules, "blocks")};
        create table same as
        select l.record_no as left_no, r.record_no as right_no
        from known as l inner join known as r
            on l.identity = r.identity and l.record_no < r.record_no
        """
    )
    columns = sorted({column for item in comparisons for column in item.columns})

    def levels(table: str) -> str:
        cases = ", ".join(
            f"case when {item.missing} then 'missing' "
            + " ".join(f"when {sql} then '{name}'" for name, sql in item.levels.items())
            + f" else 'else' end as c{number}"
            for number, item in enumerate(comparisons)
        )
        sides = ", ".join(
            f"l.{name} as {name}_l, r.{name} as {name}_r" for name in columns
        )
        return f"""
            select same_one, {cases} from (
                select kl.identity = kr.identity as same_one, {sides}
                from {table} as p
                inner join forms as l on p.left_no = l.record_no
                inner join forms as r on p.right_no = r.record_no
                inner join known as kl on p.left_no = kl.record_no
                inner join known as kr on p.right_no = kr.record_no
            )
        """

    m = np.zeros(len(names))
    for number, item in enumerate(comparisons):
        counts = dict(
            connection.execute(
                f"select c{number}, count(*) from ({levels('same')}) "
                f"where c{number} <> 'missing' group by all"
            ).fetchall()
        )
        total = sum(counts.values()) + len(item.levels) + 1
        for level in [*item.levels, "else"]:
            m[place[item.name, level]] = (counts.get(level, 0) + 1) / total
    rows = connection.execute(levels("compared")).fetchall()
    same = np.array([row[0] for row in rows], dtype=float)
    seen = np.zeros((len(rows), len(names)))
    for number, row in enumerate(rows):
        for item, level in zip(comparisons, row[1:], strict=True):
            if level != "missing":
                seen[number, place[item.name, level]] = 1

    def log_u(free: np.ndarray) -> np.ndarray:
        found = np.zeros(len(names))
        for group in groups:
            found[group] = free[group] - np.logaddexp.reduce(free[group])
        return found

    def loss(free: np.ndarray) -> tuple[float, np.ndarray]:
        u = log_u(free[:-1])
        odds = seen @ (np.log(m) - u) + free[-1]
        error = 1 / (1 + np.exp(-odds)) - same
        down = -(seen.T @ error)
        slope = np.zeros(len(free))
        for group in groups:
            slope[group] = down[group] - np.exp(u[group]) * down[group].sum()
        slope[:-1] += 0.02 * free[:-1]
        slope[-1] = error.sum()
        value = (np.logaddexp(0, odds) - same * odds).sum()
        return float(value + 0.01 * (free[:-1] ** 2).sum()), slope

    start = np.full(len(names) + 1, -1.0)
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000}
    )
    u = np.exp(log_u(found.x[:-1]))
    prior = float(1 / (1 + np.exp(-found.x[-1])))
    return prior, {
        name: (float(m[number]), float(u[number])) for name, number in place.items()
    }


if __name__ == "__main__":
    main()
