"""A tiny run over the test grammar, shared by the tests of the training room."""

from pathlib import Path

import pytest
import torch

from tests.corpus import sentences, write_corpus
from training import report

CONFIG = """
[[corpora]]
name = "grammar"
languages = ["de", "en"]
files = ["train.de.gz", "train.en.gz"]

[[validation]]
name = "grammar"
languages = ["de", "en"]
files = ["dev.de.gz", "dev.en.gz"]

[data]
root = "{root}"
max_length = 40
max_validation_lines = 12

[tokenizer]
vocab_size = 380

[model]
d_model = 32
d_ff = 48
num_heads = 2
num_encoder_layers = 2
num_decoder_layers = 1
dropout = 0.1

[optim]
max_steps = 8
warmup_steps = 4
max_batch_tokens = 400

[run]
dir = "{root}/run"
validate_every = 4
log_every = 1
num_threads = 1
"""


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny tensors are slower on several threads."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is most of the work of a run this small; the test marked `curves` looks at them."""
    if request.node.get_closest_marker("curves") is None:
        monkeypatch.setattr(report, "draw_curves", lambda events: b"")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose corpora and run live in `tmp_path`."""
    write_corpus(tmp_path, "train", sentences(400))
    write_corpus(tmp_path, "dev", sentences(420)[400:])
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(root=tmp_path))
    return path
