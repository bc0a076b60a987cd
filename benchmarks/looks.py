"""What must not change while a face moves: who it is, the background, the border of what moves, a still face.

    python -m benchmarks.looks [PICTURE …]

For each picture (default: the built-in faces, and those in `$VISAVIS_REFERENCE/portraits`), on raw 512-pixel frames:

- identity: SSIM (Wang et al. 2004, Gaussian window of 1.5 px) of the upper face against the plate, while it speaks with
  its head at rest; and with the head moving, the frame laid on the plate by a similarity from the face meshes, which
  blurs it once more
- background: PSNR in dB against the plate where nobody is and no hair passes, while the head moves as in talk
- seam: grey levels added at the border of the mouth's area by its speaking, head straight and turned by 20 degrees
- flicker: grey levels between two pictures of the same pose
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import visavis.avatars
from benchmarks.machine import describe
from benchmarks.rig import speaking
from visavis.avatars.avatar import Avatar
from visavis.avatars.build import build_avatar
from visavis.avatars.landmarks import FaceMesh
from visavis.avatars.rig import topology
from visavis.engines.animation.head import HeadWarp
from visavis.engines.animation.pose import Pose
from visavis.engines.animation.renderer import Renderer
from visavis.errors import NoFace
from visavis.evaluation.pixels import seam_excess, static_flicker

RESULT = Path(__file__).parent / "results" / "looks.json"
BUILTIN = Path(visavis.avatars.__path__[0]) / "builtin"
TURNS = {"straight": 0.0, "left": -0.35, "right": 0.35}
SPEAKING = Pose(aperture=0.6, jaw=0.7, width=0.3)

Picture = NDArray[np.uint8]
Floats = NDArray[np.floating[Any]]


def ssim(one: Floats, other: Floats) -> Floats:
    """(h, w) structural similarity of two grey pictures, 0 … 255."""

    def mean(x: Floats) -> Floats:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5))

    a, b = mean(one), mean(other)
    va, vb, both = mean(one * one) - a * a, mean(other * other) - b * b, mean(one * other) - a * b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return (2 * a * b + c1) * (2 * both + c2) / ((a * a + b * b + c1) * (va + vb + c2))


def upper_face(avatar: Avatar) -> NDArray[np.bool_]:
    """(h, w) forehead, brows and eyes."""
    points = avatar.landmarks[:, :2]
    upper = [i for i in topology.OVAL if points[i, 1] < points[topology.NASION, 1]]
    lids = [i for lid in topology.LOWER_LIDS for i in lid]
    area = np.zeros(avatar.plate.shape[:2], np.uint8)
    cv2.fillConvexPoly(area, cv2.convexHull(np.rint(points[[*upper, *lids]]).astype(np.int32)), 1)
    return area > 0


def at_rest(avatar: Avatar, renderer: Renderer) -> float:
    """SSIM of the upper face of one who breathes and speaks, the head held still."""
    frame = renderer.draw(replace(SPEAKING, breath=1.0))
    return float(ssim(_grey(avatar.plate), _grey(frame[..., :3]))[upper_face(avatar)].mean())


def identity(avatar: Avatar, renderer: Renderer, mesher: FaceMesh) -> float:
    """Mean SSIM of the upper face over a moving head."""
    points = np.ascontiguousarray(avatar.landmarks[:, :2])
    held = np.flatnonzero(points[:, 1] < points[topology.SUBNASALE, 1])
    plate, area = _grey(avatar.plate), upper_face(avatar)
    found = []
    for pose in speaking()[::15]:
        frame = renderer.draw(Pose(head=pose.head))[..., :3]
        there = np.asarray(mesher.steady_mesh(frame, avatar.landmarks).landmarks[:, :2], np.float32)
        onto, _ = cv2.estimateAffinePartial2D(there[held], points[held], method=cv2.LMEDS)
        laid = cv2.warpAffine(_grey(frame), onto, plate.shape[::-1], flags=cv2.INTER_LINEAR)
        found.append(float(ssim(plate, np.asarray(laid, np.float32))[area].mean()))
    return float(np.mean(found))


def background(avatar: Avatar, renderer: Renderer) -> float | None:
    """PSNR in dB of what is nobody's; None where nobody was told from it."""
    person = avatar.rig.get("cutout.person")
    if person is None:
        return None
    away = cv2.dilate(person[..., 3], np.ones((25, 25), np.uint8)) == 0
    frames = [renderer.draw(replace(pose, breath=1.0)) for pose in speaking()[::15]]
    error = np.mean([(frame[away].astype(float) - avatar.plate[away]) ** 2 for frame in frames])
    return float(min(10 * np.log10(255**2 / max(error, 1e-9)), 99.0))


def seam(avatar: Avatar, renderer: Renderer, yaw: float) -> float:
    """Grey levels added at the border of the mouth's area, carried along by the head."""
    head = (0.0, yaw, 0.0, 0.0, 0.0, 0.0)
    x0, y0, x1, y1 = renderer.mouth_box
    mask = np.zeros((*avatar.plate.shape[:2], 3), np.uint8)
    mask[y0:y1, x0:x1] = 255
    inside = HeadWarp(avatar.rig, avatar.plate.shape).apply(mask, Pose(head=head))[..., 0] >= 128
    return seam_excess(renderer.draw(Pose(head=head)), renderer.draw(replace(SPEAKING, head=head)), inside)


def measure(avatar: Avatar, mesher: FaceMesh) -> dict[str, float | None]:
    """All figures of one avatar."""
    renderer = Renderer(avatar)
    behind = background(avatar, renderer)
    return {
        "identity at rest, SSIM": round(at_rest(avatar, renderer), 3),
        "identity, SSIM": round(identity(avatar, renderer, mesher), 3),
        "background, dB": None if behind is None else round(behind, 1),
        **{f"seam {name}, grey levels": round(seam(avatar, renderer, yaw), 3) for name, yaw in TURNS.items()},
        "flicker, grey levels": static_flicker([renderer.draw(SPEAKING) for _ in range(3)]),
    }


def _grey(picture: Picture) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.float32)


def main() -> None:
    """Measure, print and keep the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path)
    pictures: list[Path] = parser.parse_args().pictures or sorted(BUILTIN.glob("*.png"))
    if reference := os.environ.get("VISAVIS_REFERENCE"):
        pictures += sorted(Path(reference, "portraits").iterdir())
    mesher, results = FaceMesh(), {}
    for picture in pictures:
        try:
            avatar = build_avatar(picture, picture.stem)
        except NoFace:
            continue
        results[picture.stem] = measure(avatar, mesher)
        print(picture.stem, results[picture.stem], flush=True)
    RESULT.write_text(json.dumps({"machine": describe(), "results": results}, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
