"""Test sets: source lines with one reference each, from plain or .gz files. Only a newline ends a line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from export.errors import ExportError
from training.data.corpus import read_pairs

# Name and languages become a file's name, `tatoeba.de-en.txt`.
_NAME = re.compile(r"\w[\w.-]*")
_LANGUAGE = re.compile(r"\w+")


@dataclass(frozen=True)
class TestSet:
    """Lines of one direction; `references[i]` translates `sources[i]`, and neither is blank."""

    name: str
    source: str
    target: str
    source_file: Path
    reference_file: Path
    sources: tuple[str, ...]
    references: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name}.{self.source}-{self.target}"


def read_test_sets(wanted: Sequence[Sequence[str]]) -> tuple[TestSet, ...]:
    """One test set for each (name, source, target, source file, reference file).

    Raises:
        ExportError: a name that cannot be a file's, two sets with one name, or a blank line.
        CorpusError: files that cannot be read, are empty, or are not aligned.
    """
    test_sets = tuple(
        _read(name, source, target, Path(one), Path(other)) for name, source, target, one, other in wanted
    )
    names = [str(each) for each in test_sets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ExportError(f"--test gives {', '.join(twice)} more than once; give each set a name of its own")
    return test_sets


def _read(name: str, source: str, target: str, source_file: Path, reference_file: Path) -> TestSet:
    if not _NAME.fullmatch(name):
        raise ExportError(f"--test {name!r}: a test set's name has letters, digits, '_', '-' and '.' only")
    for language in (source, target):
        if not _LANGUAGE.fullmatch(language):
            raise ExportError(f"--test {name}: {language!r} is not a language code such as de")
    pairs = list(read_pairs(source_file, reference_file))
    for number, (text, reference) in enumerate(pairs, 1):
        if not (text.strip() and reference.strip()):
            blank = source_file if not text.strip() else reference_file
            raise ExportError(f"{blank}, line {number} of {len(pairs)}, is blank; take it out of both files")
    sources, references = zip(*pairs, strict=True)
    return TestSet(name, source.lower(), target.lower(), source_file, reference_file, sources, references)
