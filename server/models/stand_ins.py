"""Which words a model copies whatever they stand for, found by asking it.

`Please give {name} a key` is shown to it as `Please give XQ a key`, and comes back whole where a hole would have to be
guessed around.

A bundle's manifest may name them. For one that does not they are measured once, through the engine that will serve,
before anything is answered, and kept beside the bundle where its folder can be written.
"""

import json
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import fmean

from server.bundle import MANIFEST_NAME, Bundle, GoldenLine, LanguagePair, StandIns
from server.engine.types import SearchOptions, SentenceResult
from server.errors import QueueFullError
from server.models.models import TranslationEngine
from server.text.tokenizer import Tokenizer
from server.text.words import expression_of, split_words

FILE_NAME = "stand-ins.json"
# Raised when what is measured changes, so that what was kept before counts no more.
MEASURE = 1

# Short names, signs with a letter or digit, abbreviations that are the same everywhere, numbers. Of two with the same
# letters one would be taken for the other, so there are none.
CANDIDATES = (
    *("XQ", "X7", "7X", "XY", "Q7", "V8", "Xb", "K7", "B2", "42"),
    *("XYZ", "ABC", "SQL", "XML", "USB", "DVD", "URL", "IBM", "Tom"),
    *("8264", "7391", "5173", "GUID", "JSON", "IKEA", "NATO"),
    *("Windows", "Berlin"),
)
MIN_RATE = 0.95  # of the samples in which one comes out exactly once
FEWEST, MOST = 4, 12
# Around a stand-in the other words should be those of the plain sentence, nearly as much as around the best one.
MIN_REST = 0.9
_WORDS_OF_A_LINE = 3
_SHORTEST_WORD = 4
_LONGEST_LINE = 100


def load_stand_ins(
    bundle: Bundle, tokenizer: Tokenizer, engine: TranslationEngine, golden: Sequence[GoldenLine]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The stand-ins of each direction, best first: as the manifest says, as was measured before, or measured now.

    Args:
        bundle: beside which they are kept.
        tokenizer: the bundle's.
        engine: translates the samples.
        golden: the bundle's lines, of which the samples are made.
    """
    found = bundle.manifest.stand_ins or _read(bundle)
    if found is None:
        found = measure_stand_ins(bundle.manifest.pairs, tokenizer, engine, golden, bundle.manifest.special_ids.eos)
        _write(bundle, found)
    return {(each.source, each.target): tuple(each.rates) for each in found}


def measure_stand_ins(
    pairs: Sequence[LanguagePair],
    tokenizer: Tokenizer,
    engine: TranslationEngine,
    golden: Sequence[GoldenLine],
    eos: int,
) -> tuple[StandIns, ...]:
    """What each of `pairs` copies of `CANDIDATES`; for one that copies fewer than `FEWEST`, nothing.

    Args:
        pairs: directions of the model.
        tokenizer: the model's.
        engine: translates the samples.
        golden: lines of which the samples are made.
        eos: id that ends a source.
    """
    return tuple(_measure(pair, golden, partial(_translate, tokenizer, engine, pair, eos)) for pair in pairs)


def _measure(
    pair: LanguagePair, golden: Sequence[GoldenLine], translate: Callable[[Sequence[str]], list[str]]
) -> StandIns:
    lines = [line.text for line in golden if (line.source, line.target) == (pair.source, pair.target)]
    lines = [line for line in lines if len(line) <= _LONGEST_LINE] or lines  # time goes with the square of length
    plain = translate(lines)
    samples = [(wanted, *around) for wanted, line in zip(plain, lines, strict=True) for around in _places(line)]
    answers = iter(translate([before + word + after for word in CANDIDATES for _, before, after in samples]))
    found = {word: [next(answers) for _ in samples] for word in CANDIDATES}
    held = {word: [len(expression_of((word,)).findall(each)) == 1 for each in found[word]] for word in CANDIDATES}
    # Where most are lost the place is to blame: no name can stand there.
    fair = [i for i in range(len(samples)) if 2 * sum(each[i] for each in held.values()) >= len(CANDIDATES)]
    if not fair:
        return StandIns(pair.source, pair.target, {})
    rates = {word: sum(held[word][i] for i in fair) / len(fair) for word in CANDIDATES}
    rests = {word: fmean(_likeness(samples[i][0], found[word][i]) for i in fair) for word in CANDIDATES}
    best = max(rests.values())
    kept = [word for word in CANDIDATES if rates[word] >= MIN_RATE and rests[word] >= MIN_REST * best]
    kept.sort(key=lambda word: -rates[word] - rests[word])
    kept = kept[:MOST] if len(kept) >= FEWEST else []
    return StandIns(pair.source, pair.target, {word: round(rates[word], 3) for word in kept})


def _places(line: str) -> Iterator[tuple[str, str]]:
    """What stands before and behind a place of `line` at which a name may stand: for a few of its longer words."""
    words = [(a, b) for a, b in split_words(line) if b - a >= _SHORTEST_WORD or line[a].isdecimal()]
    step = max(1, -(-len(words) // _WORDS_OF_A_LINE))
    yield from ((line[:start], line[end:]) for start, end in words[::step])
    yield "", f": {line}"


def _translate(
    tokenizer: Tokenizer, engine: TranslationEngine, pair: LanguagePair, eos: int, texts: Sequence[str]
) -> list[str]:
    """Greedy translations of `texts`, as many at once as the engine takes."""
    futures: list[Future[SentenceResult]] = []
    for text in texts:
        ids = (*pair.prefix_ids, *tokenizer.encode(text), eos)
        while True:
            try:
                futures.append(engine.submit(ids, SearchOptions()))
                break
            except QueueFullError:
                wait([future for future in futures if not future.done()], return_when=FIRST_COMPLETED)
    return [tokenizer.decode(future.result().hypotheses[0].ids) for future in futures]


def _read(bundle: Bundle) -> tuple[StandIns, ...] | None:
    """What was measured for this very bundle; None if nothing was, or it cannot be read."""
    try:
        data = json.loads((bundle.path / FILE_NAME).read_text(encoding="utf-8"))
        if (data["measure"], data["manifest"]) != (MEASURE, _digest(bundle)):
            return None
        return tuple(
            StandIns(str(each["source"]), str(each["target"]), {str(k): float(v) for k, v in each["rates"].items()})
            for each in data["stand_ins"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write(bundle: Bundle, found: Sequence[StandIns]) -> None:
    """Keep `found` beside the bundle, written aside and renamed; a folder that cannot be written is none's fault."""
    data = {"measure": MEASURE, "manifest": _digest(bundle), "stand_ins": [asdict(each) for each in found]}
    with suppress(OSError):
        number, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=bundle.path)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
            Path(name).chmod(0o644)
            os.replace(name, bundle.path / FILE_NAME)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise


def _digest(bundle: Bundle) -> str:
    return sha256((bundle.path / MANIFEST_NAME).read_bytes()).hexdigest()


def _likeness(wanted: str, found: str) -> float:
    """The share of words that two texts have in common."""
    first, second = (Counter(text[slice(*span)] for span in split_words(text)) for text in (wanted, found))
    return 2 * (first & second).total() / max(first.total() + second.total(), 1)
