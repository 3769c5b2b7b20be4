"""When Python looks for objects that refer to each other and to which nobody refers.

It does so after every few hundred new objects, and through all that there are after
enough of those. A program that imports Dagster, dbt and Great Expectations has a million
objects that stay: of a small refresh such searches were an eighth, and freeing everything
one by one at the end of the process a sixteenth. Not here: what takes the memory.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

# New objects before the youngest are searched, and how many searches of one generation
# make one of the next. So many fit into a processor's cache.
SELDOM = (5_000, 20, 50)


@contextmanager
def seldom() -> Iterator[None]:
    """Looks for garbage seldom while the block runs, and not at all as the process ends.

    What is there at the beginning is taken as staying: it is imported, or read.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    # What is frozen is not taken apart: the system frees the memory of a process at once.
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        # For whoever runs on in this process: nothing is kept that is garbage.
        gc.unfreeze()


@contextmanager
def resting() -> Iterator[None]:
    """Looks for no garbage while the block runs, and takes what is there then as staying.

    For imports, and for what a run reads once and keeps: none of it is garbage.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
