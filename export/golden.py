"""Golden lines: sources with the ids they must give, for the server to replay when it starts.

They have to hold on other processors, whose last bits differ, so lines are taken where no choice was close.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from export.lines import Line, spread
from export.stepping import Greedy, LockStep, StepRuntime, search_greedily
from server.bundle import GoldenLine, Manifest, Precision
from server.engine.job import default_max_target_length

NUM_GOLDEN = 16
BATCH_SIZE = 32
# Smallest lead of each chosen logit over the next best. In fp32, processors differ by some 1e-5. In int8 the sums are
# exact, but a last bit before a rounding may move an activation by one of its 255 steps.
MIN_MARGIN: Mapping[Precision, float] = {"fp32": 0.01, "int8": 0.25}


def choose_golden(runtime: StepRuntime, manifest: Manifest, lines: Sequence[Line]) -> list[GoldenLine]:
    """About `NUM_GOLDEN` of `lines`, over all directions, short and long, with what the graphs give for them.

    Where too few lines are decided clearly enough, the clearest are taken.
    """
    directions: dict[tuple[str, str], list[tuple[Line, Greedy]]] = {}
    for line, found in zip(lines, search_lines(runtime, manifest, lines), strict=True):
        directions.setdefault((line.source, line.target), []).append((line, found))
    share = -(-NUM_GOLDEN // max(len(directions), 1))
    least = MIN_MARGIN[manifest.precision]
    chosen = [pair for group in directions.values() for pair in _choose(group, share, least)]
    return [GoldenLine(line.source, line.target, line.text, line.source_ids, found.ids) for line, found in chosen]


def search_lines(runtime: StepRuntime, manifest: Manifest, lines: Sequence[Line]) -> list[Greedy]:
    """Greedy search of each of `lines` within the engine's default length."""
    found: dict[int, Greedy] = {}
    order = sorted(range(len(lines)), key=lambda i: len(lines[i].source_ids))
    for start in range(0, len(order), BATCH_SIZE):
        batch = order[start : start + BATCH_SIZE]
        sources = [lines[i].source_ids for i in batch]
        limits = [target_limit(ids, manifest) for ids in sources]
        results = search_greedily(LockStep(runtime, manifest, sources), limits)
        found |= dict(zip(batch, results, strict=True))
    return [found[i] for i in range(len(lines))]


def target_limit(source_ids: Sequence[int], manifest: Manifest) -> int:
    """Ids the engine generates at most for a source when the request does not say."""
    return min(default_max_target_length(len(source_ids)), manifest.dimensions.max_target_length)


def write_golden(path: Path, golden: Sequence[GoldenLine]) -> None:
    """One JSON object a line."""
    text = "".join(json.dumps(asdict(line), ensure_ascii=False) + "\n" for line in golden)
    path.write_text(text, encoding="utf-8")


def _choose(group: Sequence[tuple[Line, Greedy]], share: int, least: float) -> list[tuple[Line, Greedy]]:
    clear = [pair for pair in group if pair[1].complete and pair[1].margin >= least]
    if len(clear) < share:
        clear = sorted(group, key=lambda pair: (pair[1].complete, pair[1].margin), reverse=True)[:share]
    return spread(sorted(clear, key=lambda pair: len(pair[0].source_ids)), share)
