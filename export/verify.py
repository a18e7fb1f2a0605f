"""Proof that a packed bundle computes what the trained model computes, with the server's own runtime and engine.

Axis letters: B sentences, T target ids, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sacrebleu.metrics.chrf import CHRF

from export.errors import ExportError
from export.golden import target_limit
from export.lines import Line
from export.stepping import Array, LockStep, force
from server.bundle import Bundle, Manifest, Precision, read_golden
from server.engine.engine import Engine
from server.engine.runtime import Runtime
from server.engine.types import EngineSettings, SearchOptions
from server.text.tokenizer import Tokenizer
from training.data.batches import pad
from training.decode import encode, greedy_decode
from training.model import Transformer

# The oracle decodes a batch until its longest sentence ends, and pays for the square of that length.
BATCH_SIZE = 4


@dataclass(frozen=True)
class Tolerance:
    """How far a bundle may differ from the oracle, at most (`identical`: at least).

    Attributes:
        relative_error: root mean square error of the log-probabilities over their standard deviation.
        max_error: of any log-probability.
        regret: mean over steps of log p(oracle's choice) - log p(graphs' choice), both by the oracle, in nats. Unlike
            a share of equal choices, it forgives an undecided model and not a broken one.
        identical: share of sentences with identical greedy ids.
    """

    relative_error: float
    max_error: float
    regret: float
    identical: float


# fp32 differs by 1e-6 to 1e-5 from torch. For int8 the bounds only stop what is broken: a sound quantisation stays
# several times below them (relative error 0.02, regret 0.0006 measured on a 7 M model). A share of identical sentences
# says little of undertrained models, so it is only reported.
TOLERANCES: Mapping[Precision, Tolerance] = {
    "fp32": Tolerance(relative_error=1e-4, max_error=1e-3, regret=1e-5, identical=1.0),
    "int8": Tolerance(relative_error=0.15, max_error=float("inf"), regret=0.02, identical=0.0),
}


@dataclass(frozen=True)
class Parity:
    """What was measured; the fields are those of `Tolerance`, and chrF, of 100, between the greedy texts of both."""

    num_sentences: int
    num_steps: int
    relative_error: float
    max_error: float
    regret: float
    identical: float
    chrf: float

    def __str__(self) -> str:
        return (
            f"{self.num_sentences} sentences, {self.num_steps} steps against torch: log-probabilities differ by "
            f"{self.max_error:.1e} at most and {self.relative_error:.1e} of their deviation; "
            f"regret {self.regret:.1e} nats; {self.identical:.1%} of greedy outputs identical, chrF {self.chrf:.2f}"
        )

    def faults(self, tolerance: Tolerance) -> list[str]:
        """What is out of bounds, in words."""
        bounded = ("relative_error", "max_error", "regret")
        faults = [
            f"{name} is {getattr(self, name):.3g}, at most {getattr(tolerance, name):.3g} is tolerated"
            for name in bounded
            if not getattr(self, name) <= getattr(tolerance, name)
        ]
        if self.identical < tolerance.identical:
            faults.append(f"{self.identical:.1%} of greedy outputs are identical; it must be {tolerance.identical:.0%}")
        return faults


def prove(model: Transformer, bundle: Bundle, lines: Sequence[Line], called: str = "checkpoint") -> Parity:
    """Measure `bundle` against `model` over `lines` and replay its golden lines.

    Args:
        model: the oracle.
        bundle: packed, with all its files.
        lines: of all directions.
        called: what a message calls the model's source.

    Raises:
        ExportError: the bundle is out of tolerance.
        BundleError: the engine answers a golden line with other ids.
    """
    parity = measure(model, bundle, lines)
    faults = parity.faults(TOLERANCES[bundle.manifest.precision])
    if faults:
        raise ExportError(f"the exported graphs do not compute what the {called} does: " + "; ".join(faults))
    return parity


def measure(model: Transformer, bundle: Bundle, lines: Sequence[Line]) -> Parity:
    """Compare the graphs, fed the oracle's greedy ids, and the engine's own greedy ids, with the oracle.

    Over `lines`, at least one.
    """
    runtime, manifest = Runtime.load(bundle), bundle.manifest
    special = manifest.special_ids
    oracle_ids, oracle_log_probs, log_probs = [], [], []
    ordered = sorted(lines, key=lambda line: len(line.source_ids))
    for start in range(0, len(ordered), BATCH_SIZE):
        sources = [line.source_ids for line in ordered[start : start + BATCH_SIZE]]
        limits = [target_limit(ids, manifest) for ids in sources]
        targets = greedy_decode(model, sources, limits, manifest.suppressed_ids, special.bos, special.eos)
        oracle_ids += targets
        found = force(LockStep(runtime, manifest, sources), targets)
        log_probs += found
        oracle_log_probs += _force_oracle(model, sources, targets, [len(each) for each in found], manifest)
    engine_ids = _run_engine(bundle, [line.source_ids for line in ordered])
    return _compare(bundle, oracle_ids, engine_ids, oracle_log_probs, log_probs)


def _compare(
    bundle: Bundle,
    oracle_ids: Sequence[Sequence[int]],
    engine_ids: Sequence[Sequence[int]],
    oracle_log_probs: Sequence[Array],
    log_probs: Sequence[Array],
) -> Parity:
    manifest, tokenizer = bundle.manifest, Tokenizer.load(*bundle.tokenizers())
    texts = [list(map(tokenizer.decode, ids)) for ids in (engine_ids, oracle_ids)]
    # What is never chosen says nothing of what is served, and may stand at -10,000.
    allowed = [i for i in range(manifest.dimensions.target_vocab_size) if i not in manifest.suppressed_ids]
    mine, theirs = ([each[:, allowed] for each in found] for found in (log_probs, oracle_log_probs))
    difference = np.concatenate([a - b for a, b in zip(mine, theirs, strict=True)])
    reference = np.concatenate(theirs)
    deviation = (reference - reference.mean(1, keepdims=True)).std()
    choices = np.concatenate(mine).argmax(1)
    regrets = reference.max(1) - reference[np.arange(len(reference)), choices]
    # A choice that hangs on less than the tolerance may fall either way, and so may all that follows it.
    decided = [_margin(each) > TOLERANCES["fp32"].max_error for each in theirs]
    same = [list(a) == list(b) for a, b, d in zip(oracle_ids, engine_ids, decided, strict=True) if d]
    return Parity(
        num_sentences=len(log_probs),
        num_steps=len(reference),
        relative_error=float(np.sqrt(np.mean(difference**2)) / deviation),
        max_error=float(np.abs(difference).max()),
        regret=float(regrets.mean()),
        identical=sum(same) / len(same) if same else 0.0,
        chrf=CHRF().corpus_score(texts[0], texts[1:]).score,
    )


def _margin(log_probs: Array) -> float:
    best = np.partition(log_probs, -2, axis=1)[:, -2:]
    return float((best[:, 1] - best[:, 0]).min())


@torch.inference_mode()
def _force_oracle(
    model: Transformer,
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    num_steps: Sequence[int],
    manifest: Manifest,
) -> list[Array]:
    source_ids, lengths = pad(sources)
    encoded, mask = encode(model, source_ids, lengths)
    fed, _ = pad([[manifest.special_ids.bos, *target] for target in targets])
    log_probs = model.logits(model.decode(fed, encoded, mask)).log_softmax(-1).numpy()
    return [rows[:length] for rows, length in zip(log_probs, num_steps, strict=True)]


def _run_engine(bundle: Bundle, sources: Sequence[Sequence[int]]) -> list[tuple[int, ...]]:
    """Greedy ids, all sentences at once; the golden lines first, as when a server starts."""
    engine = Engine(bundle, EngineSettings(num_threads=1, max_queue_tokens=sum(map(len, sources)) + 65_536))
    engine.start()
    try:
        engine.self_test(read_golden(bundle))
        futures = [engine.submit(ids, SearchOptions()) for ids in sources]
        return [future.result().hypotheses[0].ids for future in futures]
    finally:
        engine.close(0)
