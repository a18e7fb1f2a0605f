"""Reading a graph of ours back: its linear maps, norms and table, in float32 whatever they are stored as.

What a scope holds is told from its operators, in their order, and not from the names of its constants: constants of
equal content are stored once, under the name that came first. So norms that were never trained, or layers that started
as copies of each other, are found as well. Knows the graph's forms; nothing of the model's modules.
"""

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from export.arithmetic import Affine, Array
from export.errors import ExportError


class GraphReader:
    """One graph of a bundle: its operators by scope, in order, and its constants by name."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(path).graph
        self._file = path.name
        self._constants: dict[str, NDArray[Any]] = {
            each.name: numpy_helper.to_array(each) for each in graph.initializer
        }
        self._nodes: dict[str, list[Any]] = {}
        for node in graph.node:
            self._nodes.setdefault(node.name.rpartition(".")[0], []).append(node)

    def linears(self, scope: str, sites: Collection[str]) -> dict[str, Affine]:
        """The linear maps of `scope` by site; `sites` has all of them, in the order of use.

        Raises:
            ExportError: the scope has more linear maps than `sites`, or fewer.
        """
        nodes = [node for node in self._nodes.get(scope, []) if self._is_linear(node)]
        for site in list(sites)[len(nodes) :]:
            raise self._lacks(scope, f"{site}.weight")
        if len(nodes) > len(sites):
            raise ExportError(f"{self._file} has {len(nodes)} linear maps in {scope!r}; the model has {len(sites)}")
        return {site: self._affine(scope, node) for site, node in zip(sites, nodes, strict=True)}

    def norm(self, scope: str, operators: Collection[str]) -> Any:
        """The node of the norm of `scope`, one of `operators`.

        Raises:
            ExportError: the scope has none.
        """
        found = self.first(scope, operators)
        if found is None:
            raise self._lacks(scope, "norm.weight")
        return found

    def comes_first(self, scope: str, node: Any) -> bool:
        """Whether `node` is the first of `scope`."""
        return bool(self._nodes[scope][0].name == node.name)

    def first(self, scope: str, operators: Collection[str]) -> Any:
        """The first node of `scope` that is one of `operators`; None if there is none."""
        return next((node for node in self._nodes.get(scope, []) if node.op_type in operators), None)

    def cache_scales(self, scope: str) -> list[Array]:
        """[D] each: the scales of the int8 keys and values that the attention of `scope` reads; none if float32."""
        node = self.first(scope, ["GroupQueryAttention"])
        return [self.constant(name).ravel() for name in ([] if node is None else node.input[12:14])]

    def constant(self, name: str) -> Array:
        """The initialiser `name` as float32.

        Raises:
            ExportError: the graph has no such constant.
        """
        if name not in self._constants:
            raise ExportError(f"{self._file} has no initialiser {name}; was the bundle made by ferry-export?")
        return self._constants[name].astype(np.float32)

    def projection(self) -> Affine:
        """The rows [V, D] that give the logits, and their bias [V].

        Raises:
            ExportError: the decoder has no output projection.
        """
        node = self.first("", ("Gemm", "QGemm"))
        if node is None:
            raise self._lacks("", "embedding")
        if node.op_type == "Gemm":
            return Affine(self.constant(node.input[1]), self.constant(node.input[2]) if len(node.input) > 2 else None)
        _, scale, _, weight, scales, _, *bias = node.input
        steps = self.constant(scales)
        bias_steps = steps * self.constant(scale)
        return Affine(
            self.constant(weight) * steps[:, None], self.constant(bias[0]) * bias_steps if any(bias[:1]) else None
        )

    def embedding(self) -> Array:
        """The table [V, D] that ids are looked up in; what is looked up is then multiplied by the square root of D.

        Raises:
            ExportError: the graph looks nothing up.
        """
        lookups = self._lookups()
        rows = next((name for name, users in lookups.items() if users & {"Mul", "Cast"}), None)
        if rows is None:
            raise self._lacks("", "embedding")
        table = self.constant(rows)
        factors = [name for name in lookups if self._constants[name].shape[1:] == (1,)]
        return table * (self.constant(factors[0]) / np.float32(math.sqrt(table.shape[1]))) if factors else table

    def positions(self) -> Array:
        """[length, D]: what is added at each position.

        Raises:
            ExportError: the graph has no positions.
        """
        found = next((name for name, users in self._lookups().items() if not users & {"Mul", "Cast"}), None)
        if found is None:
            raise self._lacks("", "positions")
        return self.constant(found)

    def _lookups(self) -> dict[str, set[str]]:
        """The matrices that rows are taken from outside of all layers, each with the operators there that use them."""
        nodes = self._nodes.get("", [])
        return {
            node.input[0]: {user.op_type for user in nodes if node.output[0] in user.input}
            for node in nodes
            if node.op_type == "Gather" and node.input[0] in self._constants
        }

    def _is_linear(self, node: Any) -> bool:
        return node.op_type == "MatMulIntegerToFloat" or (node.op_type == "MatMul" and node.input[1] in self._constants)

    def _affine(self, scope: str, node: Any) -> Affine:
        if node.op_type == "MatMul":
            sums = [each for each in self._nodes[scope] if each.op_type == "Add" and each.input[0] == node.output[0]]
            bias = next((each.input[1] for each in sums if each.input[1] in self._constants), "")
            weight = self.constant(node.input[1])
        else:
            _, numbers, _, scales, _, _, bias = node.input
            weight = self.constant(numbers) * self.constant(scales)
        return Affine(weight, self.constant(bias) if bias else None)

    def _lacks(self, scope: str, name: str) -> ExportError:
        path = f"{scope}.{name}" if scope else name
        return ExportError(f"{self._file} has no initialiser {path}; was the bundle made by ferry-export?")
