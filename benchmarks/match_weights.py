"""Measures the weights of `dbt_project/seeds/match_weights.csv` on a population.

    python benchmarks/match_weights.py RECORDS.parquet company

Unsupervised: splink estimates u on random pairs and m by expectation maximisation, with
no look at who is who. Prints rows of the seed. Run it on your own records when they differ
much from those that the weights were measured on, and read the figures before you paste
them: a level that never occurs has no estimate, and keeps the weight that it has.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
from collections import defaultdict
from pathlib import Path
from statistics import median

import duckdb
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI

from pipeline.identity import normal, pairs

PROJECT = Path(__file__).resolve().parent.parent
SEEDS = PROJECT / "dbt_project" / "seeds"
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


def main() -> None:
    """Prints the measured rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("records", type=Path, help="Parquet of canonical customers")
    parser.add_argument("kind", choices=["company", "person"])
    arguments = parser.parse_args()

    def words(seed: str) -> frozenset[str]:
        with (SEEDS / f"{seed}.csv").open(encoding="utf-8") as file:
            return frozenset(row[0] for row in list(csv.reader(file))[1:])

    vocabulary = normal.Vocabulary(
        words("match_legal_forms"), words("match_places"), words("match_free_mail")
    )
    connection = duckdb.connect()
    records = connection.execute(
        f"select row_number() over () as record_no, columns(c -> c <> 'record_no') "
        f"from '{arguments.records}' "
        f"where customer_type = '{arguments.kind}'"
    ).to_arrow_table()
    connection.register("records", records)
    connection.register("made", normal.forms(records, vocabulary))
    birth = "birth_date" if "birth_date" in records.column_names else "null::date"
    connection.execute(
        f"create table forms as select record_no, source, customer_type, "
        f"{birth} as birth_date, made.* from records positional join made"
    )
    logging.getLogger("splink").setLevel(logging.ERROR)
    comparisons = pairs.COMPARISONS[arguments.kind]
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
    for columns in TRAINING[arguments.kind]:
        linker.training.estimate_parameters_using_expectation_maximisation(
            block_on(*columns), fix_u_probabilities=True
        )
    found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for comparison in linker._settings_obj.comparisons:
        for level in comparison.comparison_levels:
            if level.is_null_level:
                continue
            for record in level._trained_m_probabilities:
                if isinstance(record["probability"], float):
                    found[
                        comparison.output_column_name, level.label_for_charts, "m"
                    ].append(record["probability"])
            for record in level._trained_u_probabilities:
                if isinstance(record["probability"], float):
                    found[
                        comparison.output_column_name, level.label_for_charts, "u"
                    ].append(record["probability"])
    writer = csv.writer(sys.stdout)
    for item in comparisons:
        for name in [*item.levels, "else"]:
            key = (item.name.replace(" ", "_"), name)
            m, u = (found.get((*key, side), []) for side in "mu")
            writer.writerow(
                [
                    arguments.kind,
                    item.name,
                    name,
                    f"{median(m):.5g}" if m else "",
                    f"{median(u):.3g}" if u else "",
                    " ".join(f"{value:.3g}" for value in m),
                ]
            )


if __name__ == "__main__":
    main()
