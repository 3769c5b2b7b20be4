"""Fetches record batches in a thread while the caller works on the one before.

An engine parses or sends when it is asked, and landing writes with one thread: in turn,
they would leave every core but one idle.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterable

import pyarrow as pa

# Of some 20 MB each for a usual table, so that memory stays bounded.
BATCHES_AHEAD = 2


def fetched_ahead(
    batches: Iterable[pa.RecordBatch], cancel: Callable[[], object] | None = None
) -> Generator[pa.RecordBatch]:
    """The same batches, some of them fetched before they are asked for.

    Args:
        cancel: Called when the caller stops early, to end a fetch that is under way.

    Raises:
        BaseException: What the iteration of `batches` raised, in the caller's thread.
    """
    ready: queue.Queue[pa.RecordBatch | BaseException | None]
    ready = queue.Queue(BATCHES_AHEAD)
    is_over = threading.Event()

    def put(item: pa.RecordBatch | BaseException | None) -> bool:
        while not is_over.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                return True
        return False

    def fetch() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:  # raised again where it can be caught
            put(error)

    thread = threading.Thread(target=fetch, name="fetched-ahead", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_over.set()
        if cancel is not None and thread.is_alive():
            with contextlib.suppress(Exception):
                cancel()
        thread.join()
