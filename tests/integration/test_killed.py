"""A reading that is killed at any request, and started again: the same tables.

The process that reads is real, and the service kills it: before a request is answered, in
the middle of an answer, or after it. Then it is started again, and what readers of landing
see is what a reading sees that nobody disturbed. Not here: connections that break
(`tests/unit/sources`), and kills of what follows the landing (`tests/faults`).
"""

from __future__ import annotations

import datetime as dt
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipeline.common.files import sha256
from pipeline.common.home import Home
from pipeline.landing import increments
from pipeline.landing.entity import LandedEntity
from pipeline.landing.load import _since
from pipeline.sources import Source
from tests.integration import test_zoho
from tests.integration.shop import same_marts
from tests.landings import Landings, landings
from tests.standins import zoho_company
from tests.standins.base import Asked, ManualClock, Standin
from tests.standins.fxiaoke import APP_SECRET
from tests.standins.killing import MOMENTS, Killer, Moment
from tests.standins.zoho_crm import CREDENTIALS, ZohoCrm
from tests.standins.zoho_desk import ZohoDesk
from tests.unit.sources.fxiaoke import tenant as fxiaoke_tenant
from tests.unit.sources.zoho import shop
from tests.unit.sources.zoho.test_desk import Desk

# To read landed rows with; none is opened for each of a hundred readings.
DATABASE = duckdb.connect()


@dataclass
class Service:
    """A service on loopback that can kill who reads it.

    Attributes:
        standins: Its servers.
        source: How it is read.
        change: What happens at it between a first load and an increment.
        weight: What a request takes of the daily allowance.
        secrets: What no file may hold.
    """

    standins: Sequence[Standin]
    source: Source
    change: Callable[[], None]
    weight: Callable[[Asked], int]
    secrets: Callable[[], list[str]]

    def __post_init__(self) -> None:
        self._killer = Killer(self.standins)

    @property
    def now(self) -> dt.datetime:
        return self.standins[0].clock.now()

    @property
    def asked(self) -> list[Asked]:
        """The requests of the last reading."""
        return self._killer.asked

    def land(
        self,
        parent: Landings,
        home: Path,
        *,
        kill_at: int | None = None,
        moment: Moment = "before",
        die_at_step: int | None = None,
    ) -> int:
        """Reads the service once; the exit code."""
        started = self._killer.arm(kill_at, moment)
        return parent.run(
            self.source, home, self.now, started=started, die_at_step=die_at_step
        )


def zoho(stack: ExitStack) -> Service:
    crm = shop.organisation()
    crm.users = [{"id": "7328395000000605001", "full_name": "Li Lei"}]
    crm.limits.downloads_a_minute = crm.limits.tokens_in_ten_minutes = 10**6
    crm.limits.page_rows = 3
    keys = shop.accounts(crm, 7)
    orders = [shop.order(crm, key, [1, 2]) for key in keys[:4]]
    stack.enter_context(crm.serving())
    entities = {
        "metadata": {"reads": "metadata"},
        "users": None,
        "accounts": {"object": "Accounts"},
        "orders": {"object": "Sales_Orders"},
        "lines": {"object": "Ordered_Items", "parent": "Sales_Orders"},
    }

    def change() -> None:
        crm.clock.advance(8 * 86_400)
        crm.delete("Accounts", keys[0])
        crm.delete("Accounts", keys[1], kind="vanish")
        crm.put("Sales_Orders", orders[0], Ordered_Items=[])
        crm.put("Sales_Orders", orders[1], Ordered_Items=[{"Quantity": 5}])
        crm.merge("Accounts", keys[2], [keys[3]])
        for number in range(5):
            crm.put("Accounts", keys[4] if number else None, Account_Name=f"{number}")

    def weight(asked: Asked) -> int:
        if asked.path == "/oauth/v2/token":
            return 0
        if (asked.method, asked.path) == ("POST", "/crm/bulk/v8/read"):
            return 50
        return 1

    return Service(
        [crm],
        shop.source_of(crm, entities=entities),
        change,
        weight,
        lambda: [*crm.tokens, *CREDENTIALS.values()],
    )


