"""A certificate of one's own: made once, kept safe, good for every name, and renewed in time."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from websockets.asyncio.client import connect

from tests.gateway.doors import FakeLive, app_of, serving
from visavis.errors import OutputFailed
from visavis.gateway.tls import self_signed
from visavis.settings import Settings

NAMES = {"localhost", "127.0.0.1", "::1", "192.0.2.7", "büro", "some-host.local"}
NOW = datetime(2027, 3, 1, tzinfo=UTC)


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    first = self_signed(tmp_path / "tls", NAMES, NOW)
    assert first.fingerprint.count(":") == 31
    assert self_signed(tmp_path / "tls", NAMES, NOW + timedelta(days=300)) == first
    assert self_signed(tmp_path / "tls", {"localhost"}, NOW) == first
    assert sorted(path.name for path in (tmp_path / "tls").iterdir()) == ["certificate.pem", "key.pem"]


def test_it_is_renewed_before_it_runs_out(tmp_path: Path) -> None:
    first = self_signed(tmp_path, NAMES, NOW)
    later = NOW + timedelta(days=380)
    second = self_signed(tmp_path, NAMES, later)
    assert second.fingerprint != first.fingerprint
    certificate = x509.load_pem_x509_certificate(second.path.read_bytes())
    assert certificate.not_valid_before_utc <= later < certificate.not_valid_after_utc - timedelta(days=365)


def test_a_new_name_needs_a_new_one(tmp_path: Path) -> None:
    first = self_signed(tmp_path, NAMES, NOW)
    assert self_signed(tmp_path, {*NAMES, "192.0.2.8"}, NOW).fingerprint != first.fingerprint


@pytest.mark.parametrize("file", ["certificate.pem", "key.pem"])
@pytest.mark.parametrize("content", [b"", b"not a certificate", None])
def test_one_that_is_damaged_is_made_again(tmp_path: Path, file: str, content: bytes | None) -> None:
    first = self_signed(tmp_path, NAMES, NOW)
    path = tmp_path / file
    path.unlink() if content is None else path.write_bytes(content)
    assert self_signed(tmp_path, NAMES, NOW).fingerprint != first.fingerprint


def test_a_key_of_another_certificate_is_not_taken(tmp_path: Path) -> None:
    first = self_signed(tmp_path / "a", NAMES, NOW)
    self_signed(tmp_path / "b", NAMES, NOW)
    (tmp_path / "b" / "key.pem").replace(tmp_path / "a" / "key.pem")
    assert self_signed(tmp_path / "a", NAMES, NOW).fingerprint != first.fingerprint


@pytest.mark.skipif(os.name != "posix", reason="rights of another kind")
def test_nobody_else_can_read_the_key(tmp_path: Path) -> None:
    first = self_signed(tmp_path, NAMES, NOW)
    assert first.key.stat().st_mode & 0o777 == 0o600
    first.key.chmod(0o644)  # somebody may have read it
    second = self_signed(tmp_path, NAMES, NOW)
    assert second.fingerprint != first.fingerprint
    assert second.key.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputFailed, match="cannot keep a certificate"):
        self_signed(tmp_path / "file" / "tls", NAMES, NOW)


async def test_a_browser_that_trusts_it_talks_over_https_and_wss(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path, NAMES)
    trust = ssl.create_default_context(cafile=certificate.path)
    async with serving(app_of(Settings(tls=True), FakeLive()), certificate) as port:
        async with httpx.AsyncClient(verify=trust, base_url=f"https://127.0.0.1:{port}") as client:
            assert (await client.get("/health")).json()["ready"] is True
        place, origin = f"wss://127.0.0.1:{port}/ws", f"https://127.0.0.1:{port}"
        async with connect(place, ssl=trust, additional_headers={"Origin": origin}, proxy=None) as talk:
            await talk.send('{"type": "hello", "version": 1}')
            assert await talk.recv() == "heard"
        with pytest.raises(httpx.ConnectError, match="certificate"):
            async with httpx.AsyncClient() as client:
                await client.get(f"https://127.0.0.1:{port}/health")
