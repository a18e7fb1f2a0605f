"""What a held span costs the words around it, with a real model.

    python benchmarks/held_spans.py models/en-de --source de --target en --lines dev.de

In each line a name or number is chosen that is in the line and in its translation exactly once, and replaced by a
placeholder, by an emoji, or (in html) by an element with `translate="no"`. Told is chrF between the answer without the
mark and the translation of the line as it was without the name: 100 where the mark changes nothing around it. Once with
the mark cut out of the sentence and once with a stand-in in its place; and how sentences with stand-ins ended.
"""

import argparse
import asyncio
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from sacrebleu import sentence_chrf

from server.engine.types import EngineSettings
from server.markup import Options
from server.models.loading import load_model
from server.models.models import Model, Models
from server.settings import ServeSettings
from server.translation.request import TranslateOptions
from server.translation.sentences import GuardCounts
from server.translation.translator import Translator

WORD = re.compile(r"(?<![\w.,-])(?:\d+|[A-ZÄÖÜ]\w{2,})(?![\w-]|[.,]\d)")
MARKS = {"placeholder": "{name}", "emoji": "🦄", "translate=no": '<span translate="no">Zyx</span>'}
BATCH = 50


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--source", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--lines", type=Path, nargs="+", required=True, help="text, one sentence a line")
    parser.add_argument("--num-lines", type=int, default=500)
    asked = parser.parse_args()
    lines = [line for path in asked.lines for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line for line in lines if 15 < len(line) < 200 and "<" not in line and "&" not in line]
    random.Random(1).shuffle(lines)
    model = load_model(asked.bundle, EngineSettings(), lambda error: None, lambda text: None)
    direction = TranslateOptions(asked.source, asked.target)
    try:
        chosen = _choose(model, lines, direction, asked.num_lines)
        print(f"{asked.source}-{asked.target}, {len(chosen)} lines\n")
        print("| mark | cut out | stand-ins | copied | swapped | cut out after all |\n|---|---|---|---|---|---|")
        for kind, mark in MARKS.items():
            before, _ = _measure(replace(model, stand_ins={}), chosen, mark, direction)
            after, ended = _measure(model, chosen, mark, direction)
            shares = [f"{ended[how] / max(ended.total(), 1):.1%}" for how in ("copied", "swapped", "cut_out")]
            print(f"| {kind} | {before:.1f} | {after:.1f} | {' | '.join(shares)} |")
    finally:
        model.engine.close(0.0)


def _choose(
    model: Model, lines: Sequence[str], direction: TranslateOptions, num_lines: int
) -> list[tuple[str, int, int, str]]:
    """Lines with where the name is, and their translations without it."""
    found: list[tuple[str, int, int, str]] = []
    for first in range(0, len(lines), BATCH):
        batch = lines[first : first + BATCH]
        answers, _ = _translate(model, batch, direction)
        for line, answer in zip(batch, answers, strict=True):
            before, after = WORD.findall(line), WORD.findall(answer)
            spans = [each.span() for each in WORD.finditer(line) if before.count(each.group()) == 1]
            spans = [(a, b) for a, b in spans if after.count(line[a:b]) == 1]
            if spans:
                start, end = random.Random(line).choice(spans)
                found.append((line, start, end, _without(line[start:end], answer)))
        if len(found) >= num_lines:
            break
    return found[:num_lines]


def _measure(
    model: Model, chosen: Sequence[tuple[str, int, int, str]], mark: str, direction: TranslateOptions
) -> tuple[float, Counter[str]]:
    if mark.startswith("<"):
        direction = replace(direction, markup=Options(kind="html"))
    texts = [line[:start] + mark + line[end:] for line, start, end, _ in chosen]
    answers, ended = _translate(model, texts, direction)
    scores = [
        sentence_chrf(_without(mark, answer), [wanted]).score
        for answer, (*_, wanted) in zip(answers, chosen, strict=True)
    ]
    assert all(answer.count(mark) == 1 for answer in answers), "a mark was lost"
    return fmean(scores), ended


def _without(mark: str, text: str) -> str:
    return " ".join(text.replace(mark, " ", 1).split())


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
