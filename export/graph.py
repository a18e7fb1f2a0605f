"""Writing an ONNX graph node by node. Knows ONNX's forms and our list of operators; nothing of translation.

The operator list is chosen: a node outside it is a mistake of ours, not something to hope a runtime handles.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

# Opset 23 has RMSNormalization. onnxruntime 1.30, 1.31 and 1.32 were seen to read these graphs, int8 caches included.
OPSET = 23
IR_VERSION = 10
MICROSOFT = "com.microsoft"

# Every operator a bundle may hold, with its domain.
OPERATORS: Mapping[str, str] = {
    **dict.fromkeys(
        ["Add", "Cast", "Concat", "CumSum", "Gather", "Gelu", "Gemm", "LayerNormalization", "LogSoftmax", "MatMul"], ""
    ),
    **dict.fromkeys(
        ["Max", "Mod", "Mul", "NonZero", "QuantizeLinear", "RMSNormalization", "Relu", "Reshape", "Shape", "Sigmoid"],
        "",
    ),
    **dict.fromkeys(["Slice", "Softmax", "Split", "Squeeze", "Sub", "Transpose", "Unsqueeze"], ""),
    **dict.fromkeys(["FusedMatMul", "GroupQueryAttention", "MatMulIntegerToFloat", "QGemm", "QuickGelu"], MICROSOFT),
}

Axis = int | str


class GraphBuilder:
    """A graph in the making. Values are known by their names."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._scope: list[str] = []
        self._nodes: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._initializers: dict[tuple[str, tuple[int, ...], bytes], Any] = {}
        self._num_names = 0

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names made inside start with `name`, so that a profile of the graph can be read."""
        self._scope.append(name)
        yield
        self._scope.pop()

    def path(self, name: str) -> str:
        """`name` within the current scope."""
        return ".".join([*self._scope, name])

    def input(self, name: str, dtype: type[np.generic], shape: Sequence[Axis]) -> str:
        """Declare a graph input.

        Args:
            name: by which the caller feeds it; returned.
            dtype: numpy type.
            shape: a size, or the name of a size that varies; one for each axis.
        """
        self._inputs.append(_value_info(name, dtype, shape))
        return name

    def output(self, name: str, dtype: type[np.generic], shape: Sequence[Axis]) -> None:
        """Declare that a value is a graph output.

        Args:
            name: of the value.
            dtype: numpy type.
            shape: a size, or the name of a size that varies; one for each axis.
        """
        self._outputs.append(_value_info(name, dtype, shape))

    def initializer(self, array: NDArray[Any], name: str) -> str:
        """A constant tensor. The same content is stored once, under the name it got first."""
        array = np.ascontiguousarray(array) if array.ndim else array
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._initializers:
            self._initializers[key] = numpy_helper.from_array(array, self.fresh(name))
        return str(self._initializers[key].name)

    def integers(self, *values: int) -> str:
        """A constant vector of int64, as shapes and axes are given."""
        return self.initializer(np.array(values, np.int64), "integers")

    def node(self, op: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Add an operator of one output and return the output's name.

        Args:
            op: one of our list.
            inputs: names of values; an empty one leaves an input out.
            attributes: of the operator; None for none.
        """
        return self.nodes(op, inputs, 1, attributes)[0]

    def nodes(
        self, op: str, inputs: Sequence[str], num_outputs: int, attributes: Mapping[str, Any] | None
    ) -> list[str]:
        """Add an operator of several outputs and return their names.

        Args:
            op: one of our list.
            inputs: names of values; an empty one leaves an input out.
            num_outputs: all of them are used.
            attributes: of the operator; None for none.
        """
        outputs = [self.fresh(op) for _ in range(num_outputs)]
        self.emit(op, inputs, outputs, attributes)
        return outputs

    def emit(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], attributes: Mapping[str, Any] | None = None
    ) -> None:
        """Add an operator whose outputs have names given by the caller.

        Args:
            op: one of our list.
            inputs: names of values; an empty one leaves an input out.
            outputs: new names; an empty one leaves an output out.
            attributes: of the operator; None for none.
        """
        domain, name = OPERATORS[op], self.fresh(op)
        self._nodes.append(helper.make_node(op, inputs, outputs, name=name, domain=domain, **(attributes or {})))

    def build(self) -> onnx.ModelProto:
        """The finished model, checked as far as ONNX knows its operators."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, list(self._initializers.values())
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="ferry")
        onnx.checker.check_model(model)
        return model

    def fresh(self, name: str) -> str:
        """A name that nothing in the graph has yet, within the current scope."""
        self._num_names += 1
        return f"{self.path(name)}_{self._num_names}"


def onnx_type(dtype: type[np.generic]) -> int:
    """ONNX's number for a numpy type."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def _value_info(name: str, dtype: type[np.generic], shape: Sequence[Axis]) -> Any:
    assert onnx_type(dtype) != TensorProto.UNDEFINED
    return helper.make_tensor_value_info(name, onnx_type(dtype), list(shape))
