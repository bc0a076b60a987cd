from typing import Any

from numpy.typing import NDArray

def by_eights(wanted: bool) -> bool: ...
def warp(
    picture: NDArray[Any] | bytes,
    shape: tuple[int, ...],
    back: NDArray[Any] | bytes,
    at_x: NDArray[Any],
    at_y: NDArray[Any],
    behind: NDArray[Any] | None,
    out: NDArray[Any] | bytearray,
    corner: tuple[int, int],
    out_shape: tuple[int, ...],
) -> None: ...
