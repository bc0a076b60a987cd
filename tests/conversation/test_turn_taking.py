"""The laws of turn-taking, on every course that a conversation can take: no sound, no clock, only frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visavis.conversation.turn import FRAME, Floor, Laws, Move

LAWS = Laws()
ENDS = {Move.CLOSE, Move.DROP}


def frames(seconds: float) -> int:
    return round(seconds / FRAME)


def speak(floor: Floor, seconds: float, text: str | None = None) -> list[Move]:
    """Voice for so long, of which `text` is understood at its end."""
    moves = [move for _ in range(frames(seconds)) for move in floor.frame(True)]
    return moves + (floor.recognized(text) if text is not None else [])


def pause(floor: Floor, seconds: float) -> list[Move]:
    return [move for _ in range(frames(seconds)) for move in floor.frame(False)]


def silence_until(floor: Floor, move: Move) -> float:
    """Seconds of silence until a move."""
    for count in range(1, 200):
        if move in floor.frame(False):
            return count * FRAME
    raise AssertionError(f"no {move} in 6 s")


def test_one_voiced_frame_is_no_utterance() -> None:
    floor = Floor()
    assert floor.frame(True) == []
    assert pause(floor, 1.0) == []
    assert not floor.listening


def test_two_voiced_frames_begin_one() -> None:
    floor = Floor()
    assert [floor.frame(True), floor.frame(True)] == [[], [Move.OPEN]]
    assert floor.listening


@pytest.mark.parametrize(
    ("text", "silence"),
    [
        ("what is the moon", LAWS.complete),
        ("tell me about the sea", LAWS.complete),
        ("the moon goes around the earth", LAWS.complete),
        ("Yes.", LAWS.complete),
        ("the moon", LAWS.plain),
        ("", LAWS.plain),
        ("what is the", LAWS.dangling),
        ("tell me about a dog and", LAWS.dangling),
        ("i think um", LAWS.dangling),
        ("who are you", LAWS.complete),
        ("what do cats like", LAWS.plain),
        ("where are you from", LAWS.plain),
        ("i wonder who you are", LAWS.dangling),
        ("what do you", LAWS.dangling),
    ],
)
def test_an_utterance_ends_sooner_where_its_words_make_a_whole(text: str, silence: float) -> None:
    floor = Floor()
    speak(floor, 1.0, text)
    assert silence_until(floor, Move.CLOSE) == pytest.approx(silence, abs=FRAME)


def test_an_answer_is_prepared_in_the_first_silence_and_retracted_when_the_voice_goes_on() -> None:
    floor = Floor()
    speak(floor, 1.0, "what is the moon")
    assert silence_until(floor, Move.PREPARE) == pytest.approx(LAWS.prepare, abs=FRAME)
    assert floor.frame(True) == [Move.RETRACT]
    assert silence_until(floor, Move.PREPARE) == pytest.approx(LAWS.prepare, abs=FRAME)
    assert silence_until(floor, Move.CLOSE) < LAWS.complete


def test_what_was_said_is_settled_in_a_pause_once_even_if_nothing_was_understood_yet() -> None:
    floor = Floor()
    speak(floor, 1.0)
    assert pause(floor, 2.0) == [Move.PREPARE, Move.CLOSE]


def answering() -> Floor:
    floor = Floor()
    assert floor.answering(True) == []
    return floor


def test_a_voice_over_an_answer_holds_it_at_once() -> None:
    floor = answering()
    assert speak(floor, 2 * FRAME) == [Move.OPEN, Move.HOLD]
    assert floor.held


def test_a_short_noise_resumes_it() -> None:
    floor = answering()
    speak(floor, 0.3)
    assert pause(floor, LAWS.over) == [Move.RESUME, Move.DROP]
    assert not floor.listening


def test_two_words_interrupt() -> None:
    floor = answering()
    assert speak(floor, 0.35, "but why") == [Move.OPEN, Move.HOLD, Move.INTERRUPT]
    assert floor.listening, "what interrupted is the next question"
    assert not floor.held


@pytest.mark.parametrize("text", ["stop", "wait", "please stop"])
def test_to_say_stop_is_enough(text: str) -> None:
    assert Move.INTERRUPT in speak(answering(), 0.3, text)


def test_six_tenths_of_a_second_of_voice_interrupt_without_a_word() -> None:
    floor = answering()
    assert Move.INTERRUPT not in speak(floor, LAWS.voiced - 2 * FRAME)
    assert Move.INTERRUPT in speak(floor, 3 * FRAME)


@pytest.mark.parametrize("text", ["mm", "yeah", "mhm okay", "oh wow yes really", "uh huh"])
def test_backchannels_never_interrupt(text: str) -> None:
    floor = answering()
    speak(floor, 0.3, text)
    moves = speak(floor, 1.5, text)
    assert Move.INTERRUPT not in moves
    assert moves.count(Move.RESUME) == 1
    assert pause(floor, LAWS.over + FRAME) == [Move.DROP]


def test_a_backchannel_that_goes_on_as_a_sentence_interrupts() -> None:
    floor = answering()
    speak(floor, 0.3, "yeah")
    assert speak(floor, 0.2, "yeah but why") == [Move.INTERRUPT]


def test_a_voice_over_an_answer_that_has_not_sounded_yet_holds_it_too() -> None:
    floor = Floor()
    speak(floor, 1.0, "what is the moon")
    pause(floor, LAWS.complete + FRAME)
    assert floor.answering(True) == []
    assert Move.HOLD in speak(floor, 0.1)


def test_a_key_interrupts_without_a_voice_and_ends_without_a_silence() -> None:
    floor = answering()
    assert floor.talk(True) == [Move.OPEN, Move.INTERRUPT]
    assert pause(floor, 3.0) == []
    assert floor.talk(False) == [Move.CLOSE]
    assert floor.talk(False) == []


def test_to_close_the_microphone_ends_what_was_being_said() -> None:
    floor = Floor()
    speak(floor, 1.0, "what is the moon")
    assert floor.hush() == [Move.CLOSE]
    assert floor.hush() == []


def test_to_close_the_microphone_over_a_held_answer_lets_it_go_on() -> None:
    floor = answering()
    speak(floor, 0.2)
    assert floor.hush() == [Move.RESUME, Move.DROP]


def test_nobody_can_hold_the_floor_for_ever() -> None:
    floor = Floor()
    assert Move.CLOSE in speak(floor, LAWS.longest + 1)


_ACT = st.one_of(
    st.tuples(st.just("voice"), st.integers(1, 40)),
    st.tuples(st.just("silence"), st.integers(1, 50)),
    st.tuples(st.just("text"), st.sampled_from(["", "mm", "yeah okay", "but why", "stop", "what is the", "the"])),
    st.tuples(st.just("answering"), st.booleans()),
    st.tuples(st.just("talk"), st.booleans()),
    st.tuples(st.just("forget"), st.none()),
    st.tuples(st.just("hush"), st.none()),
)


_STEPS: dict[str, Callable[[Floor, Any], list[Move]]] = {
    "voice": lambda floor, _: floor.frame(True),
    "silence": lambda floor, _: floor.frame(False),
    "text": lambda floor, text: floor.recognized(text),
    "answering": lambda floor, on: floor.answering(on),
    "talk": lambda floor, down: floor.talk(down),
    "forget": lambda floor, _: floor.forget(),
    "hush": lambda floor, _: floor.hush(),
}


@settings(max_examples=1500, deadline=None)
@given(st.lists(_ACT, max_size=40))
def test_whatever_happens_the_moves_make_sense(acts: list[tuple[str, Any]]) -> None:
    floor, opened, held, prepared, answered = Floor(), False, 0, False, False
    waited = 0
    for act, value in acts:
        for _ in range(value if act in ("voice", "silence") else 1):
            if act == "answering":
                if value == answered:
                    break
                answered, held = value, held if value else 0
            waited = waited + 1 if held else 0
            for move in _STEPS[act](floor, value):
                if move is Move.OPEN:
                    assert not opened
                    opened = True
                elif move in ENDS:
                    assert opened
                    opened = prepared = False
                elif move is Move.HOLD:
                    assert answered
                    assert not held
                    held, waited = 1, 0
                elif move is Move.RESUME:
                    assert held
                    held = 0
                elif move is Move.INTERRUPT:
                    assert answered
                    held, answered = 0, False
                elif move is Move.PREPARE:
                    assert opened
                    assert not answered
                    assert not prepared
                    prepared = True
                elif move is Move.RETRACT:
                    assert prepared
                    prepared = False
            assert bool(held) == floor.held
            assert opened == floor.listening
            assert not held or floor._pressed or waited * FRAME <= LAWS.decide + FRAME, "a hold that does not end"
