"""Paint the avatars that come with Visavis: `python -m tools.paint_avatar NAME [OUT.png]`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from tools.paint import amos, finn, vera
from tools.paint.field import F
from visavis.avatars.builtins import BUILTINS

PAINTERS: dict[str, Callable[[int, int], F]] = {"vera": vera.paint, "amos": amos.paint, "finn": finn.paint}
"""Each makes sRGB, or sRGB and opacity, from 0 to 1, from the picture's side in pixels and its supersampling."""


def write(name: str, out: Path, size: int = 768, scale: int = 2) -> None:
    """Paint the avatar of that name into a PNG file."""
    cv2.setNumThreads(1)
    picture = PAINTERS[name](size, scale)
    channels = [2, 1, 0, 3][: picture.shape[2]]
    pixels = np.clip(picture[..., channels] * 255 + 0.5, 0, 255).astype(np.uint8)
    cv2.imwrite(str(out), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])


def main() -> None:
    """Paint the avatar named on the command line, over the one that is shipped if no other file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=PAINTERS)
    parser.add_argument("out", type=Path, nargs="?")
    parser.add_argument("--size", type=int, default=768)
    parser.add_argument("--draft", action="store_true", help="no supersampling")
    args = parser.parse_args()
    write(args.name, args.out or BUILTINS[args.name].picture, args.size, 1 if args.draft else 2)


if __name__ == "__main__":
    main()
