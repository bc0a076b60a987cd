"""A video as an animated picture, for a page that shows pictures only.

    python -m tools.animated_picture answer.mp4 docs/images/answer.webp [--size 360] [--quality 60]

Every second frame is kept, without the sound. Of several videos the pictures stand side by side, as long as the
shortest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

EVERY = 2


def frames(path: Path, size: int) -> list[NDArray[np.uint8]]:
    """Every second frame, BGR, `size` pixels high, and 1/fps seconds apart."""
    with av.open(str(path)) as container:
        every = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)][::EVERY]
    width = round(every[0].shape[1] * size / every[0].shape[0])
    return [np.asarray(cv2.resize(f, (width, size), interpolation=cv2.INTER_AREA), np.uint8) for f in every]


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--size", type=int, default=360)
    parser.add_argument("--quality", type=int, default=60)
    arguments = parser.parse_args()
    animation = cv2.Animation()
    animation.frames = [
        np.concatenate(row, axis=1) for row in zip(*(frames(v, arguments.size) for v in arguments.videos), strict=False)
    ]
    animation.durations = [EVERY * 40] * len(animation.frames)
    cv2.imwriteanimation(str(arguments.picture), animation, [cv2.IMWRITE_WEBP_QUALITY, arguments.quality])
    print(f"{arguments.picture}: {len(animation.frames)} pictures, {arguments.picture.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
