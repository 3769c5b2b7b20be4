"""What a service answered: its status, and its JSON with numbers that stay exact.

Not here: asking (`session`), and what the codes in an answer mean (each service's own).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NoReturn

from pipeline.common.errors import SourceUnavailable
from pipeline.common.secrets import cleared

# So much of an answer that nobody expected is quoted.
QUOTED_CHARACTERS = 200


class ServiceError(SourceUnavailable):
    """A service refused a call, or answered what is no answer.

    Attributes:
        code: The service's own code, by which its client decides; empty where it has none.
        status: The HTTP status; 0 where none came.
        wait_seconds: How long the service asks to be left alone, if it does.
    """

    def __init__(
        self,
        message: str,
        *,
        may_pass: bool = False,
        code: str = "",
        status: int = 0,
        wait_seconds: float | None = None,
    ) -> None:
        super().__init__(cleared(message), may_pass=may_pass)
        self.code = code
        self.status = status
        self.wait_seconds = wait_seconds


class TokenRefused(ServiceError):
    """The access token is not, or no longer, accepted; another one may be."""


@dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
        where: What was asked, as a message names it: source, method and path. Never the
            query, which may hold a secret.
        status: The HTTP status.
        headers: By names in lower case.
        content: The body.
    """

    where: str
    status: int
    headers: Mapping[str, str]
    content: bytes

    def json(self) -> Any:
        """The body; numbers with a point are text, as they are written.

        It is parsed once, however many ask: who judges the answer, and who reads it.

        Raises:
            ServiceError: The body is no JSON; says what it seems to be.
        """
        return self._parsed

    @cached_property
    def _parsed(self) -> Any:
        try:
            return json.loads(self.content, parse_float=str, parse_constant=_refuse)
        except (ValueError, RecursionError):
            pass
        start = self.content[:QUOTED_CHARACTERS].decode(errors="replace").strip()
        kind = self.headers.get("content-type", "")
        if start.startswith("<") or "html" in kind:
            text = (
                "a page of HTML in place of JSON. Something else than the service "
                "answers there: a wrong host, a proxy, a page to log in or one for "
                "maintenance"
            )
        elif not start:
            text = "nothing in place of JSON"
        else:
            text = f"no JSON: {start}"
        raise ServiceError(
            f"{self.where}: the answer ({self.status}) is {text}.", status=self.status
        )

    def object(self) -> dict[str, Any]:
        """The body, which is one JSON object.

        Raises:
            ServiceError: It is not.
        """
        value = self.json()
        if not isinstance(value, dict):
            raise ServiceError(
                f"{self.where}: the answer ({self.status}) is JSON, but no object.",
                status=self.status,
            )
        return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
