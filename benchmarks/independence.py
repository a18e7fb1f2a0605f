"""Does an answer depend on the traffic around it? Counts the sentences whose translation changes with their company.

    python benchmarks/independence.py --bundle models/en-de --source de --target en --lines dev.de --num-lines 2000

Every sentence is translated alone, with nothing else in the engine. Then all are translated again in two kinds of
company, and ids, scores and completeness must be the same to the last bit:

- mixes: groups of 1 to 64 sentences drawn at random, submitted at once, beside others of any length and beam size;
- load: clients that each send their next sentence as soon as the last one is answered, on all engine threads, while
  every tenth request is cancelled a moment after it was sent.

Prints a table and, with `--output FILE`, writes it as JSON. Exits 1 if anything differs.
"""

import argparse
import gzip
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from server.bundle import Bundle, read_bundle
from server.engine.cores import count_cores
from server.engine.engine import Engine
from server.engine.types import EngineSettings, Hypothesis, SearchOptions
from server.text.tokenizer import Tokenizer

SEED = 1
LARGEST_MIX = 64
NUM_CLIENTS = 32
CANCELLED_EVERY = 10

Sources = Sequence[tuple[int, ...]]
Answers = list[tuple[Hypothesis, ...]]


@dataclass(frozen=True)
class Comparison:
    """One kind of company, against every sentence alone."""

    bundle: str
    precision: str
    beam_size: int
    company: str
    sentences: int
    differing: int
    seconds: float


def translate_alone(engine: Engine, sources: Sources, beam_size: int) -> Answers:
    """One sentence after another."""
    options = SearchOptions(beam_size=beam_size)
    return [engine.submit(source, options).result().hypotheses for source in sources]


def translate_in_mixes(engine: Engine, sources: Sources, beam_size: int) -> Answers:
    """Groups in random order, a third of their members strangers of another beam size whose answers nobody reads."""
    rng = random.Random(SEED)
    order = rng.sample(range(len(sources)), len(sources))
    answers: dict[int, tuple[Hypothesis, ...]] = {}
    while order:
        group = [order.pop() for _ in range(min(rng.randint(1, LARGEST_MIX), len(order)))]
        work = [(i, SearchOptions(beam_size=beam_size)) for i in group]
        strangers = rng.choices(range(len(sources)), k=len(group) // 2)
        work += [(-1 - i, SearchOptions(beam_size=rng.choice([1, 2, 5]))) for i in strangers]
        rng.shuffle(work)
        futures = [(i, engine.submit(sources[i if i >= 0 else -1 - i], options)) for i, options in work]
        answers |= {i: future.result().hypotheses for i, future in futures if i >= 0}
    return [answers[i] for i in range(len(sources))]


def translate_under_load(engine: Engine, sources: Sources, beam_size: int) -> Answers:
    """Many clients at once."""
    answers: list[tuple[Hypothesis, ...]] = [()] * len(sources)
    order = random.Random(SEED).sample(range(len(sources)), len(sources))
    options = SearchOptions(beam_size=beam_size)

    def work(mine: Sequence[int]) -> None:
        for number, i in enumerate(mine):
            if number % CANCELLED_EVERY == 0:
                given_up = engine.submit(sources[i], options)
                time.sleep(0.002)
                given_up.cancel()
            answers[i] = engine.submit(sources[i], options).result().hypotheses

    clients = [threading.Thread(target=work, args=(order[i::NUM_CLIENTS],)) for i in range(NUM_CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return answers


COMPANY: dict[str, Callable[[Engine, Sources, int], Answers]] = {
    "mixes": translate_in_mixes,
    "load": translate_under_load,
}


def compare(bundle: Bundle, sources: Sources, beam_sizes: Sequence[int], num_threads: int) -> Iterator[Comparison]:
    """Every beam size in every kind of company."""
    for beam_size in beam_sizes:
        with running(bundle, 1) as engine:
            alone = translate_alone(engine, sources, beam_size)
        for name, translate in COMPANY.items():
            with running(bundle, num_threads) as engine:
                start = time.perf_counter()
                together = translate(engine, sources, beam_size)
                seconds = time.perf_counter() - start
            differing = sum(a != b for a, b in zip(alone, together, strict=True))
            manifest = bundle.manifest
            yield Comparison(
                manifest.name, manifest.precision, beam_size, name, len(sources), differing, round(seconds, 1)
            )


@contextmanager
def running(bundle: Bundle, num_threads: int) -> Iterator[Engine]:
    """An engine of `num_threads` threads, closed at the end."""
    engine = Engine(bundle, EngineSettings(num_threads=num_threads))
    engine.start()
    try:
        yield engine
    finally:
        engine.close(0)


def read_sources(path: Path, bundle: Bundle, source: str, target: str, num_lines: int) -> list[tuple[int, ...]]:
    """Ids of the first `num_lines` lines that hold text and fit the model; prefix and EOS included."""
    pair = bundle.pair(source, target)
    if pair is None:
        served = ", ".join(f"{p.source}-{p.target}" for p in bundle.manifest.pairs)
        sys.exit(f"--source {source} --target {target}: {bundle.path} serves {served}")
    tokenizer = Tokenizer.load(bundle.file("tokenizer"))
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    texts = [line.strip() for line in content.decode().split("\n") if line.strip()][:num_lines]
    eos, limit = bundle.manifest.special_ids.eos, bundle.manifest.dimensions.max_source_length
    sources = [(*pair.prefix_ids, *tokenizer.encode(text), eos) for text in texts]
    return [source for source in sources if len(source) <= limit]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, action="append", required=True, help="may be given several times")
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--lines", type=Path, required=True, help="source text, a sentence a line, plain or .gz")
    parser.add_argument("--num-lines", type=int, default=2000)
    parser.add_argument("--beam-sizes", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--threads", type=int, default=max(count_cores(), 2), help="engine threads in company")
    parser.add_argument("--output", type=Path, help="JSON file")
    arguments = parser.parse_args()
    found: list[Comparison] = []
    print("| bundle | beam | company | sentences | differing | seconds |\n|---|---|---|---|---|---|")
    for path in arguments.bundle:
        bundle = read_bundle(path)
        sources = read_sources(arguments.lines, bundle, arguments.source, arguments.target, arguments.num_lines)
        for each in compare(bundle, sources, arguments.beam_sizes, arguments.threads):
            found.append(each)
            print(
                f"| {each.bundle} {each.precision} | {each.beam_size} | {each.company} | {each.sentences} | "
                f"{each.differing} | {each.seconds} |",
                flush=True,
            )
    if arguments.output:
        arguments.output.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n")
    sys.exit(1 if any(each.differing for each in found) else 0)


if __name__ == "__main__":
    main()
