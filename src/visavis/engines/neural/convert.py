"""A checkpoint's weights in the files of each runtime. Imported only while a checkpoint is added: it brings PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import fuse_conv_bn_eval

from visavis.engines.neural import libraries
from visavis.engines.neural.forms import Progress, check
from visavis.engines.neural.recipes import Part
from visavis.errors import OutputFailed

_OPSET = 18
"""Of ONNX."""
_SHARES = {"pytorch": 0.05, "openvino": 0.1, "onnx": 0.1, "int8": 0.75}
"""How much of the time each form takes, about."""
_SAMPLES = 300
"""Inputs at most that int8's ranges are measured on."""


def convert(
    name: str,
    parts: Sequence[Part],
    state: Mapping[str, NDArray[Any]],
    into: Path,
    progress: Progress,
) -> list[str]:
    """Write all files of the parts into a folder; returns what was left out, and why.

    Raises `BadInput` for a checkpoint of another network, `OutputFailed` and `OSError` where it cannot be written.
    """
    steps: list[tuple[str, float, Callable[[], None]]] = []
    modules: dict[str, nn.Module] = {}
    left_out = []
    for part in parts:
        with torch.device("meta"):
            module = part.build()
        check(name, [(key, tuple(value.shape)) for key, value in module.state_dict().items()], state)
    for part in parts:
        modules[part.stem] = _loaded(part.build(), state)
    for form, lacking, make in (
        ("pytorch", ("safetensors",), _write_torch),
        ("openvino", ("openvino",), _write_openvino),
        ("onnx", ("onnx",), _write_onnx),
        ("int8", ("openvino", "nncf"), _write_int8),
    ):
        missing = [library for library in lacking if not libraries.here(library)]
        if missing:
            left_out.append(f"{form}: {' and '.join(missing)} not installed")
            continue
        wanted = [part for part in parts if form != "int8" or part.calibration is not None]
        for part in wanted:
            steps.append((f"{part.stem} for {form}", _SHARES[form] / len(wanted), _step(make, part, modules, into)))
    done = 0.0
    for what, share, step in steps:
        progress(done, what)
        step()
        done += share
    return left_out


def folded(module: nn.Module) -> nn.Module:
    """The module with each BatchNorm that follows a convolution in a `Sequential` taken into that convolution.

    Works on a module without weights (`torch.device("meta")`), too: what is loaded into it must be folded then.
    """
    module.eval().requires_grad_(False)
    for block in list(module.modules()):
        if not isinstance(block, nn.Sequential):
            continue
        for at in reversed(range(len(block) - 1)):
            layer, norm = block[at], block[at + 1]
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) and isinstance(norm, nn.BatchNorm2d):
                block[at] = fuse_conv_bn_eval(layer, norm, transpose=isinstance(layer, nn.ConvTranspose2d))
                del block[at + 1]
    return module.requires_grad_(False)


def _loaded(module: nn.Module, state: Mapping[str, NDArray[Any]]) -> nn.Module:
    weights = {
        key: torch.from_numpy(np.array(state[key])).to(value.dtype) if key in state else value
        for key, value in module.state_dict().items()
    }
    module.load_state_dict(weights)
    return folded(module)


def _step(
    make: Callable[[Part, Mapping[str, nn.Module], Path], None],
    part: Part,
    modules: Mapping[str, nn.Module],
    into: Path,
) -> Callable[[], None]:
    return lambda: make(part, modules, into)


def _examples(part: Part) -> tuple[torch.Tensor, ...]:
    return tuple(torch.zeros(part.batch or 2, *shape) for shape in part.inputs.values())


def _write_torch(part: Part, modules: Mapping[str, nn.Module], into: Path) -> None:
    save = libraries.load("safetensors.torch").save
    weights = {key: value.contiguous() for key, value in modules[part.stem].state_dict().items()}
    (into / f"{part.stem}.safetensors").write_bytes(save(weights))


def _write_openvino(part: Part, modules: Mapping[str, nn.Module], into: Path) -> None:
    openvino = libraries.load("openvino")
    shapes = [openvino.PartialShape([part.batch or -1, *shape]) for shape in part.inputs.values()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about how OpenVINO uses PyTorch, which is not the user's to change
        model = openvino.convert_model(modules[part.stem], example_input=_examples(part), input=shapes)
    for put, name in zip(model.inputs, part.inputs, strict=True):
        put.get_tensor().set_names({name})
    for put, name in zip(model.outputs, part.outputs, strict=True):
        put.get_tensor().set_names({name})
    _save(openvino, model, into / f"{part.stem}.xml")


def _write_onnx(part: Part, modules: Mapping[str, nn.Module], into: Path) -> None:
    names = [*part.inputs, *part.outputs]
    # the exporter that is to replace this one cannot say that an input has a batch of one or of all
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            modules[part.stem],
            _examples(part),
            str(into / f"{part.stem}.onnx"),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_axes={} if part.batch else {name: {0: f"{name}_batch"} for name in names},
            opset_version=_OPSET,
            dynamo=False,
        )


def _write_int8(part: Part, modules: Mapping[str, nn.Module], into: Path) -> None:
    from visavis.engines.neural.quantise import quantised

    assert part.calibration is not None
    openvino = libraries.load("openvino")
    samples = [sample for sample, _ in zip(part.calibration(modules), range(_SAMPLES), strict=False)]
    model = openvino.Core().read_model(into / f"{part.stem}.xml")
    _save(openvino, quantised(model, samples, part.keep), into / f"{part.stem}.int8.xml")


def _save(openvino: Any, model: Any, path: Path) -> None:
    try:
        openvino.save_model(model, path, compress_to_fp16=False)
    except RuntimeError as error:
        raise OutputFailed(f"cannot write {path}: {libraries.brief(error)}") from None
