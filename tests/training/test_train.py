"""Whole runs: exact resuming, clean stopping, divergence, and what is left on disk."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from training import checkpoint as checkpoints
from training.checkpoint import CheckpointError, read_checkpoint
from training.decode import greedy_decode
from training.optim import learning_rate
from training.report import read_metrics
from training.settings import OptimSettings, load_settings
from training.train import Trainer, main


def losses(run: Path) -> list[tuple[int, float]]:
    return [(e["step"], e["nll"]) for e in read_metrics(run / "metrics.jsonl") if e["event"] == "train"]


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_resuming_gives_the_losses_of_an_uninterrupted_run(config: Path, tmp_path: Path, precision: str) -> None:
    common = [str(config), "--set", f"optim.precision={precision}", "--set", "optim.schedule=inverse_sqrt"]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main([*common, "--set", f"run.dir={whole}"]) == 0
    assert main([*common, "--set", f"run.dir={parts}", "--set", "optim.max_steps=5"]) == 0
    assert main([*common, "--set", f"run.dir={parts}", "--resume"]) == 0
    assert losses(parts) == losses(whole)
    assert [step for step, _ in losses(whole)] == list(range(1, 9))
    weights = [read_checkpoint(run / "checkpoints" / "last").model.state_dict() for run in (whole, parts)]
    for name in weights[0]:
        assert torch.equal(weights[0][name], weights[1][name]), name


def test_accumulated_batches_make_one_update(config: Path) -> None:
    settings = load_settings(config, ["optim.accumulate=3", "optim.precision=fp32", "model.dropout=0.0"])
    trainer = Trainer(settings, resume=False)
    batches = [batch for _, (_, batch) in zip(range(3), trainer.batches(), strict=False)]
    total = sum(trainer.loss(batch)[0] for batch in batches) / sum(batch.num_target_tokens for batch in batches)
    (expected,) = torch.autograd.grad(total, [trainer.model.embedding.weight])
    gradients = []
    step = trainer.optimizer.step

    def spy(number: int) -> float:
        gradients.append(trainer.model.embedding.weight.grad.clone())  # clipped in place afterwards
        return step(number)

    trainer.optimizer.step = spy  # type: ignore[method-assign]
    trainer.update(trainer.batches())
    torch.testing.assert_close(gradients[0], expected, rtol=1e-4, atol=1e-6)
    assert trainer.position.batch == 3


def test_the_loss_falls_and_the_run_describes_itself(config: Path, tmp_path: Path) -> None:
    assert main([str(config), "--set", "optim.max_steps=40", "--set", "run.validate_every=10"]) == 0
    run = tmp_path / "run"
    found = losses(run)
    assert found[-1][1] < found[0][1] - 0.5
    names = {path.name for path in (run / "checkpoints").iterdir()}
    assert names == {f"step-{s:08d}" for s in (10, 20, 30, 40)} | {"last", "best", "averaged"}
    assert (run / "curve.png").stat().st_size > 10_000
    checkpoint = read_checkpoint(run / "checkpoints" / "best")
    assert checkpoint.pairs == (("de", "en"), ("en", "de"))
    assert checkpoint.tag_ids == {"de": 4, "en": 5}
    assert {"loss", "bleu", "chrf", "grammar.de-en"} <= checkpoint.metrics.keys()
    assert checkpoint.samples[0].source_text.endswith(".")
    assert str(tmp_path) not in (checkpoint.path / "config.json").read_text()
    assert greedy_decode(checkpoint.model, [[4, 9, 3]], [5], checkpoint.suppressed_ids)


def test_old_checkpoints_go_the_best_stays(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    for step in (1, 2, 3, 4):
        (folder / f"step-{step:08d}").mkdir(parents=True)
    checkpoints.link(folder / "best", folder / "step-00000001")
    checkpoints.prune(folder, keep_last=2)
    assert sorted(path.name for path in folder.glob("step-*")) == [f"step-{s:08d}" for s in (1, 3, 4)]


def test_divergence_stops_with_a_clear_error(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(config), "--set", "optim.learning_rate=1e30", "--set", "optim.clip_norm=0"]) == 2
    assert "the run has diverged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--resume", "--set", "model.d_ff=56"], "model: "),
        (["--resume", "--set", "run.seed=9"], "run.seed: 1 then, 9 now"),
        ([], "continue it with --resume"),
    ],
)
def test_what_cannot_go_on_is_refused(
    config: Path, changes: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(config), "--set", "optim.max_steps=1"]) == 0
    assert main([str(config), *changes]) == 2
    assert words in capsys.readouterr().err


def test_resume_needs_something_to_resume(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(config), "--resume"]) == 2
    assert "start without --resume" in capsys.readouterr().err


def test_damaged_checkpoints_are_told(config: Path, tmp_path: Path) -> None:
    assert main([str(config), "--set", "optim.max_steps=1"]) == 0
    folder = (tmp_path / "run" / "checkpoints" / "last").resolve()
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        read_checkpoint(folder)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_checkpoint(tmp_path)
    config_json = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config_json | {"format": 99}))
    with pytest.raises(CheckpointError, match="format 99"):
        read_checkpoint(folder)


def test_sigterm_writes_a_checkpoint_and_sigkill_loses_little(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "training.train", str(config), "--set", "optim.max_steps=100000"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_step(run, 6)
    first.send_signal(signal.SIGTERM)
    out, err = first.communicate(timeout=60)
    assert (first.returncode, err) == (0, "")
    stopped = json.loads((run / "checkpoints" / "last" / "config.json").read_text())["position"]["step"]
    assert f"stopped at step {stopped}; go on with --resume" in out

    second = subprocess.Popen([*command, "--resume"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_step(run, stopped + 6)
    second.kill()
    second.communicate(timeout=60)
    read_checkpoint(run / "checkpoints" / "last")  # whole, whenever the kill came


def wait_for_step(run: Path, step: int) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        events = read_metrics(run / "metrics.jsonl")
        if events and events[-1]["step"] >= step:
            return
        time.sleep(0.1)
    raise TimeoutError(f"step {step} was not reached")


def test_learning_rate_schedules() -> None:
    linear = OptimSettings(learning_rate=1.0, warmup_steps=10, max_steps=100, schedule="linear")
    assert learning_rate(5, linear) == 0.5
    assert learning_rate(10, linear) == 1.0
    assert math.isclose(learning_rate(100, linear), 1 / 90)
    wsd = OptimSettings(learning_rate=1.0, warmup_steps=10, max_steps=100, schedule="wsd", decay_steps=20)
    assert [learning_rate(step, wsd) for step in (1, 50, 80)] == [0.1, 1.0, 1.0]
    assert math.isclose(learning_rate(91, wsd), 0.5)
    root = OptimSettings(learning_rate=1.0, warmup_steps=16, schedule="inverse_sqrt")
    assert learning_rate(64, root) == 0.5
