"""What the engine alone needs: a company's tables by hand, and whether they are the same.

    python -m benchmarks.floor build COMPANY FLOOR.duckdb [--as-of 2025-06-15]
    python -m benchmarks.floor compare FLOOR.duckdb RELEASE/warehouse.duckdb

`build` runs `floor_sql/` over the files of a company of `benchmarks.company`, without
landing, Dagster, dbt, checks or reports. `compare` takes each table of it from the same
table of a release and the other way round, row for row, and names the tables and columns
of the release that the floor does not make: what is forecast, graded by policy, offered,
planned or checked.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.company.generate import AS_OF
from pipeline.transform.package import PACKAGE

SCRIPTS = Path(__file__).with_name("floor_sql")
# A row's doubles agree to so many significant digits: sums of decimals are exact, but one
# may have been made a double before another was divided by it.
DIGITS = 12
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Compared:
    """A table of the floor beside that of a release.

    Attributes:
        table: With its schema, as it is called in the release.
        rows: Of the floor.
        only_in_floor: Rows of the floor that the release does not have.
        only_in_release: Rows of the release that the floor does not have.
        not_made: Columns of the release that the floor does not make.
    """

    table: str
    rows: int
    only_in_floor: int
    only_in_release: int
    not_made: Sequence[str]

    @property
    def is_same(self) -> bool:
        """Whether neither has a row that the other lacks."""
        return not (self.only_in_floor or self.only_in_release)


def newest(files: Sequence[Path], entity: Mapping[str, Any]) -> str:
    """A query of the newest version of each row: the first file holds nearly all.

    Args:
        files: Oldest first; each holds a key once.
        entity: What sources.yaml says of it.
    """
    first, later = files[0], files[1:]
    if entity.get("load") == "snapshot" or not later:
        return f"select * from read_parquet('{files[-1]}')"
    key = ", ".join(entity["key"])
    names = ", ".join(f"'{path}'" for path in later)
    return (
        f"with later as (select * from read_parquet([{names}], filename = true) "
        f"qualify row_number() over (partition by {key} order by filename desc) = 1) "
        f"select * from read_parquet('{first}') anti join later using ({key}) "
        "union all select * exclude (filename) from later"
    )


def source_views(company: Path) -> Iterator[tuple[str, str]]:
    """The name and the query of each source's table, as floor_sql/ calls them."""
    declared = yaml.safe_load((company / "sources.yaml").read_text(encoding="utf-8"))
    for source in declared["sources"]:
        for name, entity in source["entities"].items():
            files = sorted((company / source["path"]).glob(entity["files"]))
            yield f"{source['name']}_{name}", newest(files, entity)


def build(company: Path, target: Path, as_of: dt.date) -> dict[str, float]:
    """Makes the floor's tables.

    Returns:
        Seconds of the wall and of the processor, and the MB at the peak, of this process.
    """
    target.unlink(missing_ok=True)
    begun = time.perf_counter()
    with duckdb.connect(str(target)) as connection:
        connection.execute(f"set variable as_of = date '{as_of}'")
        for name, query in source_views(company):
            connection.execute(f"create temp view {name} as {query}")
        seeds = {
            "cost_rates": company / "dbt_project" / "seeds" / "cost_rates.csv",
            "rfm_segments": PACKAGE / "seeds" / "rfm_segments.csv",
        }
        for name, path in seeds.items():
            connection.execute(
                f"create temp table {name} as from read_csv('{path}', header = true)"
            )
        for script in sorted(SCRIPTS.glob("*.sql")):
            connection.execute(script.read_text(encoding="utf-8"))
        connection.execute("checkpoint")
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall_seconds": time.perf_counter() - begun,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "peak_megabytes": used.ru_maxrss * PEAK_UNIT / 1e6,
        "bytes": target.stat().st_size,
    }


