"""`check-sources` finds what a refresh would refuse: each with the place to edit.

One small project is broken in one way after another. It stays in its folder, so that dbt's
parse of it stays warm: a trial takes a second or two.
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.settings import Settings
from pipeline.gates import project_trial, trial_findings
from pipeline.gates.trial_findings import Finding
from pipeline.sources import load_sources
from pipeline.transform.package import NEUTRAL_SEEDS
from tests.conftest import command, invoke
from tests.integration.small import SmallCompany, World

WORLD: World = {
    "customers": [
        {
            "source_customer_id": f"c{number}",
            "customer_type": "company",
            "customer_name": f"Company {number}",
        }
        for number in range(6)
    ],
    "products": [{"source_product_id": "p", "product_name": "Pump"}],
    "order_lines": [
        {
            "order_id": f"o{number}",
            "line_number": 1,
            "customer_source": "shop",
            "source_customer_id": f"c{number % 6}",
            "source_product_id": "p",
            "ordered_at": f"2024-0{1 + number % 6}-10 10:00:00",
            "order_date": f"2024-0{1 + number % 6}-10",
            "quantity": 1,
            "net_amount": 100 + number,
            "is_return": "false",
            "currency": "EUR",
        }
        for number in range(24)
    ],
    "service_tickets": [
        {
            "ticket_id": f"t{number}",
            "customer_source": "shop",
            "source_customer_id": f"c{number % 6}",
            "opened_at": f"2024-05-1{number} 10:00:00",
        }
        for number in range(10)
    ],
}
YAML = """\
version: 1
business:
  reporting_currency: EUR
  time_zone: UTC
  as_of: 2024-06-30
sources:
  - name: shop
    kind: files
    path: inbox
    provides: [customers, products, order_lines, service_tickets]
    entities:
      customers:
        files: customers.csv
        key: [source_customer_id]
        load: snapshot
        settle_seconds: 0
      products:
        files: products.csv
        key: [source_product_id]
        load: snapshot
        settle_seconds: 0
      order_lines:
        files: order_lines_*.csv
        key: [order_id, line_number]
        settle_seconds: 0
        becomes:
          - {entity: order_lines, amount: cast(net_amount as decimal)}
      service_tickets:
        files: service_tickets.csv
        key: [ticket_id]
        load: snapshot
        settle_seconds: 0
