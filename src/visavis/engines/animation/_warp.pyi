from typing_extensions import Buffer

def warp(
    picture: Buffer, shape: tuple[int, int, int], nodes: Buffer, at_x: Buffer, at_y: Buffer, out: Buffer
) -> None: ...
