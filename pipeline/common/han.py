"""Chinese characters: traditional ones as simplified ones."""

from __future__ import annotations

import functools
from typing import Any


def simplified(text: str) -> str:
    """The text with its traditional Chinese characters written as simplified ones."""
    return str(_converter().convert(text))


@functools.cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")
