"""Text that Moses and BPE cut: the codes and the dictionary that people's models have, made into a tokenizer's file.

No file says how Moses was called, but the dictionary shows it: words cut at hyphens left `@-@` in it, escaped signs
`&quot;`, and a text in small letters no others.
"""

import re
from collections.abc import Sequence, Set
from pathlib import Path

from export.errors import ExportError
from export.sources.files import read_text
from export.sources.languages import served_code
from export.sources.pieces import SPACE, Vocabulary, is_target_tag
from server.text.moses import DASH, GOES_ON, VERSIONS, MosesPieces, MosesSettings, is_merge, write_settings

CODE_NAMES = ("bpecodes", "bpe.codes", "codes", "code", "bpe_codes")
# What a user may say of how text was prepared.
PUNCTUATION, DASHES, ESCAPES, LOWERCASE = "punctuation", "dashes", "escapes", "lowercase"
PREPARATIONS = (PUNCTUATION, DASHES, ESCAPES, LOWERCASE)
# Entries of a dictionary that its codes cannot make, such as tags: more, and they are another model's codes.
MAX_STRANGE = 0.1
_ESCAPES = {"&quot;", "&apos;", "&amp;"}
_FAST = re.compile(r"\S+ \S+ \d+")
_END = "</w>"


def is_cut_by_bpe(pieces: Sequence[str]) -> bool:
    """Whether `pieces` are those of subword-nmt or fastBPE, of which some say that they go on; not SentencePiece's."""
    return any(each.endswith(GOES_ON) for each in pieces) and not any(each.startswith(SPACE) for each in pieces)


def find_codes(folder: Path, language: str) -> Path:
    """The codes in `folder` that cut text of `language`: its own, or those of all.

    Raises:
        ExportError: there are none, or several with names that say nothing.
    """
    common = [folder / name for name in CODE_NAMES if (folder / name).is_file()]
    found = find_own_codes(folder, language) or common or sorted(folder.glob("*.codes"))
    if not found:
        raise ExportError(
            f"{folder} has none of {', '.join(CODE_NAMES)} or *.codes, which cuts words into the pieces of the "
            "dictionary; give --codes FILE"
        )
    if found[0].suffix == ".codes" and found[0].stem != language and len(found) > 1:
        raise ExportError(
            f"{folder} holds several codes ({', '.join(each.name for each in found)}); give --codes with one of them"
        )
    return found[0]


def find_own_codes(folder: Path, language: str) -> list[Path]:
    """The codes that `language` has for itself alone."""
    names = [*(f"{name}.{language}" for name in CODE_NAMES), f"{language}.codes"]
    return [folder / name for name in names if (folder / name).is_file()]


def read_codes(path: Path) -> tuple[str, ...]:
    """The lines of the codes in the file `path`, as `server.text.moses` has them; fastBPE's are made into such.

    Raises:
        ExportError: it is missing, or no codes.
    """
    lines = [line.strip(" \r") for line in read_text(path).rstrip("\n").split("\n")]
    version = VERSIONS[0]
    if lines[0].startswith("#version:"):
        said = re.sub(r"(\.0+)*$", "", lines.pop(0).split()[-1])
        version = f"#version: {said.removeprefix('#version:')}"
    elif all(map(_FAST.fullmatch, lines)):
        lines, version = [line.rpartition(" ")[0] for line in lines], VERSIONS[1]
    if version not in VERSIONS:
        raise ExportError(f"{path} has codes of {version[1:]}; there are {' and '.join(each[1:] for each in VERSIONS)}")
    for number, line in enumerate(lines, 1):
        if not is_merge(line):
            raise ExportError(
                f"{path} is damaged or holds no codes of subword-nmt or fastBPE: line {number} of the merges is "
                f"{line[:60]!r}, which is no two pieces"
            )
    return (version, *lines)


def build_moses(
    vocabulary: Vocabulary,
    language: str,
    path: Path | None,
    said: Set[str] | None,
    name: str,
    others: Sequence[Path] = (),
) -> bytes:
    """The tokenizer's file of one side.

    Args:
        vocabulary: what numbers the pieces.
        language: of the text, as its dictionary calls it.
        path: of the codes; None for a side whose text is never cut.
        said: of `PREPARATIONS`, what the user says; None for what the dictionary shows.
        name: what messages call the dictionary.
        others: codes of the other side, whose pieces the dictionary may have too.

    Raises:
        ExportError: the codes are damaged or another model's, or the programs are not installed.
    """
    codes = read_codes(path) if path else ()
    tags = {i for i, piece in enumerate(vocabulary.pieces) if is_target_tag(piece)}
    silent = {vocabulary.eos, vocabulary.unk, *vocabulary.others, *tags}
    if path:
        pieces = [each for i, each in enumerate(vocabulary.pieces) if i not in silent]
        _check_match([codes, *map(read_codes, others)], pieces, path, name)
    prepared = see_preparations(vocabulary.pieces) if said is None else said
    settings = MosesSettings(
        language=served_code(language).partition("-")[0],
        pieces=tuple(vocabulary.pieces),
        silent=tuple(sorted(silent)),
        unk=vocabulary.unk,
        codes=codes,
        normalises=PUNCTUATION in prepared,
        splits_dashes=DASHES in prepared,
        escapes=ESCAPES in prepared,
        lowercases=LOWERCASE in prepared,
    )
    try:
        MosesPieces(settings)
    except (RuntimeError, ValueError) as error:
        raise ExportError(f"{name}: {error}") from None
    return write_settings(settings)


def see_preparations(pieces: Sequence[str]) -> set[str]:
    """Those of `PREPARATIONS` that a dictionary of `pieces` shows."""
    known = set(pieces)
    found = {DASHES} if DASH in known else set()
    if known & _ESCAPES or not known & {'"', "'", "&"}:
        found.add(ESCAPES)
    if not any(char.isupper() for piece in pieces for char in piece):
        found.add(LOWERCASE)
    return found


def _check_match(codes: Sequence[Sequence[str]], pieces: Sequence[str], path: Path, name: str) -> None:
    """Refuse codes that cannot have made the dictionary."""
    made = {line.replace(" ", "") for each in codes for line in each[1:]}
    if codes[0][0] == VERSIONS[0]:
        # There the end of a word is a piece of its own, and may stay one.
        made |= {each + _END for each in made}
    longer = [piece for piece in pieces if len(piece.removesuffix(GOES_ON)) > 1]
    ours = (piece.removesuffix(GOES_ON) if piece.endswith(GOES_ON) else piece + _END for piece in longer)
    strange = [piece for piece, wanted in zip(longer, ours, strict=True) if wanted not in made]
    if len(strange) > MAX_STRANGE * len(longer):
        raise ExportError(
            f"{path.name} cannot make {len(strange)} of the {len(longer)} longer pieces of {name}, such as "
            f"{', '.join(strange[:3])}: it is another model's; give --codes FILE"
        )
