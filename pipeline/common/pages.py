"""How an HTML page is made from a template: escaped, strict, the same bytes each time.

For the report and the Data Docs. What a page says and how it says it is theirs.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def environment(templates: Path) -> Environment:
    """The templates of a folder.

    Names and examples come from customers: nothing reaches a page unescaped, and a value
    that is missing is an error rather than a gap.
    """
    return Environment(
        loader=FileSystemLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
