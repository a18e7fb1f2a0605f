"""Moses, BPE and a dictionary give the ids and texts that sacremoses and subword-nmt give, called as fairseq does."""

import io
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacremoses import MosesDetokenizer, MosesPunctNormalizer, MosesTokenizer
from subword_nmt.apply_bpe import BPE
from subword_nmt.learn_bpe import learn_bpe

from server.text.moses import MAX_WORD, MosesPieces, MosesSettings, read_settings, write_settings
from server.text.tokenizer import Tokenizer

SPECIALS = ("<s>", "<pad>", "</s>", "<unk>")
UNK = 3
LINES = {
    "de": [
        'Er sagt: "Im U-Bahn-Netz fährt z.B. die Linie 7 (am 3. Mai)."',
        "Dr. Weiß & Sohn verkaufen 1.000 Äpfel, Birnen usw. für 3,50 Euro ... mehr als 50 %!",
        "So geht's nicht: [Anm. d. Red.] <b>fett</b> | 'einfache' und „schöne“ Zeichen.",
        "Die Große Straße, eine Straße in Groß-Gerau; der Straßenbahnfahrer fährt.",
    ],
    "en": [
        'She says: "The U-Bahn network isn\'t big, e.g. line 7 (on 3 May)."',
        "Dr. White & Son sell 1,000 apples, pears etc. for 3.50 euros ... more than 50%!",
        "It's the sailors' boat, don't you think? [Ed.] <b>bold</b> | 'single' quotes.",
    ],
}


@dataclass(frozen=True)
class Peer:
    """Their way from text to pieces, what of it a dictionary has, and ours."""

    cut: Callable[[str], list[str]]
    join: Callable[[list[str]], str]
    pieces: tuple[str, ...]
    ours: MosesPieces

    def ids(self, text: str) -> list[int]:
        known = {piece: i for i, piece in enumerate(self.pieces) if i > UNK}
        return [known.get(piece, UNK) for piece in self.cut(text)]


def build(
    language: str,
    splits_dashes: bool,
    escapes: bool,
    lowercases: bool,
    version: str = "0.2",
    normalises: bool = False,
) -> Peer:
    tokenizer, detokenizer = MosesTokenizer(language), MosesDetokenizer(language)
    normalizer = MosesPunctNormalizer(language, perl_parity=True)

    def prepare(text: str) -> str:
        if normalises:
            text = normalizer.normalize(normalizer.replace_unicode_punct(text))
        tokens: str = tokenizer.tokenize(text, aggressive_dash_splits=splits_dashes, escape=escapes, return_str=True)
        return tokens.lower() if lowercases else tokens

    written = io.StringIO()
    learn_bpe(io.StringIO("\n".join(map(prepare, LINES[language]))), written, 60)
    codes = written.getvalue().replace("#version: 0.2", f"#version: {version}")
    bpe = BPE(io.StringIO(codes))
    found = Counter(piece for line in LINES[language] for piece in bpe.process_line(prepare(line)).split())
    pieces = (*SPECIALS, *sorted(found))
    made = MosesSettings(
        language=language,
        pieces=pieces,
        silent=(0, 1, 2, 3),
        unk=UNK,
        codes=tuple(codes.rstrip().split("\n")),
        normalises=normalises,
        splits_dashes=splits_dashes,
        escapes=escapes,
        lowercases=lowercases,
    )
    return Peer(
        lambda text: bpe.process_line(prepare(text)).split(),
        lambda pieces: detokenizer.detokenize((" ".join(pieces) + " ").replace("@@ ", "").rstrip().split()),
        pieces,
        MosesPieces(made),
    )


_PLAIN = {"„": '"', "“": '"'}
WAYS = [
    ("de", True, True, False),
    ("de", False, True, True),
    ("en", True, False, False),
    ("en", False, True, False),
    ("en", True, True, True),
    ("de", True, True, False, "0.2", True),
]


@pytest.fixture(params=WAYS, ids=lambda way: "-".join(map(str, way)), scope="module")
def peer(request: pytest.FixtureRequest) -> Peer:
    return build(*request.param)


def texts(peer: Peer) -> list[str]:
    return [line for lines in LINES.values() for line in lines]


