"""A channel's settings as a person gives them: which there are for each kind, and what they have to be like."""

import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlsplit

from guardian.channels.pagerduty import events_url
from guardian.config import settings
from guardian.errors import OutboundRefused, ValidationError
from guardian.models.enums import NotificationChannel
from guardian.outbound import listed, reachable
from guardian.services.people.emails import normal_email

URL, ROUTING_KEY, ADDRESS, SECRETS = "url", "routingKey", "address", "secrets"
MAX_NAME = 100
_MAX_URL = 2000
_ROUTING_KEY = re.compile(r"[A-Za-z0-9]{32}")
_SHOWN = 4  # characters of a secret's end
_SHORTEST_SHOWN = 12  # four characters of anything shorter would tell too much of it
_FIELDS: Mapping[NotificationChannel, tuple[str, ...]] = {
    NotificationChannel.EMAIL: (ADDRESS,),
    NotificationChannel.SLACK: (URL,),
    NotificationChannel.WEBHOOK: (URL,),
    NotificationChannel.DISCORD: (URL,),
    NotificationChannel.TEAMS: (URL,),
    NotificationChannel.PAGERDUTY: (ROUTING_KEY, URL),
}


def clean_config(kind: NotificationChannel, given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as they are kept. Raises ValidationError on config.<name>."""
    fields = _FIELDS[kind]
    for name in given:
        if name not in fields:
            wrong(f"config.{name}", f"A channel of this kind has only {' and '.join(fields)}.")
    if kind is NotificationChannel.EMAIL:
        return {ADDRESS: normal_email(_text(given, ADDRESS), f"config.{ADDRESS}")}
    if kind is NotificationChannel.PAGERDUTY:
        key = _text(given, ROUTING_KEY).strip()
        if not _ROUTING_KEY.fullmatch(key):
            wrong(f"config.{ROUTING_KEY}", "An integration key of PagerDuty has 32 letters and digits.")
        base = str(given.get(URL) or "").strip()
        return {ROUTING_KEY: key, **({URL: base} if base and _checked_url(events_url(base)) else {})}
    return {URL: _checked_url(_text(given, URL).strip())}


def hint_of(kind: NotificationChannel, config: Mapping[str, Any]) -> str:
    """What may be shown of the settings: an address of mail, or a host and the last four characters of a secret."""
    if kind is NotificationChannel.EMAIL:
        return config[ADDRESS]
    if kind is NotificationChannel.PAGERDUTY:
        return f"…{config[ROUTING_KEY][-_SHOWN:]}"
    parts = urlsplit(str(config[URL]))
    rest = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"{parts.netloc} …{rest[-_SHOWN:]}" if len(rest) >= _SHORTEST_SHOWN else parts.netloc


def clean_name(given: str) -> str:
    """Raises ValidationError."""
    name = " ".join(given.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        wrong("name", f"Give the channel a name of 1 to {MAX_NAME} characters.")
    return name


def wrong(field: str, message: str) -> NoReturn:
    raise ValidationError(message, details=[{"field": field, "message": message}])


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value.strip():
        wrong(f"config.{name}", "This is needed.")
    return value


def _checked_url(url: str) -> str:
    """The address, which leads to a public place or to one that the operator allows."""
    field = f"config.{URL}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        wrong(field, "This is no address. It looks like https://host/path.")
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isascii() or len(url) > _MAX_URL:
        wrong(field, "This is no address. It looks like https://host/path.")
    if not url.isprintable() or " " in url or parts.fragment:
        wrong(field, "This is no address. It looks like https://host/path.")
    if parts.username is not None or parts.password is not None:
        wrong(field, "An address with a user's name and password in it is not used. Leave them out.")
    port = port or (443 if parts.scheme == "https" else 80)
    allowed = settings().outbound_allowlist
    if parts.scheme == "http" and not listed(parts.hostname, port, allowed):
        wrong(field, "Use https: whoever reads this address on its way can write there.")
    try:
        reachable(parts.hostname, port, allowed)
    except OutboundRefused as error:
        wrong(field, error.message)
    except OSError:  # a name that nobody knows now may be known when the first message goes out
        pass
    return url
