"""Piper in a process of its own: it is GPL-3, and nothing else of Visavis is linked with it.

Run as `python -m visavis.engines.tts.piper_process THREADS`; see `engines.child`. It answers

    {"model": "/…/de_DE-thorsten-medium.onnx", "speaker": null, "text": …, "words": ["Guten", "Tag"],
     "speed": 1.0}
    {"rate": 22050, "symbols": [["ɡ", 0, 1792, 0], …], "ipa": true}    and float32 samples

A symbol is what was spoken, its first and its last sample, and the index of its word; some voices speak letters, which
are no `ipa`. There are none where the graph's durations cannot be read, for which the `onnx` package is needed.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from piper.config import PhonemeType, PiperConfig, SynthesisConfig
from piper.const import BOS, EOS, PAD
from piper.voice import AudioChunk, PiperVoice

from visavis.engines.answering import Answer, serve
from visavis.engines.tts.owners import owners

_LOADED = 3
"""Voices at most, that are kept in memory."""


class _Piper:
    """The voices that were last used."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._voices: OrderedDict[str, PiperVoice] = OrderedDict()

    def speak(self, request: Mapping[str, Any]) -> Answer:
        """The answer to one request, and its samples."""
        voice = self._voice(request["model"])
        manner = SynthesisConfig(
            speaker_id=request["speaker"], length_scale=voice.config.length_scale / request["speed"]
        )
        sounds: list[np.ndarray] = [np.zeros(0, np.float32)]
        symbols: list[str] = []
        ends: list[int] = []
        timed, done = True, 0
        for chunk in voice.synthesize(request["text"], manner, include_alignments=True):
            spoken = _spoken(voice.config, chunk)
            timed = timed and spoken is not None
            for symbol, samples in spoken or []:
                done += samples
                symbols.append(symbol)
                ends.append(done)
            symbols.append(" ")  # between two sentences
            ends.append(done)
            sounds.append(chunk.audio_float_array.reshape(-1))
        ipa = voice.config.phoneme_type is PhonemeType.ESPEAK
        head: dict[str, Any] = {"rate": voice.config.sample_rate, "symbols": [], "ipa": ipa}
        if timed and symbols:
            words = owners(symbols, len(request["words"]), lambda: [_flat(voice, word) for word in request["words"]])
            head["symbols"] = list(zip(symbols, [0, *ends], ends, words, strict=False))
        return head, np.concatenate(sounds).astype(np.float32).tobytes()

    def _voice(self, model: str) -> PiperVoice:
        if model not in self._voices:
            while len(self._voices) >= _LOADED:
                self._voices.popitem(last=False)
            self._voices[model] = _load(Path(model), self._threads)
        self._voices.move_to_end(model)
        return self._voices[model]


def _load(model: Path, threads: int) -> PiperVoice:
    config = PiperConfig.from_dict(json.loads(Path(f"{model}.json").read_text("utf-8")))
    if config.phoneme_type not in (PhonemeType.ESPEAK, PhonemeType.TEXT):
        raise ValueError(f"the voice {model.stem} needs a pronunciation dictionary of its own, which is not here")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the face needs the cores
    session = onnxruntime.InferenceSession(_with_durations(model), options, providers=["CPUExecutionProvider"])
    return PiperVoice(session, config, download_dir=model.parent)


def _with_durations(model: Path) -> bytes | str:
    """The graph with its durations as an output besides."""
    try:
        import onnx
        from piper.patch_voice_with_alignment import add_alignment_output
    except ImportError:
        return str(model)
    graph = onnx.load(str(model))
    try:
        add_alignment_output(graph)
    except ValueError:  # it has that output already, or none can be told
        return str(model)
    return bytes(graph.SerializeToString())


def _spoken(config: PiperConfig, chunk: AudioChunk) -> list[tuple[str, int]] | None:
    """The chunk's symbols and how many samples each lasts, its padding included; None where nothing tells that."""
    lengths = chunk.phoneme_id_samples
    ids = config.phoneme_id_map
    if lengths is None or len(lengths) != len(chunk.phoneme_ids):
        return None
    known = [phoneme for phoneme in chunk.phonemes if phoneme in ids]  # the others were left out
    counts = [len(ids[phoneme]) + len(ids[PAD]) for phoneme in (BOS, *known)] + [len(ids[EOS])]
    if sum(counts) != len(lengths):
        return None
    edges = np.cumsum([0, *counts])
    pieces = zip((BOS, *known, EOS), edges, edges[1:], strict=False)
    return [(symbol, int(np.sum(lengths[begin:end]))) for symbol, begin, end in pieces]


def _flat(voice: PiperVoice, word: str) -> Sequence[str]:
    return [symbol for sentence in voice.phonemize(word) for symbol in sentence]


if __name__ == "__main__":
    serve(lambda: _Piper(int(sys.argv[1])).speak)
