r"""Sends a message to a group chat or to any receiver of JSON, in the format of each.

What the services ask for, as public descriptions of them had it on 2026-11-22:

- Slack: `text` and blocks; the answer is the word `ok`, errors are HTTP codes.
- Feishu 飞书: `msg_type: post`; signed with HMAC-SHA256 of nothing under the key
  `<seconds>\n<secret>`, in the body. Errors are a `code` under HTTP 200.
- DingTalk 钉钉: `msgtype: markdown`; signed with HMAC-SHA256 of `<milliseconds>\n<secret>`
  under the key `<secret>`, in the address. Errors are an `errcode` under HTTP 200.
- WeCom 企业微信: `msgtype: markdown` of at most 4,096 bytes; the key is in the address.
  Errors are an `errcode` under HTTP 200.

The environment's proxies are used, certificates are always verified, and redirections
are not followed: they would carry the message to somebody else.
"""

from __future__ import annotations

import base64
import datetime as dt
import email.utils
import hashlib
import hmac
import http.client
import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message as Headers
from typing import Any

from pipeline.operations.alerts.config import Webhook
from pipeline.operations.alerts.message import Message
from pipeline.operations.alerts.sending import NotSent

# What each service takes of a text, in bytes, with some room.
BYTES = {"slack": 2_900, "feishu": 15_000, "dingtalk": 15_000, "wecom": 4_000}
ANSWER_BYTES = 64 * 1024

# Their words for "too many messages": how long to leave them alone, in seconds.
TOO_MANY = {
    ("feishu", 11232): 60.0,
    ("dingtalk", 130101): 600.0,
    ("dingtalk", 410100): 600.0,
    ("dingtalk", 90030): 600.0,
    ("wecom", 45009): 60.0,
    ("wecom", 45033): 60.0,
}
# Their servers are busy.
BUSY = {("feishu", 11233), ("dingtalk", -1), ("wecom", -1), ("wecom", 6000)}


def send(channel: Webhook, message: Message, moment: float) -> None:
    """Sends the message once.

    Args:
        channel: Where to.
        message: What.
        moment: Seconds since 1970; signatures hold for an hour around it.

    Raises:
        NotSent: The service did not take it, or nobody knows.
    """
    url, body, headers = request(channel, message, moment)
    status, answer_headers, answer = _post(channel, url, body, headers)
    _judge(channel, status, answer_headers, answer)


def request(
    channel: Webhook, message: Message, moment: float
) -> tuple[str, bytes, dict[str, str]]:
    """The address, the body and the headers of the message for this channel."""
    url = channel.url
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "customer-tiers",
        "Idempotency-Key": message.id,
    }
    if channel.kind == "slack":
        value = _slack(message)
    elif channel.kind == "feishu":
        value = _feishu(message)
        if channel.secret:
            seconds = str(int(moment))
            sign = _signature(f"{seconds}\n{channel.secret}", "")
            value = {"timestamp": seconds, "sign": sign, **value}
    elif channel.kind == "dingtalk":
        text = _markdown(message, "### ", "\n\n", BYTES["dingtalk"])
        value = {
            "msgtype": "markdown",
            "markdown": {"title": message.title, "text": text},
        }
        if channel.secret:
            url = _with_dingtalk_signature(url, channel.secret, int(moment * 1000))
    elif channel.kind == "wecom":
        text = _markdown(message, "**", "\n", BYTES["wecom"])
        value = {"msgtype": "markdown", "markdown": {"content": text}}
    else:
        value = _plain(message, moment)
    body = json.dumps(value, ensure_ascii=False).encode()
    if channel.kind == "json":
        headers |= channel.headers
        if channel.secret:
            stamp = str(int(moment))
            digest = hmac.digest(
                channel.secret.encode(), f"{stamp}.".encode() + body, "sha256"
            )
            headers["X-Customer-Tiers-Timestamp"] = stamp
            headers["X-Customer-Tiers-Signature"] = f"sha256={digest.hex()}"
    return url, body, headers


def _slack(message: Message) -> dict[str, Any]:
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": message.title[:150]},
        }
    ]
    for heading, lines in message.sections:
        text = "\n".join([f"*{heading}*", *(_slack_escaped(line) for line in lines)])
        blocks.append(
            {
                "type": "section",
                "text": {"type": "mrkdwn", "text": _cut(text, BYTES["slack"])},
            }
        )
    return {"text": _slack_escaped(message.title), "blocks": blocks}


def _slack_escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _feishu(message: Message) -> dict[str, Any]:
    content = []
    left = BYTES["feishu"]
    for heading, lines in message.sections:
        for text in (f"【{heading}】", *lines):
            left -= len(text.encode()) + 40
            if left > 0:
                content.append([{"tag": "text", "text": text}])
    language = "zh_cn" if message.language == "zh" else "en_us"
    return {
        "msg_type": "post",
        "content": {"post": {language: {"title": message.title, "content": content}}},
    }


