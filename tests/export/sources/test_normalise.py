"""What OPUS-MT's script makes of text before it is cut, ours makes while it is cut.

`opus_lines.jsonl` has lines of our own with what the script gives for them (`prepared`, GNU sed 4.9 and Perl 5.36) and
the ids of that by transformers' 5.24 `MarianTokenizer` for two real models, whose files are not ours to keep here.
"""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
from sentencepiece import SentencePieceProcessor

from export.importer import read_source
from export.sources.marian import read_marian
from export.sources.marian_mt import read_vocabularies
from export.sources.normalise import add_rules, opus_rules, prepare
from export.sources.options import SourceOptions
from export.sources.pieces import read_model
from server.text.tokenizer import Tokenizer

HERE = Path(__file__).parent
SHARED = Path(__file__).parents[4] / "shared" / "data" / "opus-tokenizers"
LINES: list[dict[str, Any]] = [json.loads(line) for line in (HERE / "opus_lines.jsonl").read_text("utf-8").splitlines()]


def open_model(content: bytes) -> SentencePieceProcessor:
    return SentencePieceProcessor(model_proto=content)


@pytest.fixture(scope="module", params=["identity", "nmt_nfkc"])
def cutter(request: pytest.FixtureRequest) -> bytes:
    """A model with a normaliser that does nothing, and one with that of OPUS-MT's."""
    if request.param == "identity":
        return read_model(HERE / "marian_mt" / "shared" / "source.spm")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([line["prepared"] for line in LINES] * 10),
        model_writer=model,
        vocab_size=120,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return model.getvalue()


def test_text_becomes_what_the_script_makes_of_it(cutter: bytes) -> None:
    before, after = open_model(cutter), open_model(prepare(cutter, ()))
    for line in LINES:
        # The script's slip: the wide digit one.
        expected = line["prepared"].replace('"990年', "1990年")
        assert after.encode(line["text"]) == before.encode(expected), line["text"]
        assert after.normalize(line["text"]) == before.normalize(expected)


def test_offsets_are_those_of_the_users_text(cutter: bytes) -> None:
    offsets = open_model(prepare(cutter, ())).encode("a…\u200bb", return_type="offset_mapping")["offsets"]
    assert (offsets[0][0], offsets[-1][1]) == (0, 4)


def test_what_a_vocabulary_lacks_is_read_as_the_plain_character() -> None:
    rules = opus_rules(["-", '"', "▁–", "‐"])
    assert (rules["—"], rules["„"], rules["«"]) == ("-", '"', '"')
    assert "‚" not in rules  # there is no plain one of this kind
    assert "‐" not in rules
    assert "‑" not in rules  # which the usual normaliser makes the one before of
    assert (rules["–"], rules["5–"]) == (" –", "5-")


def test_dashes_that_a_vocabulary_has_only_at_the_beginning_of_words() -> None:
    cutter = read_model(HERE / "marian_mt" / "shared" / "source.spm")
    model = open_model(add_rules(cutter, opus_rules(["-", "▁–"])))
    assert [model.normalize(text) for text in ("a – b", "a–b", "1–2", "—")] == ["▁a▁–▁b", "▁a▁–b", "▁1-2", "▁-"]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there")
@pytest.mark.parametrize(("name", "eos"), [("en-mg", 0), ("en-pt", 44670)])
def test_ids_of_real_models(name: str, eos: int, tmp_path: Path) -> None:
    found = {}
    for kind in ("opus", "none"):
        _, models, _ = read_vocabularies(
            SHARED / name, eos, SourceOptions(normalise="opus" if kind == "opus" else "none")
        )
        (tmp_path / kind).write_bytes(models[0])
        found[kind] = Tokenizer.load(tmp_path / kind)
    for line in LINES:
        # Wide ones, and what the model knows in the other language only, are better here.
        if "１" not in line["text"]:
            assert [*found["opus"].encode(line["text"]), eos] == line[name], line["text"]
            assert [*found["none"].encode(line["prepared"]), eos] == line[name], line["text"]


def test_who_prepares_text(tmp_path: Path) -> None:
    """Folders of transformers, and of Marian with OPUS-MT's script; or as the user says."""
    folder = tmp_path / "model"
    folder.mkdir()
    for file in (HERE / "marian" / "yaml").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())

    def reads(folder: Path, **options: Any) -> str:
        asked = SourceOptions(pairs=(("de", "en"),), **options)
        source = read_source(folder, "auto", asked) if folder.is_dir() else read_marian(folder, asked)
        return str(open_model(source.tokenizers[0]).normalize("】"))

    assert [reads(folder), reads(folder, normalise="opus")] == ["▁】", "▁]"]
    (folder / "preprocess.sh").write_text("")
    assert [reads(folder), reads(folder, normalise="none")] == ["▁]", "▁】"]
    shared = HERE / "marian_mt" / "shared"
    assert [reads(shared), reads(shared, normalise="none")] == ["▁]", "▁】"]
