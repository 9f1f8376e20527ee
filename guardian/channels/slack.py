"""Slack: a message of blocks to an incoming webhook. Also what speaks its dialect, such as Mattermost.

Limits and escaping as https://docs.slack.dev/reference/block-kit/blocks states them. All text from outside goes into
objects of the type plain_text, which know no markup, links or mentions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from guardian.channels.base import Sent
from guardian.channels.facts import OPEN, causes, facts, fit, fit_lines, footer, title
from guardian.channels.notice import Notice
from guardian.channels.posting import post_json

_HEADER, _TEXT, _FIELD, _FIELDS = 150, 3000, 2000, 10
_FALLBACK = 1000  # what a phone shows of it is shorter still
_LONGEST_URL = 3000
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
_CLOSED = ("no_service", "no_team", "team_disabled", "channel_is_archived")


def send(config: Mapping[str, Any], notice: Notice, *, message_id: str) -> Sent:
    """Post it. Raises ChannelError."""
    return post_json(config["url"], payload(notice), who="Slack", reference=message_id, closed=_CLOSED)


def payload(notice: Notice) -> dict[str, Any]:
    """The body of the POST."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title(notice), _HEADER)}]
    blocks.append(_section([notice.sentence]))
    fields = [_plain(f"{name}\n{value}", _FIELD) for name, value in facts(notice)]
    if fields:
        blocks.append({"type": "section", "fields": fields[:_FIELDS]})
    if notice.items:
        blocks.append(_section([f"• {item}" for item in notice.items]))
    if notice.causes:
        blocks.append(_section(["What changed:", *causes(notice)]))
    if len(notice.url) <= _LONGEST_URL:
        button = {"type": "button", "text": _plain(OPEN, 75), "url": notice.url}
        blocks.append({"type": "actions", "elements": [button]})
    blocks.append({"type": "context", "elements": [_plain(footer(notice), _FIELD)]})
    return {
        "text": fit(f"{title(notice)}. {notice.sentence}", _FALLBACK, escape),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def escape(text: str) -> str:
    """The three characters by which Slack tells its own signs, such as <!channel>, from text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _section(lines: Sequence[str]) -> dict[str, Any]:
    text = fit_lines(lines, _TEXT, escape) if len(lines) > 1 else fit(lines[0], _TEXT, escape)
    return {"type": "section", "text": _object(text)}


def _plain(text: str, most: int) -> dict[str, Any]:
    return _object(fit(text, most, escape))


def _object(escaped: str) -> dict[str, Any]:
    """Slack refuses an empty text."""
    return {"type": "plain_text", "text": escaped or "–", "emoji": False}
