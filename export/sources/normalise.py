"""OPUS-MT's preparation of text, compiled into the normaliser that a SentencePiece model has already.

Those models were trained on text that had gone through a script of substitutions (`preprocess.sh`, after Moses'
replace-unicode-punctuation.perl) before SentencePiece. As rules of the normaliser they cost nothing when text is cut,
and the offsets of pieces in the user's text stay true.
"""

import functools
import unicodedata
from collections.abc import Iterable, Mapping

import sentencepiece
from sentencepiece import SentencePieceNormalizer, sentencepiece_model_pb2

# The script writes a quotation mark for the wide digit one, as Moses does; that is a slip, and here it is a 1.
_WIDE = dict(zip("，、∶：？！；０１２３４５６７８９～％（）．。", ",,::?!;0123456789~%()..", strict=True))
_QUOTES = dict.fromkeys("”“《》「」", '"') | {"’": "'"}
_OTHERS = {"…": "...", "━": "-", "〈": "<", "〉": ">", "【": "[", "】": "]"}
# Where the script writes a space after what it replaces.
_SPACED = {each: _WIDE[each] + " " for each in "．。"}
REPLACED: Mapping[str, str] = _WIDE | _QUOTES | _OTHERS | _SPACED
# Characters that say nothing by themselves (category C) become spaces: those of format, and of private use in the
# first plane, which old fonts had symbols in. Controls never come this far, and what Unicode has not assigned is rare.
PRIVATE = range(0xE000, 0xF900)
# What a character that the vocabulary lacks is read as: the plain one of its kind. Theirs is not known at all.
TWINS: Mapping[str, str] = dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("„‟«»“”", '"') | dict.fromkeys("‘‚‛’", "'")
SPACE = "▁"


def prepare(content: bytes, pieces: Iterable[str]) -> bytes:
    """The SentencePiece model `content`, of a vocabulary of `pieces`, for text that OPUS-MT's script has not seen."""
    return add_rules(content, opus_rules(pieces))


def opus_rules(pieces: Iterable[str]) -> dict[str, str]:
    """What OPUS-MT replaces in text before it is cut, and what a vocabulary of `pieces` had better not see."""
    known = set(pieces)
    silent = [chr(i) for i in (*range(0x20000), 0xE0001, *range(0xE0020, 0xE0080)) if _is_format(chr(i))]
    rules = dict.fromkeys((*silent, *map(chr, PRIVATE)), " ") | dict(REPLACED)
    for character, twin in TWINS.items():
        # What SentencePiece mostly makes of it anyway may be known.
        if not known.isdisjoint((character, unicodedata.normalize("NFKC", character))) or character in rules:
            continue
        if SPACE + character in known:
            # It is known where a word begins. A rule that replaces nothing is none, or this would be one of " " too.
            rules[character] = " " + character
            rules |= {digit + character: digit + twin for digit in "0123456789" if twin in known}
        elif twin in known:
            rules[character] = twin
    return rules


def add_rules(content: bytes, rules: Mapping[str, str]) -> bytes:
    """The SentencePiece model `content`, which replaces what `rules` say before it does what it did."""
    model = sentencepiece_model_pb2.ModelProto()  # type: ignore[attr-defined]
    model.ParseFromString(content)
    spec = model.normalizer_spec
    spec.precompiled_charsmap = _compile(spec.precompiled_charsmap, tuple(rules.items()))
    spec.name = "user_defined"
    return bytes(model.SerializeToString())


@functools.lru_cache(2)  # both sides mostly have the same, and a quarter of a million rules take seconds
def _compile(charsmap: bytes, rules: tuple[tuple[str, str], ...]) -> bytes:
    sentencepiece.set_min_log_level(2)
    found: dict[str, str] = {}
    replaced = dict(rules)
    if charsmap:
        spec = sentencepiece_model_pb2.NormalizerSpec(  # type: ignore[attr-defined]
            precompiled_charsmap=charsmap,
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            escape_whitespaces=False,
        )
        before = SentencePieceNormalizer(normalizer_spec=spec.SerializeToString())
        found = dict(before.decompile())
        replaced = dict(zip(replaced, before.normalize(list(replaced.values())), strict=True))
    after = SentencePieceNormalizer(norm_map=list((found | replaced).items()))
    compiled = sentencepiece_model_pb2.NormalizerSpec()  # type: ignore[attr-defined]
    compiled.ParseFromString(after.serialized_normalizer_spec())
    return bytes(compiled.precompiled_charsmap)


def _is_format(character: str) -> bool:
    return unicodedata.category(character) == "Cf"
