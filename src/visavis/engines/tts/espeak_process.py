"""espeak-ng in a process of its own: it is GPL-3, and nothing else of Visavis is linked with it.

Run as `python -m visavis.engines.tts.espeak_process`. It reads one JSON line per request and answers each with one
JSON line and `bytes` raw bytes: 16-bit mono samples in the machine's byte order.

    {"text": …, "voice": "en-us", "pace": 165, "pitch": 50}
    {"bytes": 4410, "rate": 22050, "phones": [["h", 286], …], "words": [[1, 0], …]}    or    {"error": …, "bytes": 0}

A phone is IPA and the sample where it begins ('' is silence); a word is its first character, counted from 1, and how
many phones came before it. Before any request it writes one line: that it is ready, or why not. It ends when its input
does. This is the only module that imports espeakng_loader, and it imports little else: the process is ready in 60 ms.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import BinaryIO

import espeakng_loader

_SYNCHRONOUS = 2
_PHONEME_EVENTS, _PHONEME_IPA, _DONT_EXIT = 0x0001, 0x0002, 0x8000
_CHARACTER = 1
_UTF8 = 1
_PACE, _PITCH = 1, 3
_LIST_END, _WORD, _PHONEME = 0, 1, 7


class _Id(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),  # a priority byte, then a string; more of them may follow
        ("identifier", ctypes.c_char_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class _Espeak:
    """The library, ready to speak."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = os.fsencode(espeakng_loader.get_data_path())
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DONT_EXIT
        self.rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, options)
        if self.rate <= 0:
            raise OSError("espeak-ng does not find its data")
        self._library.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._files = _files(self._library.espeak_ListVoices(None))
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint,
            ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._samples = bytearray()
        self._phones: list[tuple[str, int]] = []
        self._words: list[tuple[int, int]] = []
        self._callback = _Callback(self._receive)  # espeak keeps no reference to it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: str, pace: int, pitch: int) -> tuple[dict[str, object], bytes]:
        """The answer to one request and its samples."""
        file = self._files.get(voice)
        if file is None or self._library.espeak_SetVoiceByName(file) != 0:
            return {"error": f"no voice '{voice}'"}, b""
        self._library.espeak_SetParameter(_PACE, pace, 0)
        self._library.espeak_SetParameter(_PITCH, pitch, 0)
        self._samples.clear()
        self._phones, self._words = [], []
        raw = text.encode("utf-8")
        status = self._library.espeak_Synth(raw, len(raw) + 1, 0, _CHARACTER, 0, _UTF8, None, None)
        if status != 0:
            return {"error": f"espeak-ng gave error {status}"}, b""
        return {"rate": self.rate, "phones": self._phones, "words": self._words}, bytes(self._samples)

    def _receive(self, samples: ctypes._Pointer[ctypes.c_short], count: int, events: ctypes._Pointer[_Event]) -> int:
        i = 0
        while events[i].type != _LIST_END:
            event = events[i]
            if event.type == _WORD:
                self._words.append((event.text_position, len(self._phones)))
            elif event.type == _PHONEME:
                self._phones.append((event.id.string.decode("utf-8", "ignore"), event.sample))
            i += 1
        if samples and count > 0:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0


def _files(voices: ctypes._Pointer[ctypes._Pointer[_Voice]]) -> dict[str, bytes]:
    """The file of each voice under its language's name, as in 'fr-fr': 'roa/fr'."""
    files: dict[str, bytes] = {}
    i = 0
    while voices[i]:
        voice = voices[i][0]
        files.setdefault(ctypes.string_at(voice.languages + 1).decode(), voice.identifier)
        i += 1
    return files


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    def answer(head: dict[str, object], body: bytes) -> None:
        answers.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
        answers.flush()

    try:
        espeak = _Espeak()
    except (OSError, RuntimeError) as error:
        answer({"error": str(error)}, b"")
        return
    answer({"rate": espeak.rate}, b"")
    for line in requests:
        request = json.loads(line)
        answer(*espeak.speak(request["text"], request["voice"], request["pace"], request["pitch"]))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process by its input
    _serve(sys.stdin.buffer, sys.stdout.buffer)
