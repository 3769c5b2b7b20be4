"""Reads 纷享销客 (Fxiaoke) over its open API; a stranger to the rest of the sources."""

from pipeline.sources.fxiaoke.reader import FxiaokeReader

__all__ = ["FxiaokeReader"]
