"""What a run says about itself: `metrics.jsonl`, one line an event, and the learning curve drawn from it."""

import json
import os
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt


class Metrics:
    """The run's `metrics.jsonl`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"

    def drop_after(self, step: int) -> None:
        """Drop what a run wrote past the point from which it is resumed."""
        kept = [line for line in read_metrics(self.path) if line["step"] <= step]
        aside = self.path.with_suffix(".tmp")
        aside.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        os.replace(aside, self.path)

    def write(self, line: dict[str, Any]) -> None:
        """Append one event; it has a `step`."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """All events so far; a torn last line is left out."""
    events = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events


def plot_curve(metrics: Path, picture: Path) -> None:
    """Draw training and validation loss, BLEU, chrF and speed over steps to a PNG."""
    events = read_metrics(metrics)
    training = [event for event in events if event["event"] == "train"]
    validation = [event for event in events if event["event"] == "validation"]
    figure, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
    axes[0].plot([e["step"] for e in training], [e["nll"] for e in training], label="training", linewidth=0.8)
    axes[0].plot([e["step"] for e in validation], [e["loss"] for e in validation], "o-", label="validation")
    axes[0].set(title="loss (nats per id)", xlabel="step")
    axes[0].legend()
    for name in sorted({key for e in validation for key, value in e.items() if isinstance(value, dict)}):
        points = [(e["step"], e[name]["bleu"]) for e in validation if name in e]
        axes[1].plot(*zip(*points, strict=True), "o-", label=name, markersize=3)
    axes[1].set(title="BLEU, greedy", xlabel="step")
    if validation:
        axes[1].legend(fontsize=7)
    axes[2].plot([e["step"] for e in training], [e["tokens_per_s"] for e in training], linewidth=0.8)
    axes[2].set(title="target tokens/s", xlabel="step", ylim=(0, None))
    figure.savefig(picture, dpi=90)
    plt.close(figure)
