"""Checkpoints: which are kept, and what is said of damaged ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from training import checkpoint as checkpoints
from training.checkpoint import CheckpointError, read_checkpoint
from training.train import main


def test_old_checkpoints_go_the_best_stays(config: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    for step in (1, 2, 3, 4):
        (folder / f"step-{step:08d}").mkdir(parents=True)
    checkpoints.link(folder / "best", folder / "step-00000001")
    checkpoints.prune(folder, keep_last=2)
    assert sorted(path.name for path in folder.glob("step-*")) == [f"step-{s:08d}" for s in (1, 3, 4)]


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


def test_checkpoints_from_before_a_setting_load_start_runs_and_resume(config: Path, tmp_path: Path) -> None:
    """Those of before knew nothing of norms' epsilons, positions, untied tables and the like."""
    assert main([str(config), "--set", "optim.max_steps=1"]) == 0
    folder = (tmp_path / "run" / "checkpoints" / "last").resolve()

    def forget(config_json: dict[str, Any]) -> dict[str, Any]:
        kept = ("d_model", "d_ff", "num_heads", "num_encoder_layers", "num_decoder_layers", "dropout")
        model = {name: config_json["settings"]["model"][name] for name in kept}
        return config_json | {"settings": config_json["settings"] | {"model": model}}

    path = folder / "config.json"
    path.write_text(json.dumps(forget(json.loads(path.read_text()))))
    assert read_checkpoint(folder).imported is None
    start = ["--set", f"run.dir={tmp_path / 'again'}", "--set", f"run.init_from={folder}"]
    assert main([str(config), *start, "--set", "optim.max_steps=1"]) == 0
    assert main([str(config), "--resume", "--set", "optim.max_steps=2"]) == 0
