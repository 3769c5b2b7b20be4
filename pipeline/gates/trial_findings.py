"""What a trial of the sources finds: one finding a cause, with the place to edit.

Not here: how it is found (`source_trial`, `project_trial`, `staged_trial`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.errors import (
    ConfigurationError,
    CustomerTiersError,
    GateRefused,
    SourceUnavailable,
)
from pipeline.common.language import said
from pipeline.common.yaml_places import Places

# Names listed of many.
_LISTED = 3


@dataclass(frozen=True)
class Finding:
    """What keeps a refresh from going through, or what a person should know before.

    Attributes:
        message: What is wrong, and what to do.
        exit_code: That with which a refresh would end; 0 where it would go through.
        subject: The source, the entity, the model or the seed that it is about.
        file: The file to edit, where it is one of the project's.
        line: The line in it.
    """

    message: str
    exit_code: int
    subject: str = ""
    file: Path | None = None
    line: int | None = None


@dataclass(frozen=True)
class Declaration:
    """Where `sources.yaml` says something, by line."""

    places: Places
    sources: Sequence[str]

    def line(self, source: str, *keys: str | int) -> int | None:
        """The line of an option of a source, or of the last on the way that is there."""
        return self.places.line("sources", self.sources.index(source), *keys)

    def finding(
        self, message: str, exit_code: int, source: str, *keys: str | int
    ) -> Finding:
        """A finding whose place is an option of a source.

        Args:
            message: What is wrong, and what to do.
            exit_code: That of a refresh.
            source: The source.
            keys: The way to the option, such as "entities", "orders", "key".
        """
        entity = [str(keys[1])] if len(keys) > 1 and keys[0] == "entities" else []
        return Finding(
            message,
            exit_code,
            ".".join([source, *entity]),
            self.places.file,
            self.line(source, *keys),
        )


def line_with(file: Path, words: str) -> int | None:
    """The first line of a file that has the words in it, as words of their own."""
    if not words:
        return None
    wanted = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)", re.IGNORECASE)
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((n for n, line in enumerate(lines, 1) if wanted.search(line)), None)


def declared_at(places: Places, line: int | None) -> str:
    """In brackets, the line of a settings file that says something else; or nothing."""
    if not line:
        return ""
    return said(" (line {line} of {file})", line=line, file=places.file.name)


def listed(names: Sequence[str]) -> str:
    """A few of the names, and how many there are besides."""
    first = ", ".join(names[:_LISTED])
    more = len(names) - _LISTED
    return (
        said("{first} and {more:,} more", first=first, more=more) if more > 0 else first
    )


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, what stops a refresh first."""
    return sorted(dict.fromkeys(findings), key=lambda finding: not finding.exit_code)


def worst(findings: Sequence[Finding]) -> CustomerTiersError | None:
    """The error that the findings amount to, for the exit code; None when all is well.

    What cannot be read comes first, because nothing is known of it; then what a gate
    would refuse.
    """
    codes = [finding.exit_code for finding in findings if finding.exit_code]
    if not codes:
        return None
    count = (
        said("{count} things", count=len(codes)) if len(codes) > 1 else said("1 thing")
    )
    for kind in (SourceUnavailable, GateRefused, ConfigurationError):
        if kind.exit_code in codes:
            return kind(
                said(
                    "{count} would stop a refresh; each is listed with its place.",
                    count=count,
                )
            )
    return CustomerTiersError(said("{count} would stop a refresh.", count=count))
