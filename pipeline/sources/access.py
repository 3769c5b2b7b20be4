"""How a source is reached, whatever its kind: how patiently, how long, how often a day.

Options of `sources.yaml` that several kinds share. Not here: what only one kind has (its
own folder), the source as a whole (`config`), and doing it (`http`, `database`).
"""

from __future__ import annotations

from pathlib import Path

import tenacity
from pydantic import Field

from pipeline.sources.entity import Strict


class Retry(Strict):
    """How often a source is read again after an error that may pass, and how soon.

    The wait doubles each time up to the longest, and is then cut by up to a half at
    random, so that many who wait for one server do not all come back at once.
    """

    tries: int = Field(
        default=4, ge=1, le=100, description="Times in all; 1 is never again."
    )
    first_seconds: float = Field(
        default=5, ge=0, description="The wait before the second time."
    )
    longest_seconds: float = Field(
        default=300, ge=0, description="No wait is longer than this."
    )


class Connection(Strict):
    """How a web service is called.

    Nothing of it is taken from the environment unless `sources.yaml` says so by
    `${NAME}`: a proxy that a shell happens to name would change what is read from where.
    """

    timeout_seconds: float = Field(
        default=60,
        gt=0,
        description="A call that neither sends nor receives for so long has failed.",
    )
    ca_file: Path | None = Field(
        default=None,
        description="Certificates of the authority that signed the service's, in PEM, for "
        "a private one; those of the system when absent.",
    )
    proxy: str | None = Field(
        default=None,
        repr=False,
        description="URL of the proxy through which the service is called; none when "
        "absent.",
    )
    calls_per_day: int | None = Field(
        default=None,
        ge=1,
        description="The most that may be used of the service's daily allowance, in what "
        "it counts (calls, credits); a refresh that would need more stops before the call "
        "and says so. No limit of our own when absent.",
    )


def wait_between(retry: Retry) -> tenacity.wait.wait_base:
    """The waits between tries: twice as long each time, up to half of it by chance."""
    half, longest = retry.first_seconds / 2, retry.longest_seconds / 2
    fixed = tenacity.wait_exponential(multiplier=half, max=longest)
    chance = tenacity.wait_random_exponential(multiplier=half, max=longest)
    return fixed + chance
