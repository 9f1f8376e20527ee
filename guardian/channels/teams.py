"""Microsoft Teams: an Adaptive Card to the webhook of a workflow ("when a Teams webhook request is received").

All text goes into RichTextBlocks, whose TextRuns know no markdown (https://adaptivecards.io/explorer/TextRun.html), so
nothing from outside can be a link; a mention would need an entity that we never send.
"""

from collections.abc import Mapping
from typing import Any

from guardian.channels.base import Sent
from guardian.channels.facts import OPEN, Tone, causes, clip, facts, fit_lines, footer, title, tone
from guardian.channels.notice import Notice
from guardian.channels.posting import post_json

# A message has at most 28 KB, in UTF-16 as Teams counts: these are less than half of it in characters.
_TITLE, _TEXT, _VALUE = 200, 4000, 300
_LONGEST_URL = 2000
_COLORS: Mapping[Tone, str] = {"good": "Good", "info": "Accent", "warning": "Warning", "critical": "Attention"}


def send(config: Mapping[str, Any], notice: Notice, *, message_id: str) -> Sent:
    """Post it. Raises ChannelError."""
    return post_json(config["url"], payload(notice), who="Microsoft Teams", reference=message_id)


def payload(notice: Notice) -> dict[str, Any]:
    """The body of the POST."""
    body = [
        _text([_run(clip(title(notice), _TITLE), weight="Bolder", size="Large", color=_COLORS[tone(notice)])]),
        _text([_run(clip(notice.sentence, _TEXT))]),
    ]
    body += [
        _text([_run(f"{name}: ", isSubtle=True), _run(clip(value, _VALUE), weight="Bolder")], spacing="Small")
        for name, value in facts(notice)
    ]
    for heading, lines in (("", [f"• {item}" for item in notice.items]), ("What changed:", causes(notice))):
        if lines:
            body += [
                _text([_run(line)], spacing="Small" if place or not heading else "Medium")
                for place, line in enumerate(filter(None, [heading, *fit_lines(lines, _TEXT, str).split("\n")]))
            ]
    body.append(_text([_run(clip(footer(notice), _VALUE), isSubtle=True, size="Small")]))
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": clip(f"{title(notice)}. {notice.sentence}", _TITLE),
        "body": body,
        "msteams": {"width": "Full"},
    }
    if len(notice.url) <= _LONGEST_URL:
        card["actions"] = [{"type": "Action.OpenUrl", "title": OPEN, "url": notice.url}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(runs: list[dict[str, Any]], **props: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs, **props}


def _run(text: str, **props: Any) -> dict[str, Any]:
    """Teams shows no card with an empty run."""
    return {"type": "TextRun", "text": text or "–", **props}
