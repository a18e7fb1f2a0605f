"""Ranges of activations, measured by running the fp32 graphs over sentences with the input of every site exposed.

Only real positions count: no padding, no sentence that has ended. The keys and values that are kept are looked at in
the trained model itself, sentence by sentence. Axis letters: B sentences, S source ids, D d_model.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from export.arithmetic import Tap, Tapped, array
from export.calibration import ActivationRange, Calibration
from export.decoder import build_decoder
from export.encoder import build_encoder
from export.stepping import Array, LockStep, search_greedily
from server.bundle import Manifest
from server.engine.job import default_max_target_length
from server.engine.runtime import DecodeStep
from server.engine.tensors import encoder_outputs
from training.model import Transformer

BATCH_SIZE = 32
# Extremes kept per site and side. At the 99.99th percentile they suffice for 80 million values: 400 sentences of 25
# ids, 2,048 wide, are 20 million.
NUM_EXTREMES = 8192


class Extremes:
    """The smallest and largest values of a site, and how many values there were."""

    def __init__(self) -> None:
        self._low = np.empty(0, np.float32)
        self._high = np.empty(0, np.float32)
        self._count = 0

    def add(self, values: Array) -> None:
        """Take note of `values`, of any shape."""
        flat = values.ravel()
        self._count += flat.size
        self._low = _keep_smallest(self._low, flat)
        self._high = -_keep_smallest(-self._high, -flat)

    def range(self, percentile: float) -> ActivationRange:
        """The range that holds `percentile` percent of the values."""
        outside = min(round(self._count * (100 - percentile) / 100), NUM_EXTREMES - 1)
        return ActivationRange(float(np.sort(self._low)[outside]), float(np.sort(self._high)[::-1][outside]))


class TappedRuntime:
    """The fp32 graphs with taps; each call of `encode` notes what passed."""

    def __init__(self, model: Transformer, manifest: Manifest) -> None:
        sizes = manifest.dimensions
        encoder, decoder = Tapped(), Tapped()
        self._encoder = _open(build_encoder(model, sizes.max_source_length, encoder), encoder.taps)
        self._decoder = _open(build_decoder(model, sizes.max_target_length, decoder), decoder.taps)
        self._encoder_taps = encoder.taps
        self._encoder_names = [spec.name for spec in encoder_outputs(manifest)]
        self.decoder_taps = decoder.taps
        self.extremes = {tap.site: Extremes() for tap in [*encoder.taps, *decoder.taps]}

    def encode(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> list[Array]:
        """As `server.engine.runtime.Runtime.encode`; the inputs of the encoder's sites are noted."""
        feeds = {"input_ids": input_ids, "attention_mask": attention_mask}
        names = [*self._encoder_names, *(tap.value for tap in self._encoder_taps)]
        outputs = self._encoder.run(names, feeds)
        num_caches = len(self._encoder_names)
        for tap, values in zip(self._encoder_taps, outputs[num_caches:], strict=True):
            self.extremes[tap.site].add(values)  # [N, width]: the encoder computes real ids only
        return list(outputs[:num_caches])

    def bind_step(self, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]) -> DecodeStep:
        """As `server.engine.runtime.Runtime.bind_step`; the taps are outputs like the others."""
        return DecodeStep(self._decoder, inputs, outputs)


def calibrate(
    model: Transformer, manifest: Manifest, sources: Sequence[Sequence[int]], percentile: float
) -> Calibration:
    """The range of every site and of every kept feature, over `sources` and the targets of greedy search.

    Args:
        model: float32, in evaluation mode.
        manifest: of the bundle to be.
        sources: ids, prefix and EOS included.
        percentile: share of a site's values, in percent, that its range holds.
    """
    manifest = replace(manifest, cache="float32")
    runtime = TappedRuntime(model, manifest)
    pairs: list[tuple[Sequence[int], Sequence[int]]] = []
    for batch in batches(sources, BATCH_SIZE):
        pairs += zip(batch, _run(runtime, manifest, batch), strict=True)
    ranges = {site: extremes.range(percentile) for site, extremes in runtime.extremes.items()}
    return Calibration(ranges, measure_cache(model, pairs, manifest.special_ids.bos))


@torch.no_grad()
def measure_cache(
    model: Transformer, pairs: Sequence[tuple[Sequence[int], Sequence[int]]], bos: int
) -> dict[str, Array]:
    """The largest magnitude of each feature [D] of the decoder's keys and values, by module, over `pairs`.

    Args:
        model: float32, in evaluation mode.
        pairs: source ids, and target ids without BOS and EOS.
        bos: what targets start from.
    """
    maxima: dict[str, Tensor] = {}

    def watch(name: str, module: nn.Module) -> Any:
        maxima[name] = torch.zeros(model.settings.d_model)

        def note(module: nn.Module, inputs: Any, output: Tensor) -> None:
            maxima[name] = torch.maximum(maxima[name], output.abs().amax((0, 1)))

        return module.register_forward_hook(note)

    kept = [each for each in model.decoder.named_modules(prefix="decoder") if each[0].endswith((".key", ".value"))]
    # An SSRU has a linear map of that name too, whose output nobody keeps.
    hooks = [watch(name, module) for name, module in kept if "attention" in name or not _recurs(model)]
    for source, target in pairs:
        model.decode(torch.tensor([[bos, *target]]), model.encode(torch.tensor([list(source)]), None), None)
    for hook in hooks:
        hook.remove()
    return {name: array(values) for name, values in maxima.items()}


def _recurs(model: Transformer) -> bool:
    return model.settings.decoder_mixing == "ssru"


def batches(sources: Sequence[Sequence[int]], size: int) -> Iterator[list[Sequence[int]]]:
    """`sources` by length, `size` at a time."""
    ordered = sorted(sources, key=len)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]


def _run(runtime: TappedRuntime, manifest: Manifest, sources: list[Sequence[int]]) -> list[Sequence[int]]:
    """Note what passes while `sources` are translated; their target ids."""
    memory = {tap.value: np.zeros((len(sources), *tap.row_shape), np.float32) for tap in runtime.decoder_taps}

    def observe(running: NDArray[np.bool_]) -> None:
        for tap in runtime.decoder_taps:
            runtime.extremes[tap.site].add(memory[tap.value][running])

    limit = manifest.dimensions.max_target_length
    limits = [min(default_max_target_length(len(ids)), limit) for ids in sources]
    return [found.ids for found in search_greedily(LockStep(runtime, manifest, sources, memory), limits, observe)]


def _open(model: onnx.ModelProto, taps: list[Tap]) -> Any:
    for value in {tap.value for tap in taps}:
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(value))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _keep_smallest(kept: Array, values: Array) -> Array:
    if kept.size == NUM_EXTREMES:
        values = values[values < kept.max()]
    joined = np.concatenate([kept, values])
    if joined.size <= NUM_EXTREMES:
        return joined
    return np.partition(joined, NUM_EXTREMES - 1)[:NUM_EXTREMES]
