"""The dictionary of a release: one page that says what stands in its tables.

`contents` reads it from the release, `joins` says which joins keep the rows, `words`
holds the words of the page in both languages, and the template places them. The release
alone is asked: what its tables, columns, keys and lineage are stands in it, so that the
page of an older release tells of that release. No value of a row comes to the page, except
of the tables of codes and the policy's names.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Final

import duckdb
from markupsafe import Markup

from pipeline.common import pages
from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json, write_text
from pipeline.release import duckdb_files
from pipeline.release.layout import WAREHOUSE
from pipeline.reports import wording
from pipeline.reports.dictionary import contents
from pipeline.reports.dictionary.words import WORDS, Language

__all__ = ["LANGUAGES", "build", "default_path"]

TEMPLATES = Path(__file__).parents[1] / "templates"
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


def default_path(release_folder: Path, language: Language) -> Path:
    """Where the page of a release lies when nobody says otherwise."""
    return release_folder.resolve() / "reports" / f"dictionary.{language}.html"


def build(
    release_folder: Path, language: Language = "en", output: Path | None = None
) -> Path:
    """Writes the dictionary of a release as one HTML page.

    The page is whole in itself: its style and its search stand in it, and it may fetch
    nothing. The same release gives the same bytes.

    Args:
        release_folder: A folder with `warehouse.duckdb` and `release.json`; may be the
            symlink `current`.
        language: Of the page. What tables and columns mean is written in English.
        output: The file; by default `reports/dictionary.<language>.html` of the release.

    Returns:
        The file.

    Raises:
        ConfigurationError: The folder is not a release, or the file cannot be written.
    """
    folder = release_folder.resolve()
    try:
        record = read_json(folder / "release.json")
        with duckdb_files.connect(folder / WAREHOUSE, read_only=True) as connection:
            found = contents.collect(connection, record, language)
    except (OSError, ValueError, KeyError, TypeError, duckdb.Error) as error:
        raise ConfigurationError(
            f"{folder} is no release that can be read ({error}); `customer-tiers "
            "releases` lists those that are whole."
        ) from error
    script = (TEMPLATES / "dictionary.js").read_text(encoding="utf-8")
    environment = pages.environment(TEMPLATES)
    environment.filters.update(wording.FILTERS)
    page = environment.get_template("dictionary.html.j2").render(
        found=found,
        language=language,
        words=WORDS[language],
        script=Markup(script),
        # The browser runs this script and no other, whatever stands in the page.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    path = output or default_path(folder, language)
    try:
        if output is None:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        write_text(path, page)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be written ({error.strerror}); name another file with "
            "--output."
        ) from error
    return path
