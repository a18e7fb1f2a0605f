"""What a glossary's term costs the words around it, for several ways of putting it there, with a real model.

    python benchmarks/glossary.py models/en-de --source de --target en --lines dev.de --references dev.en

Lines with exactly one noun of the list (`glossary_terms.tsv`), whose usual translation is in the reference and in the
model's own answer exactly once, so that it is beyond doubt which words are the rest. Told of each way are the share of
answers that have the term once, in the case that its place asks for; chrF between the rest of the answer and the rest
of the answer without a glossary; BLEU and chrF against the references with the term in place of the usual word; and
how often an article right before the term fits it (its gender in German, its first sound in English).
"""

import argparse
import asyncio
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from sacrebleu import corpus_bleu, corpus_chrf, sentence_chrf

from server.engine.types import EngineSettings
from server.models.loading import load_model
from server.models.models import Model, Models
from server.settings import ServeSettings
from server.text.articles import choose_article
from server.text.casing import capitalise
from server.translation.glossary import Terms, take_out_terms
from server.translation.request import TranslateOptions
from server.translation.sentences import GuardCounts
from server.translation.translator import Translator

TERMS = Path(__file__).with_name("glossary_terms.tsv")
BATCH = 50
MOST_OF_A_TERM = 6
# A noun that is translated surely, and its translation: shown for the term, and exchanged for it afterwards.
OTHER_NOUNS = {"de": ("Buch", "book"), "en": ("book", "Buch")}
_SYNTAX = re.compile(r"[<>&{}`_*#@|]")
_READS = re.compile(r' reads="[^"]*"')
_ARTICLES = {
    "m": "der den dem des ein einen einem eines",
    "f": "die der eine einer",
    "n": "das dem des ein einem eines",
}
_ARTICLE = re.compile(r"(?<!\w)(d(?:er|ie|as|en|em|es)|ein(?:e[nmsr]?)?|an?) $", re.I)


@dataclass(frozen=True)
class Sample:
    """A line with one noun: its translation without a glossary, the reference, and where the usual word is in each."""

    source: str
    reference: str
    noun: str
    term: str
    gender: str
    plain: str
    usual: tuple[int, int]
    usual_in_reference: tuple[int, int]

    @property
    def rest(self) -> str:
        """The words of the plain translation besides."""
        return _without(self.plain, self.usual)

    @property
    def wanted(self) -> str:
        """The reference with the term."""
        start, end = self.usual_in_reference
        before = self.reference[:start]
        if article := re.search(r"(?<!\w)(an?)( )$", before, re.I):
            before = before[: article.start()] + choose_article(article.group(1), self.term) + " "
        return before + self.term + self.reference[end:]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--lines", type=Path, nargs="+", required=True, help="text, one sentence a line")
    parser.add_argument("--references", type=Path, nargs="+", required=True, help="their translations, file by file")
    parser.add_argument("--num-lines", type=int, default=200)
    asked = parser.parse_args()
    direction = TranslateOptions(asked.source, asked.target)
    pairs = [
        pair
        for lines, references in zip(asked.lines, asked.references, strict=True)
        for pair in zip(_read(lines), _read(references), strict=True)
    ]
    model = load_model(asked.bundle, EngineSettings(), lambda error: None, lambda text: None)
    try:
        samples = _choose(model, pairs, direction, asked.num_lines)
        nouns = len({sample.noun for sample in samples})
        print(f"{asked.source}-{asked.target}: {len(samples)} lines, {nouns} nouns\n")
        print("| way | term once | chrF of the rest | BLEU | chrF | article fits |\n|---|---|---|---|---|---|")
        for way, answers in _answer(model, samples, direction).items():
            print(f"| {way} | {' | '.join(_rate(samples, answers, asked.target))} |", flush=True)
    finally:
        model.engine.close(0.0)


def _read(path: Path) -> list[str]:
    with path.open(encoding="utf-8") as file:
        return file.read().splitlines()


def _choose(
    model: Model, pairs: Sequence[tuple[str, str]], direction: TranslateOptions, num_lines: int
) -> list[Sample]:
    """Lines in an order of chance, at most `MOST_OF_A_TERM` of each noun."""
    listed = [line.split("\t") for line in _read(TERMS) if line.startswith(f"{direction.source}-{direction.target}\t")]
    terms = {noun: (usual.split(), term, "".join(gender)) for _, noun, usual, term, *gender in listed}
    pairs = [(line, reference) for line, reference in pairs if 15 < len(line) < 200 and not _SYNTAX.search(line)]
    random.Random(1).shuffle(found := list(pairs))
    numbers: Counter[str] = Counter()
    samples: list[Sample] = []
    for first in range(0, len(found), BATCH):
        batch: list[tuple[str, str, str]] = []
        for line, reference in found[first : first + BATCH]:
            nouns = [noun for noun in terms for _ in _find([noun], line)]
            if len(nouns) == 1 and not _find([terms[nouns[0]][1]], reference):
                batch.append((line, reference, nouns[0]))
        answers, _ = _translate(model, [line for line, _, _ in batch], direction)
        for (line, reference, noun), plain in zip(batch, answers, strict=True):
            usual, term, gender = terms[noun]
            here, there = _find(usual, plain), _find(usual, reference)
            if len(here) == len(there) == 1 and not _find([term], plain) and numbers[noun] < MOST_OF_A_TERM:
                numbers[noun] += 1
                samples.append(Sample(line, reference, noun, term, gender, plain, here[0], there[0]))
        if len(samples) >= num_lines:
            break
    return samples[:num_lines]


