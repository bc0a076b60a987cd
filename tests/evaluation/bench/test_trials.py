"""What is measured of an engine, on scripted ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis.assets import question_path
from visavis.engines.fake import FakeAsr, FakeLlm, FakeTts, FakeTurn
from visavis.evaluation.bench.hearing import noisy, try_asr, try_turn
from visavis.evaluation.bench.speaking import spoken, try_tts
from visavis.evaluation.bench.thinking import try_llm
from visavis.evaluation.bench.trial import Question, Recording

TEXTS = ["The old clock has stopped again.", "Well, yes."]


def nobody(done: int) -> None:
    """Is not interested."""


async def test_a_synthesizer_is_timed_and_what_it_says_is_kept(tmp_path: Path) -> None:
    told: list[int] = []
    trial = await try_tts(FakeTts(), TEXTS, "en", tmp_path, told.append)
    assert told == [1, 2]
    assert trial.times == "words and phones"
    assert trial.first_s is not None
    assert trial.real_time_factor is not None
    assert [(r.text, r.ended) for r in spoken("fake", tmp_path, TEXTS)] == [
        (TEXTS[0], True),
        (TEXTS[1], True),
        ("", False),
    ]


async def test_a_begun_sentence_is_as_long_as_half_of_its_words(tmp_path: Path) -> None:
    await try_tts(FakeTts(), TEXTS[:1], "en", tmp_path, nobody)
    whole, begun = (noisy(r, 0)[0] for r in spoken("fake", tmp_path, TEXTS[:1]))
    # it hums 60 ms for each letter and for each space: "The old clock" of "The old clock has stopped again "
    assert begun.duration == pytest.approx(13 * 0.06)
    assert np.array_equal(begun.samples, whole.samples[: len(begun)])


async def test_wrong_words_are_counted_for_each_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_HEARD", "what can you tell me")
    sound = str(question_path())
    recordings = [
        Recording("one", sound, "What can you tell me?"),
        Recording("two", sound, "What can you tell her?"),
        Recording("two", sound, "What will you tell me now?"),
    ]
    trial = await try_asr(FakeAsr(), recordings, "en", nobody)
    assert trial.word_error_rate == {"one": 0.0, "two": pytest.approx(3 / 11)}


async def test_first_words_and_the_text_are_timed_by_the_microphones_clock() -> None:
    trial = await try_asr(FakeAsr(), [Recording("one", str(question_path()), "What is your name?")], "en", nobody)
    assert trial.partial_s is not None
    assert trial.first_s is not None
    # with its first 256 ms of sound, 300 of which are silence, it says its first word
    assert trial.partial_s >= 0.256 - 0.3
    assert trial.first_s >= 0


def test_noise_is_as_loud_as_it_should_be_and_always_the_same() -> None:
    clean = noisy(Recording("one", str(question_path()), ""), 3)[0].samples
    (first,), (again,) = (noisy(Recording("one", str(question_path()), "", 15.0), 3) for _ in range(2))
    assert np.array_equal(first.samples, again.samples)
    ratio = 10 * np.log10(np.mean(clean**2) / np.mean((first.samples - clean) ** 2))
    assert ratio == pytest.approx(15.0, abs=0.2)


async def test_a_turn_detector_that_takes_every_pause_for_an_end_is_right_where_there_is_one() -> None:
    sound = str(question_path())
    recordings = [Recording("one", sound, "", ended=ended) for ended in (True, True, False)]
    trial = await try_turn(FakeTurn(), recordings, nobody)
    assert (trial.right, trial.asked) == (2, 3)


async def test_right_answers_and_pieces_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_ANSWER", "I think that it is Paris.")
    questions = [Question("What is the capital of France?", "paris"), Question("What do bees make?", "honey")]
    trial = await try_llm(FakeLlm(), questions, "Be brief.", nobody)
    assert (trial.right, trial.asked) == (1, 2)
    assert trial.pieces_per_s is not None
    assert trial.model == "fake"
