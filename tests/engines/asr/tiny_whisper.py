"""A Whisper that was never trained, small as can be: it loads, hears and times as the real one, and says nonsense."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

from visavis.engines.asr.languages import NAMES

_TEXT = 50257
"""Tokens of text, as many as Whisper has, the last of them empty: CTranslate2 knows a multilingual model by that."""


def make(folder: Path) -> Path:
    """The model in CTranslate2's form, made as a person would make one: with `ct2-transformers-converter`."""
    import torch
    from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

    torch.manual_seed(3)
    source = folder / "openai"
    specials = _specials()
    end = specials.index("<|endoftext|>") + _TEXT
    config = WhisperConfig(
        d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=32, decoder_ffn_dim=32, vocab_size=_TEXT + len(specials) + 1501, init_std=0.4,
        decoder_start_token_id=end + 1, bos_token_id=end, eos_token_id=end, pad_token_id=end,
        suppress_tokens=[], begin_suppress_tokens=[220, end],
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    model.generation_config.suppress_tokens = []
    model.generation_config.begin_suppress_tokens = [220, end]
    model.save_pretrained(source)
    WhisperFeatureExtractor().save_pretrained(source)
    _write_tokenizer(source, specials)
    made = folder / "tiny-whisper"
    command = [str(Path(sys.executable).with_name("ct2-transformers-converter")), "--model", str(source)]
    command += ["--output_dir", str(made), "--copy_files", "tokenizer.json", "preprocessor_config.json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return made


def _specials() -> list[str]:
    """In Whisper's own order."""
    languages = [code for code in NAMES if code != "yue"]  # which large-v3 added
    names = ["endoftext", "startoftranscript", *languages]
    names += ["translate", "transcribe", "startoflm", "startofprev", "nocaptions", "notimestamps"]
    return [f"<|{name}|>" for name in names]


def _write_tokenizer(folder: Path, specials: list[str]) -> None:
    """Bytes, and words made of syllables: ` bado`, ` bafe`, …"""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    syllables = [a + b for a, b in product("bdfgklmnprstvz", "aeiou")]
    words = ("Ġ" + "".join(each) for count in (1, 2, 3) for each in product(syllables, repeat=count))
    names = [*letters, *(word for word, _ in zip(words, range(_TEXT - len(letters) - 1), strict=False)), ""]
    tokenizer = Tokenizer(models.BPE(vocab={name: k for k, name in enumerate(names)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in specials])
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "additional_special_tokens": specials[1:]}
    told |= {"eos_token": specials[0], "bos_token": specials[0], "unk_token": specials[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
