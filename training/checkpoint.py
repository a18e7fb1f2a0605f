"""Checkpoints: folders that describe themselves, written aside and renamed.

    step-00001000/
        config.json            what the model is and how it was trained: settings, directions, ids, step, metrics
        model.safetensors      float32 weights: the moving average where there is one
        tokenizer.model        SentencePiece
        target_tokenizer.model, scheme.json    of a model that was imported: the target side's own, and special ids
        samples.jsonl          validation lines, for calibration and self-tests of what is exported
        optimizer.safetensors  what the optimizer holds, only needed to resume

`last` and `best` are links to two of them. No file is ever unpickled.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from training.config import ConfigError, build
from training.data.scheme import IdScheme, read_scheme
from training.data.tokenizer import NAME, TARGET_NAME, Tokenizer, describe_ours
from training.guard import Guard
from training.model import Transformer
from training.settings import TrainSettings, without_paths

FORMAT = 1


class CheckpointError(Exception):
    """A folder that is not a checkpoint, or not one this version reads."""


@dataclass(frozen=True)
class Sample:
    """A validation line: languages and texts of both sides."""

    source: str
    target: str
    source_text: str
    target_text: str


@dataclass(frozen=True)
class Position:
    """Where a run stands: updates made, target ids seen, and the next batch to take."""

    step: int
    tokens: int
    round: int
    batch: int


@dataclass(frozen=True)
class RunState:
    """What a run remembers besides weights and position.

    Attributes:
        guard: what is remembered of the gradient norms.
        stale: validations since the best one.
    """

    guard: Guard = field(default_factory=Guard)
    stale: int = 0


@dataclass(frozen=True)
class Checkpoint:
    """A trained model with all that is needed to use it.

    Attributes:
        model: float32, in evaluation mode.
        pairs: (source, target) directions it was trained on.
        tag_ids: target language to the id that goes before the source ids; none in a model that was imported.
        target_tokenizer: of the target side, where that has its own.
        imported: what the ids of a model mean that was imported; None for our own.
    """

    path: Path
    model: Transformer
    settings: TrainSettings
    position: Position
    tokenizer: Path
    pairs: tuple[tuple[str, str], ...]
    tag_ids: dict[str, int]
    metrics: dict[str, Any]
    samples: tuple[Sample, ...]
    target_tokenizer: Path | None = None
    imported: IdScheme | None = None

    @property
    def max_source_length(self) -> int:
        """Longest source in ids, prefix and EOS included."""
        return self._within_positions(self.settings.data.max_length)

    @property
    def max_target_length(self) -> int:
        """Longest target in ids, EOS included."""
        # Translations may run longer than their source; half as much again is more than training ever showed.
        return self._within_positions(self.settings.data.max_length * 3 // 2)

    def _within_positions(self, length: int) -> int:
        """`length`, or where learned positions end."""
        return min(length, self.settings.model.max_positions or length)

    @property
    def scheme(self) -> IdScheme:
        """What its ids mean."""
        if self.imported is not None:
            return self.imported
        return describe_ours(self.pairs, self.tag_ids, (self.model.vocab_size, self.model.target_vocab_size))

    @property
    def step(self) -> int:
        """Updates made."""
        return self.position.step

    @property
    def suppressed_ids(self) -> tuple[int, ...]:
        """Ids that are never generated."""
        return self.scheme.suppressed


@dataclass(frozen=True)
class Draft:
    """All that a checkpoint is written from; `resume_state` may be empty."""

    settings: TrainSettings
    position: Position
    state: RunState
    tokenizer: Tokenizer
    weights: Mapping[str, Tensor]
    resume_state: Mapping[str, Tensor]
    metrics: Mapping[str, Any]
    samples: Sequence[Sample]


def write_checkpoint(folder: Path, draft: Draft) -> None:
    """Write the checkpoint `folder`, aside first, so that it is there whole or not at all.

    Raises:
        CheckpointError: it cannot be written, usually for want of space; an older `folder` is untouched.
    """
    aside = folder.with_name(f".{folder.name}.tmp")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write_parts(aside, draft)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(aside, folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise CheckpointError(
            f"{folder} could not be written: {error}. Earlier checkpoints are as they were; "
            "make room, or choose another run.dir, then go on with --resume."
        ) from None


def _write_parts(folder: Path, draft: Draft) -> None:
    weights = {name: tensor.detach().float().cpu().contiguous() for name, tensor in draft.weights.items()}
    save_file(weights, folder / "model.safetensors")
    if draft.resume_state:
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in draft.resume_state.items()}
        save_file(state, folder / "optimizer.safetensors")
    draft.tokenizer.save(folder)
    scheme = draft.tokenizer.scheme
    lines = [json.dumps(asdict(sample), ensure_ascii=False) for sample in draft.samples]
    (folder / "samples.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    config = {
        "format": FORMAT,
        "position": asdict(draft.position),
        "run_state": asdict(draft.state),
        "vocab_size": scheme.vocab_size,
        "special_ids": {"pad": scheme.pad, "unk": scheme.unk, "bos": scheme.bos, "eos": scheme.eos},
        "tag_ids": draft.tokenizer.tag_ids,
        "pairs": draft.settings.pairs(),
        "metrics": dict(draft.metrics),
        "settings": asdict(without_paths(draft.settings)),
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_checkpoint(path: Path) -> Checkpoint:
    """The checkpoint in the folder `path`, ready to translate.

    Raises:
        CheckpointError: it is not one, or its parts do not fit each other.
    """
    config = read_checkpoint_config(path)
    try:
        settings, scheme = build(TrainSettings, config["settings"]), read_scheme(path)
        sizes = (scheme.vocab_size, scheme.target_vocab_size) if scheme else (config["vocab_size"], None)
        model = Transformer(settings.model, *sizes)
        model.load_state_dict(load_file(path / "model.safetensors"))
        lines = (path / "samples.jsonl").read_text(encoding="utf-8").split("\n")
        return Checkpoint(
            path=path,
            model=model.eval(),
            settings=settings,
            position=Position(**config["position"]),
            tokenizer=path / NAME,
            pairs=tuple((source, target) for source, target in config["pairs"]),
            tag_ids=config["tag_ids"],
            metrics=config["metrics"],
            samples=tuple(Sample(**json.loads(line)) for line in lines if line),
            target_tokenizer=target if (target := path / TARGET_NAME).exists() else None,
            imported=scheme,
        )
    except (ConfigError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError, OSError) as error:
        raise CheckpointError(f"{path} is damaged or of another version: {error}") from None


def read_checkpoint_config(path: Path) -> dict[str, Any]:
    """`config.json` of a checkpoint folder, its format checked.

    Raises:
        CheckpointError: the folder has no readable `config.json`, or one of another format.
    """
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not a checkpoint: config.json: {error}") from None
    if config.get("format") != FORMAT:
        raise CheckpointError(f"{path} has format {config.get('format')!r}; this version reads format {FORMAT}")
    return config  # type: ignore[no-any-return]


def read_resume_state(path: Path) -> tuple[Position, RunState, dict[str, Tensor]]:
    """Where the run of a checkpoint folder stood, and the state of its optimizer.

    Raises:
        CheckpointError: it holds no state to resume from.
    """
    config = read_checkpoint_config(path)
    try:
        saved = config["run_state"]
        state = RunState(Guard(**saved["guard"]), saved["stale"])
        return Position(**config["position"]), state, load_file(path / "optimizer.safetensors")
    except (OSError, SafetensorError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path} cannot be resumed from: {error}") from None


def read_weights(path: Path) -> dict[str, Tensor]:
    """The float32 weights of a checkpoint folder.

    Raises:
        CheckpointError: the folder has no weights, or damaged ones.
    """
    try:
        return load_file(path / "model.safetensors")
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} has no readable weights: {error}") from None


def average(folders: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of the weights of several checkpoints, accumulated in float64."""
    total: dict[str, Tensor] = {}
    for folder in folders:
        for name, tensor in load_file(folder / "model.safetensors").items():
            total[name] = total[name] + tensor.double() if name in total else tensor.double()
    return {name: (tensor / len(folders)).float() for name, tensor in total.items()}


def link(name: Path, folder: Path) -> None:
    """Make `name` a link to its sibling `folder`, in one step."""
    aside = name.with_name(f".{name.name}.tmp")
    aside.unlink(missing_ok=True)
    aside.symlink_to(folder.name)
    os.replace(aside, name)


def prune(folder: Path, keep_last: int) -> None:
    """Delete all checkpoints in `folder` but the newest `keep_last` and the best."""
    best = (folder / "best").resolve()
    for old in sorted(folder.glob("step-*"))[:-keep_last]:
        if old.resolve() != best:
            shutil.rmtree(old)
