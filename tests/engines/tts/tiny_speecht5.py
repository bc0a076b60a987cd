"""A SpeechT5 and a HiFi-GAN that were never trained, small as can be: they load and run as the real ones, and hum."""

from __future__ import annotations

from pathlib import Path

import numpy as np

SPEAKERS = ("amy", "ben", "male")


def make(folder: Path) -> Path:
    """`model`, `vocoder`, `speakers` and `speakers.npz` in the folder, as a person would have them."""
    import torch
    from transformers import SpeechT5Config, SpeechT5ForTextToSpeech, SpeechT5HifiGan, SpeechT5HifiGanConfig

    torch.manual_seed(5)
    config = SpeechT5Config(
        vocab_size=_tokenizer(folder / "model"), hidden_size=24, encoder_layers=1, encoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_layers=1, decoder_attention_heads=2, decoder_ffn_dim=32,
        speech_decoder_prenet_units=16, speech_decoder_postnet_units=16, max_text_positions=200,
        max_speech_positions=4000, initializer_range=0.4,
    )  # fmt: skip
    model = SpeechT5ForTextToSpeech(config)
    with torch.no_grad():
        model.speech_decoder_postnet.prob_out.bias.fill_(-4.0)  # it would stop at once
    model.save_pretrained(folder / "model")
    vocoder = SpeechT5HifiGan(
        SpeechT5HifiGanConfig(upsample_initial_channel=32, resblock_kernel_sizes=[3, 11], initializer_range=0.12)
    )
    vocoder.save_pretrained(folder / "vocoder")
    (folder / "speakers").mkdir()
    numbers = {name: np.random.default_rng(k).normal(0, 1, 512).astype(np.float32) for k, name in enumerate(SPEAKERS)}
    for name, each in numbers.items():
        np.save(folder / "speakers" / f"{name}.npy", each)
    np.savez(folder / "speakers.npz", **numbers)  # type: ignore[arg-type]
    return folder


def environment(folder: Path) -> dict[str, str]:
    """The settings that use what `make` made."""
    return {
        "VISAVIS_SPEECHT5_MODEL": str(folder / "model"),
        "VISAVIS_SPEECHT5_VOCODER": str(folder / "vocoder"),
        "VISAVIS_SPEECHT5_SPEAKERS": str(folder / "speakers"),
        "VISAVIS_SPEECHT5_DEVICE": "cpu",
        "VISAVIS_THREADS": "1",
    }


def _tokenizer(folder: Path) -> int:
    """SentencePiece's model of letters, trained on a sentence; returns how many there are."""
    import sentencepiece
    from transformers import SpeechT5Tokenizer

    folder.mkdir(parents=True)
    text = folder / "text"
    text.write_text(
        "The quick brown fox jumps over the lazy dog, and the dog's day is over!\nWhy? Because - so.\n" * 20
    )
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "spm_char"), model_type="char", vocab_size=60,
        hard_vocab_limit=False, character_coverage=1.0,
        bos_id=0, pad_id=1, eos_id=2, unk_id=3, minloglevel=2, num_threads=1,
    )  # fmt: skip
    text.unlink()
    tokenizer = SpeechT5Tokenizer(str(folder / "spm_char.model"))
    tokenizer.save_pretrained(folder)
    return len(tokenizer)
