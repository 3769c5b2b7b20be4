"""One call of Zoho's APIs: with a token, counted in credits, judged by its code.

Not here: what the codes mean (`errors`), and which calls make up a reading.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.common.home import Home
from pipeline.sources.config import Source
from pipeline.sources.http import (
    SYSTEM_CLOCK,
    Answer,
    CallBudget,
    Clock,
    Request,
    ServiceError,
    Session,
    Token,
    shared_cache,
)
from pipeline.sources.zoho.errors import judge, judge_token
from pipeline.sources.zoho_settings import is_encrypted

log = logging.getLogger("customer_tiers.zoho")


class ZohoClient:
    """Calls on behalf of one source. Use as a context manager.

    Attributes:
        source: The source's name.
        clock: Where the time comes from.
        server_time: What the service's clock said at the first answer; ours before it.
    """

    def __init__(
        self, source: Source, home: Home | None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        assert source.zoho is not None  # the configuration demands it
        self.source = source.name
        self.clock = clock
        self.options = source.zoho
        self.server_time: dt.datetime | None = None
        self._is_desk = source.kind == "zoho_desk"
        self._credits_left: str | None = None
        self._session = Session(
            source.name,
            source.connection,
            retry=source.retry,
            budget=CallBudget(
                source.name,
                home.calls / source.name if home else None,
                most=source.connection.calls_per_day,
                clock=clock,
            ),
            clock=clock,
        )
        credentials = (
            self.options.accounts_host,
            self.options.client_id,
            self.options.client_secret,
            self.options.refresh_token,
        )
        self._tokens = shared_cache(credentials, clock=clock)

    def __enter__(self) -> ZohoClient:
        """Fetches a token, so that wrong credentials are one error and one request.

        Raises:
            SourceUnavailable: There is none; says which of the credentials is wrong.
        """
        try:
            self._tokens.current(self._fetch)
        except BaseException:
            self._session.close()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._credits_left is not None:
            log.info("%s: Zoho says that %s are left", self.source, self._credits_left)
        self._session.close()

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        modified_since: dt.datetime | None = None,
    ) -> dict[str, Any]:
        """The answer's JSON; an empty object where the answer is empty (204, 304).

        Args:
            path: From the root of the service.
            params: The query.
            modified_since: Only what changed since; Zoho may or may not count that second.
        """
        headers = {}
        if modified_since is not None:
            headers["If-Modified-Since"] = spelt(modified_since)
        return self._object(Request("GET", path, params or {}, headers))

    def post(self, path: str, body: Any, *, credits: int = 1) -> dict[str, Any]:
        """The answer's JSON to a question that is asked in a body; nothing is changed."""
        return self._object(Request("POST", path, json=body, weight=credits))

    def put(self, path: str, body: Any, check: Callable[[Answer], None]) -> Answer:
        """The answer to a change that may be made twice, which `check` finds good."""
        request = Request("PUT", path, json=body)
        answer = self._session.ask(request, check, authorize=self._authorize)
        self._note(answer)
        return answer

    def download(self, path: str, target: Path, check: Callable[[Path], None]) -> None:
        """Saves the answer's body."""
        self._session.download(
            Request("GET", path), target, judge, check, authorize=self._authorize
        )

    def _object(self, request: Request) -> dict[str, Any]:
        answer = self._session.ask(request, judge, authorize=self._authorize)
        self._note(answer)
        return {} if answer.status in {204, 304} else answer.object()

    def _authorize(self, request: Request) -> tuple[Request, Callable[[], None]]:
        token = self._tokens.current(self._fetch)
        headers = {**request.headers, "Authorization": f"Zoho-oauthtoken {token.value}"}
        if self._is_desk:
            host = self.options.desk_host
            headers["orgId"] = str(self.options.org_id)
        else:
            host = self.options.api_url or dict(token.facts)["api_domain"]
        prepared = Request(
            request.method,
            host.rstrip("/") + request.url,
            request.params,
            headers,
            request.json,
            request.form,
            request.weight,
        )
        return prepared, lambda: self._tokens.reject(token)

    def _fetch(self) -> Token:
        answer = self._session.ask(
            Request(
                "POST",
                f"{self.options.accounts_host}/oauth/v2/token",
                form={
                    "grant_type": "refresh_token",
                    "client_id": self.options.client_id,
                    "client_secret": self.options.client_secret,
                    "refresh_token": self.options.refresh_token,
                },
                # Not one of those that are counted.
                weight=0,
            ),
            judge_token,
        )
        body = answer.object()
        domain = str(body.get("api_domain") or "")
        if not self._is_desk and not self.options.api_url and not domain:
            raise ServiceError(
                f"{answer.where}: the token comes without api_domain, the address to "
                "read from; write it into zoho.api_url in sources.yaml."
            )
        if domain and not is_encrypted(domain):
            raise ServiceError(
                f"{answer.where}: the token is for {domain}, which is no address with "
                "https://; write the right one into zoho.api_url in sources.yaml."
            )
        # As old versions had it, 3600000 is an hour as well.
        seconds = float(body.get("expires_in") or 3600)
        return Token(
            str(body["access_token"]),
            min(seconds, 3600),
            (("api_domain", domain), ("scope", str(body.get("scope") or ""))),
        )

    def _note(self, answer: Answer) -> None:
        if self.server_time is None:
            date = answer.headers.get("date")
            try:
                self.server_time = email.utils.parsedate_to_datetime(date or "")
            except (TypeError, ValueError):
                self.server_time = self.clock.now()
        for name in ("x-api-credits-remaining", "x-rate-limit-remaining-v3"):
            if left := answer.headers.get(name):
                self._credits_left = f"{left} credits"


def spelt(moment: dt.datetime) -> str:
    """An instant as Zoho CRM writes it: to the second, with an offset."""
    return moment.astimezone(dt.UTC).replace(microsecond=0).isoformat()
