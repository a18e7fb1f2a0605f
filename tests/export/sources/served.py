"""An imported model as it is served: bundle, tokenizer and engine, as the server loads them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from export.importer import import_model
from export.manifest import ExportSettings
from export.pack import Material
from export.sources.source import Source
from server.engine.types import EngineSettings, Hypothesis, SearchOptions
from server.models.loading import load_model
from server.models.models import Model


@contextmanager
def serve(source: Source, folder: Path, settings: ExportSettings | None = None) -> Iterator[Model]:
    """`source`, packed into `folder` and loaded."""
    import_model(source, folder, settings or ExportSettings(), Material(), lambda message: None)
    model = load_model(folder, EngineSettings(num_threads=1), lambda error: None, lambda message: None)
    try:
        yield model
    finally:
        model.engine.close(0.0)


def search(model: Model, sources: Sequence[Sequence[int]], longest: int = 2) -> list[Hypothesis]:
    """What the engine finds greedily, all sentences in company; targets end at `longest` times a source's ids."""
    options = [SearchOptions(max_target_length=longest * len(ids)) for ids in sources]
    futures = [model.engine.submit(ids, each) for ids, each in zip(sources, options, strict=True)]
    return [future.result(60).hypotheses[0] for future in futures]


def encode(model: Model, text: str) -> list[int]:
    """The ids of `text` in the model's last direction, as the server has them."""
    return [*model.manifest.pairs[-1].prefix_ids, *model.tokenizer.encode(text), model.manifest.special_ids.eos]


@torch.inference_mode()
def logits(source: Source, source_ids: Sequence[int], target_inputs: Sequence[int]) -> torch.Tensor:
    """[T, V]: what the torch model gives after each of `target_inputs`."""
    encoded = source.model.encode(torch.tensor([list(source_ids)]), None)
    return source.model.logits(source.model.decode(torch.tensor([list(target_inputs)]), encoded, None))[0]


def word_scores(source: Source, source_ids: Sequence[int], target_ids: Sequence[int]) -> NDArray[np.float32]:
    """[T]: the log-probability of each of `target_ids` after those before it."""
    log_probs = logits(source, source_ids, [source.special_ids.bos, *target_ids[:-1]]).log_softmax(-1)
    return log_probs[range(len(target_ids)), list(target_ids)].numpy()
