"""`customer-tiers upgrade`: leaves in an old project what is its own, and no more.

Projects of before the package hold a whole copy of the product's models. What the copy
holds that is not a person's own is moved aside; what that is, `transform.former` says.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.transform import former

# What was there before stays here, until a person removes it.
ASIDE = "before-upgrade"


@dataclass(frozen=True)
class Upgraded:
    """What became of an old project.

    Attributes:
        aside: Where the whole of the old project is now.
        own: The files that stay, by their paths in the project.
        sentences: What a person should know.
    """

    aside: Path
    own: Sequence[str]
    sentences: Sequence[str]


def upgrade(folder: Path) -> Upgraded:
    """Makes a project with a whole copy of the product's models use the package.

    Nothing is lost: the old folders lie in `before-upgrade` afterwards. A kill in between
    leaves the old project in its place or there.

    Args:
        folder: The folder with `sources.yaml` and `dbt_project`.

    Raises:
        ConfigurationError: There is no such copy, or it was upgraded before.
    """
    project = folder / "dbt_project"
    aside = folder / ASIDE
    if not former.is_copy(project):
        raise ConfigurationError(
            f"{project} is no copy of the product's models that an earlier version made; "
            "there is nothing to upgrade."
        )
    if aside.exists():
        raise ConfigurationError(
            f"{aside} is there already; move it away, so that nothing is overwritten."
        )
    copy = former.classify(project)
    sentences = copy.sentences()
    try:
        partial = folder / ".dbt_project.partial"
        shutil.rmtree(partial, ignore_errors=True)
        for relative, path in copy.own.items():
            (partial / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, partial / relative)
        for path in (project / "models").rglob("*.template"):
            place = partial / path.relative_to(project)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
        partial.mkdir(exist_ok=True)
        aside.mkdir()
        suites = folder / "expectations" / "marts.py"
        if suites.exists():
            if former.is_unchanged(suites):
                (aside / "expectations").mkdir()
                suites.rename(aside / "expectations" / "marts.py")
            else:
                sentences.append(
                    "expectations/marts.py was changed here, and goes on to be all that "
                    "is demanded of the marts: move what is yours into "
                    "expectations/marts/, see docs/gates.md."
                )
        project.rename(aside / "dbt_project")
        partial.rename(project)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror} ({error.filename}). What was "
            f"there is still in {project} or in {aside}."
        ) from error
    return Upgraded(aside, sorted(copy.own), sentences)
