"""Where a face is: MediaPipe's face detector, 468-point mesh and iris model, run by OpenCV's DNN on one thread.

The graphs around the three networks (anchors, regions, decoding) follow MediaPipe's published ones: BlazeFace
(arXiv:1907.05047), Face Mesh (arXiv:1907.06724) and Iris (arXiv:2006.11341). Pictures are RGB (h, w, 3) uint8, and
all coordinates are pixels; (0, 0) is the corner of the picture, so that a pixel's middle lies at halves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from visavis.avatars.detection import Detection, merge, same
from visavis.avatars.eyes import EYES, drawn_iris, iris_fits, with_lids
from visavis.avatars.regions import Region, tiles
from visavis.errors import NoFace
from visavis.weights import require

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

MESH_SCORE = 0.5
"""Below this probability what the mesh was laid on is no face."""
_DETECTION_SCORE = 0.5
_FACE_SHARE = 0.12  # a face narrower than this share of what the detector was shown may hide a nearer view's better one
# the mesh and iris networks count whole pixels: without this a mirrored picture's mesh lies a pixel off
_PIXEL = np.float32(0.5)
_LEVELS = 3  # views of the whole, of halves and of quarters: faces of a sixteenth of the picture's side


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face's mesh."""

    landmarks: Floats
    """(468, 3) pixels; z in the same scale, smaller is nearer, 0 about the head's centre."""
    score: float
    """Probability that this is a face."""

    @property
    def height(self) -> float:
        """Pixels from the top of the forehead (10) to the chin (152)."""
        return float(np.linalg.norm(self.landmarks[10, :2] - self.landmarks[152, :2]))