def test_ids_are_theirs(peer: Peer) -> None:
    tokenizer = Tokenizer(peer.ours)
    assert tokenizer.vocab_size == tokenizer.target_vocab_size == len(peer.pieces)
    for text in (*texts(peer), "", "  ", "a", "DOTMULTI @@ @-@ </w> <unk> &amp; ..", "İSTANBUL ΣΑΣ ẞ 中文"):
        assert tokenizer.encode(text) == peer.ids(text)


def test_texts_are_theirs(peer: Peer) -> None:
    tokenizer = Tokenizer(peer.ours)
    for text in texts(peer):
        ids = peer.ids(text)
        assert tokenizer.decode([2, *ids, 0, 1]) == peer.join([peer.pieces[i] if i > UNK else "" for i in ids])
    assert tokenizer.decode([]) == ""


def test_what_is_unknown_joins_no_words() -> None:
    pieces = (*SPECIALS, "Str@@", "des", "ße")
    ours = Tokenizer(MosesPieces(msgspec.structs.replace(ANY.ours._settings, pieces=pieces)))
    assert ours.decode([4, UNK, 5]) == "Str des"
    assert ours.decode([4, 6, UNK, 5]) == "Strße des"
    assert ours.target_ends([4, UNK, 5]) == [3, 3, 7]


def test_each_id_has_its_characters(peer: Peer) -> None:
    tokenizer = Tokenizer(peer.ours)
    for text in texts(peer):
        spans = tokenizer.source_spans(text)
        ids = peer.ids(text)
        assert len(spans) == len(ids)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        for (start, end), i in zip(spans, ids, strict=True):
            piece = peer.pieces[i].removesuffix("@@")
            # Of an escaped sign the first piece has the character, the others none.
            if i != UNK and not set(piece) & {"@", "&"} and end > start:
                shown = text[start:end]
                if peer.ours._settings.normalises:
                    shown = _PLAIN.get(shown, shown)
                assert (shown.lower() if peer.ours._settings.lowercases else shown) == piece


def test_escaped_signs_and_hyphens_have_one_character() -> None:
    peer = build("de", True, True, False)
    text = 'Die U-Bahn & "das Netz"'
    spans = [text[a:b] for a, b in Tokenizer(peer.ours).source_spans(text)]
    assert "".join(spans) == text.replace(" ", "")
    assert {"-", "&", '"'} <= set(spans)


def test_each_id_of_a_translation_ends_where_decoding_shows_it(peer: Peer) -> None:
    tokenizer = Tokenizer(peer.ours)
    for text in texts(peer):
        ids = [2, *(i for i in peer.ids(text) if i != UNK), 0]
        decoded, ends = tokenizer.decode(ids), tokenizer.target_ends(ids)
        assert len(ends) == len(ids)
        assert ends == sorted(ends)
        assert (ends[0], ends[-1]) == (0, len(decoded))
        for start, end, i in zip(ends, ends[1:], ids[1:], strict=False):
            piece = peer.pieces[i].removesuffix("@@")
            if piece.isalpha() and end > start:
                assert decoded[start:end].strip() == piece


def test_where_signs_are_not_in_order_decoding_tells_the_ends() -> None:
    peer = build("de", True, True, False)
    # Moses joins two words of Chinese; a dash within spaces of its own is no hyphen.
    pieces = (*SPECIALS, "@-@", "DOTMULTI", "a")
    ours = Tokenizer(MosesPieces(msgspec.structs.replace(peer.ours._settings, pieces=pieces)))
    assert ours.decode([6, 4, 4, 6]) == "a-@-@ a"
    assert ours.target_ends([6, 4, 4, 6]) == [1, 2, 5, 7]


def test_characters_in_no_form_are_lacking(peer: Peer) -> None:
    tokenizer = Tokenizer(peer.ours)
    for text in LINES[peer.ours._settings.language]:
        assert tokenizer.find_lacking(text) == set()
    assert {"中", "☃"} <= tokenizer.find_lacking("a 中 ☃\x00")


def test_an_escaped_sign_that_is_unknown_is_lacking_itself() -> None:
    peer = build("de", True, True, False)
    pieces = tuple(f"{piece}x" if piece.startswith("&") else piece for piece in peer.pieces)
    ours = Tokenizer(MosesPieces(msgspec.structs.replace(peer.ours._settings, pieces=pieces)))
    assert ours.find_lacking("Weiß & Sohn") == {"&"}


