"""What was made before of the same data, taken for what it is.

A fit is a function of the data, the prior and the code alone. So who knows a hash of all
three knows the fit, to the last digit, and need not make it again: the origins of the
backtest stand still for a month, and nothing of them changes on most days. Whoever wants
results kept asks within a block (`keeping`); without one each is made. What cannot be read
is made again. Not here: what is kept (`fitting`), and the table it lies in (`forecasts`).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Result = TypeVar("Result")


class Kept:
    """The results of one block.

    Args:
        known: Those of before, as text, by their key.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._results: dict[str, Any] = {}
        # Those that were asked for in the block, as text, by their key.
        self.texts: dict[str, str] = {}
        # How many of them had to be made.
        self.made = 0

    def get(
        self,
        key: str,
        make: Callable[[], Result],
        write: Callable[[Result], str],
        read: Callable[[str], Result],
    ) -> Result:
        """The result of a key: asked for already, of before, or made now."""
        if key not in self._results:
            with suppress(ValueError, TypeError, KeyError, AttributeError):
                self._results[key] = read(self._known[key])
                self.texts[key] = self._known[key]
        if key not in self._results:
            made = make()
            self._results[key], self.texts[key] = made, write(made)
            self.made += 1
        found: Result = self._results[key]
        return found


_CURRENT: ContextVar[Kept | None] = ContextVar("kept", default=None)


@contextmanager
def keeping(known: Mapping[str, str]) -> Iterator[Kept]:
    """Within the block, what is known is not made.

    Args:
        known: The `texts` of a block of before.
    """
    kept = Kept(known)
    token = _CURRENT.set(kept)
    try:
        yield kept
    finally:
        _CURRENT.reset(token)


def unless_kept(
    about: Sequence[object],
    columns: Sequence[npt.NDArray[np.float64]],
    make: Callable[[], Result],
    write: Callable[[Result], str],
    read: Callable[[str], Result],
) -> Result:
    """A result that is made only where the block around does not know it.

    Args:
        about: What it depends on besides the rows, of one text each.
        columns: The rows, in an order that is always the same.
        make: Makes it.
        write: Writes it as a text, so that nothing of it is lost.
        read: Reads such a text; what else it gets, it refuses with a common exception.
    """
    current = _CURRENT.get()
    if current is None:
        return make()
    return current.get(_key(about, columns), make, write, read)


def _key(about: Sequence[object], columns: Sequence[npt.NDArray[np.float64]]) -> str:
    content = hashlib.sha256(_code().encode())
    content.update(repr(tuple(about)).encode())
    for column in columns:
        values = np.ascontiguousarray(column, dtype=np.float64)
        content.update(f" {len(values)} ".encode())
        content.update(values.tobytes())
    return content.hexdigest()


@cache
def _code() -> str:
    """A hash of all that makes it: this room, the libraries, the kind of machine."""
    content = hashlib.sha256(platform.machine().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        content.update(path.read_bytes() + b"\0")
    for name in ("numpy", "scipy"):
        content.update(importlib.metadata.version(name).encode() + b"\0")
    return content.hexdigest()
