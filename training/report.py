"""What a run says about itself: `metrics.jsonl`, one line an event; TensorBoard's files; a report to look at.

Events, each with its `step`: `train` (loss, rate, speed), `validation` (means, and one object per set), `samples`
(translations of the same lines again and again).
"""

import base64
import io
import itertools
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure
from tensorboardX import SummaryWriter

from training.settings import TrainSettings, without_paths

Event = dict[str, Any]
# Samples are shown at this many points of a run.
SHOWN_STEPS = 6


class Metrics:
    """The run's `metrics.jsonl` and its twin for TensorBoard, from `step` on; what came after `step` is dropped."""

    def __init__(self, folder: Path, step: int) -> None:
        self.path = folder / "metrics.jsonl"
        kept = [event for event in read_metrics(self.path) if event["step"] <= step]
        aside = self.path.with_suffix(".tmp")
        aside.write_text("".join(json.dumps(event) + "\n" for event in kept), encoding="utf-8")
        os.replace(aside, self.path)
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def write(self, event: Event) -> None:
        """Append one event."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event, ensure_ascii=False) + "\n")
        for name, value in event.items():
            if name == "step":
                continue
            for path, number in _numbers(f"{event['event']}/{name}", value):
                self.board.add_scalar(path, number, event["step"])
        self.board.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        self.board.close()


def read_metrics(path: Path) -> list[Event]:
    """All events so far; a torn last line is left out."""
    events = []
    for line in path.read_text(encoding="utf-8").split("\n") if path.exists() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events


def write_report(folder: Path, settings: TrainSettings) -> None:
    """Draw the run so far: `curve.png`, and `report.html`, a single file with curves, samples, text and settings."""
    events = read_metrics(folder / "metrics.jsonl")
    picture = draw_curves(events)
    _replace(folder / "curve.png", picture)
    page = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("report.html.jinja").read_text(encoding="utf-8")
    )
    validations = _choose(events, "validation")
    html = page.render(
        name=folder.name,
        curves=base64.b64encode(picture).decode(),
        last=next((event for event in reversed(events) if event["event"] == "train"), None),
        validations=validations,
        sets=_set_names(validations),
        samples=_samples_over_time(_choose(events, "samples")),
        data=_data_reports(folder / "data"),
        settings=json.dumps(asdict(without_paths(settings)), indent=2, ensure_ascii=False),
    )
    _replace(folder / "report.html", html.encode())


def draw_curves(events: Sequence[Event]) -> bytes:
    """Loss, BLEU, chrF, learning rate, gradient norm and speed over steps, as a PNG."""
    training, validation = _choose(events, "train"), _choose(events, "validation")
    figure = Figure(figsize=(15, 7), layout="constrained")
    (loss, bleu, chrf), (rate, norm, speed) = figure.subplots(2, 3)
    for axes, key, title in (
        (loss, "nll", "loss (nats per id)"),
        (rate, "learning_rate", "learning rate"),
        (norm, "gradient_norm", "gradient norm, before clipping"),
        (speed, "tokens_per_s", "target tokens/s"),
    ):
        axes.plot([e["step"] for e in training], [e[key] for e in training], label="training", linewidth=0.8)
        axes.set(title=title, xlabel="step")
    loss.plot([e["step"] for e in validation], [e["loss"] for e in validation], "o-", label="validation", markersize=3)
    loss.legend()
    norm.set(yscale="log")
    speed.set(ylim=(0, None))
    for axes, key in ((bleu, "bleu"), (chrf, "chrf")):
        for name in _set_names(validation):
            points = [(e["step"], e[name][key]) for e in validation if name in e]
            axes.plot(*zip(*points, strict=True), "o-", label=name, markersize=3)
        axes.set(title=f"{'BLEU' if key == 'bleu' else 'chrF'}, greedy", xlabel="step")
        if validation:
            axes.legend(fontsize=7)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return buffer.getvalue()


def _samples_over_time(events: Sequence[Event]) -> list[dict[str, Any]]:
    """For every sample line, how its translation changed: `versions` are (step, hypothesis)."""
    spread = max(1, -(-len(events) // SHOWN_STEPS))
    shown = [event for number, event in enumerate(reversed(events)) if number % spread == 0][::-1]
    lines: dict[tuple[str, str], dict[str, Any]] = {}
    for event, sample in itertools.chain.from_iterable(((e, s) for s in e["samples"]) for e in shown):
        line = lines.setdefault((sample["set"], sample["source"]), sample | {"versions": []})
        line["versions"].append((event["step"], sample["hypothesis"]))
    return list(lines.values())


def _data_reports(store: Path) -> list[tuple[str, str]]:
    """What was found in the text, as the store tells it: name and Markdown."""
    return [(path.stem, path.read_text(encoding="utf-8")) for path in sorted(store.glob("*.md"))]


def _choose(events: Sequence[Event], kind: str) -> list[Event]:
    return [event for event in events if event["event"] == kind]


def _set_names(validations: Sequence[Event]) -> list[str]:
    return sorted({key for event in validations for key, value in event.items() if isinstance(value, dict)})


def _numbers(path: str, value: Any) -> list[tuple[str, float]]:
    """`value` and, if it is an object, its members, as far as they are numbers."""
    if isinstance(value, dict):
        return [number for key, member in value.items() for number in _numbers(f"{path}/{key}", member)]
    return [(path, float(value))] if isinstance(value, int | float) else []


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.tmp")
    aside.write_bytes(content)
    os.replace(aside, path)
