"""The network with seeded weights, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray

if TYPE_CHECKING:
    from visavis.engines.restoration.gfpgan_network import Gfpgan


@pytest.fixture(scope="session")
def checkpoint() -> dict[str, NDArray[np.float32]]:
    """Entries of a checkpoint by name; never changed."""
    from tests.engines.restoration.seeded import weights

    return weights()


@pytest.fixture(scope="session")
def seeded_network(checkpoint: dict[str, NDArray[np.float32]]) -> Gfpgan:
    """The network with them."""
    from tests.engines.restoration.seeded import network

    return network(checkpoint)