def desk(stack: ExitStack) -> Service:
    crm: ZohoCrm = shop.organisation()
    crm.limits.tokens_in_ten_minutes = 10**6
    service = ZohoDesk(crm)
    tickets = [service.put("tickets", subject=f"Ticket {n}") for n in range(20)]
    accounts = [service.put("accounts", accountName=f"Account {n}") for n in range(9)]
    stack.enter_context(crm.serving())
    stack.enter_context(service.serving())

    def change() -> None:
        crm.clock.advance(31 * 86_400)
        service.delete("tickets", tickets[0])
        service.delete("accounts", accounts[0])
        for key in tickets[5:18]:
            crm.clock.advance(1)
            service.put("tickets", key, subject="changed")
        service.put("accounts", accountName="new")

    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return Service(
        [service, crm],
        Desk(crm, service, home).source,
        change,
        lambda asked: 0 if asked.path == "/oauth/v2/token" else 1,
        lambda: [*crm.tokens, *CREDENTIALS.values()],
    )


def fxiaoke(stack: ExitStack) -> Service:
    tenant = stack.enter_context(
        fxiaoke_tenant.serving(calls=10**6, tokens=10**6, page_rows=100)
    )
    tenant.declare("SalesOrderObj", {"name": {"type": "text"}})
    link = {"type": "master_detail", "label": "订单编号"}
    tenant.declare("SalesOrderProductObj", {"name": {"type": "text"}, "order_id": link})
    accounts = [tenant.put("AccountObj", name=f"客户 {n}") for n in range(9)]
    orders = [tenant.put("SalesOrderObj", name=f"order {n}") for n in range(6)]
    lines = [
        tenant.put("SalesOrderProductObj", name=f"line {n}", order_id=order)
        for order in orders
        for n in range(2)
    ]
    source = fxiaoke_tenant.source_of(tenant)
    entity = fxiaoke_tenant.ENTITY
    details = {
        "object": "SalesOrderProductObj",
        "parent": "SalesOrderObj",
        "parent_key": "order_id",
        "fields": ["name", "order_id"],
    }
    written = source.model_dump(mode="json", exclude_defaults=True)
    written["entities"] |= {
        "orders": {**entity, "name": "orders", "object": "SalesOrderObj", "fields": []},
        "lines": {**entity, "name": "lines", **details},
    }

    def change() -> None:
        tenant.clock.advance(8 * 86_400)
        tenant.erase("AccountObj", accounts[0])
        tenant.invalidate("AccountObj", accounts[1])
        tenant.objects["AccountObj"][accounts[2]]["owner"] = ["1001"]
        tenant.erase("SalesOrderProductObj", lines[0])
        tenant.erase("SalesOrderProductObj", lines[1])
        for order in orders[:5]:
            tenant.put("SalesOrderObj", _id=order, name="changed")
        tenant.put("AccountObj", name="new")

    return Service(
        [tenant],
        Source.model_validate(written),
        change,
        lambda asked: 1,
        lambda: [
            *(value for value, _ in tenant.tokens),
            APP_SECRET,
        ],
    )


SERVICES = [
    pytest.param(zoho, id="zoho_crm"),
    pytest.param(desk, id="zoho_desk"),
    pytest.param(fxiaoke, id="fxiaoke"),
]
Make = Callable[[ExitStack], Service]


@pytest.fixture(scope="module")
def parent() -> Iterator[Landings]:
    with landings() as found:
        yield found


class Homes:
    """Homes in which a service is landed, each from the same state.

    Attributes:
        expected: What is seen of a landing that nobody disturbed.
        requests: How many requests that makes.
    """

    def __init__(
        self, service: Service, parent: Landings, begin: Path, folder: Path
    ) -> None:
        self.service = service
        self._parent = parent
        self._begin = begin
        self._folder = folder
        home = self._new()
        assert service.land(parent, home) == 0
        self.requests = len(service.asked)
        self.expected = seen(service.source, home)
        assert self.expected != seen(service.source, begin)
        self._spent = spent(home) - spent(begin)
        assert self._spent == sum(map(service.weight, service.asked))
        self.done = home.rename(folder / "done")

    def kill(self, request: int, moment: Moment, *more: int) -> None:
        """A landing is killed, perhaps further ones too, and the last one ends well."""
        home = self._new()
        allowance = spent(home)
        for number in (request, *more):
            code = self.service.land(self._parent, home, kill_at=number, moment=moment)
            assert code == -signal.SIGKILL, (number, moment)
            allowance += sum(map(self.service.weight, self.service.asked))
            # What was read counts for nothing, and what was asked is counted. After an
            # answer, or an empty one's head, the next call may be counted already, and
            # not yet made.
            assert accepted(home) == accepted(self._begin)
            more_than_asked = spent(home) - allowance
            assert 0 <= more_than_asked <= (0 if moment == "before" else 50)
            allowance += more_than_asked
        self._ends_well(home, allowance)

    def kill_at_step(self, step: int) -> bool:
        """Is killed before a file is changed; false once there are no more steps."""
        home = self._new()
        code = self.service.land(self._parent, home, die_at_step=step)
        if code == 0:
            return False
        assert code == -signal.SIGKILL
        all_or_nothing(self.service.source, home, [self._begin, self.done])
        self._ends_well(home, None)
        return True

    def _ends_well(self, home: Path, allowance: int | None) -> None:
        assert self.service.land(self._parent, home) == 0
        assert seen(self.service.source, home) == self.expected
        if allowance is not None:
            # The whole again, of which nothing is saved and nothing doubled.
            assert len(self.service.asked) == self.requests
            assert spent(home) == allowance + self._spent
        nothing_is_left_over(home, self.service)
        shutil.rmtree(home)

    def _new(self) -> Path:
        home = self._folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(self._begin, home)
        return home


