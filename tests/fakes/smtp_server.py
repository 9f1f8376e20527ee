"""FakeSmtp: a real SMTP server on 127.0.0.1 that keeps what it takes, and refuses what a test wants refused."""

import asyncio
import datetime
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class FakeSmtp:
    """Change `answers` (by command: RCPT, DATA, AUTH) at any time; `mails` are the messages taken, oldest first."""

    def __init__(self, *, users: dict[str, str] | None = None, tls: Path | None = None, starttls: bool = True) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: dict[str, str] = {}
        self.encrypted: list[bool] = []
        self.users = users
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0, "enable_SMTPUTF8": True}
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            options |= {"tls_context": context} if starttls else {"ssl_context": context}
        if users is not None:
            options |= {"authenticator": self._authenticate, "auth_require_tls": tls is not None and starttls}
        self._controller = _Controller(self, **options)

    @property
    def port(self) -> int:
        return self._controller.port

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._controller.stop()

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and self.users is not None
        good = known and self.users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=bool(good), handled=False)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        answer = self.answers.get("DATA", "250 OK")
        if answer == "hang up":
            server.transport.close()
            await asyncio.sleep(0)
            return "250 OK"
        if answer.startswith("250"):
            content = envelope.content or b""
            parsed = message_from_bytes(
                content if isinstance(content, bytes) else content.encode(), policy=policy.default
            )
            assert isinstance(parsed, EmailMessage)
            self.mails.append(parsed)
            self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return answer


class _Controller(Controller):
    def __init__(self, fake: FakeSmtp, **options: Any) -> None:
        super().__init__(fake, **options)

    def _trigger_server(self) -> None:
        # Port 0 is whatever the kernel chose: learn it before the controller connects to see whether it serves.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def certificate(folder: Path) -> Path:
    """A PEM with key and self-signed certificate for 127.0.0.1 and localhost."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "smtp.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path
