"""Whole runs: exact resuming, clean stopping, divergence, and what is left on disk."""

import json
import math
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.runs import UNDRAWN, losses, wait_for_step
from training.checkpoint import read_checkpoint
from training.decode import greedy_decode
from training.settings import load_settings
from training.train import Trainer, main


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
    batches = [batch for _, (_, batch) in zip(range(3), trainer.batches(), strict=False) if batch]
    total = sum(trainer.objective(batch)[0] for batch in batches) / sum(batch.num_target_tokens for batch in batches)
    (expected,) = torch.autograd.grad(total, [trainer.model.embedding.weight])
    gradients = []
    apply = trainer.optimizer.apply

    def spy(step: int, norm: float) -> None:
        gradients.append(trainer.model.embedding.weight.grad.clone())  # clipped in place afterwards
        apply(step, norm)

    trainer.optimizer.apply = spy  # type: ignore[method-assign]
    trainer.update(trainer.batches())
    torch.testing.assert_close(gradients[0], expected, rtol=1e-4, atol=1e-6)
    assert trainer.position.batch == 3


@pytest.mark.curves
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


def test_divergence_stops_with_a_clear_error(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wild = ["optim.learning_rate=1e30", "optim.clip_norm=0", "optim.max_skipped=3"]
    assert main([str(config), *(word for each in wild for word in ("--set", each))]) == 2
    assert "the run has diverged: 3 updates in a row were unfit" in capsys.readouterr().err


def test_one_poisoned_update_is_skipped_and_the_run_goes_on(config: Path, tmp_path: Path) -> None:
    trainer = Trainer(load_settings(config, ["optim.precision=fp32"]), resume=False)
    gather, before = trainer.optimizer.gather, []

    def poison(scale: float) -> float:
        if trainer.position.step == 2:
            before.append(trainer.model.embedding.weight.detach().clone())
            trainer.model.embedding.weight.grad[0, 0] = math.nan
        elif trainer.position.step == 3:
            before.append(trainer.model.embedding.weight.detach().clone())
        return gather(scale)

    trainer.optimizer.gather = poison  # type: ignore[method-assign]
    trainer.run()
    assert torch.equal(before[0], before[1]), "the poisoned update changed nothing"
    assert trainer.position.step == 8
    assert trainer.optimizer.updates == 7
    assert math.isfinite(losses(tmp_path / "run")[-1][1])


def test_patience_ends_a_run_that_no_longer_improves(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stuck = ["optim.learning_rate=1e-12", "optim.max_steps=100", "run.validate_every=2", "run.patience=2"]
    arguments = [str(config), *(word for each in stuck for word in ("--set", each))]
    assert main([*arguments, "--set", "run.select=bleu"]) == 0
    assert "no better validation in 2: ended at step 6" in capsys.readouterr().out
    # Nothing is left to do for who resumes it, either.
    assert main([*arguments, "--resume"]) == 0
    assert losses(tmp_path / "run")[-1][0] == 6


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_the_moving_average_is_what_is_saved(config: Path, tmp_path: Path, precision: str) -> None:
    settings = load_settings(config, [f"optim.precision={precision}", "optim.ema_decay=0.5"])
    trainer = Trainer(settings, resume=False)
    seen = []
    apply = trainer.optimizer.apply

    def spy(step: int, norm: float) -> None:
        apply(step, norm)
        seen.append(trainer.optimizer.masters["embedding.weight"].detach().clone())

    first = trainer.optimizer.masters["embedding.weight"].detach().clone()
    trainer.optimizer.apply = spy  # type: ignore[method-assign]
    trainer.run()
    mean = first
    for number, weights in enumerate(seen, 1):
        decay = min(0.5, (1 + number) / (10 + number))
        mean = decay * mean + (1 - decay) * weights
    saved = read_checkpoint(tmp_path / "run" / "checkpoints" / "last").model.embedding.weight
    torch.testing.assert_close(saved, mean, rtol=1e-5, atol=1e-6)
    assert not torch.equal(saved, seen[-1])
    own = trainer.model.embedding.weight.float()
    torch.testing.assert_close(own, seen[-1], rtol=1e-2, atol=1e-3)  # validation gave the trained weights back


def test_a_run_may_start_from_another(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(config)]) == 0
    first = tmp_path / "run" / "checkpoints" / "last"
    again = [str(config), "--set", f"run.dir={tmp_path / 'again'}", "--set", f"run.init_from={first}"]
    assert main([*again, "--set", "optim.max_steps=1", "--set", "optim.learning_rate=1e-12"]) == 0
    loss = [
        read_checkpoint(run / "checkpoints" / "last").metrics["loss"] for run in (tmp_path / "run", tmp_path / "again")
    ]
    assert loss[1] == pytest.approx(loss[0], abs=0.02)
    other = [str(config), "--set", f"run.dir={tmp_path / 'other'}", "--set", f"run.init_from={first}"]
    assert main([*other, "--set", "model.d_ff=56"]) == 2
    assert "model.d_ff: 48 there, 56 here" in capsys.readouterr().err


def test_auto_precision_stays_what_the_run_began_with(config: Path, tmp_path: Path) -> None:
    assert main([str(config), "--set", "optim.max_steps=1", "--set", "optim.precision=bf16"]) == 0
    assert main([str(config), "--set", "optim.max_steps=2", "--resume"]) == 0
    saved = json.loads((tmp_path / "run" / "checkpoints" / "last" / "config.json").read_text())
    assert saved["settings"]["optim"]["precision"] == "bf16"


def test_a_full_disk_leaves_nothing_half_written(config: Path, tmp_path: Path) -> None:
    """On a file system of 4 MB, in a user namespace of the test's own."""
    small = tmp_path / "small"
    small.mkdir()
    train = [*UNDRAWN, str(config), "--set", f"run.dir={small}/run"]
    train += ["--set", "run.validate_every=1", "--set", "optim.max_steps=40", "--set", "run.keep_last=40"]
    # The file system is gone with the namespace, so what is on it is copied out before.
    copy = f"status=$?; cp -a {small} {tmp_path}/out; exit $status"
    script = f"mount -t tmpfs -o size=4m none {small} && {shlex.join(train)}; {copy}"
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*namespace, "mount", "-t", "tmpfs", "none", small], capture_output=True).returncode:
        pytest.skip("user namespaces are not allowed here")
    command = [*namespace, "sh", "-c", script]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert "--resume" in done.stderr
    found = list((tmp_path / "out" / "run" / "checkpoints").iterdir())
    assert found
    assert not [path for path in found if path.name.startswith(".")]
    for folder in found:
        read_checkpoint(folder)


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


