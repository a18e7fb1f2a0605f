"""Source lines to calibrate, verify and self-test with: from the checkpoint's samples or from files of plain text."""

import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from export.errors import ExportError
from server.bundle import LanguagePair, Manifest
from server.text.tokenizer import Tokenizer
from training.checkpoint import Sample

# Lines read from a file: enough to draw hundreds of varied ones, however large the file.
MAX_LINES_READ = 20_000
T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """A source sentence of one direction, with its ids: prefix and EOS included."""

    source: str
    target: str
    text: str
    source_ids: tuple[int, ...]


def gather_lines(
    files: Mapping[str, Path], samples: Sequence[Sample], manifest: Manifest, tokenizer: Tokenizer
) -> list[Line]:
    """Lines for every direction: from `files`, plain or .gz, by source language; without one, from `samples`.

    Raises:
        ExportError: a file that cannot be read or is of no use, or a direction without any line.
    """
    texts: dict[tuple[str, str], list[str]] = {(pair.source, pair.target): [] for pair in manifest.pairs}
    sources = sorted({source for source, _ in texts})
    for language, path in files.items():
        if language not in sources:
            raise ExportError(f"{path} is said to be in {language!r}; the model translates from {', '.join(sources)}")
        read = _read_texts(path)
        texts |= {pair: read for pair in texts if pair[0] == language}
    for sample in samples:
        if (sample.source, sample.target) in texts and sample.source not in files:
            texts[sample.source, sample.target].append(sample.source_text)
    lines = {pair: _encode(pair, texts[pair.source, pair.target], manifest, tokenizer) for pair in manifest.pairs}
    bare = [f"{pair.source}-{pair.target}" for pair, found in lines.items() if not found]
    if bare:
        raise ExportError(
            f"there is no text to calibrate or verify {', '.join(bare)} with: the checkpoint has no samples of it that "
            "fit the model; give text of the source language with --golden LANG=FILE, and for int8 also with "
            "--calibration-source LANG=FILE"
        )
    return [line for found in lines.values() for line in found]


def choose_evenly(lines: Sequence[Line], num_lines: int) -> list[Line]:
    """At most `num_lines` of `lines`, as many from each direction as there can be, spread over all of it."""
    directions: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        directions.setdefault((line.source, line.target), []).append(line)
    share = -(-num_lines // max(len(directions), 1))
    return [line for group in directions.values() for line in spread(group, share)]


def spread(items: Sequence[T], num_items: int) -> list[T]:
    """At most `num_items` of `items`, evenly spaced, first and last included."""
    if len(items) <= num_items:
        return list(items)
    return [items[round(i * (len(items) - 1) / max(num_items - 1, 1))] for i in range(num_items)]


def _encode(pair: LanguagePair, texts: Iterable[str], manifest: Manifest, tokenizer: Tokenizer) -> list[Line]:
    eos, longest = manifest.special_ids.eos, manifest.dimensions.max_source_length
    lines = (
        Line(pair.source, pair.target, text, (*pair.prefix_ids, *tokenizer.encode(text), eos))
        for text in texts
        if text.strip()
    )
    return [line for line in lines if len(line.source_ids) <= longest]


def _read_texts(path: Path) -> list[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            return [line.rstrip("\r\n") for line in islice(file, MAX_LINES_READ)]
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ExportError(f"{path} cannot be read as UTF-8 text: {error}") from error
