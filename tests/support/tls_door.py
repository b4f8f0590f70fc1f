"""TlsDoor: TLS in front of a twin's port, with a certificate that is right, or wrong in a way that a test chooses."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.proxies import HOST, Served

PLAIN = "a plain-text port"
GOOD = "a good certificate"


class Authority:
    """A CA of the test's; its certificate is in `ca_file`."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca_file = folder / f"{name}.pem"
        builder = self._builder(self._name, self._key, datetime.now(UTC) + timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.ca_file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(self, address: str = HOST, ends: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """A server's context with a certificate for that address, which ends so long from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        builder = self._builder(subject, key, datetime.now(UTC) + ends)
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        certificate = builder.add_extension(names, critical=False).sign(self._key, hashes.SHA256())
        pem = self._folder / "server.pem"
        encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
        private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password)
        pem.write_bytes(private + certificate.public_bytes(encoding))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ends: datetime) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        return builder.not_valid_before(datetime.now(UTC) - timedelta(days=9)).not_valid_after(ends)


class TlsDoor(Served):
    """Hands what comes over TLS on to a port of this machine, as long as `shows` is GOOD."""

    def __init__(self, contexts: dict[str, ssl.SSLContext], port_behind: int) -> None:
        super().__init__()
        self._contexts, self._behind, self.shows = contexts, port_behind, GOOD

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shows == PLAIN:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        await writer.start_tls(self._contexts[self.shows])
        there, away = await asyncio.open_connection(HOST, self._behind)
        tasks = [asyncio.create_task(_pump(reader, away)), asyncio.create_task(_pump(there, writer))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            away.transport.abort()


def certificates(folder: Path) -> tuple[Path, dict[str, ssl.SSLContext]]:
    """The CA file to trust, and servers' contexts by what is the matter with their certificate."""
    trusted, other = Authority(folder, "trusted"), Authority(folder, "other")
    return trusted.ca_file, {
        GOOD: trusted.server(),
        "an unknown CA": other.server(),
        "another host's certificate": trusted.server("127.0.0.2"),
        "an expired certificate": trusted.server(ends=timedelta(days=-1)),
    }


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
