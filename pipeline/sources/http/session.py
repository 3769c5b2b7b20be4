"""One call to a service: limits, token, tries, and every error in plain words.

What an answer means is the client's of the service to judge. It raises `ServiceError`
with `may_pass` where asking again can help, `TokenRefused` where another token can, and
nothing where the answer is good. Nothing else is tried again, and what was tried as often
as sources.yaml says may not pass any more: the whole source need not be read again.
"""

from __future__ import annotations

import email.utils
import functools
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import tenacity

from pipeline.common.errors import ConfigurationError
from pipeline.sources.access import Connection, Retry, wait_between
from pipeline.sources.http.answers import Answer, ServiceError, TokenRefused
from pipeline.sources.http.budget import CallBudget
from pipeline.sources.http.clock import SYSTEM_CLOCK, Clock
from pipeline.sources.http.limiter import RateLimiter
from pipeline.sources.passing import status_may_pass

log = logging.getLogger("customer_tiers.http")

# An answer in memory is a page; more is a mistake, or not meant for us.
MOST_BYTES = 256 * 2**20

Judge = Callable[[Answer], None]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        method: GET, POST, or PUT for a change that may be made twice.
        url: The address, without a query.
        params: The query.
        headers: Beside those of the session.
        json: A body to be sent as JSON.
        form: A body to be sent as a form.
        weight: What the call takes of the daily allowance.
    """

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    weight: int = 1

    def with_headers(self, **headers: str) -> Request:
        """The same with further headers."""
        return replace(self, headers={**self.headers, **headers})


# Puts what shows who asks into a request, and says how to give it up once it is refused.
Authorize = Callable[[Request], tuple[Request, Callable[[], None]]]


def judge_status(answer: Answer) -> None:
    """Good is 200 to 299; for services whose status says everything.

    Raises:
        ServiceError: Any other status.
    """
    if not 200 <= answer.status < 300:
        raise status_error(answer)


def status_error(answer: Answer, text: str = "", code: str = "") -> ServiceError:
    """The error of an answer that is not good, in words for a person.

    Args:
        answer: What came.
        text: What the service's own code means, if it is known.
        code: That code.
    """
    if not text and 300 <= answer.status < 400:
        text = (
            "it sends us to another address, and a service does not. Is the host in "
            "sources.yaml the service's own?"
        )
    elif not text and answer.status == 429:
        text = "too many calls at once, or more than the allowance of the day"
    elif not text:
        text = (
            answer.content[:200].decode(errors="replace").strip() or "no reason given"
        )
    return ServiceError(
        f"{answer.where} answered {answer.status}{f' {code}' if code else ''}: {text}",
        may_pass=status_may_pass(answer.status),
        code=code,
        status=answer.status,
        wait_seconds=_retry_after(answer.headers.get("retry-after")),
    )


class Session:
    """Calls one service on behalf of one source. Use as a context manager."""

    def __init__(
        self,
        source: str,
        connection: Connection,
        *,
        retry: Retry,
        budget: CallBudget,
        limiters: Sequence[RateLimiter] = (),
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Opens no connection yet.

        Args:
            source: The name of the source, for messages.
            connection: How the service is called.
            retry: How often a call is tried.
            budget: Counts the calls.
            limiters: Each has to let a call through.
            clock: Waits.

        Raises:
            ConfigurationError: The certificates or the proxy cannot be used.
        """
        # It would write the whole address of each call, secrets in the query and all.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.source = source
        self.budget = budget
        self._retry = retry
        self._limiters = limiters
        self._clock = clock
        self._timeout_seconds = connection.timeout_seconds
        try:
            context = (
                ssl.create_default_context(cafile=str(connection.ca_file))
                if connection.ca_file
                else _context_of_the_system()
            )
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                f"{source}: connection.ca_file, {connection.ca_file}, holds no "
                f"certificates that can be read ({error.strerror}); give a file in PEM."
            ) from None
        try:
            self._client = httpx.Client(
                verify=context,
                timeout=connection.timeout_seconds,
                proxy=connection.proxy,
                trust_env=False,
                follow_redirects=False,
                headers={"user-agent": "customer-tiers"},
            )
        except (ValueError, httpx.InvalidURL):
            raise ConfigurationError(
                f"{source}: connection.proxy is no URL of a proxy; give one such as "
                "http://proxy.example:3128."
            ) from None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections, and logs what was used of the allowance."""
        self._client.close()
        self.budget.tidy()
        if self.budget.spent_here:
            log.info("%s: %s", self.source, self.budget.summary())

    def ask(
        self,
        request: Request,
        judge: Judge = judge_status,
        *,
        authorize: Authorize | None = None,
    ) -> Answer:
        """Makes a call, and makes it again as long as that can help.

        Args:
            request: What is asked. It must be one that may be made twice.
            judge: Raises when the answer is not good.
            authorize: Puts the token in; asked before each try.

        Raises:
            ServiceError: There is no good answer; says why.
            SourceUnavailable: The allowance of the day is used.
        """

        def call(prepared: Request) -> Answer:
            answer = self._call(prepared)
            judge(answer)
            return answer

        return self._tried(request, call, authorize)

    def download(
        self,
        request: Request,
        path: Path,
        judge: Judge = judge_status,
        check: Callable[[Path], None] = lambda path: None,
        *,
        authorize: Authorize | None = None,
    ) -> None:
        """Saves the body of an answer as a file, however large it is.

        Args:
            request: What is asked.
            path: Where it goes; replaced by each try.
            judge: Raises when the answer, shown without its body if it is good, is not.
            check: Raises when the file is not whole.
            authorize: As in `ask`.

        Raises:
            ServiceError: As `ask`.
        """

        def call(prepared: Request) -> None:
            self._save(prepared, path, judge)
            check(path)

        self._tried(request, call, authorize)

    def _tried(
        self,
        request: Request,
        call: Callable[[Request], Result],
        authorize: Authorize | None,
    ) -> Result:
        """The result of the call once it succeeds."""

        def once() -> Result:
            if authorize is None:
                return call(request)
            prepared, reject = authorize(request)
            try:
                return call(prepared)
            except TokenRefused:
                reject()
            # The token may have ended a moment ago. One that is new and refused as well
            # is not what is wrong.
            prepared, reject = authorize(request)
            try:
                return call(prepared)
            except TokenRefused:
                reject()
                raise

        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, ServiceError) and error.may_pass
            ),
            stop=tenacity.stop_after_attempt(self._retry.tries),
            wait=_Wait(self._retry),
            sleep=self._clock.sleep,
            before_sleep=self._note,
            reraise=True,
        )
        try:
            return attempts(once)
        except ServiceError as error:
            if not error.may_pass:
                raise
            tries = self._retry.tries
            times = "once" if tries == 1 else f"{tries} times"
            text = f"{str(error).rstrip('.')}. It was tried {times}."
            final = ServiceError(text, code=error.code, status=error.status)
        raise final

    def _note(self, state: tenacity.RetryCallState) -> None:
        assert state.outcome is not None
        assert state.next_action is not None
        log.warning(
            "%s; try %d of %d in %.0f s",
            state.outcome.exception(),
            state.attempt_number + 1,
            self._retry.tries,
            state.next_action.sleep,
        )

    def _call(self, request: Request) -> Answer:
        answer, content = self._sent(request, _read_whole)
        return replace(answer, content=content)

    def _save(self, request: Request, path: Path, judge: Judge) -> None:
        def read(response: httpx.Response, answer: Answer) -> bytes:
            if not 200 <= answer.status < 300:
                return _read_whole(response, answer)
            with path.open("wb") as file:
                for part in response.iter_bytes():
                    file.write(part)
            return b""

        answer, content = self._sent(request, read)
        judge(replace(answer, content=content))

    def _sent(
        self, request: Request, read: Callable[[httpx.Response, Answer], bytes]
    ) -> tuple[Answer, bytes]:
        """Sends the request once and reads the answer's body with `read`."""
        for limiter in self._limiters:
            limiter.acquire()
        self.budget.spend(request.weight)
        address = urlsplit(request.url)
        where = f"{self.source}: {request.method} {address.path}"
        try:
            with self._client.stream(
                request.method,
                request.url,
                params=dict(request.params) or None,
                headers=dict(request.headers),
                json=request.json,
                data=dict(request.form) if request.form is not None else None,
            ) as response:
                answer = Answer(where, response.status_code, response.headers, b"")
                return answer, read(response, answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            found = _broken(error, where, address.hostname or request.url)
            if isinstance(error, httpx.TimeoutException):
                found = ServiceError(
                    f"{where}: {address.hostname} did not answer in "
                    f"{self._timeout_seconds:g} s (connection.timeout_seconds)",
                    may_pass=True,
                )
        # Outside of the handler: a chain of errors could show the request.
        raise found


@functools.cache
def _context_of_the_system() -> ssl.SSLContext:
    """The authorities that this machine trusts; reading them takes 20 ms each time."""
    return ssl.create_default_context()


def _read_whole(response: httpx.Response, answer: Answer) -> bytes:
    parts, size = [], 0
    for part in response.iter_bytes():
        size += len(part)
        if size > MOST_BYTES:
            raise ServiceError(
                f"{answer.where}: the answer is larger than {MOST_BYTES:,} bytes, and "
                "no page of records is."
            )
        parts.append(part)
    return b"".join(parts)


def _broken(error: Exception, where: str, host: str) -> ServiceError:
    """It broke before the answer was whole."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return ServiceError(
                f"{where}: the certificate of {host} is not good: "
                f"{cause.verify_message}. Where a private authority signed it, name its "
                "certificate in connection.ca_file in sources.yaml."
            )
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ServiceError(f"{where}: {host} is no address; mend it in sources.yaml.")
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        text = f"{host} cannot be reached: {error}"
    else:
        text = f"{host} broke off the answer: {str(error) or type(error).__name__}"
    return ServiceError(f"{where}: {text}", may_pass=True)


class _Wait(tenacity.wait.wait_base):
    """The waits of sources.yaml, or as long as the service asks for if that is longer.

    A service that asks for more than the longest wait is not waited for any longer.
    """

    def __init__(self, retry: Retry) -> None:
        self._usual = wait_between(retry)
        self._longest = retry.longest_seconds

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        asked = getattr(error, "wait_seconds", None) or 0.0
        return max(self._usual(retry_state), min(asked, self._longest))


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from seconds or from a date."""
    if value is None:
        return None
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(until.timestamp() - SYSTEM_CLOCK.now().timestamp(), 0.0)