class FaceMesh:
    """The three networks, each loaded when first used. Not thread-safe: one instance belongs to one thread.

    Loading raises `EngineUnavailable` where a network's weights are not to be had.
    """

    def detect(self, picture: Picture, thorough: bool = True) -> list[Detection]:
        """The faces in a picture, the largest first.

        The detector sees 128 x 128 pixels, in which small faces vanish: while no face or only small ones are found,
        it is shown overlapping enlarged parts, so that a face of a sixteenth of the picture's side is found. That takes
        up to sixty looks of 5 ms; where not `thorough` it is left at the first.
        """
        height, width = picture.shape[:2]
        found: list[Detection] = []
        for level in range(_LEVELS if thorough else 1):
            side = max(width, height) / 2**level
            found = self._confirmed(picture, tiles(width, height, side), found)
            if any(face.width >= _FACE_SHARE * side for face in found):
                return found
        # none, or only small ones; a face that fills the picture needs a step back
        return found or self._confirmed(picture, [Region(width / 2, height / 2, 2.0 * max(width, height))], [])

    def mesh(self, picture: Picture, detection: Detection | None = None, previous: Floats | None = None) -> Face:
        """The mesh of one face: of `detection`, of the one that lay near `previous` (468, 3), or of the largest.

        From a detection the mesh is laid twice, the second time in the region its own landmarks give, which is
        steadier. Raises `NoFace` only where neither is given and none is found: judge the others by their `score`.
        """
        if previous is not None:
            return self._mesh_in(picture, Region.around_mesh(previous))
        if detection is None:
            found = self.detect(picture)
            if not found:
                raise NoFace("no face is found in the picture: use one that shows a face upright and from the front")
            detection = found[0]
        rough = self._mesh_in(picture, Region.around_detection(detection.box, detection.keypoints))
        return self._mesh_in(picture, Region.around_mesh(rough.landmarks)) if rough.score >= 0.1 else rough

    def steady_mesh(self, picture: Picture, rough: Floats) -> Face:
        """The mesh of the face that lies at `rough` (468, 3), for a picture that is looked at once and for all.

        The mesh depends a little on where the network is told to look: its lips by 1.5 pixels r.m.s. on a face of 235.
        For the mean of nine looks, the regions moved, scaled and turned as from frame to frame, it is half of that.
        """
        middle = Region.around_mesh(rough)
        faces = [self._mesh_in(picture, middle)]
        for x, y, turn in product((-1, 1), repeat=3):
            moved = Region(
                middle.x + 0.015 * x * middle.side,
                middle.y + 0.015 * y * middle.side,
                middle.side * (1 + 0.03 * x * y),
                middle.angle + 0.03 * turn,
            )
            faces.append(self._mesh_in(picture, moved))
        landmarks = np.stack([face.landmarks for face in faces]).mean(axis=0)
        return Face(landmarks, float(np.mean([face.score for face in faces])))

    def irises(self, picture: Picture, landmarks: Floats) -> Floats:
        """(2, 5, 2): the irises on the viewer's left and right, each its centre and its rim right, above, left, below.

        Drawn eyes can mislead the network: an iris that does not lie within its eye, or is far too small or large for
        it, is replaced by a circle in the middle of the lids' opening.
        """
        return self.eyes(picture, landmarks)[0]

    def eyes(self, picture: Picture, landmarks: Floats) -> tuple[Floats, Floats]:
        """The irises, as `irises` gives them, and the mesh (468, 3) with the lids as the iris network sees them."""
        both = []
        for eye in EYES:
            iris, contour = self._eye_in(picture, Region.around_eye(*landmarks[list(eye.corners), :2]), eye.mirrored)
            if iris_fits(iris, landmarks, eye):
                landmarks = with_lids(landmarks, eye, contour)
            else:
                iris = drawn_iris(landmarks, eye)
            both.append(iris)
        return np.stack(both), landmarks

    def track(self, frames: Iterable[Picture]) -> Iterator[Face | None]:
        """The mesh in each frame of a video, None where there is no face.

        A frame's mesh says where to look in the next; the detector runs only at the start and where the face is lost.
        After a loss the face nearest in size to the lost one goes on.
        """
        last: Face | None = None
        lost = 0
        for frame in frames:
            last = self.follow(frame, last, lost)
            lost = 0 if last else lost + 1
            yield last

    def follow(self, frame: Picture, last: Face | None, lost: int = 0) -> Face | None:
        """One step of `track`: the face in this frame, given the one in the frame before, or for how many it is lost.

        The search for a lost face is thorough in every twelfth frame only: in a long shot without one it would take
        far longer than the shot.
        """
        if last is not None:
            face = self.mesh(frame, previous=last.landmarks)
            if face.score >= MESH_SCORE:
                return face
        found = self.detect(frame, thorough=lost % 12 == 0)
        return self.mesh(frame, found[0]) if found else None

    @cached_property
    def _detector(self) -> cv2.dnn.Net:
        return _network("face_detection_short_range.tflite")

    @cached_property
    def _mesher(self) -> cv2.dnn.Net:
        return _network("face_landmark.tflite")

    @cached_property
    def _iris(self) -> cv2.dnn.Net:
        return _network("iris_landmark.tflite")

    def _confirmed(self, picture: Picture, views: Iterable[Region], known: list[Detection]) -> list[Detection]:
        """The faces `known` and those seen in the views, each looked at again more closely and by the mesh."""
        seen = merge([one for view in views for one in self._see(picture, view)])
        closer = [self._look_closer(picture, one) for one in seen]
        return merge(known + [one for one in closer if self.mesh(picture, one).score >= MESH_SCORE])

    def _look_closer(self, picture: Picture, first: Detection) -> Detection:
        """The same face where it is a third of the view, as the detector knows them best: far ones' boxes are rough."""
        x, y = (first.box[:2] + first.box[2:]) / 2
        again = self._see(picture, Region(float(x), float(y), 3.0 * first.width))
        return next((one for one in again if same(one.box, first.box)), first)

    def _see(self, picture: Picture, region: Region) -> list[Detection]:
        crop = region.cut(picture, 128, border=0).astype(np.float32) / 127.5 - 1.0
        logits, boxes = _run(self._detector, crop, ("classificators", "regressors"))
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits.reshape(-1), -80.0, 80.0)))
        likely = scores >= _DETECTION_SCORE
        if not likely.any():
            return []
        # box centre, box size, six key points; all but the size are relative to the anchor
        points = boxes.reshape(-1, 8, 2)[likely]
        anchors = _ANCHORS[likely]
        centre, half = points[:, 0] + anchors, points[:, 1] / 2
        places = np.stack([centre - half, centre + half], axis=1)
        places = np.concatenate([places, points[:, 2:] + anchors[:, None]], axis=1)  # (n, 8, 2) in the crop
        placed = region.to_picture(places.reshape(-1, 2).astype(np.float32), 128).reshape(-1, 8, 2)
        found = [Detection(p[:2].reshape(4), float(s), p[2:]) for p, s in zip(placed, scores[likely], strict=True)]
        return merge(found)

    def _mesh_in(self, picture: Picture, region: Region) -> Face:
        crop = region.cut(picture, 192).astype(np.float32) / 255.0
        logit, points = _run(self._mesher, crop, ("conv2d_30", "conv2d_20"))
        points = points.reshape(468, 3)
        landmarks = np.empty((468, 3), np.float32)
        landmarks[:, :2] = region.to_picture(points[:, :2] + _PIXEL, 192)
        landmarks[:, 2] = points[:, 2] * (region.side / 192)
        return Face(landmarks, float(1.0 / (1.0 + np.exp(-float(logit.reshape(-1)[0])))))

    def _eye_in(self, picture: Picture, region: Region, mirrored: bool) -> tuple[Floats, Floats]:
        """Iris (5, 2) and lids (16, 2)."""
        crop = region.cut(picture, 64).astype(np.float32) / 255.0
        contour, iris = _run(
            self._iris, crop[:, ::-1] if mirrored else crop, ("output_eyes_contours_and_brows", "output_iris")
        )
        points = np.concatenate([iris.reshape(5, 3), contour.reshape(71, 3)[:16]])[:, :2] + _PIXEL
        if mirrored:
            points = np.abs(points - np.array((64, 0), np.float32))
            points[[1, 3]] = points[[3, 1]]  # right and left of the rim
        placed = region.to_picture(points, 64)
        return placed[:5], placed[5:]


def _network(name: str) -> cv2.dnn.Net:
    cv2.setNumThreads(1)  # the networks are too small to share out, and sessions run beside one another
    return cv2.dnn.readNetFromTFLite(str(require(name)))


def _run(net: cv2.dnn.Net, crop: Floats, outputs: tuple[str, ...]) -> list[Floats]:
    net.setInput(np.ascontiguousarray(crop.transpose(2, 0, 1)[None]))
    return [np.asarray(values, np.float32) for values in net.forward(outputs)]


def _anchors() -> Floats:
    """(896, 2) in the detector's pixels: two for each cell of a 16 x 16 grid, six for each of an 8 x 8 one."""
    rows = []
    for cells, repeats in ((16, 2), (8, 6)):
        middle = (np.arange(cells, dtype=np.float32) + 0.5) * (128 / cells)
        grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
        rows.append(np.repeat(grid, repeats, axis=0))
    return np.concatenate(rows)


_ANCHORS = _anchors()
