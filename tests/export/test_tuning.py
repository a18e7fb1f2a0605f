"""Models of other toolkits, trained on: imported, unpacked and exported again they say the same, and they learn."""

from pathlib import Path

import numpy as np
import pytest

from export.importer import import_model, read_source
from export.manifest import ExportSettings
from export.pack import Material, pack
from export.sources.options import SourceOptions
from export.sources.own import from_checkpoint
from export.sources.source import Source
from export.unpack import main as unpack_by_command
from export.unpack import unpack
from server.bundle import Bundle, Precision, read_bundle
from server.text.tokenizer import Tokenizer as ServedTokenizer
from tests.corpus import sentences, write_corpus
from tests.export.test_unpack import translate
from training import report
from training.checkpoint import read_checkpoint
from training.report import read_metrics
from training.train import main as train

SOURCES = Path(__file__).parent / "sources"
# Each family, with norms before and after, an SSRU, one to three tables, one and two tokenizers,
# prefixes, learned positions.
MODELS = {
    "marian pre-norm": SOURCES / "marian" / "pre-norm" / "model.npz",
    "marian ssru": SOURCES / "marian" / "ssru" / "model.npz",
    "marian yaml": SOURCES / "marian" / "yaml" / "model.npz",
    "firefox": SOURCES / "marian" / "student" / "model.bin",
    "transformers": SOURCES / "marian_mt" / "separate",
    "transformers, tagged": SOURCES / "marian_mt" / "shuffled",
    "fairseq": SOURCES / "fairseq" / "iwslt",
    "fairseq, learned": SOURCES / "fairseq" / "pre-norm",
}
LINES = [source for source, _ in sentences(24, seed=1)]


def quiet(message: str) -> None:
    pass


def import_bundle(name: str, folder: Path, precision: Precision = "fp32") -> tuple[Source, Bundle]:
    source = read_source(MODELS[name], "auto", SourceOptions(pairs=(("de", "en"),)))
    import_model(source, folder, ExportSettings(precision=precision), Material(), quiet)
    return source, read_bundle(folder)


def translations(bundle: Bundle) -> list[tuple[int, ...]]:
    """Greedy ids of some lines, as they are served."""
    manifest, tokenizer = bundle.manifest, ServedTokenizer.load(*bundle.tokenizers())
    (pair,) = manifest.pairs
    return translate(bundle, [(*pair.prefix_ids, *tokenizer.encode(line), manifest.special_ids.eos) for line in LINES])


@pytest.mark.parametrize("name", MODELS)
def test_what_is_unpacked_and_exported_again_says_the_same(name: str, tmp_path: Path) -> None:
    source, imported = import_bundle(name, tmp_path / "imported")
    unpack(imported, tmp_path / "unpacked", 0.1, quiet)
    checkpoint = read_checkpoint(tmp_path / "unpacked")
    found = from_checkpoint(checkpoint)
    for field in ("tokenizers", "pairs", "special_ids", "suppressed_ids", "max_source_length", "max_target_length"):
        assert getattr(found, field) == getattr(source, field), field
    pack(found, tmp_path / "again", ExportSettings(), Material(), quiet)
    again = read_bundle(tmp_path / "again")
    assert translations(again) == translations(imported)
    weights = source.model.state_dict()
    for key, tensor in checkpoint.model.state_dict().items():
        np.testing.assert_allclose(tensor, weights[key], rtol=3e-7, atol=0)


@pytest.mark.parametrize("name", ["firefox", "marian pre-norm", "transformers, tagged", "fairseq"])
def test_int8_bundles_too(name: str, tmp_path: Path) -> None:
    source, imported = import_bundle(name, tmp_path / "imported", "int8")
    unpack(imported, tmp_path / "unpacked", 0.1, quiet)
    found = from_checkpoint(read_checkpoint(tmp_path / "unpacked"))
    assert (found.special_ids, found.suppressed_ids) == (source.special_ids, source.suppressed_ids)
    pack(found, tmp_path / "again", ExportSettings(precision="int8"), Material(), quiet)
    pairs = zip(translations(read_bundle(tmp_path / "again")), translations(imported), strict=True)
    assert sum(a == b for a, b in pairs) >= 18