def _answer(model: Model, samples: Sequence[Sample], direction: TranslateOptions) -> Mapping[str, list[str]]:
    """The answers of every way."""
    assert direction.source is not None
    prepared = [take_out_terms(each.source, None, Terms({each.noun: each.term})) for each in samples]
    marked = replace(direction, markup=prepared[0].options)

    def with_elements(model: Model, reads: bool) -> tuple[list[str], Counter[str]]:
        texts = [each.text if reads else _READS.sub("", each.text, count=1) for each in prepared]
        answers, ended = _translate(model, texts, marked)
        if not reads:  # as it is put back, an element tells the term
            answers = [answer.replace('n="0">', 'n="0" reads="x">') for answer in answers]
        return [p.restore(answer, direction.target) for p, answer in zip(prepared, answers, strict=True)], ended

    def with_word(word: str | None) -> list[str]:
        texts = [_put(each.source, _find([each.noun], each.source)[0], word or each.term) for each in samples]
        return _translate(model, texts, direction)[0]

    noun, usual = OTHER_NOUNS[direction.source]
    others = [
        _put(answer, places[0], each.term) if len(places := _find([usual], answer)) == 1 else answer
        for answer, each in zip(with_word(noun), samples, strict=True)
    ]
    served, ended = with_elements(model, reads=True)
    shares = ", ".join(f"{how} {number / ended.total():.1%}" for how, number in ended.most_common())
    return {
        "without a glossary": [each.plain for each in samples],
        "a hole": with_elements(replace(model, stand_ins={}), reads=False)[0],
        "a stand-in, a name": with_elements(model, reads=False)[0],
        f"another noun, {noun}": others,
        "the term itself, in the source": with_word(None),
        f"as served ({shares})": served,
    }


def _rate(samples: Sequence[Sample], answers: Sequence[str], target: str) -> list[str]:
    """The cells of a row."""
    present = 0
    rests: list[float] = []
    fits: list[bool] = []
    for sample, answer in zip(samples, answers, strict=True):
        places = _find([sample.term], answer)
        rests.append(sentence_chrf(_without(answer, places[0]) if places else answer, [sample.rest]).score)
        if len(places) != 1:
            continue
        start, end = places[0]
        is_first = not re.search(r"[^\W_]", re.split(r"[.!?:]\s", answer[:start])[-1])
        present += answer[start:end] in (sample.term, capitalise(sample.term) if is_first else "")
        if article := _ARTICLE.search(answer[:start]):
            word = article.group(1).lower()
            if target == "de":
                fits.append(word in _ARTICLES[sample.gender].split())
            elif word in ("a", "an"):
                fits.append(choose_article(word, sample.term) == word)
    wanted = [each.wanted for each in samples]
    return [
        f"{present / len(samples):.1%}",
        f"{fmean(rests):.1f}",
        f"{corpus_bleu(list(answers), [wanted]).score:.1f}",
        f"{corpus_chrf(list(answers), [wanted]).score:.1f}",
        f"{fmean(fits):.1%} of {len(fits)}" if fits else "",
    ]


def _find(words: Sequence[str], text: str) -> list[tuple[int, int]]:
    expression = rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"
    return [match.span() for match in re.finditer(expression, text, re.I)]


def _put(text: str, place: tuple[int, int], word: str) -> str:
    return text[: place[0]] + word + text[place[1] :]


def _without(text: str, place: tuple[int, int]) -> str:
    return " ".join(_put(text, place, " ").split())


def _translate(model: Model, texts: Sequence[str], direction: TranslateOptions) -> tuple[list[str], Counter[str]]:
    translator = Translator(Models((model,)), ServeSettings().limits)
    ended: Counter[str] = Counter()
    translator.guard_counts = GuardCounts(held=lambda how: ended.update([how]))
    answers: list[str] = []
    for first in range(0, len(texts), BATCH):
        answers += [each.text for each in asyncio.run(translator.translate(texts[first : first + BATCH], direction))]
    return answers, ended


if __name__ == "__main__":
    main()
