"""The words of a mail as plain text and as HTML, from one template each; nothing that is put in is markup."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from guardian.config import settings

Tone = Literal["plain", "good", "warning", "critical"]
_COLORS: Mapping[Tone, str] = {"plain": "#2563eb", "good": "#218358", "warning": "#ad5700", "critical": "#ce2c31"}
_PREVIEW = 140  # characters that lists of mails show of a mail


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; the first column is words, the others are figures."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def letter(
    title: str,
    paragraphs: Sequence[str],
    *,
    action: tuple[str, str] | None = None,
    facts: Sequence[tuple[str, str]] = (),
    tables: Sequence[Table] = (),
    tone: Tone = "plain",
    foot: str = "",
    unsubscribe: str | None = None,
) -> tuple[str, str]:
    """The same mail as plain text and as HTML.

    `action` is a button's label and address, `facts` are names and values, `foot` says why one got this mail, and
    `unsubscribe` is the address that stops mails of its kind.
    """
    found = {
        "title": title,
        "paragraphs": paragraphs,
        "preview": " ".join(" ".join(paragraphs).split())[:_PREVIEW],
        "action": action,
        "facts": facts,
        "tables": [table for table in tables if table.rows],
        "color": _COLORS[tone],
        "foot": foot,
        "unsubscribe": unsubscribe,
        "is_demo": settings().guardian_demo,
    }
    text, html = (_templates().get_template(f"letter.{kind}.j2").render(found) for kind in ("txt", "html"))
    return text.rstrip() + "\n", html


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("guardian.services.people.mail", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        undefined=StrictUndefined,
    )
