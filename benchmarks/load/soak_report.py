"""What a soak has found: whether all is well, a table and a picture."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What a caller may well be told.
FINE = frozenset(("right", "refused", "late", "hung up", "answered before"))
# Memory is judged by its lowest value in each of so many parts of the time: while bundles are exchanged there are two.
NUM_PARTS = 10
# The last parts may lie above those in the middle by so much; less is within what allocators keep.
MAX_GROWTH = 0.05
# Shorter runs say nothing about memory: what is needed once is still being made.
MIN_SECONDS_FOR_MEMORY = 300.0
# Files and connections that may be open just then for other reasons, such as the sample's own.
DESCRIPTOR_SLACK = 3
# `asyncio.to_thread` makes threads up to a limit as they are needed, and keeps them.
THREAD_SLACK = 8
# A task or two may just be ending.
TASK_SLACK = 2


@dataclass(frozen=True)
class Sample:
    """What the server held at a time."""

    at_s: float
    rss_bytes: int
    num_descriptors: int
    num_threads: int
    num_tasks: int
    rows_in_use: int
    waiting_sentences: int


@dataclass(frozen=True)
class Verdict:
    """Whether all is well, and if not why.

    Attributes:
        rss_slope_bytes_per_min: of the lowest values in the second half; None if the run was too short.
    """

    faults: tuple[str, ...]
    num_requests: int
    num_wrong: int
    num_failed: int
    rss_slope_bytes_per_min: float | None

    @property
    def is_well(self) -> bool:
        """Nothing is at fault."""
        return not self.faults


def judge(
    samples: Sequence[Sample], before: Sample, after: Sample, outcomes: Mapping[str, Mapping[str, int]]
) -> Verdict:
    """Look for wrong answers, failures, and what was left or has grown."""
    counts = [(outcome, count) for kind in outcomes.values() for outcome, count in kind.items()]
    num_wrong = sum(count for outcome, count in counts if outcome == "wrong")
    num_failed = sum(count for outcome, count in counts if outcome not in FINE and outcome != "wrong")
    slope, growth = _growth(samples)
    checks = [
        (num_wrong == 0, f"{num_wrong} wrong answers"),
        (num_failed == 0, f"{num_failed} requests failed"),
        (after.rows_in_use == 0, f"{after.rows_in_use} rows in use after the end"),
        (after.waiting_sentences == 0, f"{after.waiting_sentences} sentences wait after the end"),
        (
            after.num_descriptors <= before.num_descriptors + DESCRIPTOR_SLACK,
            f"{after.num_descriptors} descriptors, {before.num_descriptors} before",
        ),
        (
            after.num_threads <= before.num_threads + THREAD_SLACK,
            f"{after.num_threads} threads, {before.num_threads} before",
        ),
        (after.num_tasks <= before.num_tasks + TASK_SLACK, f"{after.num_tasks} tasks, {before.num_tasks} before"),
        (growth <= MAX_GROWTH, f"memory has grown by {growth:.1%} in the second half"),
    ]
    faults = tuple(fault for holds, fault in checks if not holds)
    return Verdict(faults, sum(count for _, count in counts), num_wrong, num_failed, slope)


def _growth(samples: Sequence[Sample]) -> tuple[float | None, float]:
    """Bytes per minute of the lowest values in the second half, and what they have grown by, as a share."""
    if not samples or samples[-1].at_s < MIN_SECONDS_FOR_MEMORY:
        return None, 0.0
    part_s = samples[-1].at_s / NUM_PARTS
    parts = [[each.rss_bytes for each in samples if i <= each.at_s / part_s <= i + 1] for i in range(NUM_PARTS)]
    lows = [min(part) for part in parts[NUM_PARTS // 2 :]]
    minutes = [part_s * i / 60 for i in range(len(lows))]
    slope = statistics.linear_regression(minutes, lows).slope
    return slope, statistics.fmean(lows[-2:]) / statistics.fmean(lows[:2]) - 1


def write_report(folder: Path, figures: Mapping[str, Any], samples: Sequence[Sample], verdict: Verdict) -> str:
    """Write all three files; the table."""
    (folder / "soak.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    text = _page(figures, samples, verdict)
    (folder / "soak.md").write_text(text, "utf-8")
    _draw(folder / "soak.png", samples)
    return text


def _page(figures: Mapping[str, Any], samples: Sequence[Sample], verdict: Verdict) -> str:
    outcomes: Mapping[str, Mapping[str, int]] = figures["outcomes"]
    others = sorted({each for counts in outcomes.values() for each in counts} - {"right", "wrong"})
    columns = ["right", "wrong", *others]
    lines = ["| kind | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
    lines += [
        f"| {kind} | " + " | ".join(str(counts.get(each, 0)) for each in columns) + " |"
        for kind, counts in sorted(outcomes.items())
    ]
    before, after = figures["before"], figures["after"]
    slope = verdict.rss_slope_bytes_per_min
    lines += ["", "| | idle before | most | idle after |", "|---|---|---|---|"]
    for name, key, unit in (
        ("memory, MB", "rss_bytes", 1e6),
        ("descriptors", "num_descriptors", 1),
        ("threads", "num_threads", 1),
        ("tasks", "num_tasks", 1),
        ("rows in use", "rows_in_use", 1),
        ("sentences that wait", "waiting_sentences", 1),
    ):
        most = max((getattr(each, key) for each in samples), default=0)
        lines.append(f"| {name} | {before[key] / unit:.0f} | {most / unit:.0f} | {after[key] / unit:.0f} |")
    lines += [
        "",
        f"{figures['minutes']:g} minutes, {verdict.num_requests} requests, {verdict.num_wrong} wrong answers, "
        f"{verdict.num_failed} failed; {figures['swaps']} bundles exchanged, keys read {figures['key_reloads']} times.",
        "Memory: too short to tell." if slope is None else f"Memory in the second half: {slope / 1e6:+.2f} MB/min.",
        "All is well." if verdict.is_well else "At fault: " + "; ".join(verdict.faults) + ".",
    ]
    return "\n".join(lines) + "\n"


def _draw(path: Path, samples: Sequence[Sample]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    minutes = [each.at_s / 60 for each in samples]
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(9, 7), layout="constrained")
    axes[0].plot(minutes, [each.rss_bytes / 1e6 for each in samples], color="#0b6e99")
    axes[0].set(ylabel="RSS, MB", ylim=(0, None), title="Soak")
    axes[1].plot(minutes, [each.num_descriptors for each in samples], label="descriptors", color="#e08a1e")
    axes[1].plot(minutes, [each.num_threads for each in samples], label="threads", color="#0b6e99")
    axes[1].legend()
    axes[1].set(ylim=(0, None))
    axes[2].plot(minutes, [each.rows_in_use for each in samples], label="rows in use", color="#0b6e99")
    axes[2].plot(minutes, [each.waiting_sentences for each in samples], label="sentences that wait", color="#e08a1e")
    axes[2].legend()
    axes[2].set(xlabel="minutes", ylim=(0, None))
    figure.savefig(path, dpi=110)
    plt.close(figure)
