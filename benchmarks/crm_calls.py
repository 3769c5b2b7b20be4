"""What a first load from a CRM costs in calls, time and memory, beside its limits.

    .venv/bin/python -m benchmarks.crm_calls zoho [--accounts 100000] [--latency 0.2]
    .venv/bin/python -m benchmarks.crm_calls fxiaoke --accounts 10000

Accounts, as many orders, and three lines an order, made by a seed, on the stand-in of the
tests in a process of its own, which keeps each answer: the first load fills it, and is not
counted. Then, in turn and each in a process of its own, on an empty home:

- ours: the landing, from the token to the accepted batches;
- bare: the same calls, one after the other, by a loop of httpx that throws the answers away.

Both are measured on loopback alone, and with an answer that takes `--latency` seconds and
the limits of the service (Fxiaoke's 100 calls in 20 seconds, which the loop keeps as well).
The best of `--repeat` counts. *Forced* are the calls that page sizes force: files and pages
of rows, the fields of each object, and a token. The bound of the project is 1.5 times what
is forced, in calls, and in time with latency and limits; on loopback alone nothing waits, so
that the ratio is of the processor time of one client and the other, and has no bound.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from pipeline.common.home import Home
from pipeline.landing import retrying
from pipeline.landing.entity import LandedEntity
from pipeline.sources import Reader, Source
from pipeline.sources.fxiaoke.reader import FxiaokeReader
from pipeline.sources.http import SYSTEM_CLOCK, Clock, RateLimiter
from pipeline.sources.zoho.crm import ZohoCrmReader
from tests.standins import fxiaoke, fxiaoke_company, zoho_company
from tests.standins.base import Asked, ManualClock, Reply, Standin, json_reply
from tests.standins.fxiaoke import FxiaokeStandin
from tests.standins.zoho_crm import CREDENTIALS, ZohoCrm

PROJECT: Final = Path(__file__).resolve().parent.parent
SEED: Final = 20260601
LINES_OF_ORDER: Final = 3
NOW: Final = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
# What is put into no answer of the service: how the benchmark speaks to its server.
CONTROL: Final = "/benchmark"


# The companies


def zoho(accounts: int) -> ZohoCrm:
    """An organisation with so many accounts."""
    crm = ZohoCrm(ManualClock(NOW))
    zoho_company.declare(crm)
    crm.limits.tokens_in_ten_minutes = crm.limits.downloads_a_minute = 10**6
    chance = random.Random(SEED)
    products = [crm.put("Products", Product_Name=f"Product {n}") for n in range(50)]
    for number in range(accounts):
        account = crm.put(
            "Accounts",
            Account_Name=f"Customer {number} Trading Company 有限公司",
            Account_Number=f"{number}",
            Phone=f"+86 21 {number:08}",
            Website=f"https://customer-{number}.example",
            Industry="Electronics",
            Rating="Active",
            Billing_City="Shanghai",
            Billing_Country="China",
            Billing_Street=f"{number} Nanjing Road",
            Annual_Revenue=chance.randrange(10**9) / 100,
            Modified_Time=_moment(number),
            Created_Time=_moment(number),
        )
        lines = [
            {
                "Product_Name": {"id": chance.choice(products), "name": "Product"},
                "Quantity": chance.randrange(1, 50),
                "List_Price": chance.randrange(10**6) / 100,
                "Discount": 0,
            }
            for _ in range(LINES_OF_ORDER)
        ]
        crm.put(
            "Sales_Orders",
            SO_Number=f"SO-{number:07}",
            Subject=f"Order {number}",
            Account_Name={"id": account, "name": "Customer"},
            Status="Delivered",
            Grand_Total=chance.randrange(10**8) / 100,
            Modified_Time=_moment(number),
            Created_Time=_moment(number),
            Ordered_Items=lines,
        )
    return crm


def tenant(accounts: int) -> FxiaokeStandin:
    """A tenant of Fxiaoke with so many accounts."""
    found = FxiaokeStandin(ManualClock(NOW))
    fxiaoke_company.declare(found)
    found.limits.calls = found.limits.tokens = found.limits.calls_of_the_day = 10**9
    chance = random.Random(SEED)
    products = [found.put("ProductObj", name=f"产品 {n}") for n in range(50)]
    for number in range(accounts):
        changed = round((NOW.timestamp() - accounts + number) * 1000)
        account = found.put(
            "AccountObj",
            name=f"客户 {number} 有限公司",
            account_no=f"{number}",
            tel=f"+86 21 {number:08}",
            account_level="1",
            address=f"{number} 南京路",
            owner=["1000"],
            last_modified_time=changed,
        )
        order = found.put(
            "SalesOrderObj",
            name=f"SO-{number:07}",
            account_id=account,
            order_time=changed,
            order_amount=f"{chance.randrange(10**8) / 100:.2f}",
            last_modified_time=changed,
        )
        for _ in range(LINES_OF_ORDER):
            found.put(
                "SalesOrderProductObj",
                order_id=order,
                product_id=chance.choice(products),
                quantity=f"{chance.randrange(1, 50)}",
                sales_price=f"{chance.randrange(10**6) / 100:.2f}",
                subtotal=f"{chance.randrange(10**7) / 100:.2f}",
                last_modified_time=changed,
            )
    return found


def _moment(number: int) -> str:
    return (NOW - dt.timedelta(days=300) + dt.timedelta(seconds=number)).isoformat()


def source_of(kind: str, url: str) -> Source:
    """Three entities as the preset has them."""
    preset = PROJECT / "pipeline" / "scaffold" / "presets" / kind / "sources.yaml"
    described = yaml.safe_load(preset.read_text(encoding="utf-8"))["sources"][0]
    names = (
        ("accounts", "orders", "order_items")
        if kind == "zoho"
        else ("accounts", "orders", "order_products")
    )
    described["entities"] = {
        name: {"name": name, **described["entities"][name]} for name in names
    }
    described["provides"] = []
    if kind == "zoho":
        described["zoho"] = {**CREDENTIALS, "accounts_url": url}
    else:
        described["fxiaoke"] = {
            "host": url,
            "app_id": fxiaoke.APP_ID,
            "app_secret": fxiaoke.APP_SECRET,
            "permanent_code": fxiaoke.PERMANENT_CODE,
            "user_id": fxiaoke.USER_ID,
        }
    return Source.model_validate(described)


def forced(kind: str, accounts: int) -> int:
    """The calls that page sizes force."""
    rows = (accounts, accounts, LINES_OF_ORDER * accounts)
    fields = 3
    if kind == "fxiaoke":
        return 1 + fields + sum(math.ceil(count / 100) for count in rows)
    # A job, its state and its file for each 200,000 records; lines by COQL, and with them
    # when their orders were modified.
    bulk = 3 * sum(math.ceil(count / 200_000) for count in rows[:2])
    coql = math.ceil(rows[2] / 2_000) + math.ceil(rows[1] / 2_000)
    return 1 + fields + bulk + coql


# The server


class Kept(Standin):
    """Answers of another stand-in, each made once.

    Attributes:
        latency: Seconds that an answer takes.
    """

    def __init__(self, service: Standin) -> None:
        super().__init__(service.clock)
        self.latency = 0.0
        self._service = service
        self._answers: dict[tuple[Any, ...], Reply] = {}
        self._sent: list[dict[str, Any]] = []

    def reply(self, asked: Asked) -> Reply:
        """The answer that was given before, or the service's."""
        if asked.path == CONTROL:
            sent, self._sent = self._sent, []
            self.latency = float(asked.params["latency"])
            return json_reply(sent)
        self._service.base_url = self.base_url
        if self.latency:
            time.sleep(self.latency)
        # What differs from one process to the next.
        params = {k: v for k, v in asked.params.items() if k != "thirdTraceId"}
        key = (asked.method, asked.path, *sorted(params.items()), asked.body)
        if key not in self._answers:
            self._answers[key] = self._service.reply(asked)
        self._sent.append(
            {
                "method": asked.method,
                "url": asked.path,
                "params": asked.params or None,
                "headers": {
                    name: value
                    for name, value in asked.headers.items()
                    if name in {"authorization", "content-type", "if-modified-since"}
                    or name.startswith("x-fs")
                },
                "content": asked.body.decode(),
            }
        )
        return self._answers[key]


