"""4-bit weights become 8-bit ones that are nearly the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from visavis import weights
from visavis.engines.llm.requantize import q4_1, q8_0, requantize
from visavis.engines.llm.smollm import MODEL


def blocks(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    rng = np.random.default_rng(1)
    step = rng.uniform(0.001, 0.1, (count, 1)).astype("<f2").view(np.uint8)
    least = rng.uniform(-1, 0, (count, 1)).astype("<f2").view(np.uint8)
    return np.concatenate([step, least, rng.integers(0, 256, (count, 16), dtype=np.uint8)], axis=1)


def test_every_weight_stays_within_half_an_8_bit_step() -> None:
    before = q4_1(blocks(1000))
    after = q8_0(before)
    step = after[:, :2].copy().view("<f2").astype(np.float32)
    assert np.abs(after[:, 2:].view(np.int8) * step - before).max() <= 0.51 * step.max()
    assert after.shape == (1000, 34)


def test_blocks_of_zeros_stay_zeros() -> None:
    assert not q8_0(q4_1(np.zeros((3, 20), np.uint8))).any()


def test_the_model_keeps_its_words_and_grows_as_expected(tmp_path: Path) -> None:
    weights.fetch([MODEL])
    source, target = weights.require(MODEL), tmp_path / "model.gguf"
    requantize(source, target)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert target.stat().st_size == 144_811_072
    with source.open("rb") as a, target.open("rb") as b:
        before, after = a.read(1_000_000), b.read(1_000_000)
    assert sum(x != y for x, y in zip(before, after, strict=True)) == 1  # the file type; all else is metadata


@pytest.mark.parametrize("content", [b"no", b"GGUF" + bytes(20), b"GGUF\x03\0\0\0" + b"\xff" * 40], ids=len)
def test_what_is_no_model_is_refused_and_nothing_is_written(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ValueError, match=r"GGUF|zero"):
        requantize(tmp_path / "a", tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
