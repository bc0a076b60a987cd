"""Kokoro in a process of its own: its phonemizer is GPL-3, and nothing else of Visavis is linked with that.

Run as `python -m visavis.engines.tts.kokoro_process MODEL VOICES THREADS`; see `engines.child`. It answers

    {"voice": "af_heart", "language": "en-us", "text": …, "words": ["Hello", "there"], "speed": 1.0}
    {"rate": 24000, "symbols": [["h", 7200, 8400, 0], …], "ipa": true}    and float32 samples

A symbol is what was spoken, its first and its last sample, and the index of its word; there are none where the model
has no output for durations. The language is espeak-ng's name of it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from kokoro_onnx.config import MAX_PHONEME_LENGTH, SAMPLE_RATE
from kokoro_onnx.session import embedded_vocab, input_dtypes
from kokoro_onnx.tokenizer import Tokenizer
from phonemizer.backend import EspeakBackend

from visavis.engines.answering import Answer, serve
from visavis.engines.tts.owners import owners

_ENGLISH = {"eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "Q", "aʊ": "W", "ɔɪ": "Y"}
_AFFRICATES = {"dʒ": "ʤ", "tʃ": "ʧ"}
"""One symbol of the model's, where espeak-ng writes two."""


class _Kokoro:
    """The model, ready to speak."""

    def __init__(self, model: str, voices: str, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # the face needs the cores
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._types = input_dtypes(self._session)
        self._durations = any("dur" in output.name for output in self._session.get_outputs()[1:])
        self._tokenizer = Tokenizer(vocab=embedded_vocab(self._session))
        self._voices = np.load(voices)
        self._readers: dict[str, EspeakBackend] = {}

    def speak(self, request: Mapping[str, Any]) -> Answer:
        """The answer to one request, and its samples."""
        language = request["language"]
        said = list(self._phonemes(request["text"], language))[:MAX_PHONEME_LENGTH]
        head: dict[str, Any] = {"rate": SAMPLE_RATE, "symbols": [], "ipa": True}
        if not said:
            return head, b""
        sound, edges = self._say(said, request["voice"], request["speed"])
        if edges is not None:
            symbols = ["^", *said, "$"]  # what it says of its beginning and its end is silence
            words = owners(
                symbols, len(request["words"]), lambda: [self._phonemes(w, language) for w in request["words"]]
            )
            head["symbols"] = list(zip(symbols, edges, edges[1:], words, strict=False))
        return head, sound.tobytes()

    def _say(self, symbols: list[str], voice: str, speed: float) -> tuple[np.ndarray, list[int] | None]:
        """The sound (n,), and the samples at which the tokens begin and the last one ends: one more on either side."""
        vocabulary = self._tokenizer.vocab
        tokens = [0, *(vocabulary[symbol] for symbol in symbols), 0]
        styles = self._voices[voice]  # one for each number of symbols
        given = {
            "tokens" if "tokens" in self._types else "input_ids": [tokens],
            "style": np.reshape(styles[min(len(symbols), len(styles)) - 1], (1, -1)),
            "speed": [speed if self._types["speed"].kind == "f" else max(1, round(speed))],
        }
        made = self._session.run(None, {name: np.asarray(each, self._types[name]) for name, each in given.items()})
        sound = np.asarray(made[0], np.float32).ravel()
        lengths = np.asarray(made[1], np.float64).ravel() if self._durations else np.zeros(0)
        if len(lengths) != len(tokens) or lengths.sum() <= 0:
            return sound, None
        edges = np.cumsum([0.0, *lengths]) * len(sound) / lengths.sum()
        return sound, [round(edge) for edge in edges]

    def _phonemes(self, text: str, language: str) -> str:
        """How a text is said, in symbols of the model's."""
        if language not in self._readers:
            self._readers[language] = EspeakBackend(
                language, preserve_punctuation=True, with_stress=True, language_switch="remove-flags", logger=_quiet()
            )
        (said,) = self._readers[language].phonemize([" ".join(text.split())], strip=True) or [""]
        for two, one in {**_AFFRICATES, **(_ENGLISH if language.startswith("en") else {})}.items():
            said = said.replace(two, one)
        return "".join(symbol for symbol in said if symbol in self._tokenizer.vocab).strip()


def _quiet() -> logging.Logger:
    logger = logging.getLogger("phonemizer")
    logger.disabled = True
    return logger


if __name__ == "__main__":
    serve(lambda: _Kokoro(sys.argv[1], sys.argv[2], int(sys.argv[3])).speak)