"""
STAGING = "dbt_project/models/staging/shop"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check") / "project"
    SmallCompany(folder, WORLD)
    (folder / "sources.yaml").write_text(YAML)
    lines = (folder / "inbox" / "order_lines.csv").read_text().splitlines(True)
    (folder / "inbox" / "order_lines.csv").unlink()
    (folder / "inbox" / "order_lines_1.csv").write_text("".join(lines[:13]))
    (folder / "inbox" / "order_lines_2.csv").write_text(lines[0] + "".join(lines[13:]))
    return folder


@pytest.fixture
def folder(pristine: Path, tmp_path: Path) -> Iterator[Path]:
    """The project, to be broken; it is whole again afterwards."""
    kept = tmp_path / "kept"
    parts = ("inbox", "dbt_project/models", "dbt_project/seeds")
    for part in parts:
        shutil.copytree(pristine / part, kept / part)
    yield pristine
    for part in parts:
        shutil.rmtree(pristine / part)
        shutil.copytree(kept / part, pristine / part)
    shutil.rmtree(pristine / "home", ignore_errors=True)
    shutil.rmtree(pristine / "expectations", ignore_errors=True)
    (pristine / "sources.yaml").write_text(YAML)


def edit(path: str, old: str, new: str, times: int = 1) -> Callable[[Path], None]:
    """Replaces what stands in a file of the project, so many times; -1 is each."""

    def change(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text, old
        (folder / path).write_text(text.replace(old, new, times))

    return change


def declare(old: str, new: str) -> Callable[[Path], None]:
    return edit("sources.yaml", old, new)


def stage(entity: str, old: str, new: str) -> Callable[[Path], None]:
    return edit(f"{STAGING}/stg_shop__{entity}.sql", old, new)


def write(path: str, content: str | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes) else content.encode()
        (folder / path).write_bytes(text)

    return change


def policy(name: str, old: str, new: str) -> Callable[[Path], None]:
    """Gives the project a seed of its own that is not the neutral one."""

    def change(folder: Path) -> None:
        text = (NEUTRAL_SEEDS / f"{name}.csv").read_text()
        assert old in text, old
        write(f"dbt_project/seeds/{name}.csv", text.replace(old, new, 1))(folder)

    return change


def lose_column(name: str) -> Callable[[Path], None]:
    """Takes a column out of the second file."""

    def change(folder: Path) -> None:
        path = folder / "inbox" / "order_lines_2.csv"
        rows = [line.split(",") for line in path.read_text().splitlines()]
        place = rows[0].index(name)
        for row in rows:
            del row[place]
        path.write_text("\n".join(",".join(row) for row in rows) + "\n")

    return change


def repeat_row(folder: Path) -> None:
    path = folder / "inbox" / "order_lines_1.csv"
    lines = path.read_text().splitlines(True)
    path.write_text("".join([*lines, lines[-1]]))


def to_database(folder: Path) -> None:
    text = (folder / "sources.yaml").read_text()
    text = text.replace("kind: files", "kind: database")
    text = text.replace("    path: inbox", "    url: postgresql://me@127.0.0.1:9/erp")
    text = re.sub(r"\n +files: .*", "", text)
    (folder / "sources.yaml").write_text(text)


@dataclasses.dataclass(frozen=True)
class Fault:
    """A way in which a project is broken, and what is said of it.

    Attributes:
        words: What is said, once.
        file: The file that is named, and words of the line that is.
    """

    change: Callable[[Path], None]
    exit_code: int
    words: str
    file: str = "sources.yaml"
    at: str = ""


KEY = "key: [order_id, line_number]"
LINES = f"{STAGING}/stg_shop__order_lines.sql"
FAULTS = {
    "a key that is no column": Fault(
        declare(KEY, "key: [order_id, line_no]"),
        2,
        "there is no column line_no in order_lines_1.csv, order_lines_2.csv",
        at="key: [order_id, line_no]",
    ),
    "a key that the second file lacks": Fault(
        lose_column("line_number"),
        2,
        "there is no column line_number in order_lines_2.csv",
        at=KEY,
    ),
    "a key that does not tell rows apart": Fault(
        repeat_row, 3, "a_key_stands_once_in_a_file", at=KEY
    ),
    "a file in an encoding that is not clear": Fault(
        write(
            "inbox/order_lines_2.csv",
            "order_id,line_number\n홍길동,1\n".encode("cp949"),
        ),
        5,
        "`encoding`",
        at="order_lines:",
    ),
    "a file that is not there": Fault(
        declare("customers.csv", "clients.csv"),
        5,
        "no file matches clients.csv",
        at="files: clients.csv",
    ),
    "a file without a row or a column": Fault(
        write("inbox/products.csv", ""), 5, "products.csv", at="files: products.csv"
    ),
    "a server that does not answer": Fault(
        to_database, 5, "cannot be reached", at="url: postgresql"
    ),
    "rows of another type than declared": Fault(
        declare(KEY, f"{KEY}\n        columns: {{net_amount: date}}"),
        3,
        "of order_lines_1.csv cannot be read, and at most 1.0% may",
        at="columns:",
    ),
    "becomes that cannot be computed": Fault(
        declare("cast(net_amount as", "cast(amount as"),
        2,
        "what sources.yaml says of `becomes: order_lines` cannot be computed",
        at="entity: order_lines",
    ),
    "a column that staging names and nobody gives": Fault(
        stage("order_lines", "nullif(quantity, '')", "nullif(pieces, '')"),
        2,
        'Referenced column "pieces" not found',
        LINES,
        "pieces",
    ),
    "staging that is no SQL": Fault(
        stage("order_lines", "from latest_rows", "form latest_rows"),
        2,
        "stg_shop__order_lines does not work",
        LINES,
        "form latest_rows",
    ),
    "staging with a function that there is not": Fault(
        stage("products", "nullif(product_name, '')", "proper(product_name)"),
        2,
        "proper",
        f"{STAGING}/stg_shop__products.sql",
        "proper",
    ),
    "staging that refers to nothing": Fault(
        stage("products", 'source("shop", "products")', 'source("shop", "goods")'),
        2,
        "'shop.goods' which was not found",
        f"{STAGING}/stg_shop__products.sql",
        "goods",
    ),
    "staging whose Jinja does not end": Fault(
        stage("products", "}}", "}"),
        2,
        "Compilation Error",
        f"{STAGING}/stg_shop__products.sql",
    ),
    "staging without a column that is needed": Fault(
        stage(
            "order_lines",
            "    nullif(currency, '') as currency\n",
            "    1 as channel\n",
        ),
        2,
        "does not give the column currency",
        LINES,
    ),
    "staging with a column that is not canonical": Fault(
        stage("customers", "as customer_type", "as customer_type, 1 as colour"),
        2,
        "gives the column colour, which customers does not have",
        f"{STAGING}/stg_shop__customers.sql",
        "colour",
    ),
    "staging of another type": Fault(
        stage("order_lines", "nullif(order_date, '')", "'x' || order_date"),
        2,
        "order_date is no date",
        LINES,
        "order_date",
    ),
    "a model that is not there": Fault(
        lambda folder: (folder / STAGING / "stg_shop__products.sql").unlink(),
        2,
        "the model stg_shop__products.sql is not in",
        at="provides:",
    ),
    "an amount that is none": Fault(
        edit("inbox/order_lines_2.csv", ",1,112,", ",1,many,"),
        2,
        "net_amount is no decimal",
        LINES,
        "net_amount",
    ),
    "two rows of one key after staging": Fault(
        stage("customers", "nullif(source_customer_id, '')", "'c1'"),
        3,
        "customers has one row each",
        f"{STAGING}/stg_shop__customers.sql",
        "source_customer_id",
    ),
    "a line without an amount": Fault(
        edit("inbox/order_lines_2.csv", ",1,112,", ",1,,"),
        3,
        "net_amount is empty in 1 order lines",
        LINES,
        "net_amount",
    ),
    "lines of customers whom nobody gives": Fault(
        edit("inbox/order_lines_1.csv", "shop,c3", "shop,guest"),
        3,
        "1 order lines name a customer whom no source gives: guest",
        LINES,
        "source_customer_id",
    ),
    "tickets of customers whom nobody gives": Fault(
        edit("inbox/service_tickets.csv", "shop,c", "shop,guest", -1),
        3,
        "10 of 10 tickets name a customer whom no source gives: guest",
        f"{STAGING}/stg_shop__service_tickets.sql",
        "source_customer_id",
    ),
    "a currency without a rate": Fault(
        edit("inbox/order_lines_1.csv", "EUR", "CHF"),
        3,
        "amounts are in CHF",
        LINES,
        "currency",
    ),
    "a column with two cases": Fault(
        write("inbox/products.csv", "source_product_id,Name,name\np,x,y\n"),
        5,
        "'Name' and 'name', which differ only in case",
        at="products:",
    ),
    "a column with a name of ours": Fault(
        write("inbox/products.csv", "source_product_id,_BATCH_ID\np,x\n"),
        5,
        "'_BATCH_ID' whose name is taken",
        at="files: products.csv",
    ),
    "a policy that begins after the as-of day": Fault(
        policy("policies", "1900-01-01", "2030-01-01"),
        3,
        "No policy is in force on the as-of day 2024-06-30 (line 5 of sources.yaml)",
        "dbt_project/seeds/policies.csv",
        "2030-01-01",
    ),
    "a policy with a cell that is none": Fault(
        policy("tiers", ",1,", ",first,"),
        3,
        "tier_rank is 'first', which is no integer",
        "dbt_project/seeds/tiers.csv",
        ",first,",
    ),
    "a seed with a row of too many cells": Fault(
        write(
            "dbt_project/seeds/tier_overrides.csv",
            "nonsense\n1\n",
        ),
        2,
        "tier_overrides.csv lacks ",
        "",
    ),
    "a seed with a cell of another type": Fault(
        write(
            "dbt_project/seeds/cost_rates.csv",
            (NEUTRAL_SEEDS / "cost_rates.csv").read_text().splitlines()[0]
            + "\n"
            + ",".join(
                "cheap"
                for _ in (NEUTRAL_SEEDS / "cost_rates.csv")
                .read_text()
                .split("\n")[0]
                .split(",")
            )
            + "\n",
        ),
        3,
        "cost_rates: ",
        "dbt_project/seeds/cost_rates.csv",
    ),
    "a word that is no type": Fault(
        declare(KEY, f"{KEY}\n        columns: {{net_amount: money}}"),
        2,
        "columns: net_amount: 'money' is no type",
        at="columns:",
    ),
    "an option that there is not": Fault(
        declare("load: snapshot", "lode: snapshot"),
        2,
        "there is no such option; did you mean `load`?",
        at="lode:",
    ),
    "a time zone that there is not": Fault(
        declare("UTC", "Mars/Olympus"), 2, "no time zone; give one", at="time_zone:"
    ),
    "an as-of day in the future": Fault(
        declare("2024-06-30", "2999-01-01"), 2, "lies in the future", at="as_of:"
    ),
    "a variable that is not set": Fault(
        declare("path: inbox", "path: ${NO_SUCH_FOLDER}"),
        2,
        "${NO_SUCH_FOLDER}, which is not set",
        at="path:",
    ),
    "a suite that is no Python": Fault(
        write("expectations/landing/shop.py", "SUITES = {\n"),
        2,
        "the suite cannot be used: SyntaxError",
        "expectations/landing/shop.py",
        "SUITES",
    ),
    "two entities of one name": Fault(
        declare("      products:", "      customers:"), 2, "customers is there twice"
    ),
}


def tried(folder: Path) -> list[Finding]:
    """What is found, as the command line finds it."""
    from pipeline.scaffold import new_project

    settings = Settings.load(folder / "home", folder / "sources.yaml")
    described = load_sources(settings)
    settings = described.applied_to(settings)
    lacking = new_project.lacks(described, settings)
    incomplete = {finding.subject for finding in lacking}
    trial = project_trial.run(described, settings, incomplete)
    return trial_findings.once([*trial.findings, *lacking])


def test_a_sound_project_passes(folder: Path) -> None:
    assert tried(folder) == []
    assert not (folder / "home").exists(), "nothing is written"


# They have dbt parse the whole project anew.
DEAR = {
    "a model that is not there",
    "staging that refers to nothing",
    "staging whose Jinja does not end",
    "a key that is no column",
    "staging without a column that is needed",
    "another time zone",
    "unknown customers that are declared",
}


def cases(names: Iterable[str]) -> list[Any]:
    """The names, of which some are tried with the slow tests."""
    return [
        pytest.param(name, marks=pytest.mark.slow if name in DEAR else ())
        for name in names
    ]


@pytest.mark.parametrize("name", cases(FAULTS))
def test_a_fault_is_found_with_its_place(folder: Path, name: str) -> None:
    fault = FAULTS[name]
    fault.change(folder)
    result = invoke(
        "check-sources", "--home", folder / "home", "--sources", folder / "sources.yaml"
    )
    said = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == fault.exit_code, said
    assert said.count(fault.words) == 1, said
    assert "defect of ours" not in said
    if fault.file:
        number = 0
        if fault.at:
            lines = (folder / fault.file).read_text().splitlines()
            number = next(n for n, line in enumerate(lines, 1) if fault.at in line)
        place = f"{folder / fault.file}" + (f", line {number}" if number else "")
        assert place in said, said


def add_column(folder: Path) -> None:
    path = folder / "inbox" / "order_lines_2.csv"
    rows = path.read_text().splitlines()
    path.write_text("".join(f"{row},{n or 'colour'}\n" for n, row in enumerate(rows)))


def chinese(folder: Path) -> None:
    path = folder / "inbox" / "customers.csv"
    text = path.read_text().replace("Company 1", "上海贸易有限公司")
    path.write_bytes(text.encode("gb18030"))


def only_headers(folder: Path) -> None:
    for path in (folder / "inbox").glob("order_lines_*.csv"):
        path.write_text(path.read_text().splitlines(True)[0])


def sums_of_months(folder: Path) -> None:
    """Each line on the first day of its month, known until the last; told a month later."""
    for path in (folder / "inbox").glob("order_lines_*.csv"):
        path.write_text(re.sub(r"(2024-\d\d)-\d\d", r"\1-01", path.read_text()))
    declare("2024-06-30", "2024-07-20")(folder)


# What is no fault, and what is noted of it.
SOUND: dict[str, tuple[Callable[[Path], None], str]] = {
    "a further column in the second file": (
        add_column,
        "order_lines_1.csv has no column colour, which other files have",
    ),
    "a column that the second file lacks": (
        lose_column("ordered_at"),
        "order_lines_2.csv has no column ordered_at, which other files have",
    ),
    "a file in GB18030": (chinese, ""),
    "lines without a row": (only_headers, "Your data ends on 2024-05-19"),
    "another time zone": (declare("UTC", "Asia/Shanghai"), ""),
    "data that ended long ago": (
        declare("2024-06-30", "2025-06-30"),
        "Your data ends on 2024-06-10, and a refresh would know of everything until "
        "2025-06-30",
    ),
    "sums of months on their first days": (sums_of_months, ""),
    "no as-of day": (declare("  as_of: 2024-06-30\n", ""), "Set `as_of: 2024-06-10`"),
    "data that begins later": (
        declare("2024-06-30", "2023-06-30"),
        "Your data begins on 2024-01-10, after the as-of day 2023-06-30",
    ),
    "a ticket of a customer whom nobody gives": (
        edit("inbox/service_tickets.csv", "shop,c3", "shop,guest"),
        "1 of 10 tickets name a customer whom no source gives: guest. They count for",
    ),
    "lines after the as-of day": (declare("2024-06-30", "2024-03-31"), ""),
    "unknown customers that are declared": (
        lambda folder: (
            edit("inbox/order_lines_1.csv", "shop,c3", "shop,guest")(folder),
            declare("    entities:", "    unknown_customers: leave_out\n    entities:")(
                folder
            ),
        )[0],
        "They are treated as sources.yaml says: leave_out.",
    ),
    "becomes that asks a table which comes later": (
        declare(
            "amount: cast(net_amount as decimal)}",
            "where: order_id not in (select ticket_id from landing.shop__service_tickets)}",
        ),
        "",
    ),
    "a policy of its own": (policy("policies", "First policy", "Our policy"), ""),
}


@pytest.mark.parametrize("name", cases(SOUND))
def test_what_is_no_fault_stops_nothing(folder: Path, name: str) -> None:
    change, words = SOUND[name]
    change(folder)
    found = tried(folder)
    assert not [finding for finding in found if finding.exit_code], found
    assert len(found) == bool(words), found
    assert words in "".join(finding.message for finding in found)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(
            [
                "a further column in the second file",
                "a column that the second file lacks",
                "a file in GB18030",
                "another time zone",
            ],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            ["lines without a row", "no as-of day", "a policy of its own"],
            marks=pytest.mark.campaign,
        ),
        pytest.param(
            ["unknown customers that are declared", "lines after the as-of day"],
            marks=pytest.mark.slow,
        ),
    ],
    ids=" and ".join,
)
def test_what_it_passes_a_refresh_does_not_refuse_for_configuration(
    folder: Path, names: list[str]
) -> None:
    for name in names:
        SOUND[name][0](folder)
    assert not [finding for finding in tried(folder) if finding.exit_code]
    on = ("--home", folder / "home", "--sources", folder / "sources.yaml")
    result = command("refresh", *on, "--no-publish")
    assert result.returncode in {0, 3}, result.stdout + result.stderr


# One of each place where a refresh refuses; the campaign has more.
REFUSED = {
    "a key that does not tell rows apart": pytest.mark.slow,
    "staging with a function that there is not": pytest.mark.slow,
    "an as-of day in the future": pytest.mark.slow,
    "lines of customers whom nobody gives": pytest.mark.slow,
    "a key that is no column": pytest.mark.campaign,
    "becomes that cannot be computed": pytest.mark.campaign,
    "a suite that is no Python": pytest.mark.campaign,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=mark) for name, mark in REFUSED.items()]
)
def test_what_it_stops_a_refresh_refuses(folder: Path, name: str) -> None:
    FAULTS[name].change(folder)
    on = ("--home", folder / "home", "--sources", folder / "sources.yaml")
    result = command("refresh", *on, "--no-publish")
    assert result.returncode != 0, result.stdout
    assert "defect of ours" not in result.stderr
