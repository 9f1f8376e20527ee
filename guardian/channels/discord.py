"""Discord: one embed to an incoming webhook. Limits as https://discord.com/developers/docs/resources/message states."""

import re
from collections.abc import Mapping
from typing import Any

from guardian.channels.base import Sent
from guardian.channels.facts import Tone, causes, facts, fit, fit_lines, footer, title, tone
from guardian.channels.notice import Notice
from guardian.channels.posting import post_json
from guardian.periods import rfc3339

# Together at most 6,000, which these add up to less than: 256 + 2,000 + 25 × … of four facts, 1,024 of causes, 400.
_TITLE, _DESCRIPTION, _NAME, _VALUE, _CAUSES, _FOOTER = 256, 2000, 60, 300, 1024, 400
_LONGEST_URL = 2000
_COLORS: Mapping[Tone, int] = {"good": 0x218358, "info": 0x2563EB, "warning": 0xAD5700, "critical": 0xCE2C31}
# Everything that its markdown reads; the colon ends what would become a link or an emoji.
_SIGNS = re.compile(r"([\\*_~`|>#\-\[\]()<:@&+.!])")
_CLOSED = ("(code 10015)",)  # Unknown Webhook: it was deleted


def send(config: Mapping[str, Any], notice: Notice, *, message_id: str) -> Sent:
    """Post it. Raises ChannelError."""
    return post_json(config["url"], payload(notice), who="Discord", reference=message_id, closed=_CLOSED)


def payload(notice: Notice) -> dict[str, Any]:
    """The body of the POST. Nobody is ever mentioned."""
    fields: list[dict[str, Any]] = [
        {"name": name, "value": fit(value, _VALUE, escape) or "–", "inline": True} for name, value in facts(notice)
    ]
    if notice.causes:
        fields.append(
            {"name": "What changed", "value": fit_lines(causes(notice), _CAUSES, escape) or "–", "inline": False}
        )
    embed: dict[str, Any] = {
        "title": fit(title(notice), _TITLE, escape),
        "description": _description(notice),
        "color": _COLORS[tone(notice)],
        "fields": fields,
        "footer": {"text": fit(footer(notice), _FOOTER, str)},
        "timestamp": rfc3339(notice.occurred_at),
    }
    if len(notice.url) <= _LONGEST_URL:
        embed["url"] = notice.url
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def escape(text: str) -> str:
    """Text in which Discord's markdown finds nothing: no markup, link, mention, emoji or code."""
    return _SIGNS.sub(r"\\\1", text)


def _description(notice: Notice) -> str:
    if not notice.items:
        return fit(notice.sentence, _DESCRIPTION, escape)
    return fit_lines([notice.sentence, *(f"• {item}" for item in notice.items)], _DESCRIPTION, escape)
