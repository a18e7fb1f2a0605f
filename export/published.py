"""Files in which a model's makers give its own translations, to compare a bundle's with.

OPUS-MT gives a `.test.txt` with each model: three lines for each sentence, which are source, reference and translation,
and an empty one. They are plain text; in older files, pieces of SentencePiece. Sources of models with several targets
may begin with a piece such as `>>deu<<`. Else, a line may be a source and its translation with a tab between.

Source: Helsinki-NLP/OPUS-MT-train, lib/test.mk (`%.compare`) and lib/dist.mk, which copies that to `.test.txt`.
"""

import gzip
import zipfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from export.errors import ExportError

# Such files have a few MB; what is larger is another kind of file.
MAX_BYTES = 256 << 20
BLOCK = ("source", "reference", "translation")
SPACE = "▁"


@dataclass(frozen=True)
class PublishedLine:
    """A source and its translation; `number` is the line of the file that the source stands in, from 1."""

    source: str
    translation: str
    number: int


def read_published(path: Path) -> tuple[PublishedLine, ...]:
    """All lines of the file `path`, plain, .gz, or the only file in a .zip.

    Raises:
        ExportError: it cannot be read, or has another form.
    """
    texts = _read_lines(path)
    filled = [text for text in texts if text]
    if filled and all(text.count("\t") == 1 for text in filled):
        pairs = [(number, text.split("\t")) for number, text in enumerate(texts, 1) if text]
        found = [PublishedLine(_join(pair[0]), _join(pair[1]), number) for number, pair in pairs]
    else:
        found = _read_blocks(path, texts)
    found = [line for line in found if line.source and line.translation]
    if not found:
        raise ExportError(f"{path} has no line with a source and a translation")
    return tuple(found)


def _read_blocks(path: Path, texts: Sequence[str]) -> list[PublishedLine]:
    """What stands in blocks of three lines with empty ones between."""
    found, block = [], list[str]()
    for number, text in enumerate([*texts, ""], 1):
        if text:
            block.append(text)
        elif block:
            if len(block) != len(BLOCK):
                raise ExportError(
                    f"{path}, line {number - len(block)}: a block of {len(block)} lines; it must be of {len(BLOCK)}, "
                    f"{', '.join(BLOCK)}, with an empty line after it, or all lines source TAB translation"
                )
            found.append(PublishedLine(_join(block[0]), _join(block[2]), number - len(block)))
            block = []
    return found


def _join(text: str) -> str:
    """`text`, put together from its pieces if it is cut into them."""
    return (text.replace(" ", "").replace(SPACE, " ") if SPACE in text else text).strip()


def _read_lines(path: Path) -> list[str]:
    try:
        with ExitStack() as opened:
            content = _open(path, opened).read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ExportError(f"{path} has more than {MAX_BYTES >> 20} MiB of text; give a file of fewer lines")
        lines = content.decode("utf-8-sig").split("\n")
    except (OSError, EOFError, zipfile.BadZipFile, UnicodeDecodeError, NotImplementedError, RuntimeError) as error:
        raise ExportError(f"{path} cannot be read as UTF-8 text: {error}") from None
    return [line.strip("\r ") for line in lines]


def _open(path: Path, opened: ExitStack) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast(IO[bytes], opened.enter_context(gzip.open(path, "rb")))
    if path.suffix != ".zip":
        return opened.enter_context(path.open("rb"))
    archive = opened.enter_context(zipfile.ZipFile(path))
    names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    if len(names) != 1:
        raise ExportError(f"{path} holds {len(names)} files; unpack it and give one of them")
    return opened.enter_context(archive.open(names[0]))