def serve(kind: str, accounts: int) -> None:
    """Serves until the input ends."""
    service: Standin = zoho(accounts) if kind == "zoho" else tenant(accounts)
    with Kept(service).serving() as kept:
        sys.stdout.write(f"{kept.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


# The clients


class Hurried:
    """Time in which a wait is over at once, so that work alone takes any."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def monotonic(self) -> float:
        """Seconds, those that were not waited for counted."""
        return time.monotonic() + self._skipped

    def sleep(self, seconds: float) -> None:
        """Waits for nothing."""
        self._skipped += seconds


def ours(kind: str, url: str, folder: Path, *, is_limited: bool) -> None:
    """Lands the source in an empty home."""
    source = source_of(kind, url)
    home = Home.open(folder)
    hurried = Hurried()
    clock = Clock(monotonic=hurried.monotonic, sleep=hurried.sleep)

    def opened(source: Source) -> Reader:
        reader = ZohoCrmReader if kind == "zoho" else FxiaokeReader
        return reader(source, home, clock=SYSTEM_CLOCK if is_limited else clock)

    now = dt.datetime.now(dt.UTC)
    found = retrying.land_source(home, source, now=now, opened=opened)
    for name, landed in found.items():
        store = LandedEntity(home, source.name, source.entities[name])
        for batch in landed.batches:
            store.accept(batch)


def bare(kind: str, url: str, calls: list[dict[str, Any]], *, is_limited: bool) -> None:
    """Makes the calls one after the other, and throws the answers away."""
    limiter = RateLimiter(100, 20)
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        for call in calls:
            if kind == "fxiaoke" and is_limited:
                limiter.acquire()
            client.request(**call).raise_for_status()


@dataclass(frozen=True)
class Figures:
    """What a client used."""

    wall_seconds: float
    processor_seconds: float
    peak_megabytes: float


def client(arguments: argparse.Namespace) -> None:
    """Runs one of the two, and says what it used, in this process that did nothing else."""
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)
    is_limited = arguments.latency > 0
    if arguments.role == "ours":
        folder = Path(arguments.folder)
        ours(arguments.kind, arguments.url, folder, is_limited=is_limited)
    else:
        calls = json.loads(Path(arguments.folder, "calls.json").read_text())
        begun = time.perf_counter()
        bare(arguments.kind, arguments.url, calls, is_limited=is_limited)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    figures = {
        "wall_seconds": time.perf_counter() - begun,
        "processor_seconds": seconds,
        "peak_megabytes": used.ru_maxrss
        / (2**20 if sys.platform == "darwin" else 1024),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def measure(kind: str, accounts: int, latency: float, repeat: int) -> dict[str, Any]:
    """All figures."""
    program = [sys.executable, "-m", "benchmarks.crm_calls", kind]
    server = subprocess.Popen(
        [*program, "--role", "serve", "--accounts", str(accounts)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert server.stdout is not None
    assert server.stdin is not None
    url = server.stdout.readline().strip()

    def control(seconds: float) -> list[dict[str, Any]]:
        answer = httpx.get(url + CONTROL, params={"latency": seconds}, trust_env=False)
        return list(answer.json())

    def run(role: str, seconds: float) -> Figures:
        control(seconds)
        options = ["--role", role, "--url", url, "--folder", folder]
        done = subprocess.run(
            [*program, *options, "--latency", str(seconds)],
            capture_output=True,
            text=True,
            check=True,
            cwd=PROJECT,
        )
        return Figures(**json.loads(done.stdout.splitlines()[-1]))

    found: dict[str, Any] = {"kind": kind, "accounts": accounts}
    try:
        with tempfile.TemporaryDirectory(prefix="customer-tiers-") as place:
            folder = f"{place}/first"
            run("ours", 0)
            calls = control(0)
            found["calls"] = len(calls)
            found["forced_calls"] = forced(kind, accounts)
            for seconds in (0.0, latency):
                for number in range(repeat if not seconds else 1):
                    figures: Mapping[str, Figures] = {}
                    for role in ("ours", "bare"):
                        folder = f"{place}/{role}-{seconds}-{number}"
                        Path(folder).mkdir()
                        Path(folder, "calls.json").write_text(json.dumps(calls))
                        figures = {**figures, role: run(role, seconds)}
                    name = f"latency {seconds:g}" if seconds else "loopback"
                    best = found.get(name)
                    new = {role: vars(one) for role, one in figures.items()}
                    wall = new["ours"]["wall_seconds"]
                    if best is None or wall < best["ours"]["wall_seconds"]:
                        found[name] = new
    finally:
        server.stdin.close()
        server.wait()
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["zoho", "fxiaoke"])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--role", choices=["serve", "ours", "bare"])
    parser.add_argument("--url", default="")
    parser.add_argument("--folder", default="")
    arguments = parser.parse_args()
    if arguments.role == "serve":
        serve(arguments.kind, arguments.accounts)
    elif arguments.role:
        client(arguments)
    else:
        found = measure(
            arguments.kind, arguments.accounts, arguments.latency, arguments.repeat
        )
        sys.stdout.write(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
