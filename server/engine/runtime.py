"""The only importer of onnxruntime: loads the two graphs of a bundle and runs them, on the CPU or a card.

Holds sessions and bindings; must not know sentences, beams or queues. Axis letters as in `server.engine.tensors`.

Rows do not see each other. Measured with onnxruntime 1.32 in fp32, one thread (AMD Zen 4, AVX-512): MatMul and Gemm
with constant weights give every row the same bits for 1 to 70 rows (8 shapes, odd sizes included), so a lone row
needs no dummy companion; GroupQueryAttention too, whatever the capacity of the cache. Vector tails are the
exception (softmax, exp), and `source_multiple` keeps the encoder clear of them.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from server.bundle import Bundle, Manifest
from server.engine.tensors import (
    TensorSpec,
    axis_sizes,
    decoder_inputs,
    decoder_outputs,
    encoder_inputs,
    encoder_outputs,
)
from server.engine.types import Device
from server.errors import BundleError, SettingsError

_ONNX_TYPES = {"float32": "tensor(float)", "int64": "tensor(int64)", "int32": "tensor(int32)", "int8": "tensor(int8)"}


# What a device's provider has no kernel for, the CPU computes.
_PROVIDERS: Mapping[Device, list[str]] = {
    "cpu": ["CPUExecutionProvider"],
    "cuda": ["CUDAExecutionProvider", "CPUExecutionProvider"],
}


class DecodeStep:
    """One engine thread's binding of the decoder to memory that is allocated once and changed in place.

    A step copies no tensor in or out and binds nothing: the binding for each number of rows is made when that number
    is first met, and kept as long as the memory stays where it is.
    """

    def __init__(self, session: Any, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]) -> None:
        """Bind `session` to C-contiguous `inputs` and `outputs` of [max_rows, ...], which may share memory."""
        self._session = session
        self._inputs = dict(inputs)
        self._outputs = dict(outputs)
        self._bindings: dict[int, Any] = {}

    def run(self, num_rows: int) -> None:
        """Advance rows [0:num_rows] by one position; scores and state are in the bound outputs afterwards."""
        binding = self._bindings.get(num_rows)
        if binding is None:
            binding = self._bindings[num_rows] = self._bind(num_rows)
        self._session.run_with_iobinding(binding)

    def _bind(self, num_rows: int) -> Any:
        binding = self._session.io_binding()
        for name, array in self._inputs.items():
            binding.bind_input(name, "cpu", 0, array.dtype, (num_rows, *array.shape[1:]), array.ctypes.data)
        for name, array in self._outputs.items():
            binding.bind_output(name, "cpu", 0, array.dtype, (num_rows, *array.shape[1:]), array.ctypes.data)
        return binding


class Runtime:
    """The encoder and decoder of one bundle. Safe to share between threads: one set of weights, no state.

    `encoder` and `decoder` are sessions of onnxruntime; `load` opens and checks them.
    """

    def __init__(self, encoder: Any, decoder: Any, manifest: Manifest) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._encoder_names = [spec.name for spec in encoder_outputs(manifest)]

    @classmethod
    def load(cls, bundle: Bundle, device: Device = "cpu") -> "Runtime":
        """Open both graphs on `device` and check them against the manifest.

        Raises:
            SettingsError: there is no such device, or onnxruntime was not built for it.
            BundleError: a graph that onnxruntime cannot open, or with every tensor that is not as the manifest says.
        """
        manifest = bundle.manifest
        _check_device(device)
        encoder, decoder = _open_session(bundle, "encoder", device), _open_session(bundle, "decoder", device)
        faults = [
            *_mismatches("encoder input", encoder.get_inputs(), encoder_inputs(), manifest),
            *_mismatches("encoder output", encoder.get_outputs(), encoder_outputs(manifest), manifest),
            *_mismatches("decoder input", decoder.get_inputs(), decoder_inputs(manifest), manifest),
            *_mismatches("decoder output", decoder.get_outputs(), decoder_outputs(manifest), manifest),
        ]
        if faults:
            listing = "\n".join(f"  - {fault}" for fault in faults)
            raise BundleError(f"{bundle.path}: the graphs are not as the manifest says:\n{listing}\nExport it again.")
        return cls(encoder, decoder, manifest)

    def encode(self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64]) -> list[NDArray[Any]]:
        """Cross keys and values of a batch of sources.

        Args:
            input_ids: [B, S] int64, padded on the right, S a multiple of `source_multiple`.
            attention_mask: [B, S] int64, 1 = keep.

        Returns:
            [B, H, S, E] arrays as in `tensors.encoder_outputs`.
        """
        feeds = {"input_ids": input_ids, "attention_mask": attention_mask}
        return list(self._encoder.run(self._encoder_names, feeds))

    def bind_step(self, inputs: Mapping[str, NDArray[Any]], outputs: Mapping[str, NDArray[Any]]) -> DecodeStep:
        """A decode step over the caller's own memory, by tensor name; one per engine thread."""
        return DecodeStep(self._decoder, inputs, outputs)


