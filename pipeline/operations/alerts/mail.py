"""Sends a message by e-mail: plain text with an HTML twin, over TLS.

The `Message-ID` of an event is the same at every try, so that mail programs show a
repeat once.
"""

from __future__ import annotations

import base64
import email.policy
import email.utils
import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path

from pipeline.common import pages
from pipeline.operations.alerts.config import Email
from pipeline.operations.alerts.message import Message
from pipeline.operations.alerts.sending import NotSent

TEMPLATES = Path(__file__).with_name("templates")
COLOURS = {"recovered": "#1a7f37", "test": "#0969da", "late": "#9a6700"}


def send(channel: Email, message: Message, moment: float) -> str | None:
    """Sends the mail once.

    Returns:
        Which share of the recipients the server did not take, if any.

    Raises:
        NotSent: The server took it for nobody, or nobody knows.
    """
    mail = build_mail(channel, message, moment)
    host, _ = channel.address
    connection: list[smtplib.SMTP] = []
    try:
        refused = _hand_over(channel, mail, connection)
    except (OSError, smtplib.SMTPException) as error:
        raise _failure(channel, error) from None
    finally:
        for server in connection:
            _leave(server)
    if refused:
        return (
            f"{host} did not take it for {len(refused)} of {len(channel.to)} addresses"
        )
    return None


def _hand_over(
    channel: Email, mail: EmailMessage, connection: list[smtplib.SMTP]
) -> dict[str, tuple[int, bytes]]:
    host, port = channel.address
    context = ssl.create_default_context(
        cafile=str(channel.ca_file) if channel.ca_file else None
    )
    server: smtplib.SMTP
    if channel.security == "tls":
        server = smtplib.SMTP_SSL(
            host, port, timeout=channel.timeout_seconds, context=context
        )
    else:
        server = smtplib.SMTP(host, port, timeout=channel.timeout_seconds)
    connection.append(server)
    if channel.security == "starttls":
        server.starttls(context=context)
    if channel.user is not None and channel.password is not None:
        _log_in(server, channel.user, channel.password)
    try:
        return server.send_message(mail)
    except smtplib.SMTPResponseException:
        raise  # the server said no
    except (TimeoutError, ConnectionError, smtplib.SMTPServerDisconnected) as error:
        # The mail was on its way: whether it was taken is not known.
        raise NotSent(
            f"{host} broke off while it was sent: {_cause(channel, error)}",
            again=True,
            is_uncertain=True,
        ) from None


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    if (user + password).isascii():
        server.login(user, password)
        return
    # Python's own login knows ASCII only; mail servers take UTF-8.
    server.ehlo_or_helo_if_needed()
    token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    code, answer = server.docmd("AUTH", f"PLAIN {token}")
    if code != 235:
        raise smtplib.SMTPAuthenticationError(code, answer)


def _failure(channel: Email, error: Exception) -> NotSent:
    """What the error means; what a server says in words may hold addresses."""
    host = channel.host
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = sorted({code for code, _ in error.recipients.values()})
        return NotSent(
            f"{host} takes mail for none of the recipients {codes}",
            again=all(code < 500 for code in codes),
        )
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return NotSent(f"{host} refuses the login ({error.smtp_code})")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        with_login = " with a login" if channel.user else ""
        return NotSent(
            f"{host} does not offer what is asked: security {channel.security}{with_login}"
        )
    if isinstance(error, smtplib.SMTPResponseException):
        code = error.smtp_code
        return NotSent(f"{host} answered {code}", again=code < 500)
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotSent(f"the certificate of {host} is not good: {error.verify_message}")
    return NotSent(f"{host} cannot be reached: {_cause(channel, error)}", again=True)


def _cause(channel: Email, error: Exception) -> str:
    # smtplib makes a hanging-up of a time-out.
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return f"no answer in {channel.timeout_seconds:g} s"
    return getattr(error, "strerror", None) or type(error).__name__


def _leave(server: smtplib.SMTP) -> None:
    """Says goodbye; the mail is taken or not by now, whatever comes."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def build_mail(channel: Email, message: Message, moment: float) -> EmailMessage:
    """The mail itself."""
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["Subject"] = message.title
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.to)
    mail["Date"] = email.utils.formatdate(moment)
    domain = channel.sender.rpartition("@")[2]
    key = f"{channel.name} {message.id} {message.raised_at}"
    mail["Message-ID"] = f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Customer-Tiers-Event"] = message.id
    mail.set_content(message.text())
    mail.add_alternative(_html(message), subtype="html")
    return mail


def _html(message: Message) -> str:
    template = pages.environment(TEMPLATES).get_template("mail.html.j2")
    return template.render(
        message=message,
        colour=COLOURS.get(message.kind, "#cf222e"),
        language="zh-CN" if message.language == "zh" else "en",
    )
