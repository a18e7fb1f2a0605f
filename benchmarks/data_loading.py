"""How fast batches are made, with no model behind: loading must never be what training waits for.

    python benchmarks/data_loading.py my-pair.toml --set data.root=/path/to/text

Builds the run's store, or opens the one that is there, then makes batches in one thread. Padding is the share of padded
ids that are padding. Prints a table; `--json` writes the figures.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from training.data.batches import Batch, BatchPlan
from training.data.store import build_store, open_store
from training.settings import TrainSettings, load_settings


@dataclass(frozen=True)
class Loading:
    """What it took to make some batches. Lengths are in ids, tag and EOS included."""

    batches: int
    sentences: int
    source_tokens: int
    target_tokens: int
    padded_source_tokens: int
    padded_target_tokens: int
    seconds: float

    @property
    def tokens_per_s(self) -> float:
        """Target ids a second."""
        return self.target_tokens / self.seconds

    @property
    def source_padding(self) -> float:
        """Share of the source ids that are padding."""
        return 1 - self.source_tokens / self.padded_source_tokens

    @property
    def target_padding(self) -> float:
        """Share of the target ids that are padding."""
        return 1 - self.target_tokens / self.padded_target_tokens


def open_plan(settings: TrainSettings, num_threads: int) -> BatchPlan:
    """The batches that a run with these settings sees; its store is built if it is not there."""
    build_store(settings, num_threads)
    tokenizer, corpora = open_store(settings)
    temperature = settings.data.sampling_temperature
    return BatchPlan(corpora, tokenizer.scheme, settings.optim.max_batch_tokens, settings.run.seed, temperature)


def measure(batches: Iterable[Batch]) -> Loading:
    """Make all of `batches`."""
    number = sentences = source = target = padded_source = padded_target = 0
    start = time.perf_counter()
    for number, batch in enumerate(batches, 1):  # noqa: B007 - counted for the figures below
        sentences += len(batch.source_ids)
        source += int(batch.source_lengths.sum())
        target += batch.num_target_tokens
        padded_source += batch.source_ids.numel()
        padded_target += batch.target_ids.numel()
    seconds = time.perf_counter() - start
    return Loading(number, sentences, source, target, padded_source, padded_target, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="override a setting")
    parser.add_argument("--batches", type=int, default=2000, help="batches a measurement; a round may have fewer")
    parser.add_argument("--rounds", type=int, default=3, help="measurements; each sorts a round of its own")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = load_settings(options.config, options.set)
    start = time.perf_counter()
    plan = open_plan(settings, settings.run.num_threads or len(os.sched_getaffinity(0)))
    print(f"store ready after {time.perf_counter() - start:.1f} s\n")
    columns = ("batches", "target ids/s", "target ids/batch", "sentences/batch", "padding source", "padding target")
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    found = []
    for number in range(options.rounds):
        loading = measure(itertools.islice(plan.batches(number), options.batches))
        found.append(asdict(loading) | {"tokens_per_s": round(loading.tokens_per_s)})
        cells = (
            str(loading.batches),
            f"{loading.tokens_per_s:,.0f}",
            f"{loading.target_tokens / loading.batches:,.0f}",
            f"{loading.sentences / loading.batches:,.0f}",
            f"{loading.source_padding:.1%}",
            f"{loading.target_padding:.1%}",
        )
        print("| " + " | ".join(cells) + " |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
