"""The recipes: each can be read, and those that are scripts go from text to scores, here on our own grammar."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.corpus import sentences, write_corpus
from training.settings import load_settings

Recipe = Callable[..., "subprocess.CompletedProcess[str]"]
RECIPES = Path(__file__).parents[2] / "training" / "recipes"
SHORT = [
    *("--set", "optim.max_steps=4", "--set", "run.validate_every=4", "--set", "run.num_threads=1"),
    *("--set", "data.max_validation_lines=4", "--set", "optim.max_batch_tokens=512", "--set", "data.max_length=40"),
    *("--set", "model.d_model=32", "--set", "model.d_ff=48", "--set", "model.num_heads=2"),
    *("--set", "model.num_encoder_layers=1"),
]


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipe_is_valid(path: Path, tmp_path: Path) -> None:
    config = tomllib.loads(path.read_text())
    for corpus in config["corpora"] + config["validation"] + config.get("test", []):
        for name in corpus["files"]:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
    settings = load_settings(path, [f"data.root={tmp_path}"])
    assert settings.run.dir.startswith("runs/")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recipe]:
    """What a script says, run with our commands, which all come out of one process."""
    folder = tmp_path_factory.mktemp("bin")
    command = [sys.executable, "-m", "tests.system.warm", str(folder / "socket")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}

        def run(name: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
            script = [str(RECIPES / name), *map(str, arguments)]
            return subprocess.run(script, env=environment, capture_output=True, text=True, check=False)

        yield run
        process.terminate()


@pytest.mark.slow
@pytest.mark.unmeasured
def test_multi30k_goes_from_text_to_scores_and_is_not_done_twice(tmp_path: Path, recipe: Recipe) -> None:
    pairs = sentences(110)
    write_corpus(tmp_path / "text", "train", pairs[:100])
    for name in ("val", "test_2016_flickr"):
        write_corpus(tmp_path / "text", name, pairs[100:])
    runs = tmp_path / "runs"
    arguments = (*SHORT, "--set", "tokenizer.vocab_size=390", "--set", "model.num_decoder_layers=1")
    done = recipe("multi30k.sh", tmp_path / "text", "de-en", runs, *arguments)
    assert done.returncode == 0, done.stderr
    assert "val.de-en" in done.stdout
    assert "test_2016_flickr.de-en" in done.stdout
    assert "case:lc" in done.stdout
    for name in ("train.own.de", "train.own.en"):
        assert len((runs / "multi30k-text" / name).read_text().splitlines()) == 100
    finished = (runs / "multi30k-joint" / "checkpoints" / "best" / "model.safetensors").stat().st_mtime_ns
    shutil.rmtree(runs / "multi30k-de-en-final")
    again = recipe("multi30k.sh", tmp_path / "text", "de-en", runs, *arguments)
    assert again.returncode == 0, again.stderr
    assert "test_2016_flickr.de-en" in again.stdout
    assert (runs / "multi30k-joint" / "checkpoints" / "best" / "model.safetensors").stat().st_mtime_ns == finished


@pytest.mark.slow
@pytest.mark.unmeasured
def test_students_are_trained_with_and_without_the_teacher(tmp_path: Path, recipe: Recipe) -> None:
    pairs = sentences(90)
    write_corpus(tmp_path / "text" / "train", "tatoeba", pairs[:80])
    for part in ("dev", "test"):
        write_corpus(tmp_path / "text" / part, "tatoeba", pairs[80:])
    runs = tmp_path / "runs"
    done = recipe("distil.sh", tmp_path / "text", runs, "1-ssru 2-attention-references", *SHORT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tatoeba.de-en") >= 2
    assert len((runs / "distil-text" / "train.distilled.en").read_text().splitlines()) == 80
    taught = corpora_of(runs / "distilled-1-ssru")
    assert taught == {"distilled", "references"}
    assert corpora_of(runs / "distilled-2-attention-references") == {"references"}


def corpora_of(run: Path) -> set[str]:
    """The corpora that a run was trained on."""
    return {folder.name for folder in (run / "data").iterdir() if folder.is_dir()}
