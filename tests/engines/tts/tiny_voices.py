"""A Piper and a Kokoro in the files and graphs of the real ones, small as can be: each symbol is a tone of its own
length and loudness, marks and spaces are silent. They were never trained: each graph is written out here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from visavis.engines.tts.owners import is_letter

_SOUNDS = "abcdefhijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖəɚɛɜɟɡɣɨɪɫɬɭɯɱɲɳɹɻɽɾʁʂʃʈʉʊʋʌʎʏʐʑʒʔʝβθχᵻ"
_MARKS = "_^$ !'(),-.:;?ˈˌːʲ\u0303\u0327\u032a\u0329ʰ"
SYMBOLS = {symbol: number for number, symbol in enumerate(_MARKS + _SOUNDS)}
"""Of the Piper, and their numbers."""
_STYLES = 2
"""Tones: of speakers, or of voices."""


def make_piper(
    folder: Path,
    stem: str = "de_DE-thorsten-medium",
    language: str = "de",
    *,
    speakers: Sequence[str] = (),
    kind: str = "espeak",
    durations: bool = True,
) -> Path:
    """The folder of a voice, as of a hub."""
    folder.mkdir(parents=True, exist_ok=True)
    lengths = {"_": 1, "^": 2, "$": 4, " ": 3, "ˈ": 1, "ˌ": 1, "ː": 2}
    symbols = SYMBOLS if kind == "espeak" else {c: n for n, c in enumerate("_^$ .,абвгдежзиклмнопрстуфхцчшщьюяії")}
    sid = ", int64[1] sid" if speakers else ""
    graph = f"""
      voice (int64[1,n] input, int64[1] input_lengths, float[3] scales{sid}) => (float[1,1,1,s] output) {{
        tokens = Squeeze(input, zero)
        scale = Gather(scales, one)
        style = {"Gather(sid, first)" if speakers else "Identity(first)"}
        {_spoken("Mul", "Ceil" if durations else "Round")}
        output = Reshape(sound, shape)
      }}"""
    _save(folder / f"{stem}.onnx", graph, {c: lengths.get(c, 4 + n % 5) for c, n in symbols.items()}, symbols, 256, 4)
    about = {
        "audio": {"sample_rate": 22050, "quality": "medium"}, "espeak": {"voice": language}, "phoneme_type": kind,
        "inference": {"noise_scale": 0.667, "length_scale": 1.0, "noise_w": 0.8}, "num_symbols": len(symbols),
        "num_speakers": max(1, len(speakers)), "speaker_id_map": {name: n for n, name in enumerate(speakers)},
        "phoneme_id_map": {symbol: [number] for symbol, number in symbols.items()},
    }  # fmt: skip
    (folder / f"{stem}.onnx.json").write_text(json.dumps(about))
    return folder


def make_kokoro(
    folder: Path,
    voices: Sequence[str] = ("af_heart", "bf_emma", "ff_siwis", "jf_alpha"),
    *,
    durations: bool = True,
) -> Path:
    """The folder of the model, as of a hub; the tones of its voices take turns."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary()
    told = ", float[1,m] durations" if durations else ""
    graph = f"""
      kokoro (int64[1,n] input_ids, float[1,256] style, float[1] speed) => (float[1,s] waveform{told}) {{
        tokens = Squeeze(input_ids, zero)
        scale = Squeeze(speed, zero)
        number = ReduceMax <keepdims = 0> (style)
        style_number = Cast <to = 7> (number)
        {_spoken("Div", "Ceil").replace("(waves, style)", "(waves, style_number)")}
        waveform = Reshape(sound, shape)
        {"durations = Unsqueeze(lengths, zero)" if durations else ""}
      }}"""
    lengths = {c: 4 + n % 6 for c, n in vocabulary.items()} | {"": 6}
    symbols = {**vocabulary, "": 0}
    _save(folder / "model.onnx", graph, lengths, symbols, 600, 2)
    rows: dict[str, Any] = {name: np.full((510, 1, 256), n % _STYLES, np.float32) for n, name in enumerate(voices)}
    with (folder / "voices-v1.0.bin").open("wb") as file:
        np.savez(file, **rows)
    return folder


def _vocabulary() -> dict[str, int]:
    """Kokoro's symbols, and their numbers: as its library has them, which is not imported here, for what it brings."""
    spec = find_spec("kokoro_onnx")
    assert spec is not None
    assert spec.origin is not None
    symbols: dict[str, int] = json.loads(Path(spec.origin).with_name("config.json").read_text("utf-8"))["vocab"]
    return symbols


def _spoken(pace: str, whole: str) -> str:
    """How many frames each token lasts, and the sound of all."""
    return f"""
        usual = Gather(table, tokens)
        paced = {pace}(usual, scale)
        lengths = {whole}(paced)
        ends = CumSum(lengths, first)
        total = ReduceSum <keepdims = 0> (lengths)
        count = Cast <to = 7> (total)
        frames = Range(first, count, one)
        times = Cast <to = 1> (frames)
        column = Unsqueeze(times, axis)
        over = LessOrEqual(ends, column)
        past = Cast <to = 7> (over)
        owner = ReduceSum <keepdims = 0> (past, axis)
        token = Gather(tokens, owner)
        level = Gather(levels, token)
        levels_column = Unsqueeze(level, axis)
        wave = Gather(waves, style)
        sound = Mul(levels_column, wave)"""


def _save(
    path: Path, graph: str, lengths: Mapping[str, int], symbols: Mapping[str, int], hop: int, dimensions: int
) -> None:
    import onnx
    from onnx import numpy_helper, parser

    size = max(symbols.values()) + 1
    table, levels = np.ones(size, np.float32), np.zeros(size, np.float32)
    for symbol, number in symbols.items():
        table[number] = lengths[symbol]
        levels[number] = 0.3 + 0.1 * (number % 5) if is_letter(symbol) else 0.0
    times = np.arange(hop) / hop
    waves = np.stack([np.sin(2 * np.pi * cycles * times) for cycles in range(4, 4 + _STYLES)])
    constants: dict[str, Any] = {
        "table": table, "levels": levels, "waves": waves.astype(np.float32), "zero": np.array([0]),
        "axis": np.array([1]), "first": np.array(0), "one": np.array(1),
        "shape": np.array([1] * (dimensions - 1) + [-1]),
    }  # fmt: skip
    model = parser.parse_model(f'<ir_version: 9, opset_import: ["" : 18]>\n{graph}')
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