def _check_device(device: Device) -> None:
    if _PROVIDERS[device][0] not in ort.get_available_providers():
        raise SettingsError(
            f"--device is {device}, and onnxruntime {ort.__version__} here was not built for it; install "
            "ferry-nmt[serve-gpu] in place of ferry-nmt[serve], or choose --device cpu."
        )
    if device == "cuda":
        ort.preload_dlls()  # CUDA's libraries come as Python packages, where no loader looks unasked


def _open_session(bundle: Bundle, role: str, device: Device) -> Any:
    path, providers = bundle.file(role), _PROVIDERS[device]
    kept_apart = ["SkipLayerNormFusion"] if bundle.manifest.norms == "apart" else []
    try:
        session = ort.InferenceSession(
            str(path), _session_options(), providers=providers, disabled_optimizers=kept_apart
        )
    except Exception as error:  # onnxruntime raises a class of its own per status, with no common base
        raise BundleError(f"{path.name} ({role}) cannot be opened by onnxruntime {ort.__version__}: {error}") from error
    if session.get_providers()[0] != providers[0]:  # it goes on with the CPU then, and only logs why
        raise SettingsError(
            f"--device is {device}, and onnxruntime finds no card that it can use; look at the driver and at what it "
            "has written above, or choose --device cpu."
        )
    return session


def _session_options() -> Any:
    options = ort.SessionOptions()
    # The engine has one thread per core; pools inside a session would fight with them.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # Memory patterns are kept per distinct input shape, and shapes here never stop varying. The arena stays: it
    # grows to the largest encoder call (bounded by max_batch_tokens), then no further.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return options


def _mismatches(what: str, found: list[Any], expected: list[TensorSpec], manifest: Manifest) -> list[str]:
    tensors = {tensor.name: tensor for tensor in found}
    sizes = axis_sizes(manifest.dimensions)
    faults = [f"{what} {spec.name!r} is missing" for spec in expected if spec.name not in tensors]
    faults += [f"{what} {name!r} is not in the contract" for name in tensors.keys() - {s.name for s in expected}]
    for spec in expected:
        if spec.name not in tensors:
            continue
        tensor = tensors[spec.name]
        if tensor.type != _ONNX_TYPES[spec.dtype]:
            faults.append(f"{what} {spec.name!r} is a {tensor.type}, expected {_ONNX_TYPES[spec.dtype]}")
        if not _fits(tensor.shape, spec.axes, sizes):
            shape = [sizes.get(axis, axis) for axis in spec.axes]
            faults.append(f"{what} {spec.name!r} has shape {tensor.shape}, expected {shape}")
    return faults


def _fits(shape: list[int | str | None], axes: str, sizes: Mapping[str, int]) -> bool:
    """Whether a graph's declared shape, symbolic where it varies, agrees with `axes`."""
    if len(shape) != len(axes):
        return False
    wanted = [int(axis) if axis.isdigit() else sizes.get(axis) for axis in axes]
    return all(not isinstance(size, int) or size == want for size, want in zip(shape, wanted, strict=True))
