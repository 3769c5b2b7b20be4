"""Imports modules when something of them is first asked for, and not before, or never.

For what others import at the top of a file and use in one of a hundred functions: Great
Expectations imports scipy's statistics and a library of charts for two kinds of
expectations, which cost every run a second. The module is the real one, made and executed
by its own loader, only later; whoever asks it for anything gets what it always gave.

Not here: which modules, and when (`expectations.vocabulary`).
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_READY = "_postponed"


class _Postponed(ModuleType):
    """A module that is not executed yet."""

    def __getattr__(self, name: str) -> Any:
        """Executes the module, which then answers for itself."""
        loader = self.__dict__.get(_READY)
        # None while the import system fills it in, and while it is being executed.
        if loader is None or not loader.execute(self):
            raise AttributeError(
                f"module {self.__name__!r} has no attribute {name!r}",
                name=name,
                obj=self,
            )
        return getattr(self, name)


class _Loader(importlib.abc.Loader):
    def __init__(self, own: importlib.abc.Loader) -> None:
        self._own = own
        # The same thread asks for more of the module while it is being executed.
        self._one_at_a_time = threading.RLock()
        self._is_executing = False

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """A module of the name, without anything in it."""
        return _Postponed(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Leaves it for later."""
        module.__dict__[_READY] = self

    def execute(self, module: Any) -> bool:
        """Executes the module now, once; others wait until it is done.

        Returns:
            False to whoever executes it and asks for what is not there yet.
        """
        with self._one_at_a_time:
            if self._is_executing:
                return False
            if _READY not in module.__dict__:  # another thread has done it
                return True
            self._is_executing = True
            try:
                if module.__spec__ is not None:
                    module.__spec__.loader = module.__loader__ = self._own
                self._own.exec_module(module)
            finally:
                self._is_executing = False
            module.__class__ = ModuleType
            del module.__dict__[_READY]
            return True


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec, with a loader that waits; not where it is reloaded."""
        if fullname not in self.names or target is not None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


_FINDER = _Finder()


@contextmanager
def unavailable(name: str) -> Iterator[None]:
    """Has imports of a module fail, as if it were not installed, unless it is imported.

    For a library that takes another one along where it is installed, and does without
    where it is not.

    Args:
        name: Its full name.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # how Python says "there is none"
    try:
        yield
    finally:
        sys.modules.pop(name, None)


def postpone(*names: str) -> None:
    """Has each of these modules executed when something of it is first asked for.

    Args:
        names: Full names. One that is already imported stays as it is; one that is not
            installed fails where it is imported, as ever.
    """
    _FINDER.names.update(names)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