def test_the_older_version_of_codes_joins_otherwise() -> None:
    old, new = build("de", True, True, False, "0.1"), build("de", True, True, False)
    for text in LINES["de"]:
        assert Tokenizer(old.ours).encode(text) == old.ids(text)
    assert old.cut(LINES["de"][1]) != new.cut(LINES["de"][1])


@given(text=st.text(alphabet=st.characters(exclude_categories=())))
@settings(deadline=None)
def test_any_text_becomes_ids_of_the_vocabulary(text: str) -> None:
    tokenizer = Tokenizer(ANY.ours)
    ids = tokenizer.encode(text)
    assert all(UNK <= i < tokenizer.vocab_size for i in ids)
    assert len(tokenizer.source_spans(text)) in (0, len(ids))
    tokenizer.decode(ids).encode()
    assert tokenizer.find_lacking(text) <= set(text)
    assert len(tokenizer.target_ends(ids)) == len(ids)


ANY = build("de", True, True, True)


def test_words_without_end_are_cut_into_stretches() -> None:
    tokenizer = Tokenizer(ANY.ours)
    word = "straße" * MAX_WORD
    assert len(tokenizer.source_spans(word)) == len(tokenizer.encode(word))
    assert tokenizer.source_spans(word)[-1][1] == len(word)
    assert tokenizer.encode(word)[: MAX_WORD // 10] == ANY.ids(word)[: MAX_WORD // 10]


def test_without_codes_words_stay_whole() -> None:
    ours = Tokenizer(MosesPieces(msgspec.structs.replace(ANY.ours._settings, pieces=(*SPECIALS, "netz"), codes=())))
    assert ours.encode("Netz-Straße") == [4, UNK, UNK]
    assert ours.source_spans("Netz-Straße") == [(0, 4), (4, 5), (5, 11)]


def test_a_file_holds_it_whole(tmp_path: Path) -> None:
    path, chosen = tmp_path / "tokenizer.json", ANY.ours._settings
    path.write_bytes(write_settings(chosen))
    assert read_settings(path.read_bytes()) == chosen
    assert Tokenizer.load(path).encode(LINES["de"][0]) == ANY.ids(LINES["de"][0])
    assert Tokenizer.load(path, path).target_vocab_size == len(ANY.pieces)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unk": 5000}, "a special id beyond them"),
        ({"silent": (-1,)}, "a special id beyond them"),
        ({"codes": ("#version: 0.3",)}, "begin with '#version: 0.3'"),
        ({"codes": ("#version: 0.2",)}, "join nothing"),
        ({"codes": ("#version: 0.2", "a b c")}, "'a b c', which is no two pieces"),
        ({"codes": ("#version: 0.2", "a ")}, "'a ', which is no two pieces"),
        ({"codes": ("#version: 0.2", "")}, "'', which is no two pieces"),
    ],
)
def test_settings_that_would_fail_later_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MosesPieces(msgspec.structs.replace(ANY.ours._settings, **change))


@pytest.mark.parametrize(
    "content", [b"{", b'{"language": "de"}', b'{"pieces": 3}', b"{\xff", b'{"a":' + b"[" * 100_000]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="the dictionary for Moses and BPE is damaged"):
        Tokenizer.load(path)


def test_a_file_of_any_damage_is_refused_or_works() -> None:
    content, rng = write_settings(ANY.ours._settings), random.Random(1)
    num_refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 3)):
            damaged[rng.randrange(1, len(damaged))] = rng.choice(b'{}[]",:\\0-a@\xff')
        try:
            tokenizer = Tokenizer(MosesPieces(read_settings(bytes(damaged))))
        except ValueError:
            num_refused += 1
        else:
            tokenizer.decode(list(range(tokenizer.target_vocab_size)))
            assert len(tokenizer.source_spans(LINES["de"][0])) == len(tokenizer.encode(LINES["de"][0]))
    assert 20 < num_refused < 150


@pytest.mark.parametrize("name", ["sacremoses", "subword_nmt.apply_bpe"])
def test_what_is_not_installed_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RuntimeError, match=r"packages that are not installed .*'\.\[moses\]'"):
        MosesPieces(ANY.ours._settings)
