"""A sentence splitter in MiniSBD's format, for LibreTranslate where there is no network to fetch its own from.

Ends a sentence at . ! ? … followed by a space or the end. Eleven small nodes, so it is cheaper than MiniSBD's LSTM:
this favours LibreTranslate.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ENDS = [".", "!", "?", "…", "。", "！", "？"]
UNITS = ["<PAD>", "<UNK>", *ENDS, " "]


def write_splitter(path: Path) -> None:
    """Inputs `units` int64 [B, S] and `features` float32 [B, S, F]; output `logits` float32 [B, S, 3], 2 is an end."""
    is_end, is_space = np.zeros((2, len(UNITS)), np.float32)
    is_end[2 : 2 + len(ENDS)] = 1
    is_space[[0, -1]] = 1  # padding stands for the end of the text
    constants = {
        "is_end": is_end,
        "is_space": is_space,
        "one": np.array([1], np.int64),
        "last": np.array([2**31], np.int64),
        "axis": np.array([1], np.int64),
        "pads": np.array([0, 0, 0, 1], np.int64),
        "space": np.array(1, np.float32),
        "half": np.array(0.5, np.float32),
        "new_axis": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["is_end", "units"], ["ends"]),
        helper.make_node("Gather", ["is_space", "units"], ["spaces"]),
        helper.make_node("Slice", ["spaces", "one", "last", "axis"], ["shifted"]),
        helper.make_node("Pad", ["shifted", "pads", "space"], ["before_space"]),
        helper.make_node("Mul", ["ends", "before_space"], ["found"]),
        helper.make_node("Sub", ["found", "found"], ["nothing"]),
        helper.make_node("Add", ["nothing", "half"], ["otherwise"]),
        helper.make_node("Unsqueeze", ["otherwise", "new_axis"], ["logit_0"]),
        helper.make_node("Unsqueeze", ["nothing", "new_axis"], ["logit_1"]),
        helper.make_node("Unsqueeze", ["found", "new_axis"], ["logit_2"]),
        helper.make_node("Concat", ["logit_0", "logit_1", "logit_2"], ["logits"], axis=2),
    ]
    graph = helper.make_graph(
        nodes,
        "splitter",
        [
            helper.make_tensor_value_info("units", TensorProto.INT64, ["B", "S"]),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["B", "S", "F"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", "S", 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    config = {"max_seqlen": 1000, "batch_size": 8, "feat_funcs": ["end_of_para"]}
    ids = {unit: i for i, unit in enumerate(UNITS)}
    vocab = {"lang": "", "idx": 0, "cutoff": 0, "lower": False, "_unit2id": ids, "_id2unit": UNITS}
    properties = {"lang_code": "xx", "lexicon": "null", "config": json.dumps(config), "vocab": json.dumps(vocab)}
    helper.set_model_props(model, properties)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
