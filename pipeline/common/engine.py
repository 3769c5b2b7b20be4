"""What the engine may take of the machine: memory, and where it puts aside what is more.

Every DuckDB that holds facts is opened with `config`. One is open at a time, so that a
refresh takes what it was given and, beside it, what Python and Arrow need. Readers of
sources and copies of a release have smaller shares of their own: rows pass through them,
and all that more memory would do is keep pages that nobody asks for again.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import variable

MEMORY = "CUSTOMER_TIERS_MEMORY"
SPILL = "CUSTOMER_TIERS_SPILL"

# Of the machine's memory, where nothing else is said.
SHARE = 0.5
LEAST = 2**29
# So much is enough to pass on rows, on as many processors as there are.
COPYING = 2 * 2**30


def config() -> dict[str, Any]:
    """DuckDB's configuration: nothing fetched, and within what it was given.

    Raises:
        ConfigurationError: A setting is no amount of memory, or no folder.
    """
    found: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "memory_limit": limit(),
    }
    if folder := spill():
        found["temp_directory"] = str(folder)
    return found


def limit(most: int | None = None) -> str:
    """What the engine may take, as DuckDB's `memory_limit` has it.

    Args:
        most: No more than so many bytes, however many it was given.

    Raises:
        ConfigurationError: The setting is no amount of memory.
    """
    bytes_ = memory() if most is None else min(memory(), most)
    return f"{bytes_ // 2**20}MiB"


def memory() -> int:
    """The bytes that the engine may take: those of the setting, or half of the machine's."""
    text = variable(MEMORY)
    if not text:
        return max(LEAST, int(SHARE * machine()))
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([MG])i?B", text.strip(), re.IGNORECASE)
    if match is None:
        raise ConfigurationError(f"{MEMORY} is {text!r}; give an amount such as 4GB.")
    return int(float(match[1]) * (2**20 if match[2].upper() == "M" else 2**30))


def spill() -> Path | None:
    """Where the engine puts aside what its memory does not hold.

    None for beside the file that it works on, which is where most room is.
    """
    text = variable(SPILL)
    if not text:
        return None
    folder = Path(text)
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise ConfigurationError(
            f"{SPILL} is {text!r}, which is no folder to write to."
        )
    # Of this process: two that share a folder would take each other's files.
    return folder.resolve() / f"customer-tiers-{os.getpid()}.tmp"


def machine() -> int:
    """The bytes of memory of this machine, or of the container that this runs in."""
    found = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):
        # A container says so here; `max` where it has no limit.
        found = min(found, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return found
