"""Phones to the seven controls of a talking mouth at any instant: blended targets, then laws that no blend may break.

Blend: every sound pulls each control towards its target with a dominance that falls off on both sides (Cohen &
Massaro 1993), so the lips round before a u and stay low after an a. A blend alone never quite closes, so then:
p, b and m close the lips, f and v bring them to the teeth, vowels stay open, pauses rest.

Everything here is a function of the phones and the instant, so it does not matter how speech is cut into windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visavis.engines.articulation.visemes import VISEMES, Viseme, parts

Array = NDArray[np.float64]

LEAD = 0.03
"""Seconds by which the mouth shapes a sound before it is heard."""
CLOSURE_LEAD = 0.01
"""The same for closures: their sound begins as the lips meet, so they lead less."""
ANTICIPATION, CARRY_OVER = 0.065, 0.050
"""Seconds over which dominance falls to 1/e before and after a sound."""
EXPONENT = 1.3
ONSET, ONSET_SHARE = 0.08, 0.25
"""Seconds, or share of a sound's time if that is less, from each of its ends to where its dominance is full."""
CLOSED = 0.070
"""The least time, in seconds, that lips stay together; a shorter sound borrows it from its neighbours."""
RAMP = 0.070
"""Seconds in which lips close and part."""
LEAST_CLOSED = 0.045
"""The same between two vowels so short that more would swallow them: two rows of motion."""
CLEAR_BEFORE, CLEAR_AFTER = 0.040, 0.020
"""Seconds by which lips stay clear of the centre of the vowel before and after; at 25 fps a picture lasts 40 ms."""
SHORTEST_RAMP = 0.025
VOWEL_REACH = 0.8
"""Share of its target opening that a vowel reaches at its centre, however short it is."""
PAUSE = 0.20
"""Silences longer than this, in seconds, bring the mouth to rest."""
SETTLE, PREPARE = 0.18, 0.14
"""Seconds in which the mouth comes to rest after speech, and in which it leaves it before speech."""
HORIZON = 0.6
"""Seconds beyond which a sound has no influence."""
_FOREVER = 1e9

_APERTURE, _PRESS = 0, 5
_LEAST = np.array([0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0])


@dataclass(frozen=True, slots=True)
class Sound:
    """A phone on the media clock."""

    symbol: str
    """IPA; '' is silence."""
    start: float
    """Seconds."""
    end: float


@dataclass(frozen=True, slots=True)
class _Gesture:
    """A part of a sound that has one viseme."""

    viseme: Viseme
    start: float
    end: float

    @property
    def centre(self) -> float:
        return (self.start + self.end) / 2


def smoothstep(x: Array) -> Array:
    """0 below 0, 1 above 1, smooth in between: 3x² - 2x³."""
    x = np.minimum(np.maximum(x, 0.0), 1.0)
    return np.asarray(x * x * (3.0 - 2.0 * x))


@dataclass(frozen=True, slots=True)
class Timeline:
    """What the phones ask of the mouth around a stretch of time."""

    gestures: tuple[_Gesture, ...]

    @staticmethod
    def of(sounds: Sequence[Sound], first: float, last: float) -> Timeline:
        """Of the sounds that matter between `first` and `last` seconds.

        `sounds` are in order and need not touch; where none is known there is silence.
        """
        return Timeline(tuple(_gestures(sounds, first - HORIZON, last + HORIZON)))

    def controls(self, times: Array) -> Array:
        """(t, 7) controls at `times` (seconds on the media clock) in the order of `face.Controls`, before the laws."""
        if all(g.viseme is VISEMES["rest"] for g in self.gestures):
            return np.zeros((len(times), 7))
        rows = _blend(self.gestures, times)
        rows[:, _APERTURE] = np.maximum(rows[:, _APERTURE], _vowel_floor(self.gestures, times))
        rows *= _awake(self.gestures, times)[:, None]
        return self.lawful(rows, times)

    def lawful(self, rows: Array, times: Array) -> Array:
        """`rows` with the caps of closures and labiodentals on the aperture; lips that are shut are also pressed."""
        cap, press = _caps(self.gestures, times)
        rows = np.clip(rows, _LEAST, 1.0)
        rows[:, _APERTURE] = np.minimum(rows[:, _APERTURE], cap)
        rows[:, _PRESS] = np.maximum(rows[:, _PRESS], press)
        return rows


def controls_at(sounds: Sequence[Sound], times: Array) -> NDArray[np.float32]:
    """(t, 7) controls at ascending `times` (seconds on the media clock) in the order of `face.Controls`."""
    if not len(times):
        return np.zeros((0, 7), np.float32)
    return Timeline.of(sounds, float(times[0]), float(times[-1])).controls(times).astype(np.float32)