RUN = """
[[corpora]]
name = "grammar"
languages = ["de", "en"]
files = ["train.de.gz", "train.en.gz"]
directions = ["de-en"]

[[validation]]
name = "grammar"
languages = ["de", "en"]
files = ["dev.de.gz", "dev.en.gz"]
directions = ["de-en"]

[data]
root = "{root}"
max_length = 60
max_validation_lines = 12

[optim]
learning_rate = 3e-3
max_steps = 30
warmup_steps = 5
max_batch_tokens = 800

[run]
dir = "{root}/run"
init_from = "{root}/unpacked"
validate_every = 15
log_every = 1
num_threads = 1
"""


def write_run(root: Path) -> list[str]:
    """A run that starts from the unpacked model in `root`, over text that is new to it; its command line."""
    pairs = [(source, " ".join(reversed(target.split()))) for source, target in sentences(220)]
    write_corpus(root, "train", pairs[:200])
    write_corpus(root, "dev", pairs[200:])
    (root / "run.toml").write_text(RUN.format(root=root))
    settings = read_checkpoint(root / "unpacked").settings.model
    model = {name: value for name, value in vars(settings).items() if name != "dropout"}
    sets = [f"model.{name}={str(v).lower() if isinstance(v, bool) else v}" for name, v in model.items()]
    return [str(root / "run.toml"), *(word for each in sets for word in ("--set", each))]


@pytest.mark.parametrize("name", ["marian pre-norm", "firefox", "transformers, tagged", "fairseq, learned"])
def test_training_on_lowers_the_loss_and_changes_the_bundle(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "draw_curves", lambda events: b"")
    source, imported = import_bundle(name, tmp_path / "imported")
    unpack(imported, tmp_path / "unpacked", 0.1, quiet)
    command = write_run(tmp_path)
    assert train([*command, "--set", "optim.max_steps=20"]) == 0
    assert train([*command, "--resume"]) == 0
    losses = [event["nll"] for event in read_metrics(tmp_path / "run" / "metrics.jsonl") if event["event"] == "train"]
    assert len(losses) == 30
    assert np.mean(losses[-5:]) < np.mean(losses[:3]) - 0.1
    checkpoint = read_checkpoint(tmp_path / "run" / "checkpoints" / "last")
    found = from_checkpoint(checkpoint)
    for field in ("tokenizers", "pairs", "special_ids", "suppressed_ids"):
        assert getattr(found, field) == getattr(source, field), field
    start = checkpoint.model.target_table[source.special_ids.bos]
    if not source.model.target_table[source.special_ids.bos].any():
        assert not start.any(), "a target still starts from zeros"
        if source.model.logits_bias is not None:
            biases = checkpoint.model.logits_bias
            assert biases is not None
            assert biases[source.special_ids.bos] == source.model.logits_bias[source.special_ids.bos]
    assert not np.allclose(checkpoint.model.output_table.numpy(force=True), source.model.output_table.numpy(force=True))
    pack(found, tmp_path / "tuned", ExportSettings(), Material(), quiet)
    assert translations(read_bundle(tmp_path / "tuned")) != translations(imported)


def test_what_it_cannot_be_trained_for_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_bundle("marian ssru", tmp_path / "imported")
    assert unpack_by_command([str(tmp_path / "imported"), str(tmp_path / "unpacked")]) == 0
    output = capsys.readouterr().out
    assert "terms of the Marian model, which go with what is made of it: unknown; ask where it is from" in output
    command = write_run(tmp_path)
    text = (tmp_path / "run.toml").read_text()
    both = text.replace('directions = ["de-en"]\n', "", 1)
    for changed, message in (
        (both, "corpora 'grammar': direction en-de; the model of run.init_from"),
        (both.replace("[data]", '[formality]\ntargets = ["de"]\n\n[data]'), "has no ids that mark forms of address"),
    ):
        (tmp_path / "run.toml").write_text(changed)
        assert train(command) == 2
        assert message in capsys.readouterr().err
    (tmp_path / "run.toml").write_text(text)
    assert train([*command, "--set", "model.tie_source_target=true"]) == 2
    assert "model.tie_source_target: False there, True here" in capsys.readouterr().err
    (tmp_path / "unpacked" / "scheme.json").write_text('{"pad": 0')
    assert train(command) == 2
    assert "scheme.json cannot be read" in capsys.readouterr().err
