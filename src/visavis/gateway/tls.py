"""A self-signed certificate for https, made once and kept: browsers warn of it once, then give out the microphone."""

from __future__ import annotations

import ipaddress
import os
import tempfile
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from visavis.errors import OutputFailed

_LIFE = timedelta(days=397)  # the longest that browsers take
_RENEWED = timedelta(days=30)  # before it runs out


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where a certificate and its key are."""

    path: Path
    key: Path
    fingerprint: str
    """SHA-256 as browsers show it: what to compare at the first warning."""


def self_signed(folder: Path, names: Collection[str], now: datetime | None = None) -> Certificate:
    """The certificate in `folder` for these names and addresses; made where there is none that is good for them.

    Raises `OutputFailed` where it cannot be kept.
    """
    now = datetime.now(UTC) if now is None else now
    path, key = folder / "certificate.pem", folder / "key.pem"
    certificate = _kept(path, key)
    if certificate is None or not _good(certificate, names, now):
        private = ec.generate_private_key(ec.SECP256R1())
        certificate = _make(private, names, now)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(key, private.private_bytes(*_PEM, serialization.NoEncryption()))
            _write(path, certificate.public_bytes(serialization.Encoding.PEM))
        except OSError as error:
            raise OutputFailed(f"cannot keep a certificate in {folder}: {error.strerror or error}") from None
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex(":").upper()
    return Certificate(path, key, fingerprint)


_PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


def _kept(path: Path, key: Path) -> x509.Certificate | None:
    """The certificate that is there, if it can be read and the key is its own and nobody else's to read."""
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        if os.name == "posix" and key.stat().st_mode & 0o077:
            return None
    except (OSError, ValueError, TypeError):
        return None
    return certificate if private.public_key() == certificate.public_key() else None


def _good(certificate: x509.Certificate, names: Collection[str], now: datetime) -> bool:
    try:
        known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - _RENEWED and {
        *_alternatives(names)
    } <= {*known}


def _make(private: ec.EllipticCurvePrivateKey, names: Collection[str], now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Visavis")])
    public = private.public_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=False,  # who trusts it trusts this server and no other
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks differ
        .not_valid_after(now + _LIFE - timedelta(hours=2))
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(private, hashes.SHA256())
    )


def _alternatives(names: Collection[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in sorted(names):
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            with suppress(ValueError):  # a host's name of letters that no certificate can have
                found.append(x509.DNSName(name))
    return found


def _write(path: Path, content: bytes) -> None:
    """Replace the file as a whole; nobody else can read it, at no moment."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
