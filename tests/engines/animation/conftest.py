"""The built-in face, ready to be moved."""

from __future__ import annotations

from pathlib import Path

import pytest

import visavis.avatars
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.landmarks import FaceMesh
from visavis.engines.animation.renderer import Renderer


@pytest.fixture(scope="session")
def avatar() -> Avatar:
    return build_avatar(Path(visavis.avatars.__path__[0]) / "builtin" / "vera.png", "vera")


@pytest.fixture(scope="session")
def renderer(avatar: Avatar) -> Renderer:
    return Renderer(avatar)


@pytest.fixture(scope="session")
def mesher() -> FaceMesh:
    return FaceMesh()
