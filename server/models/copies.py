"""Which words a model copies, found by asking it.

`Please give {name} a key` is shown to the model as `Please give B2 a key`, and comes back whole where a hole would have
to be guessed around. Which word serves best differs from model to model and from direction to direction.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from statistics import fmean

from server.bundle import GoldenLine, LanguagePair, Manifest, StandIns
from server.engine.types import SearchOptions, SentenceResult
from server.errors import QueueFullError
from server.models.models import TranslationEngine
from server.text.tokenizer import Tokenizer
from server.text.words import expression_of, split_words

# A letter and a digit, short names, abbreviations that are the same everywhere, numbers. One is exchanged only for
# another of the same length, so there are several of each. Of two with the same letters one would be taken for the
# other, so there are none.
CANDIDATES = (
    *("B2", "X1", "7X", "K9", "XY", "XQ", "42", "37", "58"),
    *("DVD", "IBM", "USB", "SQL", "XML", "PDF", "250", "613", "480"),
    *("GUID", "NATO", "JSON", "IKEA", "7391", "8264", "5173"),
)
MIN_RATE = 0.93  # of the samples in which one comes out exactly once
FEWEST, MOST = 4, 16
# Around a stand-in the other words should be those of the plain sentence, nearly as much as around the best one.
MIN_REST = 0.93
MAX_SAMPLES = 96  # of a direction: each candidate is translated in each of them
_SHORTEST_WORD = 4
_LONGEST_LINE = 100

# What comes out less often than this in an eighth of the samples is tried no more, so that a model that copies nothing
# costs little.
_MIN_FIRST_RATE = 0.7
_FIRST_STEP = 8

Direction = tuple[str, str]
Sample = tuple[str, str, str]  # the translation as it was, what stands before the place, and behind it
Translate = Callable[[Sequence[str]], list[str]]


def measure_stand_ins(
    manifest: Manifest, tokenizer: Tokenizer, engine: TranslationEngine, texts: Mapping[Direction, Sequence[str]]
) -> tuple[StandIns, ...]:
    """What each direction copies of `CANDIDATES`; of one that copies fewer than `FEWEST`, nothing.

    Args:
        manifest: of the model.
        tokenizer: of the model.
        engine: runs the model.
        texts: sentences of each direction's source language.
    """
    return tuple(
        StandIns(
            pair.source,
            pair.target,
            _measure(texts.get((pair.source, pair.target), ()), partial(_translate, manifest, tokenizer, engine, pair)),
        )
        for pair in manifest.pairs
    )


def find_texts(
    manifest: Manifest, tokenizer: Tokenizer, engine: TranslationEngine, golden: Sequence[GoldenLine]
) -> dict[Direction, list[str]]:
    """Sentences to measure with where there are none but the golden lines: these, and what the model makes of them.

    The golden lines of one direction, translated, are sentences of the language that the opposite one reads.

    Args:
        manifest: of the model.
        tokenizer: of the model.
        engine: runs the model.
        golden: the bundle's.
    """
    directions = {(pair.source, pair.target): pair for pair in manifest.pairs}
    found: dict[Direction, list[str]] = {each: [] for each in directions}
    for (source, target), pair in directions.items():
        own = [line.text for line in golden if (line.source, line.target) == (source, target)]
        found[source, target] += own
        if (target, source) in found:
            found[target, source] += filter(None, _translate(manifest, tokenizer, engine, pair, own))
    return found


def _measure(texts: Sequence[str], translate: Translate) -> dict[str, float]:
    """The words that are copied, best first, each with its rate."""
    lines = [line for line in texts if len(line) <= _LONGEST_LINE] or texts  # time goes with the square of length
    plain = translate(lines)
    samples = [(wanted, *around) for wanted, line in zip(plain, lines, strict=True) for around in _places(line)]
    samples = samples[:: max(1, -(-len(samples) // MAX_SAMPLES))]
    first = _rate(CANDIDATES, samples[::_FIRST_STEP], translate)
    found = _rate([word for word in first if first[word][0] >= _MIN_FIRST_RATE], samples, translate)
    least = MIN_REST * max((rest for _, rest in found.values()), default=1.0)
    kept = [word for word, (rate, rest) in found.items() if rate >= MIN_RATE and rest >= least]
    kept.sort(key=lambda word: -sum(found[word]))
    return {word: round(found[word][0], 3) for word in kept[:MOST]} if len(kept) >= FEWEST else {}


def _rate(words: Sequence[str], samples: Sequence[Sample], translate: Translate) -> dict[str, tuple[float, float]]:
    """Of each of `words` the share of `samples` in which it comes out once, and how much else is as it was."""
    answers = iter(translate([before + word + after for word in words for _, before, after in samples]))
    found = {word: [next(answers) for _ in samples] for word in words}
    held = {word: [len(expression_of((word,)).findall(each)) == 1 for each in found[word]] for word in words}
    # Where most are lost the place is to blame: no name can stand there.
    fair = [i for i in range(len(samples)) if 2 * sum(each[i] for each in held.values()) >= len(words)]
    if not fair:
        return {}
    return {
        word: (fmean(held[word][i] for i in fair), fmean(_likeness(samples[i][0], found[word][i]) for i in fair))
        for word in words
    }


def _places(line: str) -> Iterator[tuple[str, str]]:
    """What stands before and behind each place of `line` at which a name may stand: its longer words."""
    words = [
        (a, b) for a, b in split_words(line) if b - a >= _SHORTEST_WORD or line[a].isdecimal() or line[a].isupper()
    ]
    yield from ((line[:start], line[end:]) for start, end in words)


def _translate(
    manifest: Manifest, tokenizer: Tokenizer, engine: TranslationEngine, pair: LanguagePair, texts: Sequence[str]
) -> list[str]:
    """Greedy translations of `texts`, of each as much as fits, as many at once as the engine takes."""
    capacity = manifest.dimensions.max_source_length - len(pair.prefix_ids) - 1
    futures: list[Future[SentenceResult]] = []
    for text in texts:
        ids = (*pair.prefix_ids, *tokenizer.encode(text)[:capacity], manifest.special_ids.eos)
        while True:
            try:
                futures.append(engine.submit(ids, SearchOptions()))
                break
            except QueueFullError:
                wait([future for future in futures if not future.done()], return_when=FIRST_COMPLETED)
    return [tokenizer.decode(future.result().hypotheses[0].ids) for future in futures]


def _likeness(wanted: str, found: str) -> float:
    """The share of words that two texts have in common."""
    first, second = (Counter(text[slice(*span)] for span in split_words(text)) for text in (wanted, found))
    return 2 * (first & second).total() / max(first.total() + second.total(), 1)
