"""The embedded mailbox: an SMTP server on this machine that keeps mail as files instead of delivering it."""

import asyncio
import os
import secrets
import signal
import time
from contextlib import suppress
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from guardian.services.people.mailbox import mail_names

KEEP = 1_000  # mails; the oldest make room
_BIGGEST = 20_000_000  # bytes


class Keeper:
    """aiosmtpd's handler: every mail becomes one file that only its owner reads, named so that names sort by time."""

    def __init__(self, folder: Path, keep: int = KEEP) -> None:
        self._folder = folder
        self._keep = keep
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        """Answer 250 only when the mail is on the disk, so that nothing that was accepted is lost."""
        try:
            await asyncio.to_thread(self.store, envelope)
        except OSError as error:
            return f"451 The mailbox cannot store this mail: {error.strerror}"
        return "250 Kept"

    def store(self, envelope: Envelope) -> str:
        """Write one mail, with its envelope in the headers that a delivery adds, and return its id."""
        body = envelope.content or b""
        if isinstance(body, str):
            body = body.encode("utf-8", "surrogateescape")
        trace = [f"Return-Path: <{envelope.mail_from or ''}>", *(f"Delivered-To: {to}" for to in envelope.rcpt_tos)]
        mail_id = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        draft = self._folder / f".{mail_id}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write("".join(f"{line}\r\n" for line in trace).encode() + body)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self._folder / f"{mail_id}.eml")
        for old in mail_names(self._folder)[: -self._keep]:
            (self._folder / f"{old}.eml").unlink(missing_ok=True)
        return mail_id


async def _serve(folder: Path, port: int) -> None:
    loop = asyncio.get_running_loop()
    keeper = Keeper(folder)

    def protocol() -> SMTP:
        return SMTP(keeper, hostname="localhost", data_size_limit=_BIGGEST, enable_SMTPUTF8=True, loop=loop)

    server = await loop.create_server(protocol, host="127.0.0.1", port=port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with server:
        await stopped.wait()


def serve(folder: Path, port: int) -> None:
    """Keep mail that comes to 127.0.0.1:`port` in `folder`, until SIGTERM."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(folder, port))
