"""E-mail by SMTP: one message, one connection, every wait bounded."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address

from guardian.channels.base import ChannelError
from guardian.config import Settings
from guardian.periods import utcnow

TIMEOUT_SECONDS = 30
_QUOTED = 200  # characters of a server's own words that are kept


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes along; `type` is its media type, such as application/pdf."""

    name: str
    type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail to one person. `id` makes its Message-ID, so that a mail that is sent twice can be told to be one.

    `unsubscribe` is the address that stops mails of its kind by one POST (RFC 8058).
    """

    id: str
    to: str
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    urgent: bool = False
    unsubscribe: str | None = None


def deliver(letter: Letter, settings: Settings) -> str:
    """Hand the mail to the configured server; gives its Message-ID. Raises ChannelError."""
    if settings.smtp_host is None:
        raise ChannelError("No mail server is set up. Set SMTP_HOST, SMTP_PORT and EMAIL_FROM.", permanent=True)
    message = compose(letter, settings.email_from)
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        server = _connect(settings, settings.smtp_host)
        try:
            _sign_in(server, settings, settings.smtp_host)
            server.send_message(message)
        finally:
            # The mail is taken by now; a farewell that fails must not have it sent again.
            with suppress(smtplib.SMTPException, OSError):
                server.quit()
    except smtplib.SMTPRecipientsRefused as error:
        code, words = next(iter(error.recipients.values()))
        raise _refused(f"The mail server {where} does not take mail for {letter.to}", code, words) from error
    except smtplib.SMTPAuthenticationError as error:
        # Somebody will mend the password; the mail waits for that.
        raise ChannelError(
            f"The mail server {where} does not accept SMTP_USER and SMTP_PASSWORD{_quote(error.smtp_error)}",
            permanent=False,
        ) from error
    except smtplib.SMTPResponseException as error:
        raise _refused(f"The mail server {where} did not take the mail", error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise ChannelError(f"The mail server {where} cannot do what is needed: {error}.", permanent=True) from error
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelError(
            f"The mail server {where} cannot be reached: {error}. It will be tried again.", permanent=False
        ) from error
    return str(message["Message-ID"])


def compose(letter: Letter, sender: str) -> EmailMessage:
    """The mail as it goes over the wire. Raises ChannelError for an address that cannot stand in a header."""
    address = parseaddr(sender)[1]
    domain = address.rpartition("@")[2] or "localhost"
    message = EmailMessage(SMTP_POLICY)
    try:
        message["From"] = sender
        message["To"] = letter.to
        # A line break would begin another header.
        message["Subject"] = " ".join(letter.subject.split())
        message["Date"] = format_datetime(utcnow())
        message["Message-ID"] = f"<{letter.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        if letter.urgent:
            # Programs look at one or the other.
            message["Importance"], message["X-Priority"] = "high", "1"
        if letter.unsubscribe is not None:
            message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    except (ValueError, MessageError) as error:
        raise ChannelError(f"This mail cannot be addressed: {error}.", permanent=True) from error
    message.set_content(letter.text)
    if letter.html is not None:
        message.add_alternative(letter.html, subtype="html")
    for each in letter.attachments:
        main, _, sub = each.type.partition("/")
        message.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name)
    return message


def _connect(settings: Settings, host: str) -> smtplib.SMTP:
    if settings.smtp_secure:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, settings.smtp_port, timeout=TIMEOUT_SECONDS, context=context)
    server = smtplib.SMTP(host, settings.smtp_port, timeout=TIMEOUT_SECONDS)
    try:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
    except BaseException:
        server.close()
        raise
    return server


def _sign_in(server: smtplib.SMTP, settings: Settings, host: str) -> None:
    if settings.smtp_user is None:
        return
    if not isinstance(server.sock, ssl.SSLSocket) and not _is_this_machine(host):
        raise ChannelError(
            f"The mail server {host} offers no encryption, so SMTP_PASSWORD is not sent to it. Set SMTP_SECURE=true, "
            "or use a port with STARTTLS.",
            permanent=False,
        )
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else ""
    server.login(settings.smtp_user, password)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(what: str, code: int, words: bytes | str) -> ChannelError:
    return ChannelError(f"{what} ({code}){_quote(words)}", permanent=code >= 500)


def _quote(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    text = " ".join(text.split())[:_QUOTED]
    return f": “{text.rstrip('.')}”." if text else "."
