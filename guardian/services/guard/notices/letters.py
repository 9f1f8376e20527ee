"""A notice as a mail: subject, plain text and HTML."""

from collections.abc import Mapping

from guardian.channels import facts
from guardian.channels.notice import Notice
from guardian.models.enums import AlertState
from guardian.services.people.mail import Table, Tone, letter

_SUBJECT = 150
_MOST_ITEMS = 200
_TONES: Mapping[facts.Tone, Tone] = {"good": "good", "info": "plain", "warning": "warning", "critical": "critical"}


def letter_of(notice: Notice) -> tuple[str, str, str]:
    """Subject, text and HTML; nothing that a notice says is markup."""
    changed = [
        (cause.label, facts.moved(cause), "–" if cause.share is None else f"{cause.share:.0f} %")
        for cause in notice.causes[: facts.MOST_CAUSES]
    ]
    if all(cause.share is None for cause in notice.causes):
        changed = [row[:2] for row in changed]
    heads = ("Cause", "Amount", "Share")[: len(changed[0]) if changed else 3]
    items = [(item,) for item in notice.items[:_MOST_ITEMS]]
    left = len(notice.items) - len(items)
    if left:
        items.append((f"… and {left:,} more",))
    text, html = letter(
        facts.title(notice),
        [notice.sentence],
        action=(facts.OPEN, notice.url),
        facts=facts.facts(notice),
        tables=[
            Table("What changed", heads, changed),
            Table("What happened", ("Alert",), items),
        ],
        tone=_TONES[facts.tone(notice)],
        foot=f"{facts.footer(notice)}. You get this mail because an alert names your address.",
    )
    return facts.clip(" ".join(f"{_said(notice)}. {notice.sentence}".split()), _SUBJECT), text, html


def _said(notice: Notice) -> str:
    """How the subject begins; rules of mailboxes sort alerts that fire by these words."""
    fires = notice.kind == "alert" and notice.state is AlertState.FIRING
    return f"Alert: {notice.name} triggered" if fires else facts.title(notice)
