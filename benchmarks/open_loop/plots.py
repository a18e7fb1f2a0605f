"""Latency against offered load, one line a system."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from open_loop.levels import LIMITS_MS, Level, medians

PERCENTILES = ("p50", "p95", "p99")


def draw(path: Path, levels: Sequence[Level], about: Mapping[str, str]) -> None:
    """A PNG with a panel for each percentile."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5), layout="constrained")
    panels = figure.subplots(1, len(PERCENTILES), sharey=True)
    rows = medians(levels)
    for panel, percentile in zip(panels, PERCENTILES, strict=True):
        for name, words in about.items():
            own = [row for row in rows if row.system == name]
            if own:
                figures = [getattr(row, f"{percentile}_ms") for row in own]
                panel.plot([row.rate for row in own], figures, marker=".", label=words)
        for limit_ms in LIMITS_MS:
            panel.axhline(limit_ms, color="grey", linewidth=0.6, linestyle="--")
        panel.set(xscale="log", yscale="log", title=percentile, xlabel="requests offered per second")
        panel.set_ylim(2, 5000)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("ms from the intended start")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")
    figure.savefig(path, dpi=80)
