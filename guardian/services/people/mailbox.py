"""Reading the embedded mailbox: the mails that the installation would have sent, as files in the data directory."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_binary_file, policy
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path

from guardian.errors import NotFoundError
from guardian.services.actor import Actor

_ID = re.compile(r"[0-9]{20}-[0-9a-f]{8}")


@dataclass(frozen=True, slots=True)
class MailSummary:
    """One mail in the list. `recipients` are the envelope's, so that blind copies show; `date` is when it arrived."""

    id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, opened. `html` is what the sender wrote, unchecked: show it in a sandboxed frame only."""

    summary: MailSummary
    text: str | None
    html: str | None
    attachments: tuple[str, ...]


def mailbox_folder(data_dir: Path) -> Path:
    """Where the mails of an installation are, newest last by name, one file each."""
    return data_dir / "mailbox"


def mail_names(folder: Path) -> list[str]:
    """Ids of the mails in the folder, oldest first; empty when nothing was ever sent."""
    if not folder.is_dir():
        return []
    return sorted(path.stem for path in folder.glob("*.eml") if _ID.fullmatch(path.stem))


def list_mails(actor: Actor, folder: Path, limit: int = 100) -> list[MailSummary]:
    """The newest mails first. Raises AuthorizationError unless the actor runs the installation."""
    actor.require("mailbox:read")
    found: list[MailSummary] = []
    parser = BytesHeaderParser(policy=policy.default)
    for name in reversed(mail_names(folder)[-limit:]):
        try:
            with (folder / f"{name}.eml").open("rb") as file:
                found.append(_summary(name, parser.parse(file)))
        except FileNotFoundError:  # the mailbox keeps only so many, and just dropped this one
            continue
    return found


def read_mail(actor: Actor, folder: Path, mail_id: str) -> Mail:
    """One mail. Raises AuthorizationError unless the actor runs the installation, NotFoundError for an unknown id."""
    actor.require("mailbox:read")
    # The id becomes a file name: nothing but our own form may pass.
    if not _ID.fullmatch(mail_id):
        raise NotFoundError("Mail")
    try:
        with (folder / f"{mail_id}.eml").open("rb") as file:
            message = message_from_binary_file(file, policy=policy.default)
    except FileNotFoundError:
        raise NotFoundError("Mail") from None
    return Mail(
        summary=_summary(mail_id, message),
        text=_body(message, "plain"),
        html=_body(message, "html"),
        attachments=tuple(part.get_filename() or "unnamed" for part in message.iter_attachments()),
    )


def _summary(mail_id: str, message: EmailMessage) -> MailSummary:
    received = datetime.fromtimestamp(int(mail_id.split("-")[0]) / 1e9, UTC)
    return MailSummary(
        id=mail_id,
        sender=str(message.get("From") or message.get("Return-Path") or ""),
        recipients=tuple(str(value) for value in message.get_all("Delivered-To") or []),
        subject=str(message.get("Subject") or ""),
        date=received,
    )


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return str(part.get_content())
    except (LookupError, ValueError):  # a character set that nobody knows, or a body that is not what it says
        raw = part.get_payload(decode=True)
        return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else None
