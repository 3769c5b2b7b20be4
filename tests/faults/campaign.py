"""Plants faults by the hundred, and asks after each what a user would ask.

    python -m tests.faults.campaign --faults 200 --seed 1 --lanes 2

Every day of the small company brings new sales; then one thing goes wrong, chosen and
placed by the seed; then an undisturbed refresh must succeed without any help. After each:

- readers, who never stop reading, saw whole releases only, each with one content;
- `status` told what was so;
- the marts hold exactly what the sources hold, nothing lost and nothing doubled;
- at the end, all marts equal those of a home that nothing ever happened to.

A fault that is found prints the seed and the number that make it happen again.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from pipeline.common.files import read_json, write_json
from pipeline.release import layout
from tests.faults import processes
from tests.faults.company import Company, Fact, read_facts, same_marts
from tests.faults.processes import Child

STAGES = ["open candidate", "read shop", "read till", "gate in: shop", "gate in: till"]
STAGES += ["transform", "gate out", "publish"]


@dataclass
class Lane:
    """One company to which one thing after the other happens."""

    company: Company
    random: random.Random
    published: dict[str, list[Fact]] = field(default_factory=dict)
    seconds: float = 20
    steps: int = 400
    told: str = ""

    @property
    def home(self) -> Path:
        """The company's home."""
        return self.company.home

    def start(self, prepare: Callable[[], None] | None = None) -> Child:
        """Starts a refresh."""
        return processes.start(
            self.company.refresh(),
            self.company.variables,
            self.company.folder / f"refresh-{time.monotonic_ns()}.log",
            prepare,
        )

    def status(self) -> dict[str, Any]:
        """What `status` says."""
        child = processes.run(
            ["status", "--json"], self.company.variables, self.company.folder / "status"
        )
        assert child.code == 0, child.said()
        found: dict[str, Any] = processes.printed(child)
        return found

    def newest(self) -> dict[str, Any] | None:
        """The newest attempt, as `status` tells it."""
        found: list[dict[str, Any]] = self.status()["attempts"]
        return found[0] if found else None

    def seen(self) -> str | None:
        """The release behind `current`, by asking the file system only."""
        with contextlib.suppress(OSError):
            return (self.home / "current").resolve(strict=True).name
        return None

    def accepted(self) -> list[Path]:
        """The manifests of landed batches."""
        return sorted((self.home / "landing").rglob("*.accepted.json"))

    def recover(self) -> None:
        """The next refresh, undisturbed; it must succeed and say what the sources say."""
        began = time.monotonic()
        child = self.start()
        code = child.wait()
        assert code == 0, f"the next refresh ended with {code}:\n{child.said()}"
        self.seconds = time.monotonic() - began
        release = self.seen()
        assert release is not None
        refresh_id, facts = read_facts(self.home / "current" / "warehouse.duckdb")
        assert refresh_id == release
        assert facts == self.company.facts(), "rows were lost or doubled"
        self.published[release] = facts
        status = self.status()
        assert status["current"]["refresh_id"] == release
        assert status["problem"] == ""
        assert status["attempts"][0]["state"] == "published"
        assert status["attempts"][0]["refresh_id"] == release

    def note(self, child: Child, before: str | None) -> None:
        """What must hold of a refresh that something was done to."""
        code = child.wait()
        newest = self.newest()
        after = self.seen()
        if after != before:
            # It came through, before or in spite of what was done to it.
            assert after is not None
            _, facts = read_facts(self.home / "releases" / after / "warehouse.duckdb")
            assert facts == self.company.facts(), "published, and not what sources hold"
            self.published[after] = facts
        if code == 0:
            assert newest is not None
            assert newest["state"] == "published"
            assert after == newest["refresh_id"]
        else:
            assert newest is None or newest["state"] != "running", newest
            # Killed after the release was promoted, it says so only later.
            expected = {"died", "refused", "failed", "published"}
            assert newest is None or newest["state"] in expected, newest
        self.told = f"exit {code}"


# The faults. Each gets the lane, does one thing to it, and says what it did.

Fault = Callable[[Lane], str]
FAULTS: dict[str, tuple[int, Fault]] = {}


def fault(weight: int) -> Callable[[Fault], Fault]:
    """Registers a fault; how often it is drawn."""

    def register(function: Fault) -> Fault:
        FAULTS[function.__name__] = (weight, function)
        return function

    return register


