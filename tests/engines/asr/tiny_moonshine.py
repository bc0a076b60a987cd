"""A Moonshine in the files and graphs of the real ones, small as can be: a word for every 0.3 s of sound, which one by
how loud that is. It was never trained: each graph is written out here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME, WORD = 320, 15
"""Samples of a feature, and features of a word."""
WORDS = ("alpha", "beta", "blue", "river", "stone", "cloud", "seven", "house")
"""From quiet to loud."""
_DEPTH, _HEADS, _WIDTH = 2, 2, 1
_DIM = _HEADS * _WIDTH
_VOCABULARY, _BEGIN, _END = 32768, 1, 2


def make(folder: Path, *, word_times: bool = True) -> Path:
    """The model's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    _frontend(folder)
    _encoder(folder)
    _adapter(folder)
    _cross_kv(folder)
    _decoder(folder / "decoder_kv.ort", attention=False)
    if word_times:
        _decoder(folder / "decoder_kv_with_attention.ort", attention=True)
    told = {
        "encoder_dim": _DIM, "decoder_dim": _DIM, "depth": _DEPTH, "nheads": _HEADS, "head_dim": _WIDTH,
        "vocab_size": _VOCABULARY, "bos_id": _BEGIN, "eos_id": _END, "frame_len": 80, "total_lookahead": 4,
        "d_model_frontend": _DIM, "c1": 2 * _DIM, "c2": _DIM,
    }  # fmt: skip
    (folder / "streaming_config.json").write_text(json.dumps(told))
    (folder / "tokenizer.bin").write_bytes(_tokenizer().read_bytes())
    return folder


def make_first(folder: Path) -> Path:
    """The folder of one of the first kind, which does not read on: tiny, by its numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = _Graph()
    whole = graph.add(
        "Mul", graph.add("Div", graph.size("input_values", 1), graph.numbers(FRAME)), graph.numbers(FRAME)
    )
    sound = graph.add("Slice", "input_values", graph.numbers(0), whole, graph.numbers(1))
    frames = graph.add("Reshape", sound, graph.numbers(1, -1, FRAME))
    graph.add("ReduceMean", graph.add("Abs", frames), graph.numbers(2), keepdims=1, out="last_hidden_state")
    heard: tuple[str, Sequence[Any]] = ("float", (1, "m", 1))
    graph.save(folder / "encoder_model.ort", {"input_values": ("float", (1, "n"))}, {"last_hidden_state": heard})
    layers, heads, width = 6, 8, 36
    graph = _Graph()
    sides = [
        f"{layer}.{of}.{what}" for layer in range(layers) for of in ("decoder", "encoder") for what in ("key", "value")
    ]
    past = graph.size("past_key_values.0.decoder.key", 2)
    place = graph.add("Where", "use_cache_branch", past, graph.numbers(0))
    _said(
        graph,
        place,
        graph.add("Squeeze", "encoder_hidden_states", graph.numbers(0)),
        graph.size("encoder_hidden_states", 1),
    )
    length = graph.add("Add", place, graph.numbers(1))
    size = graph.add("Concat", graph.numbers(1, heads), length, graph.numbers(width), axis=0)
    kept: dict[str, tuple[str, Sequence[Any]]] = {}
    for side in sides:
        if "decoder" in side:
            graph.add("Expand", graph.constant(np.float32(0.0)), size, out=f"present.{side}")
        else:
            graph.add("Identity", f"past_key_values.{side}", out=f"present.{side}")
        kept[side] = ("float", (1, heads, f"{side}.length", width))
    after = {side: ("float", (1, heads, f"{side}.after", width)) for side in sides}
    inputs: dict[str, tuple[str, Sequence[Any]]] = {"input_ids": ("int64", (1, "t")), "encoder_hidden_states": heard}
    inputs |= {f"past_key_values.{side}": about for side, about in kept.items()}
    graph.save(
        folder / "decoder_model_merged.ort",
        {**inputs, "use_cache_branch": ("bool", (1,))},
        {"logits": ("float", (1, "t", _VOCABULARY)), **{f"present.{side}": about for side, about in after.items()}},
    )
    (folder / "tokenizer.bin").write_bytes(_tokenizer().read_bytes())
    return folder


def _tokenizer() -> Path:
    """The library's own."""
    spec = find_spec("moonshine_voice")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "assets" / "tiny-en" / "tokenizer.bin"