def seen(source: Source, folder: Path) -> dict[str, Any]:
    """What readers of landing see: current rows, keys that are gone, where to go on."""
    home = Home.open(folder)
    found: dict[str, Any] = {}
    for name, entity in source.entities.items():
        landed = LandedEntity(home, source.name, entity)
        batches = landed.in_force()
        relation = landed.relation(batches) if batches else None
        if relation is None:
            found[name] = None
            continue
        own = "_batch_id, _loaded_at, _source_file, _row_number"
        newest = increments.newest(relation, entity)
        current = increments.current(relation, entity)
        key = ", ".join(f'"{column}"' for column in entity.key)
        with DATABASE.cursor() as connection:
            rows = connection.sql(
                f"select * exclude ({own}) from {current} order by all"
            )
            gone = connection.sql(
                f"select {key} from {newest} where _deleted order by 1"
            )
            found[name] = (
                rows.columns,
                rows.fetchall(),
                gone.fetchall(),
                _since(landed, batches, now=dt.datetime.now(dt.UTC), full=False).cursor,
            )
    return found


def accepted(folder: Path) -> dict[str, bytes]:
    """The manifests of all batches that feed the warehouse."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.glob("landing/*/*/*.accepted.json")
    }


def accepted_of(source: Source, folder: Path) -> dict[str, set[str]]:
    """Entity → the ids of its batches that feed the warehouse."""
    home = Home.open(folder)
    return {
        name: {
            batch.batch_id
            for batch in LandedEntity(home, source.name, entity).batches("accepted")
        }
        for name, entity in source.entities.items()
    }


def all_or_nothing(source: Source, folder: Path, whole: Sequence[Path]) -> None:
    """What one pass landed of an entity is accepted, or nothing of it.

    Seen after the sweep with which whoever lands begins, in a copy.
    """
    copy = folder.with_name("copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    home = Home.open(copy)
    for entity in source.entities.values():
        LandedEntity(home, source.name, entity).sweep()
    states = [accepted_of(source, one) for one in whole]
    for name, found in accepted_of(source, copy).items():
        assert found in [state[name] for state in states], name


def spent(folder: Path) -> int:
    """The calls or credits that the home has counted."""
    return sum(path.stat().st_size for path in folder.glob("calls/*/*"))


def nothing_is_left_over(folder: Path, service: Service) -> None:
    """Every file is of a batch and whole; no lock, no token, nothing half written."""
    home = Home.open(folder)
    known: set[Path] = set()
    for name, entity in service.source.entities.items():
        landed = LandedEntity(home, service.source.name, entity)
        for batch in landed.batches("accepted", "replaced"):
            data = landed.data_file(batch)
            assert batch.data_sha256 == (sha256(data) if data.exists() else None), name
            known |= {data, landed.quarantine_file(batch)}
            known |= {
                landed.manifest(batch, "accepted"),
                landed.manifest(batch, "replaced"),
            }
    # The home itself begins with the settings of Dagster.
    known.add(home.dagster / "dagster.yaml")
    files = [path for path in folder.rglob("*") if path.is_file()]
    others = {path for path in files if path not in known}
    assert not [path for path in others if home.calls not in path.parents]
    for path in files:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in service.secrets())


def _each(
    make: Make, parent: Landings, folder: Path, kill: Callable[[Homes], None]
) -> None:
    """Does it with a first load, and with an increment on what that brought."""
    with ExitStack() as stack:
        service = make(stack)
        (folder / "empty").mkdir()
        first = Homes(service, parent, folder / "empty", folder / "first")
        kill(first)
        begin = folder / "begin"
        begin.mkdir()
        assert service.land(parent, begin) == 0
        # What was used of an allowance of days ago is forgotten by the next reading.
        shutil.rmtree(begin / "calls")
        service.change()
        kill(Homes(service, parent, begin, folder / "increment"))


@pytest.mark.parametrize("make", SERVICES)
def test_killed_at_requests_and_started_again(
    make: Make, parent: Landings, tmp_path: Path
) -> None:
    """Each third of them, each at another moment; the campaign tries all of them."""

    def kill(homes: Homes) -> None:
        assert homes.requests >= 5
        for number, request in enumerate(range(0, homes.requests, 3)):
            homes.kill(request, MOMENTS[number % 3])

    _each(make, parent, tmp_path, kill)


@pytest.mark.campaign
@pytest.mark.parametrize("make", SERVICES)
def test_killed_at_any_request_and_started_again(
    make: Make, parent: Landings, tmp_path: Path
) -> None:
    def kill(homes: Homes) -> None:
        for request in range(homes.requests):
            for moment in MOMENTS:
                homes.kill(request, moment)
        # And once more while it reads again.
        for request in range(0, homes.requests, 4):
            homes.kill(request, "after", homes.requests - 1 - request, request // 2)

    _each(make, parent, tmp_path, kill)


@pytest.mark.slow
def test_killed_while_what_was_landed_is_accepted(
    parent: Landings, tmp_path: Path
) -> None:
    """Of several batches of one pass the first alone would say that all was read."""
    with ExitStack() as stack:
        service = zoho(stack)
        landed, done, home = (tmp_path / name for name in ("landed", "done", "home"))
        landed.mkdir()
        now = service.now
        assert parent.run(service.source, landed, now, parts=["land"]) == 0
        shutil.copytree(landed, done)
        assert parent.run(service.source, done, now, parts=["accept"]) == 0
        step, code = 0, -signal.SIGKILL
        while code == -signal.SIGKILL:
            step += 1
            shutil.rmtree(home, ignore_errors=True)
            shutil.copytree(landed, home)
            code = parent.run(
                service.source, home, now, parts=["accept"], die_at_step=step
            )
            all_or_nothing(service.source, home, [tmp_path / "none", done])
        assert code == 0
        assert step > 10


@pytest.mark.slow
def test_a_refresh_that_is_killed_and_started_again_makes_the_same_marts(
    tmp_path: Path,
) -> None:
    """With CRM and desk: while it begins to read, in the middle, and near the end."""
    with ExitStack() as stack:
        crm = ZohoCrm(ManualClock(zoho_company.NOW))
        helpdesk = ZohoDesk(crm)
        company = zoho_company.furnish(crm, helpdesk)
        crm.limits.tokens_in_ten_minutes = 1_000
        stack.enter_context(crm.serving())
        stack.enter_context(helpdesk.serving())
        killer = Killer([crm, helpdesk])
        undisturbed, killed = (
            test_zoho.Project(tmp_path / name, crm, helpdesk, company)
            for name in ("undisturbed", "killed")
        )
        for project in (undisturbed, killed):
            test_zoho.write_project(project)
        killer.arm()
        undisturbed.refresh(test_zoho.AS_OF)
        requests = len(killer.asked)
        data = killed.folder / "data"
        for share, moment in zip((0.1, 0.5, 0.95), MOMENTS, strict=True):
            started = killer.arm(int(share * requests), moment)
            done = killed.run("refresh", "--as-of", test_zoho.AS_OF, started=started)
            assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr
            assert not (data / "current").exists()
            assert not accepted(data)
        killer.arm()
        killed.refresh(test_zoho.AS_OF)
        assert len(killer.asked) == requests
        warehouses = [
            (project.folder / "data" / "current" / "warehouse.duckdb").resolve()
            for project in (undisturbed, killed)
        ]
        same_marts(*warehouses)


@pytest.mark.campaign
@pytest.mark.parametrize("make", SERVICES)
def test_killed_before_any_file_is_changed_and_started_again(
    make: Make, parent: Landings, tmp_path: Path
) -> None:
    """Also between the acceptance of one batch and that of the next."""

    def kill(homes: Homes) -> None:
        step = 1
        while homes.kill_at_step(step):
            step += 1
        assert step > 20

    _each(make, parent, tmp_path, kill)