def _gestures(sounds: Sequence[Sound], first: float, last: float) -> list[_Gesture]:
    """The gestures between `first` and `last`, silences joined, the unknown before and after filled with silence."""
    rest = VISEMES["rest"]
    found = [_Gesture(rest, -_FOREVER, sounds[0].start if sounds else 0.0)]
    for sound in sounds:
        if sound.end <= sound.start:
            continue
        if found[-1].viseme is rest and sound.start > found[-1].end:
            found[-1] = _Gesture(rest, found[-1].start, sound.start)
        elif sound.start > found[-1].end + 1e-6:
            found.append(_Gesture(rest, found[-1].end, sound.start))
        begin = sound.start
        for viseme, share in parts(sound.symbol):
            end = begin + share * (sound.end - sound.start)
            if viseme is rest and found[-1].viseme is rest:
                found[-1] = _Gesture(rest, found[-1].start, end)
            else:
                found.append(_Gesture(viseme, begin, end))
            begin = end
    # nothing is known to follow the last sound: where the silence after it is too short, its own end brings rest
    quiet = 0.0
    if found[-1].viseme is rest:
        silence = found.pop()
        quiet = silence.end - silence.start
    if found:
        final = found[-1]
        borrowed = min(max(SETTLE - quiet, 0.0), 0.5 * (final.end - final.start))
        found[-1] = _Gesture(final.viseme, final.start, final.end - borrowed)
    found.append(_Gesture(rest, found[-1].end if found else -_FOREVER, _FOREVER))
    return [g for g in found if g.end > first and g.start < last]


def _blend(gestures: Sequence[_Gesture], times: Array) -> Array:
    """(t, 7) targets averaged by dominance."""
    inset = np.array([min(ONSET_SHARE * (g.end - g.start), ONSET) for g in gestures])
    before = np.array([g.start for g in gestures]) + inset - LEAD - times[:, None]  # (t, g)
    after = times[:, None] - np.array([g.end for g in gestures]) + inset + LEAD
    away = np.maximum(np.maximum(before, after), 0.0) / np.where(before > after, ANTICIPATION, CARRY_OVER)
    dominance = np.exp(-(np.minimum(away, 30.0) ** EXPONENT)) + 1e-9
    weight = np.array([g.viseme.weight for g in gestures], np.float64)  # (g, 7)
    target = np.array([g.viseme.target for g in gestures], np.float64)
    return np.asarray((dominance @ (weight * target)) / (dominance @ weight))


def _vowel_floor(gestures: Sequence[_Gesture], times: Array) -> Array:
    """(t,) the least aperture: each vowel's hump around its centre, so that short vowels do not drown."""
    floor = np.zeros(len(times))
    for g in gestures:
        if g.viseme.vowel:
            half = max((g.end - g.start) / 2, 0.05)
            # full from the led centre to the heard one
            away = times - np.minimum(np.maximum(times, g.centre - LEAD), g.centre)
            x = np.minimum(np.abs(away) / half, 1.0)
            floor = np.maximum(floor, VOWEL_REACH * g.viseme.target[_APERTURE] * np.cos(x * np.pi / 2) ** 2)
    return floor


def _caps(gestures: Sequence[_Gesture], times: Array) -> tuple[Array, Array]:
    """(t,) the greatest aperture and (t,) the least press, from closures and labiodentals."""
    cap, press = np.ones(len(times)), np.zeros(len(times))
    for i, g in enumerate(gestures):
        if g.viseme.cap >= 1.0 and not g.viseme.closure:
            continue
        start, end = _held(gestures, i)
        before = _room(gestures, i, -1, start)
        after = _room(gestures, i, +1, end)
        # 0 while held, rising to 1 over the ramps
        away = np.maximum((start - times) / before, (times - end) / after)
        closed_cap = 0.0 if g.viseme.closure else g.viseme.cap
        cap = np.minimum(cap, closed_cap + (1.0 - closed_cap) * smoothstep(away))
        if g.viseme.closure:
            press = np.maximum(press, g.viseme.target[_PRESS] * (1.0 - smoothstep(away * 1.5)))
    return cap, press


def _held(gestures: Sequence[_Gesture], i: int) -> tuple[float, float]:
    """When the lips of gesture `i` are together: `CLOSED` or its own time if that is longer, clear of vowels' centres.

    Where the vowels on both sides are too short for that, `LEAST_CLOSED` is kept all the same.
    """
    g = gestures[i]
    start, end = g.start - CLOSURE_LEAD, g.end - CLOSURE_LEAD
    middle, half = (start + end) / 2, max((end - start) / 2, CLOSED / 2)
    start, end = middle - half, middle + half
    if i and gestures[i - 1].viseme.vowel:
        start = min(max(start, gestures[i - 1].centre + CLEAR_BEFORE), middle)
    if i + 1 < len(gestures) and gestures[i + 1].viseme.vowel:
        end = max(min(end, gestures[i + 1].centre - CLEAR_AFTER), middle)
    short = LEAST_CLOSED - (end - start)
    if short > 0:
        start, end = start - short / 2, end + short / 2
    return start, end


def _room(gestures: Sequence[_Gesture], i: int, step: int, edge: float) -> float:
    """Seconds the lips have to part from `edge`: a ramp, or less where a vowel's centre is near."""
    j = i + step
    if 0 <= j < len(gestures) and gestures[j].viseme.vowel:
        return min(max(abs(gestures[j].centre - edge), SHORTEST_RAMP), RAMP)
    return RAMP


def _awake(gestures: Sequence[_Gesture], times: Array) -> Array:
    """(t,) 1 in speech, 0 in pauses, smooth at both ends."""
    awake = np.ones(len(times))
    for g in gestures:
        if g.viseme is VISEMES["rest"] and g.end - g.start >= PAUSE:
            asleep = np.maximum(
                smoothstep(1.0 - (times - g.start + LEAD) / SETTLE),
                smoothstep(1.0 - (g.end - LEAD - times) / PREPARE),
            )
            awake = np.minimum(awake, np.where((times >= g.start - LEAD) & (times <= g.end - LEAD), asleep, 1.0))
    return awake
