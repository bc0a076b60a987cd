from typing import Any

from numpy.typing import NDArray

def warp(
    picture: NDArray[Any] | bytes,
    shape: tuple[int, ...],
    nodes: NDArray[Any] | bytes,
    at_x: NDArray[Any],
    at_y: NDArray[Any],
    behind: NDArray[Any] | None,
    out: NDArray[Any] | bytearray,
    out_shape: tuple[int, ...],
) -> None: ...