def test_sigterm_writes_a_checkpoint_and_sigkill_loses_little(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [*UNDRAWN, str(config), "--set", "optim.max_steps=100000"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_step(first, run, 6)
    first.send_signal(signal.SIGTERM)
    out, err = first.communicate(timeout=300)
    assert (first.returncode, err) == (0, "")
    stopped = json.loads((run / "checkpoints" / "last" / "config.json").read_text())["position"]["step"]
    assert f"stopped at step {stopped}; go on with --resume" in out

    second = subprocess.Popen([*command, "--resume"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for_step(second, run, stopped + 6)
    second.kill()
    second.communicate(timeout=300)
    read_checkpoint(run / "checkpoints" / "last")  # whole, whenever the kill came


@pytest.mark.parametrize(("step", "left"), [(4, (2, 4, 5)), (8, (2, 4, 6, 8))])
def test_a_signal_during_validation_ends_it_and_loses_nothing(
    config: Path, tmp_path: Path, step: int, left: tuple[int, ...]
) -> None:
    trainer = Trainer(load_settings(config, ["run.validate_every=2"]), resume=False)
    validate = trainer.validate
    stale = []

    def interrupted() -> tuple[dict[str, Any], list[dict[str, str]]]:
        if trainer.position.step == step:
            stale.append(trainer.state.stale)
            trainer.stop(signal.SIGTERM, None)
        return validate()

    trainer.validate = interrupted  # type: ignore[method-assign]
    trainer.run()
    assert trainer.state.stale == stale[0], "a validation that was given up is no verdict"
    names = {path.name for path in (tmp_path / "run" / "checkpoints").glob("step-*")}
    assert names == {f"step-{number:08d}" for number in left}
    assert main([str(config), "--set", "run.validate_every=2", "--resume"]) == 0
    assert [number for number, _ in losses(tmp_path / "run")] == list(range(1, 9))
