"""Opens a candidate, and finds the one that a run works on."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from pathlib import Path

from pipeline.common import calendar
from pipeline.common.errors import GateRefused
from pipeline.common.files import read_json, write_json
from pipeline.common.home import Home
from pipeline.journal import attempts
from pipeline.release.layout import Candidate, sequence


def open_candidate(
    home: Home,
    *,
    run_id: str,
    as_of_date: dt.date,
    time_zone: str,
    reporting_currency: str,
    full: bool = False,
    sources_file: Path | None = None,
) -> Candidate:
    """Makes the folder of a new candidate and opens its record in the journal.

    Every refresh comes through here, whoever asked for its day. A day in the future ends
    the attempt, in the journal too.

    Raises:
        ConfigurationError: The as-of date lies in the future.
    """
    taken = [
        sequence(path.name.removesuffix(".json"))
        for folder in (home.candidates, home.releases, home.attempts)
        for path in folder.glob("r*-*")
    ]
    refresh_id = f"r{max(taken, default=0) + 1:06d}-{as_of_date:%Y%m%d}"
    attempts.begin(home, refresh_id, run_id, as_of_date, sources_file)
    with attempts.stage(home, refresh_id, "open candidate"):
        calendar.refuse_future(as_of_date, time_zone)
    candidate = Candidate(
        path=home.candidates / refresh_id,
        refresh_id=refresh_id,
        run_id=run_id,
        as_of_date=as_of_date,
        time_zone=time_zone,
        reporting_currency=reporting_currency,
        opened_at=attempts.now().isoformat(),
        full=full,
    )
    candidate.release_folder.mkdir(mode=0o700, parents=True)
    facts = asdict(candidate)
    del facts["path"]
    write_json(candidate.path / "candidate.json", facts)
    return candidate


def latest_candidate(home: Home) -> Candidate:
    """The newest candidate: the one that a run's assets work on.

    Raises:
        GateRefused: There is none; whatever asked has nothing to work on.
    """
    found = sorted(home.candidates.glob("r*-*/candidate.json"))
    if not found:
        raise GateRefused(
            f"There is no candidate in {home.candidates}; materialize the whole job, or "
            "run `customer-tiers refresh`."
        )
    path = found[-1].parent
    facts = read_json(found[-1])
    facts["as_of_date"] = dt.date.fromisoformat(facts["as_of_date"])
    return Candidate(path=path, **facts)
