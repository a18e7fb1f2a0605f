"""What a run must have in common with the one it continues, or whose weights it starts from."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from training.checkpoint import CheckpointError
from training.data.tokenizer import Tokenizer
from training.model import ModelSettings
from training.objective import choose_precision
from training.settings import FormalitySettings, NoiseSettings, TrainSettings, without_paths

FIXED = (
    ("corpora",),
    ("data",),
    ("tokenizer",),
    ("noise",),
    ("formality",),
    ("model",),
    ("run", "seed"),
    ("optim", "precision"),
    ("optim", "max_batch_tokens"),
    ("optim", "accumulate"),
)

# What checkpoints from before there was any of it have.
ADDED_LATER: dict[str, Any] = json.loads(
    json.dumps({"noise": asdict(NoiseSettings()), "formality": asdict(FormalitySettings())})
)
MODEL_ADDED_LATER = asdict(ModelSettings())


def refuse_changes(saved: dict[str, Any], settings: TrainSettings, folder: Path) -> None:
    """Refuse to resume with another model, text or order of batches; the rest may be changed under way.

    Args:
        saved: the settings in the checkpoint, as plain data.
        settings: those of this run.
        folder: of the checkpoint, for the message.

    Raises:
        CheckpointError: names every setting that must not change but has.
    """
    mine = json.loads(json.dumps(asdict(without_paths(settings))))
    changed = []
    for path in FIXED:
        then, now = ADDED_LATER | saved | {"model": MODEL_ADDED_LATER | saved["model"]}, mine
        for name in path:
            then, now = then[name], now[name]
        if then != now:
            changed.append(f"  - {'.'.join(path)}: {then!r} then, {now!r} now")
    if changed:
        raise CheckpointError(f"{folder} cannot go on with other settings:\n" + "\n".join(changed))


def refuse_misfit(config: dict[str, Any], settings: TrainSettings, tokenizer: Tokenizer, folder: Path) -> None:
    """Refuse weights of another model, or weights that were trained with other ids.

    Args:
        config: `config.json` of the checkpoint whose weights these are.
        settings: those of this run.
        tokenizer: that of this run.
        folder: of the checkpoint, for the message.

    Raises:
        CheckpointError: names everything that differs.
    """
    given, own = MODEL_ADDED_LATER | config["settings"]["model"], asdict(settings.model)
    misfits = [
        f"  - model.{name}: {given.get(name)!r} there, {value!r} here"
        for name, value in own.items()
        if not name.startswith("dropout") and given.get(name) != value
    ]
    ids = {"vocab_size": tokenizer.scheme.vocab_size} | tokenizer.tag_ids
    given_ids = {"vocab_size": config["vocab_size"]} | config["tag_ids"]
    misfits += [
        f"  - tokenizer, {name}: {given_ids.get(name)!r} there, {value!r} here"
        for name, value in ids.items()
        if given_ids.get(name) != value
    ]
    if misfits:
        raise CheckpointError(f"run.init_from = {folder} does not fit:\n" + "\n".join(misfits))


def settle_precision(settings: TrainSettings, last: dict[str, Any] | None, device: torch.device) -> TrainSettings:
    """`settings` with optim.precision = auto made definite: as the run began (`last`), or as suits the `device`."""
    if settings.optim.precision != "auto":
        return settings
    precision = last["settings"]["optim"]["precision"] if last else choose_precision(device)
    return replace(settings, optim=replace(settings.optim, precision=precision))