def tokens() -> list[str]:
    """Its entries: a length in one or two bytes, then the text in UTF-8."""
    raw, found, at = _tokenizer().read_bytes(), [], 0
    while at < len(raw):
        size, at = raw[at], at + 1
        if size >= 128:
            size, at = raw[at] * 128 + size - 128, at + 1
        found.append(raw[at : at + size].decode("utf-8", "replace"))
        at += size
    return found


class _Graph:
    """A graph as it is written, node by node."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        from onnx import helper

        out = out or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [out], **attributes))
        return out

    def numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def size(self, name: str, axis: int) -> str:
        return self.add("Gather", self.add("Shape", name), self.constant(np.array(axis, np.int64)))

    def save(self, path: Path, inputs: dict[str, tuple[str, Sequence[Any]]], outputs: dict[str, Any]) -> None:
        """As ONNX Runtime's own format."""
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper

        def values(of: dict[str, tuple[str, Sequence[Any]]]) -> list[Any]:
            kinds = {"float": TensorProto.FLOAT, "int64": TensorProto.INT64, "bool": TensorProto.BOOL}
            return [helper.make_tensor_value_info(name, kinds[kind], shape) for name, (kind, shape) in of.items()]

        graph = helper.make_graph(self.nodes, path.stem, values(inputs), values(outputs), self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.optimized_model_filepath = str(path)
        options.add_session_config_entry("session.save_model_format", "ORT")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _frontend(folder: Path) -> None:
    """How loud each 20 ms are, as often as a feature has numbers; its weights are a graph of their own."""
    weights = _Graph()
    weights.add("Identity", weights.constant(np.ones((1, _DIM), np.float32)), out="linear.weight")
    weights.save(folder / "frontend.weights.ort", {}, {"linear.weight": ("float", (1, _DIM))})
    graph = _Graph()
    frames = graph.add("Reshape", "audio_chunk", graph.constant(np.array([1, -1, FRAME], np.int64)))
    loud = graph.add("ReduceMean", graph.add("Abs", frames), graph.constant(np.array([2], np.int64)), keepdims=1)
    graph.add("MatMul", loud, "linear.weight", out="features")
    for state in ("sample_buffer", "sample_len", "conv1_buffer", "conv2_buffer"):
        graph.add("Identity", state, out=f"{state}_out")
    count = graph.add("Gather", graph.add("Shape", loud), graph.constant(np.array([1], np.int64)))
    graph.add("Add", "frame_count", count, out="frame_count_out")
    state_shapes: dict[str, tuple[str, Sequence[Any]]] = {
        "sample_buffer": ("float", (1, 79)),
        "sample_len": ("int64", (1,)),
        "conv1_buffer": ("float", (1, _DIM, 4)),
        "conv2_buffer": ("float", (1, 2 * _DIM, 4)),
        "frame_count": ("int64", (1,)),
    }
    graph.save(
        folder / "frontend.model.ort",
        {"audio_chunk": ("float", (1, "n")), **state_shapes, "linear.weight": ("float", (1, _DIM))},
        {"features": ("float", (1, "t", _DIM)), **{f"{name}_out": about for name, about in state_shapes.items()}},
    )


def _encoder(folder: Path) -> None:
    graph = _Graph()
    graph.add("Mul", "features", graph.constant(np.float32(1.0)), out="encoded")
    shape = ("float", (1, "t", _DIM))
    graph.save(folder / "encoder.ort", {"features": shape}, {"encoded": shape})


def _adapter(folder: Path) -> None:
    graph = _Graph()
    nothing = graph.add("Mul", graph.add("Cast", "pos_offset", to=1), graph.constant(np.float32(0.0)))
    graph.add("Add", "encoded", nothing, out="memory")
    shape = ("float", (1, "t", _DIM))
    graph.save(folder / "adapter.ort", {"encoded": shape, "pos_offset": ("int64", (1,))}, {"memory": shape})


def _cross_kv(folder: Path) -> None:
    """The memory for each layer and head."""
    graph = _Graph()
    split = graph.add("Reshape", "memory", graph.constant(np.array([1, 1, -1, _HEADS, _WIDTH], np.int64)))
    heads = graph.add("Transpose", split, perm=[0, 1, 3, 2, 4])
    layers = graph.constant(np.array([_DEPTH, 1, 1, 1, 1], np.int64))
    graph.add("Tile", heads, layers, out="k_cross")
    graph.add("Tile", heads, layers, out="v_cross")
    shape = ("float", (_DEPTH, 1, _HEADS, "m", _WIDTH))
    graph.save(folder / "cross_kv.ort", {"memory": ("float", (1, "m", _DIM))}, {"k_cross": shape, "v_cross": shape})


def _said(graph: _Graph, places: str, levels: str, memory: str) -> str:
    """`logits` (1, t, v) of the words at some places, of (m, 1) features; returns where they looked, (t, m)."""
    known = tokens()
    ids = np.array([known.index(f"▁{word}") for word in WORDS], np.int64)
    integer = {number: graph.constant(np.array(number, np.int64)) for number in (0, 1, WORD, _END, len(WORDS) - 1)}
    frames = graph.add("Div", graph.add("Range", integer[0], memory, integer[1]), integer[WORD])
    column = graph.add("Unsqueeze", places, graph.numbers(1))
    looks = graph.add("Cast", graph.add("Equal", column, frames), to=1)
    level = graph.add("MatMul", graph.add("Div", looks, graph.constant(np.float32(WORD))), levels)
    level = graph.add("Mul", graph.add("Reshape", level, graph.numbers(-1)), graph.constant(np.float32(8 * len(WORDS))))
    number = graph.add("Min", graph.add("Cast", level, to=7), integer[len(WORDS) - 1])
    word = graph.add("Gather", graph.constant(ids), number)
    ends = graph.add("Mul", graph.add("Add", places, integer[1]), integer[WORD])
    token = graph.add("Where", graph.add("Greater", ends, memory), integer[_END], word)
    hot = graph.add("OneHot", token, graph.numbers(_VOCABULARY), graph.constant(np.array([0, 10], np.float32)))
    graph.add("Unsqueeze", hot, graph.numbers(0), out="logits")
    return looks


def _decoder(path: Path, *, attention: bool) -> None:
    """The word of each place, which is how many came before it, by how loud its 15 features are on average."""
    graph = _Graph()
    integer = {number: graph.constant(np.array(number, np.int64)) for number in (0, 1)}
    count, before, memory = graph.size("token", 1), graph.size("k_self", 3), graph.size("out_k_cross", 3)
    places = graph.add("Add", graph.add("Range", integer[0], count, integer[1]), before)
    voice = graph.add("Gather", "out_v_cross", integer[0])  # of the first layer: (1, heads, m, width)
    levels = graph.add("Reshape", graph.add("Gather", voice, integer[0], axis=1), graph.numbers(-1, _WIDTH))
    looks = _said(graph, places, levels, memory)
    parts = [graph.constant(np.array([number], np.int64)) for number in (_DEPTH, 1, _HEADS, _WIDTH)]
    new = graph.add("Concat", *parts[:3], graph.add("Reshape", count, graph.constant(np.array([1], np.int64))),
                    parts[3], axis=0)  # fmt: skip
    fresh = graph.add("Expand", graph.constant(np.float32(0.0)), new)
    for each in ("k", "v"):
        graph.add("Concat", f"{each}_self", fresh, axis=3, out=f"out_{each}_self")
    own = ("float", (_DEPTH, 1, _HEADS, "c", _WIDTH))
    cross = ("float", (_DEPTH, 1, _HEADS, "m", _WIDTH))
    outputs: dict[str, Any] = {"logits": ("float", (1, "t", _VOCABULARY))}
    outputs |= {"out_k_self": ("float", (_DEPTH, 1, _HEADS, "d", _WIDTH))}
    outputs |= {"out_v_self": ("float", (_DEPTH, 1, _HEADS, "d", _WIDTH)), "out_k_cross": cross, "out_v_cross": cross}
    if attention:
        shape = graph.add("Concat", *parts[1:3], graph.constant(np.array([1, 1], np.int64)), axis=0)
        for layer in range(_DEPTH):
            graph.add("Expand", looks, shape, out=f"cross_attentions.{layer}")
            outputs[f"cross_attentions.{layer}"] = ("float", (1, _HEADS, "t", "m"))
    graph.save(
        path,
        {"token": ("int64", (1, "t")), "k_self": own, "v_self": own, "out_k_cross": cross, "out_v_cross": cross},
        outputs,
    )
