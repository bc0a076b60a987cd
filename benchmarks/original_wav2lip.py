"""Wav2Lip as its authors run it, written plainly: what our own way is compared with.

    python -m benchmarks.original_wav2lip CHECKPOINT PICTURE SPEECH OUTPUT --box TOP BOTTOM LEFT RIGHT [--times N]

The checkpoint as published, in float32 and as loaded, on torch; the face cut from the picture, shrunk and encoded anew
for each frame; batches of 128; the made face pasted back as a rectangle; frames into an intermediate file, then into
H.264 with the sound. The face's box is given: to find it in every frame, as the original does, would take 2.4 s more
for each. Prints a line of JSON: the seconds of each stage, for each of N runs in the same process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

BATCH = 128
FPS = 25


def main() -> None:
    begun = time.perf_counter()
    options = _options()
    import cv2
    import numpy as np
    import torch

    from visavis.engines.animation.wav2lip_mel import mel
    from visavis.engines.animation.wav2lip_network import Generator as Network
    from visavis.media.audio import Audio
    from visavis.media.codecs import read_audio

    imported = time.perf_counter()
    published = torch.load(options.checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    network = Network()
    network.load_state_dict({key.removeprefix("module."): value for key, value in published.items()})
    network = network.eval()
    loaded = time.perf_counter()
    runs: list[dict[str, float]] = []
    for _ in range(options.times):
        start = time.perf_counter()
        picture = np.asarray(cv2.imread(str(options.picture)))
        height, width = picture.shape[:2]
        spectrogram = mel(Audio.join(list(read_audio(options.speech, 16_000))).samples)
        chunks, number = [], 0
        while True:
            first = int(number * 80.0 / FPS)
            if first + 16 > spectrogram.shape[1]:
                chunks.append(spectrogram[:, -16:])
                break
            chunks.append(spectrogram[:, first : first + 16])
            number += 1
        top, bottom, left, right = options.box
        with tempfile.TemporaryDirectory() as folder:
            intermediate = str(Path(folder) / "result.avi")
            writer = cv2.VideoWriter(intermediate, cv2.VideoWriter.fourcc(*"DIVX"), FPS, (width, height))
            spent = 0.0
            for begin in range(0, len(chunks), BATCH):
                part = chunks[begin : begin + BATCH]
                frames = [picture.copy() for _ in part]
                faces = np.stack([cv2.resize(frame[top:bottom, left:right], (96, 96)) for frame in frames])
                hidden = faces.copy()
                hidden[:, 48:] = 0
                seen = np.concatenate([hidden, faces], axis=3) / 255.0
                with torch.no_grad():
                    sound = torch.FloatTensor(np.stack(part)[:, None])
                    face = torch.FloatTensor(seen.transpose(0, 3, 1, 2))
                    generating = time.perf_counter()
                    made = network(sound, face)
                    spent += time.perf_counter() - generating
                for frame, mouth in zip(frames, made.numpy().transpose(0, 2, 3, 1) * 255.0, strict=True):
                    frame[top:bottom, left:right] = cv2.resize(mouth.astype(np.uint8), (right - left, bottom - top))
                    writer.write(frame)
            writer.release()
            _encode(intermediate, options.speech, options.output)
        whole = time.perf_counter() - start
        runs.append({"frames": len(chunks), "generator": spent, "whole": whole})
    print(json.dumps({"imports": imported - begun, "load": loaded - imported, "runs": runs}))


def _encode(video: str, speech: Path, output: Path) -> None:
    """As `ffmpeg -i speech -i video output.mp4` does: x264 of medium speed and quality, AAC."""
    import av

    with av.open(video) as pictures, av.open(str(speech)) as sound, av.open(str(output), "w") as made:
        audio = made.add_stream("aac", rate=sound.streams.audio[0].rate)
        frames = made.add_stream("libx264", rate=FPS, options={"crf": "23", "preset": "medium"})
        source = pictures.streams.video[0]
        frames.width, frames.height, frames.pix_fmt = source.width, source.height, "yuv420p"
        for piece in sound.decode(audio=0):
            made.mux(audio.encode(piece))
        made.mux(audio.encode(None))
        for picture in pictures.decode(video=0):
            made.mux(frames.encode(picture.reformat(format="yuv420p")))
        made.mux(frames.encode(None))


def _options() -> Any:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--box", type=int, nargs=4, required=True, metavar=("TOP", "BOTTOM", "LEFT", "RIGHT"))
    parser.add_argument("--times", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
