"""The Chinese of what the product says, by its English; names in braces are the same.

`terminal` is what commands print, `judging` what gates, trials and releases say,
`data_docs` the pages of the evidence. A test
holds that every sentence that is made by `said` has its Chinese here, with the same names,
and that nothing stands here that nobody says. The words of alerts, of the dictionary and of
reports stand where those are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pipeline.common.chinese import data_docs, judging, terminal

WORDS: Final[Mapping[str, str]] = {**terminal.WORDS, **judging.WORDS, **data_docs.WORDS}
