"""Dispatches alerts: raises what is new, and sends what was not sent yet."""

from __future__ import annotations

import datetime as dt
import logging
import time
from dataclasses import dataclass, replace

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import Settings
from pipeline.operations.alerts import config, events, ledger, mail, message, webhooks
from pipeline.operations.alerts.config import AlertsFile, Email, Webhook
from pipeline.operations.alerts.ledger import Delivery, Event, Ledger
from pipeline.operations.alerts.message import Message
from pipeline.operations.alerts.sending import NotSent, Patience, Try, insist, without
from pipeline.operations.alerts.sentences import Place
from pipeline.operations.freshness import Freshness

log = logging.getLogger("customer_tiers.alerts")

# A request to wait is believed for so long; a clock that was set back must not make it
# last for ever.
LONGEST_WAIT = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Dispatched:
    """What one dispatch did.

    Attributes:
        raised: Ids of events that are new.
        sent: Event and channel of what was delivered now.
        pending: Deliveries that are still to be made.
    """

    raised: list[str]
    sent: list[tuple[str, str]]
    pending: int


def dispatch(
    settings: Settings, home: Home, seen: Freshness, patience: Patience | None = None
) -> Dispatched | None:
    """Raises new events and sends everything that is still to be sent.

    Returns:
        What was done; nothing where no alerts are configured, or where another dispatch
        holds the lock: it, or the next one, sends.

    Raises:
        ConfigurationError: alerts.yaml makes no sense.
    """
    described = config.load(settings)
    if described is None:
        return None
    place = _place(settings, home, described)
    with ledger.held(home) as is_ours:
        if not is_ours:
            log.warning(
                "alerts: another dispatch has been sending for long; left to it"
            )
            return None
        state = ledger.read(home)
        raised = events.find(home, state, seen, described)
        _forget_channels(state, described)
        # Before anything is sent: the events have their ids now, whatever happens.
        ledger.write(home, state)
        sent = _send_all(home, state, described, place, seen, patience or Patience())
        return Dispatched([event.id for event in raised], sent, state.pending())


def test(
    settings: Settings, home: Home, name: str | None, patience: Patience | None = None
) -> dict[str, str | None]:
    """Sends a test message to one channel or to all.

    Returns:
        Channel → what went wrong, or nothing.

    Raises:
        ConfigurationError: There are no alerts, or no such channel.
    """
    described = configured(settings)
    chosen = [item for item in described.channels if name in {None, item.name}]
    if not chosen:
        known = ", ".join(item.name for item in described.channels)
        raise ConfigurationError(f"There is no channel {name}; there are {known}.")
    place = _place(settings, home, described)
    outcome: dict[str, str | None] = {}
    for channel in chosen:
        worded = message.test_message(channel.language, place, dt.datetime.now(dt.UTC))
        try:
            outcome[channel.name] = insist(
                lambda _, channel=channel, worded=worded: _send(channel, worded),  # type: ignore[misc]
                patience or Patience(),
                Try(),
            )
        except NotSent as failure:
            outcome[channel.name] = without(str(failure), channel.secrets())
    return outcome


def configured(settings: Settings) -> AlertsFile:
    """The alerts that are configured.

    Raises:
        ConfigurationError: There are none, or they make no sense.
    """
    described = config.load(settings)
    if settings.alerts_off:
        raise ConfigurationError(
            "CUSTOMER_TIERS_ALERTS is none: nobody is told of anything."
        )
    if described is None:
        raise ConfigurationError(
            f"There is no {config.path_of(settings)}; copy alerts.yaml.example there, or "
            "set CUSTOMER_TIERS_ALERTS."
        )
    return described


def _place(settings: Settings, home: Home, described: AlertsFile) -> Place:
    return Place(
        home=str(home.root),
        time_zone=settings.time_zone,
        installation=described.installation,
        link=described.link,
    )


def _forget_channels(state: Ledger, described: AlertsFile) -> None:
    """What was to go to a channel that is no more goes nowhere."""
    names = {channel.name for channel in described.channels}
    for event in state.events:
        for name in [item for item in event.deliveries if item not in names]:
            if event.deliveries[name].state != "sent":
                log.warning("alerts: %s: channel %s is no more", event.id, name)
                del event.deliveries[name]


def _send_all(
    home: Home,
    state: Ledger,
    described: AlertsFile,
    place: Place,
    seen: Freshness,
    patience: Patience,
) -> list[tuple[str, str]]:
    sent = []
    channels = {channel.name: channel for channel in described.channels}
    silent: set[str] = set()  # one failure a dispatch is enough to know
    for event in list(state.events):
        for name, delivery in event.deliveries.items():
            if delivery.state == "sent" or name in silent or name not in channels:
                continue
            if _is_to_wait(delivery):
                silent.add(name)
                continue
            channel = channels[name]
            if _deliver(home, state, event, delivery, channel, place, seen, patience):
                sent.append((event.id, name))
            else:
                silent.add(name)
    return sent


def _deliver(
    home: Home,
    state: Ledger,
    event: Event,
    delivery: Delivery,
    channel: Webhook | Email,
    place: Place,
    seen: Freshness,
    patience: Patience,
) -> bool:
    """Sends one event to one channel, and notes it before and after."""
    if delivery.state == "sending":
        delivery.is_uncertain = True  # a process died between sending and noting
    delivery.state = "sending"
    delivery.tried_at = _now().isoformat()
    delivery.not_before = None
    ledger.write(home, state)
    tried = Try(is_uncertain=delivery.is_uncertain)

    def send(may_be_repeat: bool) -> str | None:
        resent = replace(delivery, is_uncertain=may_be_repeat)
        worded = message.compose(event, resent, channel.language, place, seen)
        return _send(channel, worded)

    try:
        remark = insist(send, patience, tried)
    except NotSent as failure:
        delivery.state = "pending"
        delivery.error = without(str(failure), channel.secrets())
        if failure.wait is not None:
            wait = min(dt.timedelta(seconds=failure.wait), LONGEST_WAIT)
            delivery.not_before = (_now() + wait).isoformat()
        log.warning(
            "alerts: %s did not reach %s: %s; tried again at the next dispatch",
            event.id,
            channel.name,
            delivery.error,
        )
        return False
    else:
        delivery.state = "sent"
        delivery.sent_at = _now().isoformat()
        delivery.error = None
        delivery.remark = remark
        if remark:
            log.warning("alerts: %s to %s: %s", event.id, channel.name, remark)
        log.info("alerts: %s sent to %s", event.id, channel.name)
        return True
    finally:
        if delivery.state != "sending":
            delivery.tries += tried.count
            delivery.is_uncertain = tried.is_uncertain
            ledger.write(home, state)


def _send(channel: Webhook | Email, worded: Message) -> str | None:
    try:
        if isinstance(channel, Email):
            return mail.send(channel, worded, time.time())
        webhooks.send(channel, worded, time.time())
    except NotSent:
        raise
    except Exception as error:
        # A defect of ours, or of a library, must not hold up the other channels. Its
        # text may hold what is secret.
        raise NotSent(
            f"{type(error).__name__} while it was sent", is_uncertain=True
        ) from None
    return None


def _is_to_wait(delivery: Delivery) -> bool:
    if delivery.not_before is None:
        return False
    left = dt.datetime.fromisoformat(delivery.not_before) - _now()
    return dt.timedelta(0) < left <= LONGEST_WAIT


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
