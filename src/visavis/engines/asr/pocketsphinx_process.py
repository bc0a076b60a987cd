"""PocketSphinx's decoders in a process of their own: they keep Python's interpreter to themselves while they search,
for tenths of a second, in which no face would move.

Run as `python -m visavis.engines.asr.pocketsphinx_process`; `engines.child` tells how it is asked. A request names what
to `do` with which `decoder`; the body of a `feed` is 16-bit samples at 16 kHz.

    {"do": "begin", "decoder": 1, "mean": "41.0,-5.29,…"}   {"do": "feed", "decoder": 1}   {"do": "end", "decoder": 1}
    {"words": [["hello", 1600, 6400], …], "silent": false, "mean": …}
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any, BinaryIO

from visavis.engines.asr.words import clean
from visavis.streams.priority import give_way

_FRAME = 160
"""Samples in one of the decoder's frames."""
_CONFIG: dict[str, Any] = {
    "loglevel": "FATAL",
    "fwdflat": False,  # a second pass over everything, after the last word: too late for a conversation
    "bestpath": True,
    "maxhmmpf": 3000,  # a tenth of the default: half the work, as good as the same words
}


class _Decoder:
    """PocketSphinx's decoder, made to give the same words for the same sound whatever it heard before."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(**_CONFIG)
        self._mean = self._decoder.get_cmn(False)
        self._open = False

    def begin(self, mean: str) -> None:
        """Start an utterance with this cepstral mean, or the first one; an open utterance is forgotten."""
        if self._open:
            self._decoder.end_utt()
        self._decoder.set_cmn(mean or self._mean)  # left alone, it would be that of whoever spoke before
        self._decoder.start_utt()
        self._open = True

    def feed(self, raw: bytes) -> None:
        """More of the utterance."""
        if raw:
            self._decoder.process_raw(raw, False, False)

    def end(self) -> None:
        """Search for the best path through all that was considered."""
        self._decoder.end_utt()
        self._open = False

    def heard(self) -> dict[str, Any]:
        """The words so far, whether the last thing heard is silence, and the cepstral mean now."""
        mean = str(self._decoder.get_cmn(False))
        if self._decoder.hyp() is None:
            return {"words": [], "silent": True, "mean": mean}
        segments = list(self._decoder.seg())
        words = [
            (text, segment.start_frame * _FRAME, (segment.end_frame + 1) * _FRAME)
            for segment in segments
            if (text := clean(segment.word))
        ]
        return {"words": words, "silent": bool(segments) and not clean(segments[-1].word), "mean": mean}


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    def answer(head: dict[str, Any]) -> None:
        answers.write(json.dumps({**head, "bytes": 0}).encode() + b"\n")
        answers.flush()

    decoders: dict[int, _Decoder] = {}
    try:
        decoders[0] = _Decoder()
    except (ImportError, OSError, RuntimeError) as error:
        answer({"error": str(error)})
        return
    answer({})
    for line in requests:
        request = json.loads(line)
        body = requests.read(request["bytes"])
        number = request["decoder"]
        try:
            decoder = decoders.get(number) or decoders.setdefault(number, _Decoder())
            if request["do"] == "begin":
                decoder.begin(request["mean"])
            elif request["do"] == "feed":
                decoder.feed(body)
            else:
                decoder.end()
            answer(decoder.heard() if request["do"] != "begin" else {})
        except RuntimeError as error:
            answer({"error": f"PocketSphinx stopped: {error}"})


if __name__ == "__main__":
    give_way()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process by its input
    _serve(sys.stdin.buffer, sys.stdout.buffer)
