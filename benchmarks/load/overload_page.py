"""A storm shown: one JSON file, a page of tables and a picture."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from load.arrivals import percentile
from load.callers import Attempt
from load.overload_report import Report

# A sender that is later than this (p99) measures itself.
MAX_BEHIND_S = 0.1
TOO_FAR_BEHIND = " (too slow, or disturbed by others: these figures are its own, not the server's)"


def write_report(folder: Path, report: Report) -> str:
    """Write all three files; the page with the tables."""
    figures = {
        "bars": [asdict(bar) for bar in report.bars],
        "peaks": [asdict(peak) for peak in report.peaks],
        "rate": report.rate,
        "seconds": report.seconds,
        "statuses": _count_statuses(report.attempts),
        "before_s": list(report.before_s),
        "after": [asdict(probe) for probe in report.after],
        "by_second": [asdict(second) for second in report.by_second()],
        "readings": [asdict(reading) for reading in report.readings],
    }
    (folder / "overload.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    text = page(report)
    (folder / "overload.md").write_text(text, "utf-8")
    draw(folder / "overload.png", report)
    return text


def page(report: Report) -> str:
    """The tables."""
    lines = ["| bar | measured | held |", "|---|---|---|"]
    lines += [f"| {bar.name} | {bar.value} | {'yes' if bar.is_held else '**no**'} |" for bar in report.bars]
    firsts = sum(each.number == 0 for each in report.attempts)
    lines += [
        "",
        f"Offered {report.rate:.0f} requests per second for {report.seconds:g} s: {firsts}, and "
        f"{len(report.attempts) - firsts} retries.",
        "",
        "| outcome | requests | p50 ms | p99 ms | most ms |",
        "|---|---|---|---|---|",
    ]
    for outcome, count in Counter(each.outcome for each in report.attempts).most_common():
        seconds = [each.seconds for each in report.of(outcome)]
        cuts = [1000 * (percentile(seconds, share) or 0) for share in (0.5, 0.99, 1.0)]
        lines.append(f"| {outcome} | {count} | " + " | ".join(f"{cut:.0f}" for cut in cuts) + " |")
    begin, end = report.readings[0], report.readings[-1]
    length_s = max(end.at_s - begin.at_s, 1e-9)
    behind = percentile([each.sent_s - each.intended_s for each in report.attempts], 0.99) or 0.0
    lines += [
        "",
        f"Statuses: {', '.join(f'{name} {count}' for name, count in _count_statuses(report.attempts).items())}. "
        f"The sender was behind by {1000 * behind:.1f} ms (p99)"
        f"{TOO_FAR_BEHIND if behind > MAX_BEHIND_S else ''}, "
        f"and took {(end.sender_cpu_s - begin.sender_cpu_s) / length_s:.2f} cores. "
        f"The server took {(end.cpu_s - begin.cpu_s) / length_s:.2f} cores, its event loop "
        f"{(end.loop_cpu_s - begin.loop_cpu_s) / length_s:.2f}.",
        "",
        "| s | offered | retried | accepted | refused | late | p50 | p99 | refusal p50 | refusal p99, ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    every = max(1, int(report.seconds) // 12)
    for each in report.by_second()[::every]:
        cuts = (each.p50_s, each.p99_s, each.refusal_p50_s, each.refusal_p99_s)
        told = " | ".join("" if cut is None else f"{1000 * cut:.0f}" for cut in cuts)
        counts = (each.second, each.offered, each.retried, each.accepted, each.refused, each.late)
        lines.append("| " + " | ".join(map(str, counts)) + f" | {told} |")
    return "\n".join(lines) + "\n"


def draw(path: Path, report: Report) -> None:
    """Requests, latencies, memory and queue over time."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    seconds = report.by_second()
    at = [each.second for each in seconds]
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(9, 9), layout="constrained")
    top, middle, bottom = axes
    top.plot(at, [each.offered + each.retried for each in seconds], label="offered, with retries", color="#9aa0a6")
    top.plot(at, [each.refused for each in seconds], label="refused", color="#e08a1e")
    top.plot(at, [each.accepted for each in seconds], label="accepted", color="#0b6e99")
    top.plot(at, [each.late for each in seconds], label="late", color="#b3261e")
    top.axhline(report.peak.sentences_per_s, label="peak", color="#0b6e99", linestyle=":")
    top.set(
        ylabel="requests per second",
        ylim=(0, None),
        title=f"{report.rate / report.peak.sentences_per_s:.1f} times the peak",
    )
    middle.plot(at, [_milliseconds(each.p50_s) for each in seconds], label="accepted, p50", color="#0b6e99")
    middle.plot(
        at, [_milliseconds(each.p99_s) for each in seconds], label="accepted, p99", color="#0b6e99", linestyle="--"
    )
    middle.plot(at, [_milliseconds(each.refusal_p50_s) for each in seconds], label="refused, p50", color="#e08a1e")
    middle.plot(
        at,
        [_milliseconds(each.refusal_p99_s) for each in seconds],
        label="refused, p99",
        color="#e08a1e",
        linestyle="--",
    )
    middle.axhline(1000 * report.deadline_s, label="deadline", color="#b3261e", linestyle=":")
    middle.set(ylabel="ms", yscale="log")
    times = [each.at_s for each in report.readings]
    bottom.plot(times, [each.rss_bytes / 1e6 for each in report.readings], label="RSS, MB", color="#0b6e99")
    bottom.plot(times, [each.rows_in_use for each in report.readings], label="rows in use", color="#e08a1e")
    bottom.plot(
        times, [each.waiting_sentences for each in report.readings], label="sentences that wait", color="#9aa0a6"
    )
    bottom.set(xlabel="seconds", ylim=(0, None))
    for each in axes:
        each.legend(fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _count_statuses(attempts: Sequence[Attempt]) -> dict[str, int]:
    counts = Counter(str(each.status) if each.status else each.outcome for each in attempts)
    return dict(counts.most_common())


def _milliseconds(value: float | None) -> float:
    return float("nan") if value is None else 1000 * value
