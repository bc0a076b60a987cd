"""SpeechT5's networks in PyTorch: letters → a mel spectrogram, step by step, and that → sound, chunk by chunk.

Imported only when the engine is used: PyTorch and Transformers take seconds. Transformers has the same loop in one
piece, which nobody could interrupt; a test holds this one to it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5Tokenizer
from transformers.utils import logging

_STOP = 0.5
"""The probability of being at the end at which it is."""
_STEPS = 4
"""Of the decoder, 30 ms of speech each, before somebody may interrupt."""
_LONGEST = 10
"""Steps for a letter at most: what takes longer has lost its way."""
_CHUNK, _CONTEXT = 96, 32
"""Frames of 16 ms that become sound at once, and those on either side that the vocoder must see for that."""


class Network:
    """A SpeechT5 model with its vocoder, on a device; all its methods block."""

    def __init__(self, model: Path, vocoder: Path, device: str, threads: int) -> None:
        torch.set_num_threads(threads)
        logging.disable_progress_bar()
        logging.set_verbosity_error()
        self._after_step = _after_step(device)
        # folders only, so nothing is fetched; of a .bin file only tensors are read, never a pickled program
        self._tokenizer = SpeechT5Tokenizer.from_pretrained(str(model), local_files_only=True)
        load = {"local_files_only": True, "weights_only": True}
        self._model = SpeechT5ForTextToSpeech.from_pretrained(str(model), **load).to(device).eval()
        self._vocoder = SpeechT5HifiGan.from_pretrained(str(vocoder), **load).to(device).eval()
        for each in (self._model, self._vocoder):
            each.requires_grad_(False)
        self._device = device
        self.rate: int = self._vocoder.config.sampling_rate
        """Hertz."""

    def speak(self, text: str, speaker: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
        """(n,) pieces of the text's sound in a speaker's voice (512 numbers), empty ones while nothing is ready.

        The same text gives the same sound: what the network leaves to chance is drawn with the same seeds.
        """
        seen: list[torch.Tensor] = []
        for frames in self._spectrum(text, speaker):
            seen.append(frames)
            if len(seen) % _STEPS == 0:
                yield np.zeros(0, np.float32)
        spectrum = self._model.speech_decoder_postnet.postnet(torch.cat(seen, dim=1))[0]
        for begin in range(0, len(spectrum), _CHUNK):
            first = max(begin - _CONTEXT, 0)
            shown = spectrum[first : begin + _CHUNK + _CONTEXT]
            sound = self._vocoder(shown)
            frame = len(sound) // len(shown)
            at = (begin - first) * frame
            yield sound[at : at + _CHUNK * frame].float().cpu().numpy()

    def _spectrum(self, text: str, speaker: NDArray[np.float32]) -> Iterator[torch.Tensor]:
        """(1, 2, mels) frames, two a step, as the decoder makes them."""
        parts, config = self._model.speecht5, self._model.config
        letters = self._tokenizer(text, return_tensors="pt").input_ids.to(self._device)
        voice = torch.from_numpy(speaker[None]).to(self._device)
        mask = torch.ones_like(letters)
        read = parts.encoder(input_values=letters, attention_mask=mask, return_dict=True).last_hidden_state
        said = read.new_zeros(1, 1, config.num_mel_bins)
        known = None
        for step in range(_LONGEST * read.shape[1]):
            torch.manual_seed(step)  # the prenet throws dice, also when it speaks; another line may run between steps
            state = parts.decoder.wrapped_decoder(
                hidden_states=parts.decoder.prenet(said, voice)[:, -1:],
                attention_mask=None,
                encoder_hidden_states=read,
                encoder_attention_mask=mask,
                past_key_values=known,
                use_cache=True,
                return_dict=True,
            )
            known, last = state.past_key_values, state.last_hidden_state.squeeze(1)
            frames = self._model.speech_decoder_postnet.feat_out(last).view(1, -1, config.num_mel_bins)
            yield frames
            said = torch.cat((said, frames[:, -1:]), dim=1)
            ended = torch.sigmoid(self._model.speech_decoder_postnet.prob_out(last)).sum() >= _STOP
            self._after_step()
            if ended:
                return


def _after_step(device: str) -> Callable[[], None]:
    """What a device wants to be told after each step: Gaudi (hpu) gathers work until then."""
    if device != "hpu":
        return lambda: None
    mark: Callable[[], None] = import_module("habana_frameworks.torch.core").mark_step
    return mark


def best_device() -> str:
    """The fastest one that PyTorch finds here."""
    if importlib.util.find_spec("habana_frameworks") is not None:
        return "hpu"
    return "cuda" if torch.cuda.is_available() else "cpu"
