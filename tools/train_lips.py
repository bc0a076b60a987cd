"""Trains `engines/articulation/lips.npz`: this project's own voices speak, their phone times say what the lips do.

    pip install torch==2.13.0                          # which nothing else here needs
    python -m tools.train_lips                         # an hour of one core

Speech (`tools/train_lips_speech.py`): ten hours of flite and espeak-ng in seventeen languages, more than half of it
natural; made in seventeen minutes and kept in `--cache`. Examples (`tools/train_lips_data.py`): controls that
`coarticulation` gives for the known phones, in rooms, among noise, and sound that is no speech.
The network is `lips.LAYERS`; a viseme head helps it to learn and is not kept. What is kept is the running mean of the
weights. `benchmarks/articulation.py` measures it. Its figures on flite's voices are of voices it has heard: there are
too few natural ones to keep one from it. What a new one gets, `--without rms` tells: after 4500 sentences, the network
alone followed rms with r = .81 (.92 if it had heard it), and found .85 of its closures (1.0); with phones, .86 (.92)
and .99 (.99).
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.train_lips_data import Example, batch, hearable, no_speech
from tools.train_lips_speech import FLITE, NATURAL, utterances
from visavis.engines.articulation import spectrum
from visavis.engines.articulation.lips import FUTURE, LAYERS, OUTPUTS, PAST, WIDTH
from visavis.engines.articulation.visemes import VISEMES

if TYPE_CHECKING:
    import torch

OUTPUT = Path(__file__).parents[1] / "src/visavis/engines/articulation/lips.npz"
BATCH, RATE = 24, 2.5e-3
NEAR = 2
"""Rows by which the label of a closure may be off."""


def heard(count: int, cache: Path, natural: Sequence[str]) -> tuple[list[Example], np.ndarray]:
    """The examples and ten minutes of no speech, from `cache` if it holds them."""
    if cache.is_file():
        kept: tuple[list[Example], np.ndarray] = pickle.loads(cache.read_bytes())
        return kept
    rng = np.random.default_rng(1)
    made = [hearable(spoken, rng) for spoken in utterances(count, 5, natural)], no_speech(600, rng)
    cache.write_bytes(pickle.dumps(made))
    return made


def train(examples: Sequence[Example], noise: np.ndarray, steps: int, output: Path) -> None:
    """Fit the network in `steps` on one core and write it."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(0)
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    sizes = [spectrum.FEATURES] + [WIDTH] * len(LAYERS)
    layers = [
        nn.Conv1d(a, b, layer.taps, dilation=layer.dilation)
        for layer, a, b in zip(LAYERS, sizes[:-1], sizes[1:], strict=True)
    ]
    network = nn.ModuleList([*layers, nn.Conv1d(WIDTH, OUTPUTS + len(VISEMES), 1)])
    optimizer = torch.optim.AdamW(network.parameters(), RATE, weight_decay=1e-2)
    mean = {name: value.detach().clone() for name, value in network.state_dict().items()}
    weight = torch.tensor([5.0, 1.5, 1.0, 1.0, 0.7, 1.0, 0.5])[None, :, None]
    binary = functional.binary_cross_entropy_with_logits
    losses: list[list[float]] = []
    for step in range(steps):
        x, y = (torch.from_numpy(a).transpose(1, 2) for a in batch(examples, noise, BATCH, (PAST, FUTURE), rng))
        for layer, module in zip(LAYERS, network, strict=False):
            h = functional.relu(module(x))
            x = h + x[:, :, layer.past : layer.past + h.shape[2]] if layer.residual else h
        out = network[-1](x)
        motion = (weight * (out[:, :7] - y[:, :7]) ** 2).mean()
        pace = (out[:, 0].diff() - y[:, 0].diff()).square().mean()
        shut = found(out[:, 7], y[:, 7], y[:, 11]) + 0.3 * binary(out[:, 7], y[:, 7])
        sure = shut + 0.3 * binary(out[:, 8], y[:, 8]) + 0.4 * binary(out[:, 9], y[:, 9])
        viseme = functional.cross_entropy(out[:, OUTPUTS:], y[:, 10].long(), label_smoothing=0.05)
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, step / 100 + 0.05) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-6
        optimizer.zero_grad()
        (3.0 * motion + 3.0 * pace + 0.7 * sure + 0.1 * viseme).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        keep = min(0.995, step / (step + 10))
        for name, value in network.state_dict().items():
            mean[name].mul_(keep).add_(value, alpha=1 - keep)
        losses.append([motion.item(), pace.item(), shut.item(), viseme.item()])
        if len(losses) % 100 == 0:
            print(len(losses), np.mean(losses[-100:], axis=0).round(4), flush=True)
        if len(losses) % 500 == 0:
            save(mean, output)
    save(mean, output)


def found(odds: torch.Tensor, shut: torch.Tensor, middle: torch.Tensor) -> torch.Tensor:
    """The cost of closures missed and invented, all (b, t): one row near the middle of each is enough.

    Row by row, a closure that may be two rows earlier or later than labelled is likely nowhere; what counts is that the
    lips meet. Rows within `NEAR` of a closure cost nothing.
    """
    from torch.nn import functional

    def widest(rows: torch.Tensor) -> torch.Tensor:
        return functional.max_pool1d(rows[:, None], 2 * NEAR + 1, 1, NEAR)[:, 0]

    missed = functional.softplus(-widest(odds)) * middle
    invented = functional.softplus(odds) * (1.0 - widest(shut))
    return (2.0 * missed + invented).mean()


def save(state: dict[str, object], output: Path) -> None:
    """Write the weights as float16, without the viseme head."""
    kept = {name: np.asarray(value, np.float16) for name, value in state.items()}
    last = len(LAYERS)
    arrays = {n: v[:OUTPUTS] if n.startswith(f"{last}.") else v for n, v in kept.items()}
    np.savez(output, allow_pickle=False, **arrays)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=14000, help="how often the weights are moved")
    parser.add_argument("--sentences", type=int, default=10000, help="how many are spoken")
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir(), "visavis-lips.pickle"), help="where speech is kept"
    )
    parser.add_argument("--without", choices=FLITE, help="a natural voice to leave out, and to measure on")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    natural = [voice for voice in NATURAL if voice != options.without]
    train(*heard(options.sentences, options.cache, natural), options.steps, options.output)
