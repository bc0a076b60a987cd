"""Flite's C library by ctypes: text and a voice to phones, then sound as it is made.

Flite (http://cmuflite.org) is in Debian's `libflite1`; each voice is a library of its own. It is not re-entrant, and
it ends the whole process on a feature of the wrong type: only the calls below are made, one at a time.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import queue
import sys
import threading
from collections.abc import Generator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

VOICES = {
    "slt": "American woman, clear",
    "rms": "American man, calm",
    "awb": "Scottish man",
}
"""The voices whose phone times are exact: statistical ones. (Diphone voices drift 0.1 s off theirs in 6 s.)"""
_CHUNK = 2400
"""Samples of sound at least in one call of the callback: 150 ms."""
_GO_ON, _STOP = 0, -1
_LOCK = threading.Lock()


class _Wave(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _Voice(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(_Wave), ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p
)


class _Streaming(ctypes.Structure):
    _fields_ = (
        ("min_buffsize", ctypes.c_int),
        ("asc", _Callback),
        ("utt", ctypes.c_void_p),
        ("item", ctypes.c_void_p),
        ("userdata", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Segment:
    """A phone as flite tells it."""

    name: str
    """ARPAbet in lower case; 'pau' is silence."""
    end: float
    """Seconds."""
    position: int
    """Characters of the text read when its token was complete; 0 for silence."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Sound that follows what came before."""

    samples: NDArray[np.int16]
    rate: int


@cache  # the search starts processes of its own, which would take 10 ms before every line
def library(name: str) -> str | None:
    """The file of a flite library, found without loading it; `name` is 'flite' or as in 'flite_cmu_us_slt'."""
    return ctypes.util.find_library(name) or ctypes.util.find_library(f"lib{name}")


def installed() -> tuple[str, ...]:
    """The voices whose libraries are here, the best first."""
    if library("flite") is None:
        return ()
    return tuple(name for name in VOICES if library(f"flite_cmu_us_{name}") is not None)


def say(text: str, voice: str, stretch: float) -> Generator[tuple[Segment, ...] | Sound, None, None]:
    """All segments of `text` first, then its sound in pieces of 150 ms or more, each as soon as it is made.

    `text` is ASCII; `stretch` 2.0 takes twice the time. Finding the segments takes about 9 ms of one core per second
    of sound, the sound 16 ms. Flite runs on a thread that lives as long as this iterator: closing it stops flite at
    its next piece.
    """
    made: queue.SimpleQueue[tuple[Segment, ...] | Sound | BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()

    def speak() -> None:
        try:
            with _LOCK:
                if not stop.is_set():
                    _speak(text, voice, stretch, made, stop)
            made.put(None)
        except BaseException as error:
            made.put(error)

    thread = threading.Thread(target=speak, name="flite", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        thread.join()


def _speak(
    text: str,
    voice: str,
    stretch: float,
    made: queue.SimpleQueue[tuple[Segment, ...] | Sound | BaseException | None],
    stop: threading.Event,
) -> None:
    flite = _flite()
    spoken = load(voice)
    utterance = flite.new_utterance()
    first = True

    def receive(wave: ctypes._Pointer[_Wave], start: int, size: int, last: int, info: int) -> int:
        nonlocal first
        if stop.is_set():
            return _STOP
        if first:
            made.put(_segments(flite, utterance))
            first = False
        if size > 0:
            samples = np.ctypeslib.as_array(wave[0].samples, (wave[0].num_samples,))[start : start + size]
            made.put(Sound(samples.astype(np.int16), wave[0].sample_rate))
        return _GO_ON

    callback = _Callback(receive)
    streaming = flite.new_audio_streaming_info()
    streaming[0].min_buffsize = _CHUNK
    streaming[0].asc = callback
    features = ctypes.cast(spoken, ctypes.POINTER(_Voice))[0].features
    flite.feat_set(features, b"streaming_info", flite.audio_streaming_info_val(streaming))
    flite.feat_set_float(features, b"duration_stretch", stretch)
    flite.utt_set_input_text(utterance, text.encode("ascii"))
    utterance = flite.flite_do_synth(utterance, spoken, ctypes.cast(flite.utt_synth, ctypes.c_void_p))
    if not utterance:
        raise RuntimeError("flite could not read the text")
    flite.delete_utterance(utterance)


def _segments(flite: ctypes.CDLL, utterance: int) -> tuple[Segment, ...]:
    found = []
    item = flite.relation_head(flite.utt_relation(utterance, b"Segment"))
    while item:
        name = flite.item_feat_string(item, b"name").decode("ascii")
        end = flite.item_feat_float(item, b"end")
        position = flite.ffeature_int(item, b"R:SylStructure.parent.parent.R:Token.parent.file_pos")
        found.append(Segment(name, end, position))
        item = flite.item_next(item)
    return tuple(found)


@cache
def _flite() -> ctypes.CDLL:
    name = library("flite")
    if name is None:
        raise OSError("flite's library is not installed")
    # voices find flite's symbols in it: global
    flite = ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL if sys.platform != "win32" else ctypes.DEFAULT_MODE)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    for function, result, arguments in (
        ("flite_init", ctypes.c_int, []),
        ("new_utterance", pointer, []),
        ("utt_set_input_text", ctypes.c_int, [pointer, text]),
        ("flite_do_synth", pointer, [pointer, pointer, pointer]),
        ("delete_utterance", None, [pointer]),
        ("utt_relation", pointer, [pointer, text]),
        ("relation_head", pointer, [pointer]),
        ("item_next", pointer, [pointer]),
        ("item_feat_string", text, [pointer, text]),
        ("item_feat_float", ctypes.c_float, [pointer, text]),
        ("ffeature_int", ctypes.c_int, [pointer, text]),
        ("feat_set", None, [pointer, text, pointer]),
        ("feat_set_float", None, [pointer, text, ctypes.c_float]),
        ("new_audio_streaming_info", ctypes.POINTER(_Streaming), []),
        ("audio_streaming_info_val", pointer, [ctypes.POINTER(_Streaming)]),
    ):
        bound = getattr(flite, function)
        bound.restype, bound.argtypes = result, arguments
    flite.flite_init()
    return flite


@cache
def load(voice: str) -> int:
    """The address of a voice, its library loaded; it stays so until the process ends."""
    name = library(f"flite_cmu_us_{voice}")
    if name is None:
        raise OSError(f"flite's voice '{voice}' is not installed")
    flite = _flite()
    assert flite is not None
    register = getattr(ctypes.CDLL(name), f"register_cmu_us_{voice}")
    register.restype, register.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    return int(register(None))
