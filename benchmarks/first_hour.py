"""From what somebody brings to a first release: the commands, and all that they print.

    .venv/bin/python -m benchmarks.first_hour DATA [--only NAME ...]

DATA is a folder with `online_retail/`, `adventureworks/` and `servicenow/`: UCI Online
Retail, Microsoft's AdventureWorksDW and UCI's incident log, as Parquet files. Five shapes
are brought as they come: a folder of CSVs, one Parquet file, a workbook with Chinese
sheets, a PostgreSQL database, a help desk's log. For each the commands of
docs/bring-your-own-data.md are run in a new folder, nothing is changed by hand, and the
transcript is written to docs/transcripts/NAME.md: minutes, lines written by hand, refreshes
until published. Paths of the machine are left out.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipeline.common.settings import PROJECT_ROOT
from tests.integration import servers
from tests.unit.scaffold import brought

TRANSCRIPTS = PROJECT_ROOT / "docs" / "transcripts"
# What a person sees of a release who asks the warehouse.
QUERY = (
    "select tier_name_en, count(*) as customers from marts.customer_tiers group by all"
)


@dataclass(frozen=True)
class Brought:
    """Something that is brought: what `--from` is given, and what must be set for it."""

    what: str
    environment: dict[str, str]


def folder_of_csvs(data: Path, folder: Path) -> Brought:
    """AdventureWorksDW's tables, each as a CSV."""
    exports = folder / "exports"
    exports.mkdir()
    for path in sorted((data / "adventureworks").glob("*.parquet")):
        duckdb.sql(f"copy (from '{path}') to '{exports}/{path.stem}.csv' (header)")
    return Brought("exports", {})


def flat_parquet(data: Path, folder: Path) -> Brought:
    """UCI Online Retail as one file without a key."""
    (path,) = (data / "online_retail").glob("*.parquet")
    target = folder / "online_retail.parquet"
    target.write_bytes(path.read_bytes())
    return Brought(target.name, {})


def chinese_workbook(_data: Path, folder: Path) -> Brought:
    """客户, 商品, 销售明细, 回款 and 工单 of an invented company."""
    path = brought.chinese_workbook(folder / "drafts")
    path.rename(folder / path.name)
    return Brought(path.name, {})


def help_desk_log(data: Path, folder: Path) -> Brought:
    """The UCI incident log: every version of every incident, all text."""
    (path,) = (data / "servicenow").glob("*.parquet")
    target = folder / "incidents.parquet"
    target.write_bytes(path.read_bytes())
    return Brought(target.name, {})


@contextmanager
def postgresql(data: Path, folder: Path) -> Iterator[Brought]:
    """Online Retail as an ERP keeps it: customers, products, invoices and their lines."""
    (path,) = (data / "online_retail").glob("*.parquet")
    with (
        servers.postgresql() as server,
        servers.fresh("postgresql", server, folder, "erp") as database,
    ):
        database.run(
            "create table customers (customer_id integer primary key, country text)",
            "create table products (stock_code text primary key, description text)",
            "create table invoices (invoice_no text primary key, customer_id integer "
            "references customers, invoiced_at timestamp)",
            "create table invoice_lines (invoice_no text references invoices, "
            "line_no integer, stock_code text references products, quantity integer, "
            "unit_price numeric(12, 3), primary key (invoice_no, line_no))",
        )
        tables = {
            "customers": "select CustomerID::int, any_value(Country) from lines "
            "group by all",
            "products": "select StockCode, any_value(Description) from lines group by 1",
            "invoices": "select InvoiceNo, any_value(CustomerID)::int, "
            "min(InvoiceDate) from lines group by 1",
            "invoice_lines": "select InvoiceNo, row_number() over (partition by "
            "InvoiceNo), StockCode, Quantity, UnitPrice from lines",
        }
        url = database.owner.set(drivername="postgresql")
        import psycopg

        with (
            duckdb.connect() as connection,
            psycopg.connect(url.render_as_string(hide_password=False)) as erp,
        ):
            connection.execute(
                f"create view lines as from '{path}' where CustomerID is not null"
            )
            for table, query in tables.items():
                file = folder / f"{table}.csv"
                connection.execute(f"copy ({query}) to '{file}' (header false)")
                with erp.cursor().copy(f"copy {table} from stdin (format csv)") as copy:
                    copy.write(file.read_bytes())
                file.unlink()
        database.run(
            *(f"grant select on {table} to public" for table in tables), "analyze"
        )
        yield Brought("'${ERP_URL}'", {"ERP_URL": database.url})


@contextmanager
def _plain(made: Brought) -> Iterator[Brought]:
    yield made


SHAPES: dict[str, Callable[[Path, Path], object]] = {
    "folder-of-csvs": folder_of_csvs,
    "flat-parquet": flat_parquet,
    "chinese-workbook": chinese_workbook,
    "postgresql": postgresql,
    "help-desk-log": help_desk_log,
}


class Transcript:
    """Runs commands in a folder, and keeps them with what they print."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = {
            **os.environ,
            **environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "COLUMNS": "100",
        }
        self._lines: list[str] = []
        self.seconds = 0.0
        self.refreshes = 0

    def run(self, command: str, below: str = ".") -> int:
        """Runs a command line as a person types it; its exit code."""
        begun = time.perf_counter()
        result = subprocess.run(
            ["bash", "-c", command],
            check=False,
            cwd=self._folder / below,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        took = time.perf_counter() - begun
        self.seconds += took
        self.refreshes += command == "customer-tiers refresh"
        said = result.stdout.replace(str(self._folder), "~")
        said = re.sub(r"postgresql(\+\w+)?://\S+", "postgresql://…", said)
        self._lines += [f"$ {command}", *(line.rstrip() for line in said.splitlines())]
        self._lines += [f"[{took:.1f} s, exit code {result.returncode}]", ""]
        return result.returncode

    def text(self) -> str:
        """Everything so far."""
        return "\n".join(self._lines)


def first_hour(name: str, data: Path) -> str:
    """Brings one shape, and writes its transcript; one line of the summary."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        made = SHAPES[name](data, folder)
        with _plain(made) if isinstance(made, Brought) else made as what:  # type: ignore[attr-defined]
            for path in folder.rglob("*"):
                os.utime(path, (0, 0))
            transcript = Transcript(folder, what.environment)
            transcript.run(f"customer-tiers init shop --from {what.what}")
            for command in ("check-sources", "refresh"):
                if transcript.run(f"customer-tiers {command}", "shop"):
                    break
            query = (
                "import duckdb; duckdb.connect('data/current/warehouse.duckdb', "
                f"read_only=True).sql('{QUERY}').show()"
            )
            transcript.run(f'python -c "{query}"', "shop")
            minutes = f"{transcript.seconds / 60:.1f}"
            summary = f"| {name} | {minutes} | 0 | {transcript.refreshes} |"
            TRANSCRIPTS.mkdir(exist_ok=True)
            (TRANSCRIPTS / f"{name}.md").write_text(
                f"# {name}: {SHAPES[name].__doc__ or ''}\n\n"
                f"{minutes} minutes on two cores, no line written by "
                f"hand, {transcript.refreshes} refresh until published. "
                "`benchmarks/first_hour.py` made it, with `~` for the folder.\n\n```\n"
                + transcript.text()
                + "```\n"
            )
    return summary


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", choices=SHAPES, default=list(SHAPES))
    given = parser.parse_args()
    print("| what | minutes | lines by hand | refreshes |\n|---|---|---|---|")
    for name in given.only:
        print(first_hour(name, given.data), flush=True)


if __name__ == "__main__":
    main()
