"""Mail to people: its words, the row that waits until a job has sent it, and the mails that this product writes."""

from guardian.channels.email import Attachment
from guardian.services.people.mail.queueing import (
    BACKOFF,
    SEND_EMAIL,
    claim_mail,
    note_failure,
    note_sent,
    queue_mail,
    resume_mails,
    send_again,
)
from guardian.services.people.mail.writing import Table, Tone, letter

__all__ = [
    "BACKOFF",
    "SEND_EMAIL",
    "Attachment",
    "Table",
    "Tone",
    "claim_mail",
    "letter",
    "note_failure",
    "note_sent",
    "queue_mail",
    "resume_mails",
    "send_again",
]
