"""OPUS-MT's models of BPE: a vocabulary in YAML, each side's codes, and the script that says how Moses was called."""

import re
from collections.abc import Sequence
from pathlib import Path

from export.errors import ExportError
from export.sources.files import read_text
from export.sources.moses import DASHES, ESCAPES, PUNCTUATION, build_moses, see_preparations
from export.sources.options import SourceOptions
from export.sources.pieces import Vocabulary
from server.bundle import LanguagePair

SCRIPT = "preprocess.sh"
_TOKENIZER = re.compile(r"tokenizer\.perl\b([^|\n]*)")
_PUNCTUATION = ("normalize-punctuation.perl", "replace-unicode-punctuation.perl")


def has_codes(vocabulary: Path) -> bool:
    """Whether text for the source's `vocabulary` is cut by codes of BPE: OPUS-MT has them in place of `source.spm`."""
    folder = vocabulary.parent
    return vocabulary.suffix == ".yml" and (folder / "source.bpe").is_file() and not (folder / "source.spm").is_file()


def build_bpe(
    sides: Sequence[Vocabulary], pairs: Sequence[LanguagePair], folder: Path, options: SourceOptions
) -> tuple[tuple[bytes, ...], list[Path]]:
    """The tokenizer's file of each side, and the files read.

    Args:
        sides: the vocabularies of source and target.
        pairs: what is translated; where that is one language on a side, Moses takes its rules.
        folder: of the codes and the script.
        options: what the user says.

    Raises:
        ExportError: a file is damaged, or the script does what is not supported.
    """
    script = folder / SCRIPT
    prepared = options.moses
    if prepared is None:
        prepared = _read_script(script, sides[0], options)
    codes = options.codes or folder / "source.bpe"
    # Both sides' pieces may be in one vocabulary.
    others = [each for each in [folder / "target.bpe"] if each.is_file()]
    name = "the vocabulary"
    languages = [_single([pair.source for pair in pairs]), _single([pair.target for pair in pairs])]
    source = build_moses(sides[0], languages[0], codes, prepared, name, others)
    target = build_moses(sides[1], languages[1], None, prepared, name)
    return (source, target), [codes, *([script] if script.is_file() else [])]


def _read_script(path: Path, vocabulary: Vocabulary, options: SourceOptions) -> frozenset[str]:
    """How text was prepared, as the script at `path` says, or the vocabulary where there is none."""
    found = see_preparations(vocabulary.pieces)
    text = read_text(path) if path.is_file() else ""
    if text:
        call = _TOKENIZER.search(text)
        if call is None or "truecase" in text:
            raise ExportError(
                f"{path} {'changes the case of words' if call else 'makes no tokens with tokenizer.perl'}, which is "
                "not supported; --moses says how text is prepared in place of it"
            )
        found -= {DASHES, ESCAPES}
        found |= {DASHES} if re.search(r"\s-a\b", call[1]) else set()
        found |= set() if "-no-escape" in call[1] else {ESCAPES}
    plain = options.normalise == "opus" or (options.normalise == "auto" and any(each in text for each in _PUNCTUATION))
    return frozenset(found | {PUNCTUATION} if plain else found)


def _single(languages: Sequence[str]) -> str:
    return languages[0] if len(set(languages)) == 1 else ""
