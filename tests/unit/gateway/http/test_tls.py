"""TLS against an authority made here: the right name only, and any certificate where the key says so."""

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from guardian.gateway.http import ConnectFailed, CutShort, TlsFailed, Upstream, tls
from tests.unit.gateway.http.servers import LOOPS, Reader, Server, Writer, pool, run, serve

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Authority:
    """Signs certificates for any name; `file` is its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Authority of a test")])
        own = self._builder(self._name, self._key.public_key())
        signed = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(signed.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def server(self, name: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        built = self._builder(subject, key.public_key()).add_extension(names, critical=False)
        signed = built.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        file = self._folder / f"{name}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + signed.public_bytes(Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(issuer_name=self._name, subject_name=subject, public_key=key)
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return builder.not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(
            now + datetime.timedelta(hours=1)
        )


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    found = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(found.file))
    tls.context.cache_clear()
    yield found
    tls.context.cache_clear()


@asynccontextmanager
async def secure(context: ssl.SSLContext) -> AsyncIterator[tuple[Server, str]]:
    """The server, and its address by the name localhost."""
    async with serve(ANSWER, tls=context) as server:
        yield server, server.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize("loop", LOOPS)
def test_the_right_name_is_trusted_and_its_connection_kept(authority: Authority, loop: str) -> None:
    async def test() -> None:
        async with secure(authority.server("localhost")) as (server, url), pool() as client:
            for _ in range(3):
                answer = await client.send(Upstream.of(url), b"POST", b"/x", [], b"{}")
                assert await answer.read() == b"ok"
            assert server.connections == 1

    run(test(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_another_name_is_not(authority: Authority, loop: str) -> None:
    async def test() -> None:
        async with secure(authority.server("other.example")) as (server, url), pool() as client:
            with pytest.raises(TlsFailed, match="localhost") as found:
                await client.send(Upstream.of(url), b"POST", b"/x", [], b"{}")
            assert not found.value.sent
            assert server.requests == []
            trusting = Upstream.of(url, verify_tls=False)
            assert await (await client.send(trusting, b"POST", b"/x", [], b"{}")).read() == b"ok"
            with pytest.raises(TlsFailed):  # the open connection is of those who do not verify
                await client.send(Upstream.of(url), b"POST", b"/x", [], b"{}")
            assert len(server.requests) == 1

    run(test(), loop)


def test_an_unknown_authority_is_not_trusted(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        (tmp_path / "second").mkdir()
        other = Authority(tmp_path / "second")
        async with secure(other.server("localhost")) as (_, url), pool() as client:
            with pytest.raises(TlsFailed, match="certificate"):
                await client.send(Upstream.of(url), b"POST", b"/x", [], b"{}")

    run(test())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_server_without_tls_is_named_so(authority: Authority, loop: str) -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await reader.read(10)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async def silent(reader: Reader, writer: Writer) -> None:
            await reader.read(10)

        async with serve(script) as server, serve(silent) as other, pool() as client:
            with pytest.raises(TlsFailed):
                await client.send(Upstream.of(server.url.replace("http", "https")), b"GET", b"/x", [])
            with pytest.raises(ConnectFailed):
                await client.send(Upstream.of(other.url.replace("http", "https")), b"GET", b"/x", [])

    run(test(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_cut_under_tls_is_cut(authority: Authority, loop: str) -> None:
    async def test() -> None:
        async def script(reader: Reader, writer: Writer) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER[:-1])
            await writer.drain()
            await asyncio.sleep(0.05)

        async with serve(script, tls=authority.server("localhost")) as server, pool() as client:
            url = server.url.replace("127.0.0.1", "localhost")
            answer = await client.send(Upstream.of(url), b"GET", b"/x", [])
            with pytest.raises(CutShort):
                await answer.read()

    run(test(), loop)
