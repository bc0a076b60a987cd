"""A model of three small files, as the catalogue would have it, on a hub of the tests."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

from tests.weights.hub_server import Hub
from visavis.weights.models import Model, ModelFile

REPOSITORY = "visavis/tiny"
BIG, VOICE, CONFIG = "model.bin", "voices/one.bin", "config.json"


def content(size: int, seed: int = 0) -> bytes:
    """Random bytes, the same each time."""
    return random.Random(seed).randbytes(size)


def sha256(data: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def tiny(hub: Hub, size: int = 3_000_000, name: str = "tiny") -> Model:
    """Serve the model and describe it: of its largest file the catalogue has a checksum, of the others the hub."""
    files = {
        BIG: hub.add(f"{REPOSITORY}/{BIG}", content(size)),
        VOICE: hub.add(f"{REPOSITORY}/{VOICE}", content(70_000, 1)),
        CONFIG: hub.add(f"{REPOSITORY}/{CONFIG}", b'{"layers": 1}', large=False),
    }
    return Model(
        name=name,
        title="Tiny",
        slot="asr",
        engine="fake",
        purpose="is here for a test",
        repository=REPOSITORY,
        files=tuple(
            ModelFile(path, len(served.content), sha256(served.content) if path == BIG else "")
            for path, served in files.items()
        ),
        licence="MIT",
        licence_url="https://example.org/licence",
        languages=("en",),
        memory=10_000_000,
        speed="fast",
        order=1,
    )


def with_checksum(model: Model, path: str, sha256: str) -> Model:
    """The model with another checksum of a file."""
    return replace(model, files=tuple(replace(f, sha256=sha256) if f.path == path else f for f in model.files))


def from_address(hub: Hub, data: bytes, checksum: str = "", **how: object) -> Model:
    """A model of one file that lies outside the hub."""
    hub.add("cdn/voice.ort", data, **how)
    file = ModelFile("voice.ort", len(data), checksum, url=f"{hub.cdn}/cdn/voice.ort")
    return replace(tiny(hub), files=(file,))
