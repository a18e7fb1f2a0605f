"""Int8 numbers: ranges, weights within their limit, scales that are constants of the graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from export.arithmetic import Float32
from export.calibrate import Extremes, calibrate
from export.calibration import ActivationRange
from export.decoder import build_decoder
from export.encoder import build_encoder
from export.manifest import ExportSettings
from export.quantise import Int8, QuantiseSettings, quantise_rows
from export.stepping import pad_sources
from server.engine.tensors import cross_inputs
from tests.export.toy import PLAIN, SSRU, build_checkpoint, build_toy_manifest, random_sources, write_graphs


def build_graphs(settings: QuantiseSettings) -> list[onnx.ModelProto]:
    checkpoint = build_checkpoint()
    manifest = build_toy_manifest(checkpoint, ExportSettings())
    arithmetic = Int8(calibrate(checkpoint.model, manifest, random_sources([9, 20]), settings.percentile), settings)
    return [build_encoder(checkpoint.model, 50, arithmetic), build_decoder(checkpoint.model, 75, arithmetic)]


@pytest.mark.parametrize(
    ("low", "high", "zero_point"), [(0.0, 5.0, 0), (-1.0, 1.0, 128), (-3.0, 0.0, 255), (2.0, 4.0, 0)]
)
def test_zero_is_exact(low: float, high: float, zero_point: int) -> None:
    """Padding, ReLU and empty state are zeros; a zero point that is off shifts all of them."""
    chosen = ActivationRange(low, high)
    assert abs(int(chosen.zero_point) - zero_point) <= 1
    levels = (np.array([low, 0, high]) / chosen.scale).round() + int(chosen.zero_point)
    assert levels.min() >= -1
    assert levels.max() <= 256


def test_dead_activation_has_a_scale() -> None:
    assert ActivationRange(0.0, 0.0).scale == 1


def test_weights_keep_their_limit_and_rows_their_scales() -> None:
    matrix = np.random.default_rng(0).normal(size=(5, 30)).astype(np.float32) * np.array([[1], [10], [0], [0.1], [3]])
    for limit in (64, 127):
        rows, scales = quantise_rows(matrix.astype(np.float32), limit)
        assert np.abs(rows.astype(int)).max() == limit
        assert np.all(np.abs(rows * scales[:, None] - matrix) <= scales[:, None] * 0.501)


def test_seven_bits_cannot_saturate_16() -> None:
    """Two products of a uint8 and a weight are added in 16 bits on x86 without VNNI."""
    assert 2 * 255 * QuantiseSettings().weight_limit < 2**15 <= 2 * 255 * QuantiseSettings(weight_bits=8).weight_limit


def test_extremes_are_exact_quantiles() -> None:
    values = np.random.default_rng(0).normal(size=100_000).astype(np.float32)
    extremes = Extremes()
    for part in np.split(values, 20):
        extremes.add(part)
    ordered = np.sort(values)
    assert extremes.range(100) == ActivationRange(float(ordered[0]), float(ordered[-1]))
    assert extremes.range(99.9) == ActivationRange(float(ordered[100]), float(ordered[-101]))


@pytest.mark.parametrize("index", [0, 1], ids=["encoder", "decoder"])
def test_scales_are_static(index: int) -> None:
    """Each activation's scale is one number known in advance: batch mates cannot change it."""
    model = build_graphs(QuantiseSettings())[index]
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    quantisers = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert quantisers
    assert all(constants[node.input[1]].shape == constants[node.input[2]].shape == () for node in quantisers)


def test_relu_output_has_zero_point_0() -> None:
    """So that all 255 steps are above zero, and the quantiser makes the ReLU redundant."""
    for model in build_graphs(QuantiseSettings()):
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        after_relu = {node.output[0] for node in model.graph.node if node.op_type == "Relu"}
        found = [node for node in model.graph.node if node.op_type == "QuantizeLinear" and node.input[0] in after_relu]
        assert found
        assert all(constants[node.input[2]] == 0 for node in found)


def test_large_weights_are_int8_and_stored_once() -> None:
    for model in build_graphs(QuantiseSettings()):
        for tensor in model.graph.initializer:
            array = numpy_helper.to_array(tensor)
            if array.ndim == 2 and array.shape[1] > 1 and "positions" not in tensor.name:
                assert array.dtype == np.int8
        assert (
            sum("embedding_" in t.name and t.data_type == onnx.TensorProto.INT8 for t in model.graph.initializer) <= 2
        )


def test_caches_hold_what_was_seen(tmp_path: Path) -> None:
    """Within a step of the float32 keys and values, feature by feature; the largest of each feature is all of 127."""
    checkpoint, sources = build_checkpoint(), random_sources([9, 20, 31])
    manifest = build_toy_manifest(checkpoint, ExportSettings())
    calibration = calibrate(checkpoint.model, manifest, sources, 100)
    exact, _ = write_graphs(tmp_path / "fp32", checkpoint, Float32())
    rounded, manifest = write_graphs(tmp_path / "int8", checkpoint, Int8(calibration, QuantiseSettings()))
    input_ids, mask = pad_sources(sources, manifest)
    real = mask.astype(bool)
    for spec, expected, found in zip(
        cross_inputs(manifest), exact.encode(input_ids, mask), rounded.encode(input_ids, mask), strict=True
    ):
        assert (spec.dtype, found.dtype) == ("int8", np.int8)
        layer, _, kind = spec.name.removeprefix("past_key_values.").split(".")
        scale = calibration.cache_scale(f"decoder.{layer}.cross_attention.{kind}")
        exact_rows = expected.transpose(0, 2, 1, 3)[real].reshape(-1, len(scale)) / scale
        np.testing.assert_allclose(np.abs(exact_rows).max(0), 127, rtol=1e-4)
        rows = found.transpose(0, 2, 1, 3)[real].reshape(-1, len(scale))
        assert np.sqrt(np.mean((rows - exact_rows) ** 2)) < 0.05 * exact_rows.std()  # the products before are int8, too


def test_only_what_attention_keeps_has_a_scale() -> None:
    """An SSRU has a linear map called value as well, and no cache for it."""
    for settings, modules in ((PLAIN, ("self_mixing", "cross_attention")), (SSRU, ("cross_attention",))):
        checkpoint = build_checkpoint(settings)
        manifest = build_toy_manifest(checkpoint, ExportSettings())
        found = calibrate(checkpoint.model, manifest, random_sources([9]), 100).cache_maxima
        assert set(found) == {
            f"decoder.{i}.{each}.{kind}" for i in (0, 1) for each in modules for kind in ("key", "value")
        }