@fault(20)
def killed_at_a_moment(lane: Lane) -> str:
    """kill -9 at any moment of a refresh."""
    before, child = lane.seen(), lane.start()
    moment = lane.random.uniform(0, lane.seconds * 1.02)
    deadline = time.monotonic() + moment
    while time.monotonic() < deadline and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    lane.note(child, before)
    return f"after {moment:.2f} s"


@fault(12)
def killed_at_a_file(lane: Lane) -> str:
    """kill -9 before the n-th step that changes a file of the home."""
    before = lane.seen()
    moment = lane.random.randint(1, lane.steps)
    child = lane.start(processes.die_at(moment, lane.home))
    child.wait()
    lane.note(child, before)
    if child.code == 0:  # it takes fewer steps
        lane.steps = max(20, int(lane.steps * 0.8))
    return f"before step {moment}"


@fault(8)
def killed_in_publish(lane: Lane) -> str:
    """kill -9 within milliseconds of the moment at which the release is made."""
    before, child = lane.seen(), lane.start()
    wait_for_stage(lane, child, "publish")
    pause = lane.random.uniform(0, 0.4)
    time.sleep(pause)
    child.kill()
    lane.note(child, before)
    return f"{pause * 1000:.0f} ms into publish"


@fault(8)
def full_disk(lane: Lane) -> str:
    """No file can grow beyond a size: everything that writes fails somewhere."""
    before = lane.seen()
    size = int(10 ** lane.random.uniform(2.5, 6.8))
    child = lane.start(processes.largest_file(size))
    child.wait()
    lane.note(child, before)
    return f"at {size:,} bytes"


@fault(6)
def full_file_system(lane: Lane) -> str:
    """The home's file system has no room left: a real ENOSPC, where one can be mounted."""
    if not os.path.ismount(lane.company.folder / "home"):
        return full_disk(lane)
    before = lane.seen()
    free = int(10 ** lane.random.uniform(3, 7.3))
    room = os.statvfs(lane.home)
    ballast = lane.home / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(
            file.fileno(), 0, max(1, room.f_bavail * room.f_frsize - free)
        )
    try:
        child = lane.start()
        child.wait()
        lane.note(child, before)
    finally:
        ballast.unlink()
    return f"with {free:,} bytes left"


@fault(10)
def landed_rows(lane: Lane) -> str:
    """A landed file is not what was written any more."""
    manifest = lane.random.choice(lane.accepted())
    path = manifest.with_name(manifest.name.split(".")[0] + ".parquet")
    if not path.exists():
        return "no file"
    return f"{path.name} {spoil(lane, path)}"


@fault(6)
def landed_manifest(lane: Lane) -> str:
    """The manifest of a landed batch is damaged."""
    path = lane.random.choice(lane.accepted())
    return f"{path.name} {spoil(lane, path, gone=False)}"


@fault(6)
def candidate_while_it_is_built(lane: Lane) -> str:
    """A file of the candidate is damaged between two steps of its refresh."""
    before, child = lane.seen(), lane.start()
    stage = lane.random.choice(["gate out", "publish"])
    wait_for_stage(lane, child, stage)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGSTOP)
    files = [
        path
        for path in sorted((lane.home / "candidates").rglob("*"))
        if path.is_file() and path.suffix in {".duckdb", ".json"}
        and "target" not in path.parts
    ]  # fmt: skip
    done = "nothing left to damage"
    if files and child.poll() is None:
        newest = max(path.relative_to(lane.home).parts[1] for path in files)
        path = lane.random.choice([path for path in files if newest in path.parts])
        done = f"{path.name} {spoil(lane, path)}"
    with contextlib.suppress(ProcessLookupError):
        os.kill(child.pid, signal.SIGCONT)
    child.wait()
    lane.note(child, before)
    return f"in {stage}: {done}"


@fault(4)
def candidate_left_behind(lane: Lane) -> str:
    """What an earlier refresh left is damaged."""
    before, child = lane.seen(), lane.start()
    time.sleep(lane.random.uniform(lane.seconds / 2, lane.seconds))
    child.kill()
    lane.note(child, before)
    files = [p for p in sorted((lane.home / "candidates").rglob("*")) if p.is_file()]
    if not files:
        return "none"
    path = lane.random.choice(files)
    return f"{path.name} {spoil(lane, path)}"


@fault(8)
def release_file(lane: Lane) -> str:
    """A file of a release is damaged, mostly of the current one."""
    kept = sorted((lane.home / "releases").glob("r*"))
    folder = kept[-1] if lane.random.random() < 0.7 else lane.random.choice(kept)
    path = folder / lane.random.choice([*layout.DATABASES.values(), "release.json"])
    if not path.exists():
        return "no file"
    with readers_away(lane):
        done = spoil(lane, path)
        is_current = lane.seen() == folder.name
        status = lane.status()
        if is_current and ("bit" not in done or path.suffix == ".json"):
            visible = "garbage" not in done or path.suffix == ".json"
            assert bool(status["problem"]) or not visible, (done, status)
        lane.company.next_day()
        lane.recover()
    return f"{folder.name}/{path.name} {done}"


