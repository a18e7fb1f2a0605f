"""One small model, trained, exported and served for real over the test grammar; made once for all system tests."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.corpus import sentences, write_corpus
from tests.ports import free_port
from tests.training.runs import UNDRAWN

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
max_length = 64
max_validation_lines = 40

[tokenizer]
vocab_size = 390

[model]
d_model = 64
d_ff = 128
num_heads = 2
num_encoder_layers = 2
num_decoder_layers = 1
dropout = 0.0

[optim]
precision = "fp32"
max_steps = 300
warmup_steps = 40
learning_rate = 4e-3
max_batch_tokens = 1024

[run]
dir = "{root}/run"
validate_every = 150
num_threads = 1
"""


def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ferry's commands to its end."""
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Served:
    """A running server over a bundle."""

    url: str
    bundle: Path
    process: "subprocess.Popen[str]"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a model that knows the grammar, its training killed in the middle and resumed."""
    root = tmp_path_factory.mktemp("system")
    write_corpus(root, "train", sentences(2600))
    write_corpus(root, "dev", sentences(3000)[2900:])
    config = root / "config.toml"
    config.write_text(CONFIG.format(root=root))
    command = [*UNDRAWN, str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
        try:
            last = root / "run" / "checkpoints" / "last"
            wait_until(lambda: last.exists() or first.poll() is not None, 300)
            assert last.exists(), first.communicate()[1]
        finally:
            first.kill()
    resumed = run("tests.training.undrawn", config, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert "resuming from step 150" in resumed.stdout
    return root / "run"


@pytest.fixture(scope="session", params=["fp32", "int8"])
def bundle(request: pytest.FixtureRequest, trained: Path) -> Path:
    """The model as a bundle of each precision."""
    folder = trained.parent / f"grammar-{request.param}"
    exported = run("export.cli", trained / "checkpoints" / "best", folder, "--precision", request.param)
    assert exported.returncode == 0, exported.stderr
    return folder


@pytest.fixture(scope="session")
def served(bundle: Path) -> Iterator[Served]:
    """`ferry-serve` on the bundle."""
    port = free_port()
    # Without its cache: what is compared here is the engine's.
    command = [sys.executable, "-m", "server.serve", "--models", str(bundle), "--port", str(port), "--cache-bytes=0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: process.poll() is not None or answers(url + "/health/ready"), 60)
    assert process.poll() is None, process.communicate()[1]
    yield Served(url, bundle, process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def answers(url: str) -> bool:
    """Whether a GET succeeds."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], limit_s: float) -> None:
    """Wait for something to become true."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.1)