def _with_dingtalk_signature(url: str, secret: str, milliseconds: int) -> str:
    sign = _signature(secret, f"{milliseconds}\n{secret}")
    query = urllib.parse.urlencode({"timestamp": milliseconds, "sign": sign})
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _signature(key: str, text: str) -> str:
    digest = hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _markdown(message: Message, mark: str, end: str, most: int) -> str:
    """The message in the little Markdown that both robots know."""
    closing = mark if mark == "**" else ""
    parts = [f"{mark}{_tame(message.title)}{closing}"]
    for heading, lines in message.sections:
        parts.append(f"**{heading}**")
        parts += [f"> {_tame(line)}" for line in lines]
    return _cut(end.join(parts), most)


def _tame(text: str) -> str:
    """Text whose marks are no Markdown: the robots know no escapes."""
    return text.translate(
        {ord("<"): "＜", ord(">"): "＞", ord("*"): "＊", ord("#"): "＃", ord("`"): "'"}
    )


def _plain(message: Message, moment: float) -> dict[str, Any]:
    return {
        "id": message.id,
        "event": message.kind,
        "language": message.language,
        "title": message.title,
        "text": message.text(),
        "raised_at": message.raised_at,
        "sent_at": dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(
            timespec="seconds"
        ),
        "may_be_repeat": message.is_repeat,
        "facts": message.facts,
    }


def _cut(text: str, most: int) -> str:
    """The text in so many bytes, cut where a character ends."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    return raw[: most - 3].decode(errors="ignore") + "…"


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Takes a redirection for the answer that it is."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """No request follows."""


def _post(
    channel: Webhook, url: str, body: bytes, headers: dict[str, str]
) -> tuple[int, Headers, bytes]:
    context = ssl.create_default_context(
        cafile=str(channel.ca_file) if channel.ca_file else None
    )
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=context), _StayHere()
    )
    asked = urllib.request.Request(url, data=body, headers=headers, method="POST")
    try:
        with opener.open(asked, timeout=channel.timeout_seconds) as response:
            return response.status, response.headers, response.read(ANSWER_BYTES)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read(ANSWER_BYTES)
    except urllib.error.URLError as error:
        raise _unreached(channel, error.reason) from None
    except TimeoutError:
        raise NotSent(
            f"{channel.host} did not answer in {channel.timeout_seconds:g} s",
            again=True,
            is_uncertain=True,
        ) from None
    except (OSError, http.client.HTTPException) as error:
        raise NotSent(
            f"{channel.host} broke off: {type(error).__name__}",
            again=True,
            is_uncertain=True,
        ) from None


def _unreached(channel: Webhook, reason: object) -> NotSent:
    """It broke before there was an answer: at the connection, or while it was sent."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return NotSent(
            f"the certificate of {channel.host} is not good: {reason.verify_message}"
        )
    # An OSError without a number has words of its own, such as a proxy's answer.
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    if isinstance(reason, TimeoutError):
        text = f"no connection in {channel.timeout_seconds:g} s"
    is_uncertain = isinstance(
        reason, TimeoutError | ConnectionResetError | BrokenPipeError
    )
    return NotSent(
        f"{channel.host} cannot be reached: {text}",
        again=True,
        is_uncertain=is_uncertain,
    )


def _judge(channel: Webhook, status: int, headers: Headers, answer: bytes) -> None:
    """Raises unless the service says that it took the message."""
    answer_text = answer[:200].decode(errors="replace")
    if status == 429:
        raise NotSent(
            f"{channel.host} answered 429, too many messages",
            again=True,
            wait=_retry_after(headers.get("Retry-After")),
        )
    if status >= 500:
        raise NotSent(
            f"{channel.host} answered {status}",
            again=True,
            is_uncertain=True,
            wait=_retry_after(headers.get("Retry-After")),
        )
    if not 200 <= status < 300:
        raise NotSent(f"{channel.host} answered {status}: {answer_text}")
    if channel.kind in {"feishu", "dingtalk", "wecom"}:
        _judge_code(channel, answer, answer_text)


def _judge_code(channel: Webhook, answer: bytes, answer_text: str) -> None:
    try:
        value = json.loads(answer)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise NotSent(f"{channel.host} answered what is no JSON object: {answer_text}")
    # Feishu's older robots answer with StatusCode.
    names = ("code", "StatusCode") if channel.kind == "feishu" else ("errcode",)
    code = next((value[name] for name in names if name in value), None)
    if code == 0 and not isinstance(code, bool):
        return
    reasons = ("msg", "errmsg", "StatusMessage")
    said = next((value[name] for name in reasons if value.get(name)), answer_text)
    wait = TOO_MANY.get((channel.kind, code)) if isinstance(code, int) else None
    raise NotSent(
        f"{channel.host} answered code {code}: {said}",
        again=wait is not None or (channel.kind, code) in BUSY,
        wait=wait,
    )


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, from seconds or from a date."""
    if value is None:
        return None
    try:
        return max(float(value), 0)
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return max(until.timestamp() - time.time(), 0)