@fault(6)
def current_link(lane: Lane) -> str:
    """`current` is gone, leads nowhere, or is a copy."""
    current = lane.home / "current"
    way = lane.random.choice(["missing", "dangling", "a folder", "a file"])
    with readers_away(lane):
        target = current.resolve()
        current.unlink()
        if way == "dangling":
            current.symlink_to("releases/r999999-20240101")
        elif way == "a folder":
            shutil.copytree(target, current)
        elif way == "a file":
            current.write_text("not a link")
        status = lane.status()
        assert status["current"] is None
        assert str(current) in status["problem"], status
        lane.recover()
        for path in lane.home.glob("current.not-a-link*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return way


@fault(6)
def clock_set_back(lane: Lane) -> str:
    """The clock goes back: everything in the home is of a day that is still to come."""
    hours = lane.random.choice([1, 30, 24 * 400])
    for path in lane.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            moment = path.stat().st_mtime + hours * 3600
            os.utime(path, (moment, moment))
    import datetime as dt

    later = dt.timedelta(hours=hours)
    for path in [
        *(lane.home / "logs" / "attempts").glob("*.json"),
        *(lane.home / "releases").glob("*/release.json"),
        *(lane.home / "landing").rglob("*.json"),
    ]:
        try:
            record = read_json(path)
        except ValueError:
            continue
        for name in ("started_at", "ended_at", "sealed_at", "opened_at", "loaded_at"):
            if record.get(name):
                moved = dt.datetime.fromisoformat(record[name]) + later
                record[name] = moved.isoformat()
        write_json(path, record, hashed="attempts" not in path.parts)
    return f"by {hours} hours"


@fault(8)
def half_a_file(lane: Lane) -> str:
    """The source gives half a file as if it were whole, and the whole one later."""
    newest = max(lane.company.inbox.iterdir())
    whole = newest.read_bytes()
    newest.write_bytes(whole[: lane.random.randint(1, len(whole) - 1)])
    os.utime(newest, (0, 0))
    child = lane.start()
    code = child.wait()
    assert code in {0, 3, 5}, child.said()
    if code == 0:
        # Half of it is what the source held then.
        release = lane.seen()
        assert release is not None
        _, lane.published[release] = read_facts(
            lane.home / "releases" / release / "warehouse.duckdb"
        )
    newest.write_bytes(whole)
    os.utime(newest, (1, 1))
    return f"exit {code}"


@fault(8)
def refreshes_at_once(lane: Lane) -> str:
    """Two machines' worth of refreshes start together."""
    before = lane.seen()
    children = []
    for _ in range(lane.random.randint(2, 4)):
        children.append(lane.start())
        time.sleep(lane.random.uniform(0, 0.3))
    codes = [child.wait() for child in children]
    assert codes.count(0) == 1, [child.said() for child in children]
    assert set(codes) == {0, 4}, codes
    lane.note(next(child for child in children if child.code == 0), before)
    return f"exit codes {codes}"


@fault(4)
def killed_while_another_waits(lane: Lane) -> str:
    """One is killed, and another starts in the same moment."""
    before, child = lane.seen(), lane.start()
    time.sleep(lane.random.uniform(0.2, lane.seconds))
    os.kill(child.pid, signal.SIGKILL)
    other = lane.start()
    child.wait()
    code = other.wait()
    assert code in {0, 4}, other.said()
    lane.note(other, before)
    return f"the other: {code}"


@fault(4)
def journal_record(lane: Lane) -> str:
    """The record of an attempt is damaged."""
    path = lane.random.choice(sorted((lane.home / "logs" / "attempts").glob("r*.json")))
    done = spoil(lane, path)
    lane.status()
    return f"{path.name} {done}"


@fault(4)
def leftovers(lane: Lane) -> str:
    """Files that a killed process may leave lie about."""
    places = ["landing/shop/invoice_lines/b999999-feed.parquet"]
    places += ["landing/shop/invoice_lines/b000001.parquet.partial"]
    places += ["landing/till/sales/.b000002.pending.json.partial", ".current.partial"]
    places += ["candidates/r000001-20240101/work.duckdb.wal", "identity/x.partial"]
    done = lane.random.sample(places, 3)
    for name in done:
        path = lane.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(lane.random.randbytes(1000))
    return ", ".join(done)


@fault(3)
def kept_work(lane: Lane) -> str:
    """What identity keeps to save work is damaged."""
    files = sorted((lane.home / "identity").glob("*.parquet"))
    if not files:
        return "none"
    path = lane.random.choice(files)
    return f"{path.name} {spoil(lane, path)}"


def spoil(lane: Lane, path: Path, *, gone: bool = True) -> str:
    """Damages a file in one of the ways in which files are damaged."""
    size = path.stat().st_size
    path.chmod(0o600)  # a disk asks nobody for the right to write
    way = lane.random.choice(["cut", "emptied", "garbage", "bit"] + ["removed"] * gone)
    if way == "removed":
        path.unlink()
    elif way == "emptied" or size < 2:
        path.write_bytes(b"")
    elif way == "cut":
        with path.open("r+b") as file:
            file.truncate(lane.random.randint(1, size - 1))
    elif way == "garbage":
        path.write_bytes(lane.random.randbytes(size))
    else:
        content = bytearray(path.read_bytes())
        content[lane.random.randrange(size)] ^= 1 << lane.random.randrange(8)
        path.write_bytes(content)
    return way


def wait_for_stage(lane: Lane, child: Child, stage: str) -> None:
    """Until the refresh is in the stage, or has ended."""
    folder = lane.home / "logs" / "attempts"
    known = {path.name for path in folder.glob("r*.json")}
    while child.poll() is None:
        for path in folder.glob("r*.json"):
            if path.name not in known:
                with contextlib.suppress(ValueError, OSError):
                    if json.loads(path.read_text())["stage"] == stage:
                        return
        time.sleep(0.002)


# Readers


@contextlib.contextmanager
def readers_away(lane: Lane) -> Iterator[None]:
    """While what readers see is damaged on purpose, they do not look."""
    mark = lane.company.folder / "readers-away"
    mark.touch()
    time.sleep(0.15)
    try:
        yield
    finally:
        mark.unlink()


def read_for_ever(company: Company, log: Path, parent: int) -> None:
    """Connects anew again and again, and notes each release and what it held."""
    current = company.home / "current" / "warehouse.duckdb"
    away = company.folder / "readers-away"
    noted = collections.Counter[str]()
    until = 0.0
    while os.getppid() == parent:
        if away.exists() or not current.exists():
            time.sleep(0.05)
            continue
        try:
            line = json.dumps(_read_twice(current.resolve(strict=True)))
        except (duckdb.Error, OSError) as error:
            if away.exists():
                continue
            line = json.dumps({"error": f"{type(error).__name__}: {error}"})
        noted[line] += 1
        if time.monotonic() > until or noted[line] == 1:
            until = time.monotonic() + 1
            log.write_text("\n".join(f"{n}\t{text}" for text, n in noted.items()))
        time.sleep(0.02)


def _read_twice(path: Path) -> Any:
    """Two looks over one connection, with time between them, must be one release."""
    with duckdb.connect(str(path), read_only=True) as connection:
        looks = []
        for _ in range(2):
            looks.append(
                connection.execute(
                    """
                    select
                        (select refresh_id from meta.refreshes where state = 'sealed'),
                        (select list((source, n, amount) order by source) from (
                            select source, count(*) as n,
                                sum(net_amount)::decimal(18, 2)::varchar as amount
                            from marts.order_lines group by source)),
                        (select count(*) from marts.customers)
                    """
                ).fetchall()
            )
            time.sleep(0.01)
    if looks[0] != looks[1]:
        return {"mixed": looks}
    ((refresh_id, facts, _),) = looks[0]
    return {"release": refresh_id, "facts": facts}


def check_readers(lane: Lane, log: Path) -> int:
    """How often was read; whatever was not a whole release is an error."""
    reads = 0
    contents: dict[str, Any] = {}
    for line in log.read_text().splitlines():
        count, text = line.split("\t", 1)
        found = json.loads(text)
        assert "error" not in found, f"a reader failed: {found}"
        assert "mixed" not in found, f"a reader saw two releases: {found}"
        reads += int(count)
        before = contents.setdefault(found["release"], found["facts"])
        assert before == found["facts"], f"two contents of {found['release']}"
    for refresh_id, facts in contents.items():
        told = [
            [fact.source, fact.lines, fact.amount]
            for fact in facts_of(lane, refresh_id)
        ]
        assert [list(fact) for fact in facts] == told, refresh_id
    return reads


def facts_of(lane: Lane, refresh_id: str) -> list[Fact]:
    """What the release was to hold when it was published."""
    assert refresh_id in lane.published, f"{refresh_id} was seen and never published"
    return lane.published[refresh_id]


# The campaign


def run_lane(seed: int, number: int, folder: Path, only: str = "") -> dict[str, int]:
    """So many faults on one company.

    Returns:
        How often each fault was planted, and `reads`, the number of undisturbed reads.
    """
    processes.import_everything()
    company = Company(folder / "company", seed)
    mounted = mount(company.home, megabytes=400 + 10 * number)
    lane = Lane(company, random.Random(seed))
    reader = 0
    log = folder / "reader"
    planted: collections.Counter[str] = collections.Counter()
    kinds = [name for name in FAULTS if not only or name == only]
    order = lane.random.choices(
        kinds, [FAULTS[name][0] for name in kinds], k=max(0, number - len(kinds))
    )
    # Each at least once, where there are enough.
    order = (
        lane.random.sample(kinds + order, number)
        if number >= len(kinds)
        else (lane.random.sample(kinds, number))
    )
    try:
        for _ in range(3):
            company.next_day()
            lane.recover()
        parent = os.getpid()
        reader = os.fork()
        if reader == 0:
            read_for_ever(company, log, parent)
            os._exit(0)
        for at, name in enumerate(order, 1):
            company.next_day()
            began = time.monotonic()
            try:
                done = FAULTS[name][1](lane)
                lane.recover()
            except BaseException as error:
                raise AssertionError(
                    f"seed {seed}, fault {at}, {name}: {error}\nsee {folder}"
                ) from error
            planted[name] += 1
            print(
                f"seed {seed} {at:4} {time.monotonic() - began:6.1f} s  "
                f"{name}: {done}; {lane.told}",
                flush=True,
            )
            lane.told = ""
        time.sleep(1.2)
        planted["reads"] = check_readers(lane, log)
        undisturbed = Company.__new__(Company)
        undisturbed.__dict__.update(company.__dict__, home=folder / "undisturbed")
        child = processes.run(
            company.refresh(),
            {**company.variables, "CUSTOMER_TIERS_HOME": str(undisturbed.home)},
            folder / "undisturbed.log",
        )
        assert child.code == 0, child.said()
        differing = same_marts(
            (company.home / "current" / "warehouse.duckdb").resolve(),
            (undisturbed.home / "current" / "warehouse.duckdb").resolve(),
        )
        assert differing == [], f"differ from those of an undisturbed home: {differing}"
    finally:
        if reader:
            os.kill(reader, signal.SIGKILL)
            os.waitpid(reader, 0)
        if mounted:
            subprocess.run(["umount", "-l", str(company.home)], check=False)
    return dict(planted)


def mount(home: Path, megabytes: int) -> bool:
    """A small file system of its own for the home, where this process may mount one.

    Args:
        home: A folder that is not there yet.
        megabytes: Its size; Dagster keeps some five of each refresh.
    """
    home.mkdir()
    if os.geteuid() != 0 or sys.platform != "linux":
        return False
    told = subprocess.run(
        [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={megabytes}m,mode=700",
            "tmpfs",
            str(home),
        ],
        capture_output=True,
        check=False,
    )
    return told.returncode == 0


def main() -> None:
    """Runs the lanes beside each other, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--only", default="", help="one kind of fault")
    chosen = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="faults-"))
    lanes = []
    began = time.monotonic()
    for lane in range(chosen.lanes):
        pid = os.fork()
        if pid == 0:
            folder = root / f"lane-{lane}"
            folder.mkdir()
            share = chosen.faults // chosen.lanes + (
                lane < chosen.faults % chosen.lanes
            )
            try:
                planted = run_lane(chosen.seed + lane, share, folder, chosen.only)
                (folder / "planted.json").write_text(json.dumps(planted))
            except BaseException as error:
                print(f"\n{error}", flush=True)
                os._exit(1)
            os._exit(0)
        lanes.append(pid)
    codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in lanes]
    total: collections.Counter[str] = collections.Counter()
    for path in root.glob("lane-*/planted.json"):
        total.update(json.loads(path.read_text()))
    reads = total.pop("reads", 0)
    for name, count in sorted(total.items()):
        print(f"{count:5} {name}")
    print(
        f"{sum(total.values())} faults in {time.monotonic() - began:.0f} s, {reads:,} "
        f"reads by readers, {sum(map(bool, codes))} lanes failed"
    )
    if any(codes):
        sys.exit(1)
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
