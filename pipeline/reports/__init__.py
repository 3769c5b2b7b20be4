"""Reports made from one release: what a reader sees without writing SQL.

`overview`, `portfolio`, `plans`, `service`, `owners` and `quality` ask the release, a page
each, and `site` what all of them need; `drawing` and `diagrams` turn figures into SVG
coordinates, `words` holds what pages say in both languages, `wording` puts numbers into
words, `publishing` writes the pages, and the templates place it all. A report knows the
release folder and nothing else, so it can be made again at any time from any kept release.
Not here: what the numbers mean (the marts) and whether they may be published (`release`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.common.files import read_json
from pipeline.gates import data_docs
from pipeline.release import duckdb_files
from pipeline.release.layout import WAREHOUSE
from pipeline.release.verification import verify
from pipeline.reports import periods, publishing
from pipeline.reports.words import LANGUAGES, Language

__all__ = ["LANGUAGES", "Language", "build_report"]


def build_report(
    release_folder: Path, languages: Sequence[Language] = LANGUAGES
) -> Path:
    """Writes the pages of a release anew: `reports/index.html`, `reports/zh/index.html`.

    Each page is whole in itself: no font, no picture and no script from elsewhere. The
    same release gives the same bytes, so it names no moment of its own making.

    Args:
        release_folder: A folder with `warehouse.duckdb` and `release.json`; may be the
            symlink `current`, which is resolved once.
        languages: Of the pages; each page is in one.

    Returns:
        The path of the overview in the first of the languages, in the resolved folder.

    Raises:
        ConfigurationError: The folder is not a release.
    """
    folder = release_folder.resolve()
    if not (folder / WAREHOUSE).exists():
        raise ConfigurationError(
            f"{folder} holds no {WAREHOUSE}; name the folder of a release, "
            "such as data/current."
        )
    try:
        record = read_json(folder / "release.json")
        seal = periods.seal_of(record, problems=verify(folder, record["gates"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{folder / 'release.json'} is missing or damaged ({error}); "
            "`customer-tiers releases` lists the releases that are whole."
        ) from error
    with duckdb_files.connect(folder / WAREHOUSE, read_only=True) as connection:
        found = publishing.collect(connection, seal)
    data_docs.of_release(folder, record)
    reports = folder / "reports"
    reports.mkdir(mode=0o700, exist_ok=True)
    publishing.write(found, reports, languages)
    return reports / publishing.FOLDERS[languages[0]] / publishing.INDEX