def _columns(
    connection: duckdb.DuckDBPyConnection, database: str
) -> dict[str, dict[str, str]]:
    """`schema.table` → its columns and their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "select schema_name || '.' || table_name, column_name, data_type "
        "from duckdb_columns() inner join duckdb_tables() "
        "using (database_name, schema_name, table_name) "
        "where database_name = ? order by table_name, column_index",
        [database],
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    return found


def _rows(relation: str, columns: Mapping[str, str]) -> str:
    """The rows of a relation, its doubles with as many digits as can agree."""
    listed = ", ".join(
        f"format('{{:.{DIGITS - 1}e}}', {name}) as {name}" if kind == "DOUBLE" else name
        for name, kind in columns.items()
    )
    return f"select {listed} from {relation}"


def compare(floor: Path, release: Path) -> tuple[list[Compared], list[str]]:
    """Compares each table of the floor with the release's.

    Returns:
        The tables that both have, and the marts that only the release has.

    Raises:
        ValueError: The floor has a table or column that the release has not, or of
            another type: it would be compared with nothing.
    """
    with duckdb.connect() as connection:
        connection.execute(f"attach '{floor}' as floor (read_only)")
        connection.execute(f"attach '{release}' as warehouse (read_only)")
        released = _columns(connection, "warehouse")
        stands_in = dict.fromkeys(released, "warehouse")
        if (private := release.with_name("private.duckdb")).exists():
            connection.execute(f"attach '{private}' as private (read_only)")
            for kept, columns in _columns(connection, "private").items():
                stands_in.setdefault(kept, "private")
                released.setdefault(kept, columns)
        compared = []
        for name, columns in _columns(connection, "floor").items():
            bare = name.removeprefix("main.")
            if bare.startswith("core_"):
                continue  # in no release; what is made of it is compared
            table = next(
                (f"{schema}.{bare}" for schema in ("marts", "meta")
                 if f"{schema}.{bare}" in released),
                None,
            )  # fmt: skip
            if table is None:
                raise ValueError(f"the release has no table {bare}")
            theirs = released[table]
            for column, kind in columns.items():
                if theirs.get(column) != kind:
                    raise ValueError(
                        f"{table}.{column} is {theirs.get(column, 'not there')} in the "
                        f"release and {kind} in the floor"
                    )
            mine = _rows(f"floor.main.{bare}", columns)
            other = _rows(f"{stands_in[table]}.{table}", columns)
            (rows, only_mine, only_theirs) = connection.execute(
                f"select (select count(*) from floor.main.{bare}), "
                f"(select count(*) from ({mine} except all {other})), "
                f"(select count(*) from ({other} except all {mine}))"
            ).fetchone() or (0, 0, 0)
            not_made = [column for column in theirs if column not in columns]
            compared.append(Compared(table, rows, only_mine, only_theirs, not_made))
    made = {item.table for item in compared}
    return compared, [
        table for table in released if table.startswith("marts.") and table not in made
    ]


def print_comparison(compared: Sequence[Compared], not_made: Sequence[str]) -> None:
    """Prints the tables, and what the floor does not make."""
    for item in compared:
        verdict = (
            "the same"
            if item.is_same
            else f"DIFFERS: {item.only_in_floor:,} rows only in the floor, "
            f"{item.only_in_release:,} only in the release"
        )
        print(f"  {item.table:30} {item.rows:12,} rows  {verdict}")
        if item.not_made:
            print(f"      without {', '.join(item.not_made)}")
    print(f"  not made by the floor: {', '.join(not_made)}")


def main() -> None:
    """Builds or compares; the exit code is 1 where tables differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build")
    building.add_argument("company", type=Path)
    building.add_argument("floor", type=Path)
    building.add_argument("--as-of", type=dt.date.fromisoformat, default=AS_OF)
    comparing = commands.add_parser("compare")
    comparing.add_argument("floor", type=Path)
    comparing.add_argument("release", type=Path)
    comparing.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.command == "build":
        print(json.dumps(build(options.company, options.floor, options.as_of)))
        return
    compared, not_made = compare(options.floor, options.release)
    if options.json:
        tables = [asdict(item) for item in compared]
        print(json.dumps({"tables": tables, "not_made": not_made}))
    else:
        print_comparison(compared, not_made)
    sys.exit(not all(item.is_same for item in compared))


if __name__ == "__main__":
    main()
