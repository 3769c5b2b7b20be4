"""How a source of kind `fxiaoke` is reached: the lines under `fxiaoke:` in sources.yaml.

Not here: what is read (`entity`) and how (`pipeline.sources.fxiaoke`).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipeline.sources.entity import Strict

# Of the gateways that the vendor names; a tenant is on one of them. The web application's
# own host is none: it answers with a page.
DEFAULT_HOST = "https://open.fxiaoke.com"


class FxiaokeApi(Strict):
    """An application of the open platform, and the employee in whose name it reads.

    What the employee may not see is not read; the count of an object is that of what the
    employee sees. Credentials are given as `${NAME}`.
    """

    host: str = Field(
        default=DEFAULT_HOST,
        description="The gateway of the tenant's cloud, with https://.",
    )
    app_id: str = Field(min_length=1, description="FSAID_..., the application.")
    app_secret: str = Field(min_length=1, repr=False)
    permanent_code: str = Field(min_length=1, repr=False)
    protocol: Literal["oauth", "corp_token"] = Field(
        default="oauth",
        description="oauth: an access token in headers, as the vendor documents it now; "
        "corp_token: the older one, a token in every body.",
    )
    user_id: str | None = Field(
        default=None,
        description="The employee: with oauth the number in the CRM, such as 1000, with "
        "corp_token the open user id, FSUID_...",
    )
    mobile: str | None = Field(
        default=None,
        repr=False,
        description="With corp_token instead of user_id: the employee's telephone number.",
    )

    @field_validator("host")
    @classmethod
    def _is_a_gateway(cls, host: str) -> str:
        if not host.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError(
                "give the gateway with https://, such as https://open.fxiaoke.com; a "
                "secret does not go over a line that is not encrypted"
            )
        if "//www." in host:
            raise ValueError(
                "the gateway is not the web page's host; it is https://open.fxiaoke.com "
                "or the one of your cloud"
            )
        return host.rstrip("/")

    @model_validator(mode="after")
    def _names_the_employee(self) -> FxiaokeApi:
        if self.protocol == "oauth" and not self.user_id:
            raise ValueError("the protocol oauth needs user_id, such as 1000")
        if self.protocol == "corp_token" and not (self.user_id or self.mobile):
            raise ValueError("the protocol corp_token needs user_id or mobile")
        return self
