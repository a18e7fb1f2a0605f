"""OPUS-MT's archives of BPE: text as their script prepares it, by the weights of a model of Marian's."""

import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sacremoses import MosesDetokenizer, MosesPunctNormalizer, MosesTokenizer
from subword_nmt.apply_bpe import BPE
from subword_nmt.learn_bpe import learn_bpe

from export import importer
from export.errors import ExportError
from export.importer import read_source
from export.sources.options import SourceOptions
from export.sources.source import Source
from server.models.models import Model
from server.text.moses import read_settings
from tests.corpus import sentences
from tests.export.sources.moses_lines import dress
from tests.export.sources.served import encode, serve

FIXTURE = Path(__file__).with_name("marian") / "yaml"
PAIRS = dress(sentences(400))
TEXTS = {language: [pair[i] for pair in PAIRS] for i, language in enumerate(("de", "en"))}
ODD = [
    "„Weiß“ & Sohn … 5 % (ja ) – ’s ist gut",
    "Drei，vier。 «\u00a0Das Boot\u00a0» a\u200bb",
    "U-Bahn-Netz z.B. am 3. Mai",
]
# As the script calls Moses, of which only what decides is here.
SCRIPT = """#!/bin/bash
${TOKENIZER}/replace-unicode-punctuation.perl |
${TOKENIZER}/remove-non-printing-char.perl |
${TOKENIZER}/normalize-punctuation.perl -l $1 |
${TOKENIZER}/tokenizer.perl -a -threads ${THREADS} -l $1 |
python3 ${SNMTPATH}/apply_bpe.py -c $2
"""


def prepare(language: str, text: str, *, plain: bool = True) -> str:
    """What the script pipes into BPE."""
    normalizer = MosesPunctNormalizer(language, perl_parity=True)
    if plain:
        text = normalizer.normalize(normalizer.replace_unicode_punct(text).replace("\u200b", " "))
    tokens: str = MosesTokenizer(language).tokenize(text, aggressive_dash_splits=plain, return_str=True)
    return tokens


def learn(language: str) -> str:
    codes = io.StringIO()
    learn_bpe(io.StringIO("\n".join(prepare(language, text) for text in TEXTS[language])), codes, 100)
    return codes.getvalue()


CODES = {language: learn(language) for language in TEXTS}
BPES = {language: BPE(io.StringIO(codes)) for language, codes in CODES.items()}
FOUND = Counter(
    piece
    for language, texts in TEXTS.items()
    for text in texts
    for piece in BPES[language].process_line(prepare(language, text)).split()
)
PIECES = ["</s>", "<unk>", *(piece for piece, _ in FOUND.most_common())]


def write(folder: Path, pieces: list[str] = PIECES, script: str = SCRIPT) -> Path:
    """A folder as OPUS-MT has them, with one vocabulary for both sides."""
    folder.mkdir(parents=True)
    shutil.copyfile(FIXTURE / "decoder.yml", folder / "decoder.yml")
    quoted = (f"{_quote(piece)}: {i}\n" for i, piece in enumerate(pieces))
    (folder / "model.vocab.yml").write_text("".join(quoted), encoding="utf-8")
    for name, language in (("source", "de"), ("target", "en")):
        (folder / f"{name}.bpe").write_text(CODES[language], encoding="utf-8")
    if script:
        (folder / "preprocess.sh").write_text(script)
    with np.load(FIXTURE / "model.npz") as arrays:
        found = dict(arrays)
    # Rows of their own for each piece, since no choice may hang on two that are the same.
    rng = np.random.default_rng(1)
    for name in ("Wemb", "decoder_ff_logit_out_b"):
        shape = (len(pieces), found[name].shape[1]) if name == "Wemb" else (1, len(pieces))
        found[name] = rng.normal(0, found[name].std(), shape).astype(np.float32)
    np.savez(folder / "model.npz", **found)
    return folder


def _quote(piece: str) -> str:
    escaped = piece.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read(folder: Path, **options: Any) -> Source:
    return read_source(folder, "marian", SourceOptions(pairs=(("de", "en"),), **options))


def refuse(folder: Path, **options: Any) -> str:
    with pytest.raises(ExportError) as refused:
        read(folder, **options)
    return str(refused.value)


