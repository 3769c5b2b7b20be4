"""`alerts.yaml`: who is notified of what, how and in which language.

It lies beside `sources.yaml` and is read in the same way: `${NAME}` comes from the
environment, so that no secret stands in the file. Without the file nobody is notified.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from pipeline.common import yaml_file, yaml_places
from pipeline.common.errors import ConfigurationError
from pipeline.common.settings import Settings

Kind = Literal["refused", "failed", "late", "copy", "recovered"]
Language = Literal["en", "zh"]
WebhookKind = Literal["slack", "feishu", "dingtalk", "wecom", "json"]

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$")]
_Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,]+@[^@\s<>,]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Channel(_Strict):
    """What every channel has.

    Attributes:
        language: Of the messages; that of the settings where the file says none.
        ca_file: Certificates to trust in place of the system's, for a server of one's
            own. Certificates are always verified.
    """

    name: _Name
    language: Language = "en"
    events: list[Kind] = Field(
        default=["refused", "failed", "late", "copy", "recovered"], min_length=1
    )
    timeout_seconds: float = Field(default=10, gt=0, le=60)
    ca_file: Path | None = None


class Webhook(_Channel):
    """A group chat's robot, or any receiver of JSON.

    Attributes:
        secret: Signs the message, as Feishu and DingTalk ask for; for `json` it makes a
            header `X-Customer-Tiers-Signature`.
        headers: Further headers, such as `Authorization`; for `json` only.
        allow_http: Send over plain http to another machine, for `json` only.
    """

    kind: WebhookKind
    url: str = Field(repr=False)
    secret: str | None = Field(default=None, repr=False, min_length=1)
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    allow_http: bool = False

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            port_is_one = parts.port is None or parts.port > 0
        except ValueError:
            raise ValueError("no address; give one such as https://…") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("no address; give one such as https://…")
        if not port_is_one or any(mark <= " " for mark in url) or not url.isascii():
            raise ValueError("the address holds a space or a mark that no address has")
        if parts.username or parts.password:
            raise ValueError("leave a login out of the address; use headers")
        return url

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Webhook:
        if self.secret and self.kind in {"slack", "wecom"}:
            raise ValueError(f"{self.kind} signs nothing; leave secret out")
        if self.kind != "json" and (self.headers or self.allow_http):
            raise ValueError("headers and allow_http are for kind: json only")
        if urlsplit(self.url).scheme == "http" and not (
            self.allow_http or is_this_machine(urlsplit(self.url).hostname or "")
        ):
            raise ValueError("http would show the message on its way; give https")
        return self

    @property
    def host(self) -> str:
        """What of the address may be written; the rest of it is the secret."""
        return urlsplit(self.url).hostname or ""

    def secrets(self) -> set[str]:
        """What must not be written of this channel."""
        parts = urlsplit(self.url)
        found = {self.url, parts.path, parts.query, self.secret or ""}
        found |= {part.partition("=")[2] for part in parts.query.split("&")}
        found |= {part for part in parts.path.split("/") if len(part) >= 8}
        return {item for item in {*found, *self.headers.values()} if len(item) >= 4}


class Email(_Channel):
    """A mail server and those who get the mail."""

    kind: Literal["email"]
    host: str = Field(min_length=1)
    port: int | None = Field(default=None, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = Field(default=None, repr=False)
    password: str | None = Field(default=None, repr=False)
    sender: _Address = Field(alias="from")
    to: list[_Address] = Field(min_length=1)

    @model_validator(mode="after")
    def _keeps_its_password(self) -> Email:
        if (self.user is None) != (self.password is None):
            raise ValueError("give user and password, or neither")
        if self.user and self.security == "none" and not is_this_machine(self.host):
            raise ValueError("security: none would show the password; use starttls")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port; the usual port of the kind of security by default."""
        usual = {"starttls": 587, "tls": 465, "none": 25}
        return self.host, self.port or usual[self.security]

    def secrets(self) -> set[str]:
        """What must not be written of this channel."""
        return {
            item for item in (self.user or "", self.password or "") if len(item) >= 4
        }


Channel = Annotated[Webhook | Email, Field(discriminator="kind")]


class AlertsFile(_Strict):
    """The whole of `alerts.yaml`.

    Attributes:
        installation: Which home is speaking, where there are several.
        link: Where people look, such as the address of Dagster's page.
    """

    version: Literal[1]
    installation: str = Field(default="", max_length=60, pattern=r"^[^\x00-\x1f]*$")
    link: str = Field(default="", max_length=500, pattern=r"^[^\x00-\x1f]*$")
    channels: list[Channel] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_once(self) -> AlertsFile:
        names = [channel.name for channel in self.channels]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two channels are called {twice[0]}")
        return self


def path_of(settings: Settings) -> Path:
    """The file that was named, or the one beside `sources.yaml`."""
    return settings.alerts_file or settings.sources_file.with_name("alerts.yaml")


def load(settings: Settings) -> AlertsFile | None:
    """Reads and checks `alerts.yaml`; nothing where there is none and none was named.

    Raises:
        ConfigurationError: Names the file, the place in it and what is wrong.
    """
    path = path_of(settings)
    is_asked_for = settings.alerts_file is not None or path.exists()
    if settings.alerts_off or not is_asked_for:
        return None
    raw = yaml_file.read(
        path, settings.environment, otherwise="set CUSTOMER_TIERS_ALERTS to another"
    )
    try:
        described = AlertsFile.model_validate(raw)
    except ValidationError as error:
        raise yaml_places.refused(path, error, AlertsFile) from None
    channels = []
    for channel in described.channels:
        if channel.ca_file is not None:
            found = (path.parent / channel.ca_file).resolve()
            if not found.is_file():
                raise ConfigurationError(
                    f"{path}: channel {channel.name}: ca_file {found} is not there."
                )
            channel = channel.model_copy(update={"ca_file": found})  # noqa: PLW2901
        if "language" not in channel.model_fields_set:
            spoken = {"language": settings.language}
            channel = channel.model_copy(update=spoken)  # noqa: PLW2901
        channels.append(channel)
    return described.model_copy(update={"channels": channels})


def is_this_machine(host: str) -> bool:
    """Whether what is sent there stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
