"""Text of one side to ids and back as fairseq's models mostly have it: Moses' tokens, cut by BPE, in a dictionary.

`sacremoses` and `subword-nmt` do it, which are installed (extra `moses`) where a bundle needs them. Moses looks at the
words around a full stop or a quotation mark, which no rule of a SentencePiece model can.

The file is a JSON object of `MosesSettings`.
"""

import functools
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from server.text.punctuation import Punctuation

NEEDS = "pip install -c constraints.txt -e '.[moses]'"
# What stands at the end of a piece that goes on.
GOES_ON = "@@"
# What Moses writes for a hyphen that it cut a word at.
DASH = "@-@"
VERSIONS = ("#version: 0.1", "#version: 0.2")
# Longer words are cut into stretches of so many characters: BPE takes time with the square, and no word is so long.
MAX_WORD = 256
_MAX_KNOWN_WORDS = 1 << 14
_ESCAPE = re.compile("&(?:amp|lt|gt|quot|apos|bar|bra|ket|#124|#91|#93);")
_ESCAPED = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&apos;": "'",
    "&bar;": "|",
    "&#124;": "|",
    "&bra;": "[",
    "&#91;": "[",
    "&ket;": "]",
    "&#93;": "]",
}


class MosesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What cuts and numbers the text of one side.

    Attributes:
        language: two letters, whose rules Moses takes.
        pieces: by id; one that ends in `GOES_ON` goes on in the next.
        silent: ids that stand for no text.
        unk: id of what the dictionary lacks.
        codes: what BPE joins, best first, as `subword-nmt` writes it, with the version as the first line; without any,
            words stay whole, as they may where text is only written.
        normalises: whether punctuation is made plain before, as OPUS-MT does.
        splits_dashes: whether words are cut at hyphens (Moses' aggressive splits).
        escapes: whether `&`, quotes and brackets are written as XML has them.
        lowercases: whether tokens are in small letters.
    """

    language: str
    pieces: tuple[str, ...]
    silent: tuple[int, ...]
    unk: int
    codes: tuple[str, ...]
    normalises: bool
    splits_dashes: bool
    escapes: bool
    lowercases: bool


class MosesPieces:
    """Moses, BPE and a dictionary; what `server.text.tokenizer.Side` asks for.

    Raises:
        RuntimeError: `sacremoses` or `subword-nmt` is not installed.
        ValueError: the settings contradict themselves.
    """

    def __init__(self, settings: MosesSettings) -> None:
        _check(settings)
        self._settings = settings
        self.size = len(settings.pieces)
        self._silent = frozenset(settings.silent)
        self._ids = {piece: i for i, piece in enumerate(settings.pieces) if i not in self._silent}
        self._moses, self._detokenizer, self._bpe, self._punctuation = _load_programs(settings)
        # Threads share it; BPE's own memory of words grows for ever.
        self._pieces_of = functools.lru_cache(_MAX_KNOWN_WORDS)(self._cut_word)

    @classmethod
    def load(cls, path: Path) -> "MosesPieces":
        """Load the file at `path`.

        Raises:
            OSError: it cannot be read.
            RuntimeError: `sacremoses` or `subword-nmt` is not installed.
            ValueError: it does not hold what it must.
        """
        return cls(read_settings(path.read_bytes()))

    def encode(self, text: str) -> list[int]:
        """Ids of `text`, without specials."""
        return [self._id(piece) for token in self._tokens(text) for piece in self._pieces_of(token)]

    def spans(self, text: str) -> list[tuple[int, int]]:
        """The characters of `text` that each id of `encode(text)` stands for; none if they cannot be told."""
        plain, origins = self._punctuation.normalise(text) if self._punctuation else (text, range(len(text)))
        tokens = self._tokens_of(plain)
        places = _place(tokens, plain)
        if places is None:
            return []
        return list(self._spans(tokens, [[origins[at] for at in word] for word in places]))

    def find_lacking(self, text: str) -> set[str]:
        """The characters of `text` that the dictionary has in no form, and that became nothing that it has."""
        lacking = {char for token in self._tokens(text) for char in self._lacking_of(token)}
        return {char for char in text if char in lacking or char.lower() in lacking} if lacking else set()

    def decode(self, ids: Sequence[int]) -> str:
        """Text of `ids`; specials are dropped."""
        text: str = self._detokenizer.detokenize([token for token, _ in self._words(ids)])
        return text

    def ends(self, ids: Sequence[int]) -> list[int] | None:
        """Where each of `ids` ends in `decode(ids)`; None if that cannot be told of the whole."""
        words = self._words(ids)
        places = _place([token for token, _ in words], self.decode(ids))
        if places is None:
            return None
        ends = [0] * len(ids)
        for (_, parts), word in zip(words, places, strict=True):
            for number, length in parts:
                ends[number] = word[length - 1] + 1 if length else 0
        return ends

    def _tokens(self, text: str) -> list[str]:
        """The tokens that Moses makes of `text`."""
        return self._tokens_of(self._punctuation.normalise(text)[0] if self._punctuation else text)

    def _tokens_of(self, text: str) -> list[str]:
        """Those of a text of plain punctuation."""
        settings = self._settings
        tokens: list[str] = self._moses.tokenize(
            text, aggressive_dash_splits=settings.splits_dashes, escape=settings.escapes
        )
        return [token.lower() for token in tokens] if settings.lowercases else tokens

    def _cut_word(self, token: str) -> tuple[str, ...]:
        if self._bpe is None:
            return (token,)
        stretches = [token[i : i + MAX_WORD] for i in range(0, len(token), MAX_WORD)]
        return tuple(self._bpe.segment_tokens(stretches))

    def _id(self, piece: str) -> int:
        return self._ids.get(piece, self._settings.unk)

    def _spans(self, tokens: Sequence[str], places: Sequence[Sequence[int]]) -> Iterator[tuple[int, int]]:
        for token, word in zip(tokens, places, strict=True):
            at, behind = 0, 0
            for piece in self._pieces_of(token):
                at += len(_text_of(piece))
                end = word[at - 1] + 1
                # Of what stands for one character the first piece has it.
                yield max(word[at - len(_text_of(piece))], behind), end
                behind = end

    def _lacking_of(self, token: str) -> Iterator[str]:
        """The characters of `token` that were read as unknown alone; of such as an escape stands for, that one."""
        unknown = [_text_of(piece) for piece in self._pieces_of(token) if piece not in self._ids]
        if unknown and token in _ESCAPED:
            yield _ESCAPED[token]
        elif unknown:
            yield from (char for char in unknown if len(char) == 1 and not {char, char + GOES_ON} & self._ids.keys())

    def _words(self, ids: Sequence[int]) -> list[tuple[str, list[tuple[int, int]]]]:
        """The tokens that `ids` spell, each with which of them it is made of, and how long it then is."""
        words: list[tuple[str, list[tuple[int, int]]]] = []
        goes_on = False
        for number, i in enumerate(ids):
            if i in self._silent:
                goes_on = False  # what is unknown ends a word rather than to join two
                continue
            piece = self._settings.pieces[i]
            if not goes_on:
                words.append(("", []))
            token, parts = words[-1]
            token += _text_of(piece)
            words[-1] = (token, [*parts, (number, len(token))])
            goes_on = piece.endswith(GOES_ON)
        return words


def is_moses(content: bytes) -> bool:
    """Whether a tokenizer's file of this `content`, or this beginning, is of this kind: a JSON object."""
    return content.startswith(b"{")


def read_settings(content: bytes) -> MosesSettings:
    """The settings that a tokenizer's file holds.

    Raises:
        ValueError: it is damaged, or lacks something.
    """
    try:
        return msgspec.json.decode(content, type=MosesSettings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"the dictionary for Moses and BPE is damaged: {error}") from None


def write_settings(settings: MosesSettings) -> bytes:
    """What a tokenizer's file holds of `settings`."""
    return msgspec.json.encode(settings)


def _check(settings: MosesSettings) -> None:
    """Refuse what would fail later, in the midst of a request."""
    size = len(settings.pieces)
    if any(not 0 <= i < size for i in (settings.unk, *settings.silent)):
        raise ValueError(f"the dictionary has {size} pieces, and a special id beyond them")
    if settings.codes and settings.codes[0] not in VERSIONS:
        raise ValueError(f"the codes of BPE begin with {settings.codes[0]!r}; there are {' and '.join(VERSIONS)}")
    if len(settings.codes) == 1:
        raise ValueError("the codes of BPE join nothing")
    odd = next((line for line in settings.codes[1:] if not is_merge(line)), None)
    if odd is not None:
        raise ValueError(f"the codes of BPE have the line {odd!r}, which is no two pieces")


def is_merge(line: str) -> bool:
    """Whether `line` says of two pieces that BPE joins them."""
    return len(line.split(" ")) == 2 and all(line.split(" "))


def _load_programs(settings: MosesSettings) -> tuple[Any, Any, Any, Punctuation | None]:
    """Moses' tokenizer and detokenizer, BPE, if there are codes for it, and rules of punctuation, if they are asked."""
    try:
        from sacremoses import MosesDetokenizer, MosesTokenizer
        from subword_nmt.apply_bpe import BPE

        punctuation = Punctuation(settings.language) if settings.normalises else None
    except ImportError as error:
        raise RuntimeError(
            f"its text is cut by Moses and BPE, which needs packages that are not installed ({error.name}): {NEEDS}"
        ) from None
    moses, detokenizer = MosesTokenizer(settings.language), MosesDetokenizer(settings.language)
    # As it asks, but it would make a set of all letters anew for each word with a full stop.
    letters, small = frozenset(moses.IsAlpha), frozenset(moses.IsLower)
    moses.isanyalpha = lambda text: not letters.isdisjoint(text)
    moses.islower = small.issuperset
    moses.NONBREAKING_PREFIXES = frozenset(moses.NONBREAKING_PREFIXES)
    if not settings.codes:
        return moses, detokenizer, None, punctuation
    bpe = BPE(io.StringIO("\n".join(settings.codes) + "\n"), separator=GOES_ON)
    bpe.cache = _NoCache()
    return moses, detokenizer, bpe, punctuation


class _NoCache(dict[str, tuple[str, ...]]):
    """Keeps nothing."""

    def __setitem__(self, key: str, value: tuple[str, ...]) -> None:
        """Leave `value`."""


def _text_of(piece: str) -> str:
    return piece.removesuffix(GOES_ON)


def _place(tokens: Sequence[str], text: str) -> list[list[int]] | None:
    """Where in `text` each character of each token stands; None if they are not those of the text, in order.

    Spaces may be anywhere, letters small or capital; a hyphen may be written as `DASH`, and signs as XML has them.
    """
    stream = [(char, index) for index, each in enumerate(text) if not each.isspace() for char in each.casefold()]
    places: list[list[int]] = []
    at = 0
    for token in tokens:
        word: list[int] = []
        for sign, length in _signs(token, at < len(stream) and stream[at][0] == "-"):
            for char in sign.casefold():
                if at == len(stream) or stream[at][0] != char:
                    return None
                at += 1
            word += [stream[at - 1][1]] * length
        places.append(word)
    return places if at == len(stream) else None


def _signs(token: str, is_dash: bool) -> Iterator[tuple[str, int]]:
    """What `token` writes, sign by sign, each with how many characters it takes there."""
    if token == DASH and is_dash:
        yield "-", len(DASH)
        return
    at = 0
    for escape in _ESCAPE.finditer(token):
        yield from ((char, 1) for char in token[at : escape.start()])
        yield _ESCAPED[escape.group()], len(escape.group())
        at = escape.end()
    yield from ((char, 1) for char in token[at:])