def ids_of(text: str, *, plain: bool = True) -> list[int]:
    known = {piece: i for i, piece in enumerate(PIECES) if i > 1}
    return [known.get(piece, 1) for piece in BPES["de"].process_line(prepare("de", text, plain=plain)).split()]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    root = tmp_path_factory.mktemp("opus")
    with serve(read(write(root / "model")), root / "bundle") as model:
        yield model


def test_text_has_the_ids_that_the_script_gives_it(model: Model) -> None:
    for text in (*TEXTS["de"][:60], *ODD):
        assert encode(model, text) == [*ids_of(text), 0]
        assert len(model.tokenizer.source_spans(text)) == len(ids_of(text))


def test_ids_become_text_as_moses_joins_it(model: Model) -> None:
    for text in TEXTS["en"][:60]:
        pieces = BPES["en"].process_line(prepare("en", text)).split()
        joined = (" ".join(pieces) + " ").replace("@@ ", "").split()
        ids = [PIECES.index(piece) for piece in pieces]
        assert model.tokenizer.decode([*ids, 0]) == MosesDetokenizer("en").detokenize(joined)


def test_the_command_makes_a_bundle_of_an_archive(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, archive = write(tmp_path / "model"), tmp_path / "opus.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for path in folder.iterdir():
            opened.write(path, path.name)
    assert importer.main([str(archive), str(tmp_path / "bundle"), "--pair", "de-en", "--precision", "fp32"]) == 0
    assert "ready for ferry-serve" in capsys.readouterr().out
    settings = [
        read_settings((tmp_path / "bundle" / name).read_bytes()) for name in ("tokenizer.json", "target_tokenizer.json")
    ]
    assert [each.language for each in settings] == ["de", "en"]
    assert (settings[0].normalises, settings[0].splits_dashes, settings[0].escapes) == (True, True, True)


def test_the_script_says_how_text_is_prepared(tmp_path: Path) -> None:
    other = SCRIPT.replace("-a -threads", "-no-escape -threads").replace("normalize-p", "p").replace("replace-u", "u")
    found = read_settings(read(write(tmp_path / "other", script=other)).tokenizers[0])
    assert (found.normalises, found.splits_dashes, found.escapes) == (False, False, False)
    silent = write(tmp_path / "silent", script="")
    found = read_settings(read(silent).tokenizers[0])
    # The vocabulary shows it, but for punctuation.
    assert (found.normalises, found.splits_dashes, found.escapes) == (False, True, True)
    assert read_settings(read(silent, normalise="opus").tokenizers[0]).normalises
    said = read_settings(read(silent, moses=frozenset({"lowercase"})).tokenizers[0])
    assert (said.normalises, said.splits_dashes, said.lowercases) == (False, False, True)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (SCRIPT.replace("tokenizer.perl", "mecab"), "makes no tokens with tokenizer.perl, which is not supported"),
        (SCRIPT + "${RECASER}/truecase.perl -model $3\n", "changes the case of words, which is not supported"),
    ],
)
def test_scripts_that_do_more_are_refused_in_words(tmp_path: Path, script: str, message: str) -> None:
    assert message in refuse(write(tmp_path / "model", script=script))


def test_damaged_or_strange_codes_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "model")
    (folder / "target.bpe").write_text("#version: 0.2\nabc\n")
    assert "target.bpe is damaged or holds no codes" in refuse(folder)
    (folder / "target.bpe").unlink()
    assert "source.bpe cannot make" in refuse(folder)
    (folder / "source.bpe").unlink()
    assert "has no source.spm or .bpe that cuts text into them" in refuse(folder)


def test_tags_of_targets_are_no_text(tmp_path: Path) -> None:
    pieces = [*PIECES, ">>eng<<", ">>nld<<"]
    source = read_source(write(tmp_path / "model", pieces), "marian", SourceOptions(pairs=(("de", "en"), ("de", "nl"))))
    assert [pair.prefix_ids for pair in source.pairs] == [(len(PIECES),), (len(PIECES) + 1,)]
    settings = [read_settings(each) for each in source.tokenizers]
    assert all({len(PIECES), len(PIECES) + 1} < set(each.silent) for each in settings)
    assert [each.language for each in settings] == ["de", ""]
