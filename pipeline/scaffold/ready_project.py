"""`customer-tiers init --preset`: a project for a well-known system, that needs credentials.

A preset is a folder in `presets/` that holds what is a project's own: sources.yaml, staging
models, suites and a README, copied as they are. Not here: the policy, which every new
project gets (`new_project`), and exports of systems as files (`proposal.presets`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from pipeline.common.errors import ConfigurationError
from pipeline.scaffold import new_project

FOLDER = Path(__file__).parent / "presets"

# What a person looks at first, in this order; staging and suites come after them.
_FIRST = ["sources.yaml", "README.md"]


def names() -> list[str]:
    """The presets that there are."""
    return sorted(path.parent.name for path in FOLDER.glob("*/sources.yaml"))


def check(preset: str) -> None:
    """Refuses a preset that there is not.

    Raises:
        ConfigurationError: There is no such preset.
    """
    if preset not in (known := names()):
        raise ConfigurationError(
            f"--preset is {preset!r}, and there is {', '.join(known)}."
        )


def init(folder: Path, preset: str) -> list[Path]:
    """Writes a ready project into an empty or missing folder.

    Args:
        folder: The new project's.
        preset: One of `names()`.

    Returns:
        The files that a person should look at, in that order.

    Raises:
        ConfigurationError: There is no such preset; or the folder holds something already,
            or cannot be written.
    """
    check(preset)
    origin = FOLDER / preset
    own = sorted(
        (
            path.relative_to(origin)
            for path in origin.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        ),
        key=lambda path: (
            _FIRST.index(path.name) if path.name in _FIRST else len(_FIRST),
            path.as_posix(),
        ),
    )
    with new_project.writing(folder):
        new_project.begin(folder)
        for path in own:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin / path, folder / path)
    return [folder / path for path in own]


def variables(preset: str) -> list[str]:
    """The names of the variables whose values the project asks the environment for.

    Raises:
        ConfigurationError: The preset's sources.yaml cannot be read.
    """
    from pipeline.common.secrets import REFERENCE

    path = FOLDER / preset / "sources.yaml"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    asked = (line.partition("#")[0] for line in lines)
    return list(
        dict.fromkeys(found[1] for line in asked for found in REFERENCE.finditer(line))
    )
