"""A training run, top to bottom: `ferry-train CONFIG.toml [--set key=value ...] [--resume]`."""

import argparse
import json
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from training import checkpoint as checkpoints
from training.checkpoint import CheckpointError, Position
from training.config import ConfigError
from training.data.batches import Batch, BatchPlan
from training.data.corpus import CorpusError
from training.data.store import prepare
from training.data.tokenizer import PAD, TokenizerError
from training.decode import encode
from training.loss import smoothed_cross_entropy
from training.model import Transformer
from training.optim import Optimizer, learning_rate
from training.report import Metrics, plot_curve
from training.settings import TrainSettings, load_settings, without_paths
from training.validate import ValidationSet, build_samples, read_validation, validate


class TrainingError(Exception):
    """A run that cannot go on."""


class Trainer:
    """All that a run holds between two steps."""

    def __init__(self, settings: TrainSettings, resume: bool) -> None:
        self.settings = settings
        self.folder = Path(settings.run.dir)
        self.checkpoints = self.folder / "checkpoints"
        self.device = torch.device(settings.run.device)
        num_threads = settings.run.num_threads or len(os.sched_getaffinity(0))
        torch.set_num_threads(num_threads)
        torch.manual_seed(settings.run.seed)
        self.validation: list[ValidationSet] = read_validation(settings)
        self.tokenizer, corpora = prepare(settings, num_threads)
        self.plan = BatchPlan(corpora, self.tokenizer.tag_ids, settings.optim.max_batch_tokens, settings.run.seed)
        dtype = torch.bfloat16 if settings.optim.precision == "bf16" else torch.float32
        model = Transformer(settings.model, self.tokenizer.vocab_size)
        self.model = model.to(self.device, dtype).train()
        self.optimizer = Optimizer(self.model, settings.optim)
        self.position = Position(0, 0, 0, 0)
        self.stopping = False
        self.metrics = Metrics(self.folder)
        if resume:
            self.resume()

    def run(self) -> None:
        """Train to max_steps, or until asked to stop; either way the last checkpoint holds where it stands."""
        max_steps, every = self.settings.optim.max_steps, self.settings.run
        self.metrics.drop_after(self.position.step)
        progress = tqdm(total=max_steps, initial=self.position.step, unit=" steps", disable=None, smoothing=0.05)
        batches, window = self.batches(), Window()
        while self.position.step < max_steps and not self.stopping:
            window.add(*self.update(batches))
            progress.update()
            if self.position.step % every.log_every == 0:
                self.log(window, progress)
                window = Window()
            if self.position.step % every.validate_every == 0 or self.position.step == max_steps:
                self.validate_and_save()
                window = Window()
        progress.close()
        if self.stopping:
            self.save({})
            print(f"stopped at step {self.position.step}; go on with --resume", flush=True)
        else:
            self.save_average()

    def log(self, window: "Window", progress: "tqdm[Any]") -> None:
        """One line for `metrics.jsonl`, and for whoever watches."""
        step, optim = self.position.step, self.settings.optim
        line = window.line(step, self.position.tokens, learning_rate(step, optim))
        self.metrics.write(line)
        shown = f"nll {line['nll']:.3f}, {line['tokens_per_s']:,.0f} tokens/s"
        progress.set_postfix_str(shown)
        if progress.disable:  # not a terminal: a line now and then instead of a bar
            left_min = (optim.max_steps - step) * line["seconds"] / window.steps / 60
            print(f"step {step}: {shown}, {left_min:.0f} min left", flush=True)

    def update(self, batches: "Iterator[tuple[Position, Batch]]") -> tuple[float, int, float]:
        """One update from `accumulate` batches: summed negative log-likelihood, target ids, gradient norm."""
        taken = [next(batches) for _ in range(self.settings.optim.accumulate)]
        tokens = sum(batch.num_target_tokens for _, batch in taken)
        nll = 0.0
        for _, batch in taken:
            loss, batch_nll = self.loss(batch.to(self.device))
            (loss / tokens).backward()  # type: ignore[no-untyped-call]
            nll += float(batch_nll)
        step = self.position.step + 1
        norm = self.optimizer.step(step)
        if not (math.isfinite(nll) and math.isfinite(norm)):
            raise TrainingError(
                f"step {step}: the loss is {nll / tokens}, the gradient norm {norm}: the run has diverged. Resume from "
                f"the last checkpoint with a smaller optim.learning_rate (now {self.settings.optim.learning_rate}) "
                "or a longer optim.warmup_steps."
            )
        self.position = replace(taken[-1][0], step=step, tokens=self.position.tokens + tokens)
        return nll, tokens, norm

    def loss(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Summed smoothed loss and negative log-likelihood of a batch, padding left out."""
        encoded, mask = encode(self.model, batch.source_ids, batch.source_lengths)
        states = self.model.decode(batch.target_inputs, encoded, mask)
        counted = batch.target_ids != PAD
        table = self.model.embedding.weight
        return smoothed_cross_entropy(
            states[counted], table, batch.target_ids[counted], self.settings.optim.label_smoothing
        )

    def batches(self) -> Iterator[tuple[Position, Batch]]:
        """Batches from where the run stands, each with the position after it."""
        position = self.position
        while True:
            batch_number = position.batch
            for batch in self.plan.batches(position.round, position.batch):
                batch_number += 1
                yield replace(position, batch=batch_number), batch
            position = replace(position, round=position.round + 1, batch=0)

    def validate_and_save(self) -> None:
        """Measure, write a checkpoint, move `best` if it is, draw the curve."""
        start = time.monotonic()
        found = self.validate()
        event = {"event": "validation", "step": self.position.step, "tokens": self.position.tokens, **found}
        self.metrics.write(event | {"seconds": round(time.monotonic() - start, 1)})
        tqdm.write(f"step {self.position.step}: " + json.dumps(found))
        self.promote(self.save(found), found)
        checkpoints.prune(self.checkpoints, self.settings.run.keep_last)
        plot_curve(self.metrics.path, self.folder / "curve.png")

    def validate(self) -> dict[str, Any]:
        """Loss, BLEU and chrF of the model as it is."""
        data, optim = self.settings.data, self.settings.optim
        return validate(self.model, self.tokenizer, self.validation, data.max_length, optim.max_batch_tokens)

    def save(self, found: dict[str, Any]) -> Path:
        """Write a checkpoint of this step that can be resumed, and make it `last`."""
        folder = self.checkpoints / f"step-{self.position.step:08d}"
        state = self.optimizer.moments() | {"random_state": torch.get_rng_state()}
        self.write(folder, self.optimizer.masters, state, found)
        checkpoints.link(self.checkpoints / "last", folder)
        return folder

    def save_average(self) -> None:
        """Average the last checkpoints; the mean is `averaged`, and `best` if it is."""
        weights = checkpoints.average(sorted(self.checkpoints.glob("step-*"))[-self.settings.run.keep_last :])
        self.model.load_state_dict(weights)
        found = self.validate()
        print("averaged: " + json.dumps(found), flush=True)
        folder = self.checkpoints / "averaged"
        self.write(folder, weights, {}, found)
        self.promote(folder, found)

    def write(
        self, folder: Path, weights: Mapping[str, Tensor], state: Mapping[str, Tensor], found: dict[str, Any]
    ) -> None:
        """Write `weights` as a checkpoint of this run."""
        samples = build_samples(self.validation)
        checkpoints.write_checkpoint(
            folder, self.settings, self.position, self.tokenizer, weights, state, found, samples
        )

    def promote(self, folder: Path, found: dict[str, Any]) -> None:
        """Make `folder` the best checkpoint unless an earlier one is better by `run.select`."""
        best, select = self.checkpoints / "best", self.settings.run.select
        if best.exists():
            known = checkpoints.read_checkpoint_config(best)["metrics"][select]
            if found[select] >= known if select == "loss" else found[select] <= known:
                return
        checkpoints.link(best, folder)

    def resume(self) -> None:
        """Go on exactly where the last checkpoint stands."""
        folder = self.checkpoints / "last"
        config = checkpoints.read_checkpoint_config(folder)
        refuse_changes(config["settings"], self.settings, folder)
        if (folder / "tokenizer.model").read_bytes() != self.tokenizer.path.read_bytes():
            raise CheckpointError(f"{folder} was trained with another tokenizer than {self.tokenizer.path}")
        weights, state = checkpoints.read_resume_state(folder)
        self.position = Position(**config["position"])
        torch.set_rng_state(state.pop("random_state"))
        self.optimizer.load(weights, state, self.position.step)
        print(f"resuming from step {self.position.step}", flush=True)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Finish the update under way, then save and leave."""
        self.stopping = True


class Window:
    """Sums between two lines of the log."""

    def __init__(self) -> None:
        self.steps, self.nll, self.tokens, self.norm = 0, 0.0, 0, 0.0
        self.start = time.monotonic()

    def add(self, nll: float, tokens: int, norm: float) -> None:
        """Count one update."""
        self.steps += 1
        self.nll, self.tokens, self.norm = self.nll + nll, self.tokens + tokens, norm

    def line(self, step: int, total_tokens: int, rate: float) -> dict[str, Any]:
        """The event for `metrics.jsonl`."""
        seconds = time.monotonic() - self.start
        return {
            "event": "train",
            "step": step,
            "tokens": total_tokens,
            "nll": round(self.nll / self.tokens, 4),
            "learning_rate": round(rate, 8),
            "gradient_norm": round(self.norm, 3),
            "tokens_per_s": round(self.tokens / seconds, 1),
            "seconds": round(seconds, 3),
        }


def refuse_changes(saved: dict[str, Any], settings: TrainSettings, folder: Path) -> None:
    """A run resumes exactly only on the same model, text and order; the rest may be changed under way.

    Raises:
        CheckpointError: with every setting that must not change but has.
    """
    mine = json.loads(json.dumps(asdict(without_paths(settings))))
    fixed = [("corpora",), ("data",), ("tokenizer",), ("model",), ("run", "seed")]
    fixed += [("optim", name) for name in ("precision", "max_batch_tokens", "accumulate")]
    changed = []
    for path in fixed:
        then, now = saved, mine
        for name in path:
            then, now = then[name], now[name]
        if then != now:
            changed.append(f"  - {'.'.join(path)}: {then!r} then, {now!r} now")
    if changed:
        raise CheckpointError(f"{folder} cannot go on with other settings:\n" + "\n".join(changed))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("ferry-train", description="Train a translation model as CONFIG.toml says.")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="override a setting")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `ferry-train`; 0 also when asked to stop (SIGTERM, SIGINT), 2 when it cannot run."""
    options = parse(arguments)
    try:
        settings = load_settings(options.config, options.set)
        last = Path(settings.run.dir) / "checkpoints" / "last"
        if last.exists() and not options.resume:
            raise CheckpointError(f"{last} exists; continue it with --resume, or choose another run.dir")
        if options.resume and not last.exists():
            raise CheckpointError(f"there is no {last} to resume from; start without --resume")
        trainer = Trainer(settings, options.resume)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, trainer.stop)
        trainer.run()
    except (ConfigError, CorpusError, TokenizerError, CheckpointError, TrainingError) as error:
        print(f"ferry-train: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
