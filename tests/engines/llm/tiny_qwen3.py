"""A tiny model of Qwen3's architecture in its real file format, which says what it is taught after the last token."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

TEMPLATE = """{%- for message in messages -%}
{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{ '<|im_start|>assistant\n' }}
{%- if enable_thinking is defined and enable_thinking is false -%}
{{ '<think>\n\n</think>\n\n' }}
{%- endif -%}
{%- endif -%}"""
"""As Qwen3's: with thinking switched off, the answer begins behind a thought that is empty."""
ALWAYS = TEMPLATE.replace("{%- if enable_thinking is defined and enable_thinking is false -%}", "{%- if false -%}")
"""As a model's that cannot but think."""
ANSWER = ("Hello", " there", ",", " friend", ".")
THOUGHT = (" Hmm", " let", " me", " see")
SAID = "".join(ANSWER)

_END, _OPEN, _CLOSE = "<|im_end|>", "<think>", "</think>"
_CONTROL = ("<|endoftext|>", "<|im_start|>", _END)
_MERGES = ("Ċ Ċ",)


def write(
    path: Path,
    template: str = TEMPLATE,
    width: int = 128,
    hidden: int = 64,
    layers: int = 2,
    answer: tuple[str, ...] = ANSWER,
) -> Path:
    """Write the model: random weights, but for those by which each token of `answer` follows the one before it."""
    letters = [_shown(byte) for byte in range(256)]
    words = [_spelled(word) for word in (*answer, *THOUGHT)]
    tokens = [*letters, "ĊĊ", *(word for word in dict.fromkeys(words) if word not in letters)]
    types = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * 3 + [gguf.TokenType.USER_DEFINED] * 2
    tokens += [*_CONTROL, _OPEN, _CLOSE]
    chains = [["ĊĊ", *map(_spelled, answer), _END], ["Ċ", _OPEN, *map(_spelled, THOUGHT), _CLOSE, "ĊĊ"]]

    out = gguf.GGUFWriter(path, "qwen3")
    heads, size = 4, 32
    out.add_name("tiny Qwen3")
    out.add_block_count(layers)
    out.add_context_length(4096)
    out.add_embedding_length(width)
    out.add_feed_forward_length(hidden)
    out.add_head_count(heads)
    out.add_head_count_kv(heads // 2)
    out.add_key_length(size)
    out.add_value_length(size)
    out.add_rope_freq_base(1e6)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    out.add_tokenizer_model("gpt2")
    out.add_tokenizer_pre("qwen2")
    out.add_token_list(tokens)
    out.add_token_types(types)
    out.add_token_merges(_MERGES)
    out.add_eos_token_id(tokens.index(_END))
    out.add_pad_token_id(tokens.index(_CONTROL[0]))
    out.add_add_bos_token(False)
    out.add_chat_template(template)

    rng = np.random.default_rng(0)
    embedding = rng.normal(0, 1, (len(tokens), width)).astype(np.float32)
    following = rng.normal(0, 0.02, (len(tokens), width)).astype(np.float32)
    for chain in chains:
        for one, other in pairwise(chain):
            following[tokens.index(other)] += embedding[tokens.index(one)]
    out.add_tensor("token_embd.weight", embedding.astype(np.float16))
    out.add_tensor("output_norm.weight", np.ones(width, np.float32))
    out.add_tensor("output.weight", following.astype(np.float16))

    def weights(rows: int, columns: int, scale: float) -> np.ndarray:
        # a few random numbers over and over: what is measured of a large one is its size
        block = rng.normal(0, scale / columns**0.5, min(rows * columns, 65_536)).astype(np.float16)
        return np.resize(block, (rows, columns))

    for i in range(layers):
        for name in ("attn_norm", "ffn_norm"):
            out.add_tensor(f"blk.{i}.{name}.weight", np.ones(width, np.float32))
        for name in ("attn_q_norm", "attn_k_norm"):
            out.add_tensor(f"blk.{i}.{name}.weight", np.ones(size, np.float32))
        out.add_tensor(f"blk.{i}.attn_q.weight", weights(heads * size, width, 1.0))
        out.add_tensor(f"blk.{i}.attn_k.weight", weights(heads // 2 * size, width, 1.0))
        out.add_tensor(f"blk.{i}.attn_v.weight", weights(heads // 2 * size, width, 1.0))
        out.add_tensor(f"blk.{i}.attn_output.weight", weights(width, heads * size, 0.05))
        out.add_tensor(f"blk.{i}.ffn_gate.weight", weights(hidden, width, 1.0))
        out.add_tensor(f"blk.{i}.ffn_up.weight", weights(hidden, width, 1.0))
        out.add_tensor(f"blk.{i}.ffn_down.weight", weights(width, hidden, 0.05))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def _shown(byte: int) -> str:
    """A byte as the character that stands for it in vocabularies of GPT-2's kind."""
    printed = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [each for each in range(256) if each not in printed]
    return chr(byte) if byte in printed else chr(256 + others.index(byte))


def _spelled(text: str) -> str:
    return "".join(map(_shown, text.encode()))
