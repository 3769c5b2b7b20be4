"""How often Python looks for garbage, and that nothing stays so for whoever runs on."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from pipeline.common import collector
from tests.unit import support

# What was registered first runs last.
LEAVE = """
    import atexit, gc
    atexit.register(lambda: print(int(gc.get_freeze_count() > 0)))
    from pipeline.common import collector
    if {seldom}:
        with collector.seldom():
            pass
"""


@pytest.mark.parametrize("seldom", [True, False])
def test_what_is_there_at_the_end_is_left_to_the_system(seldom: bool) -> None:
    found = support.run(LEAVE.format(seldom=seldom))
    assert found == (0, seldom)


@pytest.fixture
def usual() -> Iterator[tuple[int, int, int]]:
    """Python's own thresholds; the tests run with others."""
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield gc.get_threshold()
    gc.set_threshold(*before)


def test_garbage_is_looked_for_seldom_and_then_as_before(
    usual: tuple[int, int, int],
) -> None:
    with pytest.raises(ZeroDivisionError), collector.seldom():
        assert gc.get_threshold() == collector.SELDOM
        assert all(
            few < many for few, many in zip(usual, collector.SELDOM, strict=True)
        )
        with collector.resting():
            pass
        assert gc.get_freeze_count() > 0
        raise ZeroDivisionError
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() == 0


class Node:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


def test_nothing_is_looked_for_while_it_rests_and_later_it_is_found() -> None:
    with collector.seldom():
        with pytest.raises(ZeroDivisionError), collector.resting():
            assert not gc.isenabled()
            node = weakref.ref(Node())
            raise ZeroDivisionError
        assert gc.isenabled()
    gc.collect()
    assert node() is None
