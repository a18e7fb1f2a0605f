"""A training run, top to bottom: `ferry-train CONFIG.toml [--set key=value ...] [--resume]`.

Several processes, on one machine or more: `torchrun --nproc-per-node N -m training.train CONFIG.toml ...`. Batches are
numbered through the whole run and dealt out by number, and dropout draws from a seed of its own for every batch, so a
run is the same, up to rounding, on any number of processes, and may be resumed on another number.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from tqdm import tqdm

from training import checkpoint as checkpoints
from training.checkpoint import CheckpointError, Draft, Position, RunState
from training.config import ConfigError
from training.data.batches import Batch, BatchPlan
from training.data.corpus import CorpusError
from training.data.prefetch import prefetch
from training.data.store import build_store, open_store
from training.data.tokenizer import TokenizerError, find_tokenizer
from training.guard import TrainingError
from training.model import Transformer
from training.objective import Objective, compile_layers
from training.optim import Optimizer, learning_rate
from training.report import Metrics, write_report
from training.resume import refuse_changes, refuse_misfit, settle_precision
from training.settings import TrainSettings, load_settings
from training.validate import ValidationSet, ValidationStoppedError, build_samples, read_validation, validate
from training.world import LostProcessError, World, join_world, lost_process

# Batches made ahead by a second thread: enough to bridge the sorting of a new round.
PREFETCH_BATCHES = 64
# What the first process tells the others of a validation; unknown, if it was given up half-way.
UNKNOWN, WORSE, BETTER = -1, 0, 1


class Trainer:
    """All that a run holds between two steps.

    It resumes from its last checkpoint if told to `resume`; without a `world` it is the only process.
    """

    def __init__(self, settings: TrainSettings, resume: bool, world: World | None = None) -> None:
        self.world = world or World(0, 1, 1, torch.device(settings.run.device))
        self.folder = Path(settings.run.dir)
        self.checkpoints = self.folder / "checkpoints"
        last = checkpoints.read_checkpoint_config(self.checkpoints / "last") if resume else None
        self.settings = settings = settle_precision(settings, last, self.world.device)
        if last is not None:
            refuse_changes(last["settings"], settings, self.checkpoints / "last")
        num_threads = settings.run.num_threads or max(1, len(os.sched_getaffinity(0)) // self.world.local_size)
        torch.set_num_threads(num_threads)
        torch.manual_seed(settings.run.seed)
        self.validation: list[ValidationSet] = read_validation(settings)
        if self.world.first:
            build_store(settings, num_threads)
        self.world.tell(0)  # the others come here when the store is there
        self.tokenizer, corpora = open_store(settings)
        self.plan = BatchPlan(
            corpora,
            self.tokenizer.scheme,
            settings.optim.max_batch_tokens,
            settings.run.seed,
            settings.data.sampling_temperature,
        )
        dtype = torch.bfloat16 if settings.optim.precision == "bf16" else torch.float32
        if settings.run.init_from and not resume:
            start = Path(settings.run.init_from)
            refuse_misfit(checkpoints.read_checkpoint_config(start), settings, self.tokenizer, start)
        scheme = self.tokenizer.scheme
        self.model = Transformer(settings.model, scheme.vocab_size, scheme.target_vocab_size)
        self.model = self.model.to(self.world.device, dtype).train()
        self.optimizer = Optimizer(self.model, settings.optim)
        self.position, self.state = Position(0, 0, 0, 0), RunState()
        if resume:
            self.resume()
        elif settings.run.init_from:
            self.optimizer.start_from(checkpoints.read_weights(Path(settings.run.init_from)))
        if settings.optim.compile:
            compile_layers(self.model)
        self.objective = self.world.wrap(Objective(self.model, settings.optim.label_smoothing))
        self.asked_to_stop = False  # by a signal, at any moment and perhaps in one process only
        self.stopping = False  # agreed by all processes, at an update

    def run(self) -> None:
        """Train to the end, or until asked to stop; either way the last checkpoint holds where it stands."""
        max_steps, every = self.settings.optim.max_steps, self.settings.run
        metrics = Metrics(self.folder, self.position.step) if self.world.first else None
        quiet = None if self.world.first else True  # None: a bar if this is a terminal
        progress = tqdm(total=max_steps, initial=self.position.step, unit=" steps", disable=quiet, smoothing=0.05)
        batches, window = prefetch(self.batches(), PREFETCH_BATCHES), Window()
        while self.position.step < max_steps and not self.stopping and not self.out_of_patience():
            window.add(*self.update(batches))
            progress.update()
            if metrics and self.position.step % every.log_every == 0:
                self.log(metrics, window, progress)
                window = Window()
            if self.position.step % every.validate_every == 0 or self.position.step == max_steps:
                self.validate_and_save(metrics)
                window = Window()
        batches.close()
        progress.close()
        if metrics:
            metrics.close()
            self.finish()

    def update(self, batches: Iterator[tuple[Position, Batch | None]]) -> tuple[float, int, float]:
        """One update from `accumulate` batches: summed negative log-likelihood, target ids, gradient norm."""
        step, accumulate = self.position.step + 1, self.settings.optim.accumulate
        nll, tokens, position = torch.zeros((), device=self.world.device), 0, self.position
        last = accumulate - self.world.size
        for number in range(accumulate):
            position, batch = next(batches)
            if batch is None:
                continue  # another process has it
            torch.manual_seed(batch_seed(self.settings.run.seed, step, number))
            with self.gradients_kept_apart() if number < last else nullcontext():
                loss, batch_nll = self.objective(batch.to(self.world.device))
                loss.backward()
            nll += batch_nll
            tokens += batch.num_target_tokens
        all_nll, all_tokens, stopping = self.world.sum([float(nll), tokens, self.asked_to_stop])
        self.stopping = stopping > 0
        # Gradients are those of the summed loss, and averaged over the processes.
        norm = self.optimizer.gather(self.world.size / all_tokens)
        guard = self.state.guard.judge(norm, self.settings.optim)
        if guard.skipped == 0:
            self.optimizer.apply(step, norm)
        elif self.world.first:
            tqdm.write(f"step {step} skipped: gradient norm {norm:.3g}, usual is {guard.usual:.3g}")
        self.optimizer.drop()
        self.state = replace(self.state, guard=guard)
        self.position = replace(position, step=step, tokens=self.position.tokens + int(all_tokens))
        return all_nll, int(all_tokens), norm

    def gradients_kept_apart(self) -> Any:
        """A context in which gradients are not yet exchanged between processes: that is done once an update."""
        return self.objective.no_sync() if isinstance(self.objective, DistributedDataParallel) else nullcontext()

    def batches(self) -> Iterator[tuple[Position, Batch | None]]:
        """All batches from where the run stands, each with the position after it; None for other processes' ones."""
        position, number, accumulate = self.position, 0, self.settings.optim.accumulate
        while True:
            round_batches = self.plan.round(position.round)
            for index in range(position.batch, len(round_batches)):
                mine = number % accumulate % self.world.size == self.world.rank
                yield replace(position, batch=index + 1), round_batches[index] if mine else None
                number += 1
            position = replace(position, round=position.round + 1, batch=0)

    def log(self, metrics: Metrics, window: "Window", progress: "tqdm[Any]") -> None:
        """Write a line to `metrics.jsonl`, and beside the bar `progress` for whoever watches."""
        step, optim = self.position.step, self.settings.optim
        line = window.line(step, self.position.tokens, learning_rate(step, optim))
        metrics.write(line)
        shown = f"nll {line['nll']:.3f}, {line['tokens_per_s']:,.0f} tokens/s"
        progress.set_postfix_str(shown)
        if progress.disable:  # not a terminal: a line now and then instead of a bar
            left_min = (optim.max_steps - step) * line["seconds"] / window.steps / 60
            print(f"step {step}: {shown}, {left_min:.0f} min left", flush=True)

    def validate_and_save(self, metrics: Metrics | None) -> None:
        """Measure, write a checkpoint, move `best` if it is, draw the report. Other processes wait for the verdict."""
        found = self.measure(metrics) if metrics is not None else None
        verdict = UNKNOWN if found is None else BETTER if self.is_better(found) else WORSE
        verdict = int(self.world.tell(verdict))
        if verdict != UNKNOWN:
            self.state = replace(self.state, stale=0 if verdict == BETTER else self.state.stale + 1)
        if metrics is not None:
            folder = self.save(found or {})
            if verdict == BETTER:
                checkpoints.link(self.checkpoints / "best", folder)
            checkpoints.prune(self.checkpoints, self.settings.run.keep_last)
            write_report(self.folder, self.settings)

    def measure(self, metrics: Metrics) -> dict[str, Any] | None:
        """Validate and log it; None if asked to stop meanwhile."""
        start, step = time.monotonic(), self.position.step
        try:
            found, samples = self.validate()
        except ValidationStoppedError:
            return None
        event = {"event": "validation", "step": step, "tokens": self.position.tokens, **found}
        metrics.write(event | {"seconds": round(time.monotonic() - start, 1)})
        metrics.write({"event": "samples", "step": step, "samples": samples})
        tqdm.write(f"step {step}: " + json.dumps(found))
        return found

    def validate(self) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Loss, BLEU and chrF of the weights to use, and some of their translations."""
        limits = self.settings.data.max_length, self.settings.optim.max_batch_tokens
        with self.optimizer.in_use():
            return validate(self.model, self.tokenizer, self.validation, *limits, lambda: self.asked_to_stop)

    def is_better(self, found: dict[str, Any]) -> bool:
        """Whether `found` beats the best checkpoint by `run.select`."""
        best, select = self.checkpoints / "best", self.settings.run.select
        if not best.exists():
            return True
        known: float = checkpoints.read_checkpoint_config(best)["metrics"][select]
        return bool(found[select] < known if select == "loss" else found[select] > known)

    def out_of_patience(self) -> bool:
        """Whether validation has stopped improving."""
        return 0 < self.settings.run.patience <= self.state.stale

    def save(self, found: dict[str, Any]) -> Path:
        """Write a checkpoint of this step that can be resumed, and make it `last`."""
        folder = self.checkpoints / f"step-{self.position.step:08d}"
        self.write(folder, self.optimizer.weights(), self.optimizer.state(), found)
        checkpoints.link(self.checkpoints / "last", folder)
        return folder

    def finish(self) -> None:
        """Leave things so that the run can go on, or, at its end, average the last checkpoints."""
        step = self.position.step
        if self.stopping:
            if step % self.settings.run.validate_every:
                self.save({})
            print(f"stopped at step {step}; go on with --resume", flush=True)
            return
        if self.out_of_patience():
            print(f"no better validation in {self.state.stale}: ended at step {step}", flush=True)
        if not self.settings.optim.ema_decay:
            self.save_average()

    def save_average(self) -> None:
        """Average the last checkpoints; the mean is `averaged`, and `best` if it is."""
        weights = checkpoints.average(sorted(self.checkpoints.glob("step-*"))[-self.settings.run.keep_last :])
        self.model.load_state_dict(weights)
        try:
            found, _ = self.validate()
        except ValidationStoppedError:
            return
        print("averaged: " + json.dumps(found), flush=True)
        better = self.is_better(found)
        self.write(self.checkpoints / "averaged", weights, {}, found)
        if better:
            checkpoints.link(self.checkpoints / "best", self.checkpoints / "averaged")

    def write(
        self, folder: Path, weights: Mapping[str, Tensor], state: Mapping[str, Tensor], found: dict[str, Any]
    ) -> None:
        """Write a checkpoint of this run.

        Args:
            folder: of the checkpoint.
            weights: by name.
            state: of the optimizer; empty if nothing is to resume from it.
            found: what validation found.
        """
        samples = build_samples(self.validation)
        draft = Draft(self.settings, self.position, self.state, self.tokenizer, weights, state, found, samples)
        checkpoints.write_checkpoint(folder, draft)

    def resume(self) -> None:
        """Go on exactly where the last checkpoint stands.

        Raises:
            CheckpointError: the run had another tokenizer, or left nothing to resume from.
        """
        folder = self.checkpoints / "last"
        if not self.tokenizer.equals(find_tokenizer(folder, self.settings.languages())):
            raise CheckpointError(f"{folder} was trained with another tokenizer than {self.tokenizer.path}")
        self.position, self.state, saved = checkpoints.read_resume_state(folder)
        self.optimizer.load(saved)
        if self.world.first:
            print(f"resuming from step {self.position.step}", flush=True)

    def stop(self, _signal: int, _frame: FrameType | None) -> None:
        """Finish the update under way, then save and leave."""
        self.asked_to_stop = True


class Window:
    """Sums between two lines of the log."""

    def __init__(self) -> None:
        self.steps, self.nll, self.tokens, self.norm = 0, 0.0, 0, 0.0
        self.start = time.monotonic()

    def add(self, nll: float, tokens: int, norm: float) -> None:
        """Count one update.

        Args:
            nll: summed negative log-likelihood, in nats.
            tokens: target ids.
            norm: of the gradients.
        """
        self.steps += 1
        self.nll, self.tokens, self.norm = self.nll + nll, self.tokens + tokens, norm

    def line(self, step: int, total_tokens: int, rate: float) -> dict[str, Any]:
        """The event for `metrics.jsonl` at `step`, after `total_tokens` target ids, at the learning `rate`."""
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


def batch_seed(seed: int, step: int, number: int) -> int:
    """The seed of dropout for batch `number` of update `step`, whichever process computes it.

    `seed` is the run's.
    """
    return int(np.random.SeedSequence([seed, step, number]).generate_state(1)[0])


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser("ferry-train", description="Train a translation model as CONFIG.toml says.")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--set", action="append", default=[], metavar="key=value", help="override a setting")
    parser.add_argument("--resume", action="store_true", help="go on from the run's last checkpoint")
    return parser.parse_args(arguments)


def train(options: argparse.Namespace) -> None:
    """Train as the command line says, in this process' place.

    Raises:
        ConfigError: a setting that is wrong, or does not suit the number of processes.
        CorpusError: text that cannot be read or used.
        TokenizerError: a tokenizer that cannot be trained, or does not fit.
        CheckpointError: a checkpoint that is in the way, is missing, or does not fit.
        TrainingError: updates that went wrong too many times in a row.
        LostProcessError: another process of the run is gone.
    """
    settings = load_settings(options.config, options.set)
    last = Path(settings.run.dir) / "checkpoints" / "last"
    if last.exists() and not options.resume:
        raise CheckpointError(f"{last} exists; continue it with --resume, or choose another run.dir")
    if options.resume and not last.exists():
        raise CheckpointError(f"there is no {last} to resume from; start without --resume")
    world = join_world(settings.run.device)
    if settings.optim.accumulate % world.size:
        raise ConfigError(
            f"optim.accumulate = {settings.optim.accumulate} batches cannot be dealt out to {world.size} processes; "
            f"it must be a multiple of their number, such as --set optim.accumulate={world.size}"
        )
    try:
        trainer = Trainer(settings, options.resume, world)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, trainer.stop)
        trainer.run()
    except RuntimeError as error:
        if world.size == 1 or not lost_process(error):
            raise
        raise LostProcessError(
            f"process {world.rank} of {world.size} has lost another one; go on from the last checkpoint with --resume"
        ) from None
    world.close()


def main(arguments: list[str] | None = None) -> int:
    """Entry point of `ferry-train`; 0 also when asked to stop (SIGTERM, SIGINT), 2 when it cannot run."""
    try:
        train(parse(arguments))
    except (ConfigError, CorpusError, TokenizerError, CheckpointError, TrainingError, LostProcessError) as error:
        print(f"ferry-train: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, most often
        print(f"ferry-train: {error}. What was written before is whole; go on with --resume.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
