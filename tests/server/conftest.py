"""A tiny tokenizer, and a model around the fake engine."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sentencepiece

from server.bundle import (
    FORMAT,
    Bundle,
    Dimensions,
    FileEntry,
    LanguagePair,
    Manifest,
    Quality,
    SearchDefaults,
    SpecialIds,
)
from server.models.models import Model, Models, TranslationEngine
from server.text.tokenizer import Tokenizer
from tests.server.fakes import DE, EN, FakeEngine

SENTENCES = """
Guten Morgen, wie geht es dir heute? Das Haus am See ist alt und schön. Wir fahren morgen mit dem Zug nach Berlin.
Kannst du mir bitte das Buch geben? Ich habe gestern einen langen Brief geschrieben. Der Hund läuft durch den Park.
Good morning, how are you today? The house by the lake is old and beautiful. We take the train to Berlin tomorrow.
Can you give me the book, please? I wrote a long letter yesterday. The dog runs through the park, and we follow it.
""".replace("? ", "?\n").replace(". ", ".\n")  # fmt: skip


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "spm.model"
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES.split("\n") * 3),
            model_writer=file,
            model_type="unigram",
            vocab_size=400,
            byte_fallback=True,
            normalization_rule_name="nmt_nfkc",
            control_symbols=["<2en>", "<2de>"],
            pad_id=0,
            unk_id=1,
            bos_id=2,
            eos_id=3,
            hard_vocab_limit=False,
            minloglevel=2,
        )
    return path


@pytest.fixture(scope="session")
def tokenizer(tokenizer_file: Path) -> Tokenizer:
    return Tokenizer.load(tokenizer_file)


TINY_PAIRS = (("de", "en", EN), ("en", "de", DE))


def tiny_model(
    engine: TranslationEngine,
    tokenizer: Tokenizer,
    folder: Path,
    max_source_length: int = 48,
    pairs: tuple[tuple[str, str, int], ...] = TINY_PAIRS,
) -> Model:
    """A model of a bundle that has no graphs."""
    manifest = Manifest(
        format=FORMAT,
        name="tiny",
        version="1.2",
        created_with="tests",
        precision="fp32",
        decoder_mixing="ssru",
        pairs=tuple(LanguagePair(source, target, (prefix,)) for source, target, prefix in pairs),
        special_ids=SpecialIds(pad=0, unk=1, bos=2, eos=3),
        suppressed_ids=(),
        dimensions=Dimensions(8, 16, 2, 4, 1, 3, *[tokenizer.vocab_size] * 2, max_source_length, 60, 8),
        search=SearchDefaults(beam_size=2, length_penalty=0.6),
        quality=(Quality("tatoeba", "de", "en", 42.5, 60.1, "nrefs:1"),),
        files={"tokenizer": FileEntry("spm.model", 0, "")},
    )
    (folder / "manifest.json").write_text("{}")
    return Model(Bundle(folder, manifest), tokenizer, engine)


MakeModel = Callable[..., Model]


@pytest.fixture
def make_model(tokenizer: Tokenizer, tmp_path: Path) -> MakeModel:
    """Build a model: `make_model(engine, max_source_length=12)`."""
    return lambda engine, **varied: tiny_model(engine, tokenizer, tmp_path, **varied)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def models(make_model: MakeModel, engine: FakeEngine) -> Models:
    return Models((make_model(engine),))
