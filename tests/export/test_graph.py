"""The builder: names, constants stored once, operators from the list only."""

import numpy as np
import onnx
import pytest

from export.arithmetic import Float32
from export.decoder import build_decoder
from export.encoder import build_encoder
from export.graph import OPERATORS, GraphBuilder
from tests.export.toy import CONFIGURATIONS, build_checkpoint


def test_equal_constants_are_stored_once() -> None:
    graph = GraphBuilder("test")
    first = graph.initializer(np.ones(3, np.float32), "a")
    assert graph.initializer(np.ones(3, np.float32), "b") == first
    # Same bytes, other type or shape.
    assert graph.initializer(np.ones((1, 3), np.float32), "c") != first
    assert graph.initializer(np.ones(3, np.float32).view(np.int32), "d") != first


def test_names_carry_their_scope() -> None:
    graph = GraphBuilder("test")
    with graph.scope("encoder.0"), graph.scope("feed_forward"):
        assert graph.path("inner") == "encoder.0.feed_forward.inner"
    assert graph.path("inner") == "inner"
    assert graph.fresh("x") != graph.fresh("x")


def test_unlisted_operator_is_refused() -> None:
    with pytest.raises(KeyError):
        GraphBuilder("test").node("Loop", [])


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_graphs_hold_listed_operators_and_no_duplicates(name: str) -> None:
    checkpoint = build_checkpoint(CONFIGURATIONS[name])
    for model in (build_encoder(checkpoint.model, 50, Float32()), build_decoder(checkpoint.model, 75, Float32())):
        assert {(node.op_type, node.domain) for node in model.graph.node} <= set(OPERATORS.items())
        contents = [(tensor.data_type, *tensor.dims, tensor.raw_data) for tensor in model.graph.initializer]
        assert len(set(contents)) == len(contents)


def test_graphs_are_reproducible() -> None:
    """The bundle's version is a hash of its graphs."""
    models = [build_decoder(build_checkpoint().model, 75, Float32()) for _ in range(2)]
    assert onnx.ModelProto.SerializeToString(models[0], deterministic=True) == models[1].SerializeToString(
        deterministic=True
    )
