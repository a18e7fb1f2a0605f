"""What was measured, and how it is shown: one JSON file, a page of tables and a plot. Knows no system but by name."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

from engine.work import Cell, Fresh

REFERENCE = "ctranslate2"  # all ratios are to it; the first system where it is left out
NAMES = {"ferry": "Ferry", "ctranslate2": "CTranslate2", "torch": "PyTorch eager, fp32"}
COLOURS = {"ferry": "#0b6e99", "ctranslate2": "#e08a1e", "torch": "#9aa0a6"}


@dataclass(frozen=True)
class Turn:
    """One round of one system.

    Attributes:
        cpu_s: processor time of all its threads.
        other_cpu_s: processor time that others took meanwhile, on all cores: other processes, and the host if this is
            a virtual machine.
    """

    seconds: float
    cpu_s: float
    other_cpu_s: float


@dataclass(frozen=True)
class Measured:
    """One system in one cell.

    Attributes:
        choice: its settings, in words.
        target_tokens: ids generated for all sentences, EOS included.
        same_ids: sentences for which it gave the reference's ids; None where there is no reference.
    """

    choice: str
    sentences: int
    target_tokens: int
    same_ids: int | None
    turns: tuple[Turn, ...]

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return statistics.median(turn.seconds for turn in self.turns)


@dataclass(frozen=True)
class Spread:
    """A median and what it lies between."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Row:
    """All systems in one cell, in the order they were named."""

    cell: Cell
    systems: Mapping[str, Measured]

    def ratio(self, name: str) -> Spread:
        """How many times as fast as the reference `name` was, on the same sentences, round by round."""
        reference = self.systems.get(REFERENCE) or next(iter(self.systems.values()))
        pairs = zip(reference.turns, self.systems[name].turns, strict=True)
        ratios = [theirs.seconds / own.seconds for theirs, own in pairs]
        return Spread(statistics.median(ratios), min(ratios), max(ratios))


@dataclass(frozen=True)
class Quality:
    """What a system's translations of the stream are worth, by sacrebleu."""

    beam_size: int
    system: str
    bleu: float
    chrf: float


@dataclass(frozen=True)
class Report:
    """All of one benchmark.

    Attributes:
        setting: what must be equal for rows to stand in one table: machine, versions, model, text.
        notes: what a reader has to know, as sentences.
    """

    setting: Mapping[str, Any]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]
    fresh: Mapping[str, Fresh]
    quality: tuple[Quality, ...]


def write(report: Report, folder: Path) -> None:
    """Write `engine_speed.json`, `.md` and `.png` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engine_speed.json").write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    (folder / "engine_speed.md").write_text(to_markdown(report), encoding="utf-8")
    plot(report, folder / "engine_speed.png")


def read(path: Path) -> Report:
    """The report in a JSON file that `write` wrote."""
    data = json.loads(path.read_text(encoding="utf-8"))
    rows = [
        Row(
            Cell(**each["cell"]),
            {
                name: Measured(**system | {"turns": tuple(Turn(**turn) for turn in system["turns"])})
                for name, system in each["systems"].items()
            },
        )
        for each in data["rows"]
    ]
    fresh = {name: Fresh(**each | {"cold_starts": tuple(each["cold_starts"])}) for name, each in data["fresh"].items()}
    quality = tuple(Quality(**each) for each in data["quality"])
    return Report(data["setting"], tuple(data["notes"]), tuple(rows), fresh, quality)


def join(old: Report, new: Report) -> Report:
    """`new`, with what `old` has besides: rows of other cells, other systems' memory, other beams' quality."""
    cells = {row.cell for row in new.rows}
    judged = {(each.beam_size, each.system) for each in new.quality}
    rows = [*(row for row in old.rows if row.cell not in cells), *new.rows]
    quality = [*(each for each in old.quality if (each.beam_size, each.system) not in judged), *new.quality]
    return Report(
        new.setting,
        tuple(dict.fromkeys(old.notes + new.notes)),
        tuple(sorted(rows, key=lambda row: _order(row.cell))),
        dict(old.fresh) | dict(new.fresh),
        tuple(sorted(quality, key=lambda each: each.beam_size)),
    )


def to_markdown(report: Report) -> str:
    """The page."""
    setting = report.setting
    parts = [
        f"# Engine speed\n\n{setting['machine']['cpu']}; {setting['model']['shape']}; {setting['model']['precision']}."
    ]
    parts += [
        f"{setting['text']['sentences']} sentences of {setting['text']['file']}, {setting['text']['direction']}, "
        f"{setting['text']['mean_source_tokens']:.1f} source ids each. "
        + ", ".join(f"{name} {version}" for name, version in setting["versions"].items())
        + "."
    ]
    parts.append("\n".join(f"- {note}" for note in report.notes))
    parts.append("## Speed\n\n" + _table(_speed_rows(report.rows)))
    if report.fresh:
        parts.append("## Memory and cold start\n\n" + _table(_fresh_rows(report.fresh)))
    if report.quality:
        parts.append("## Quality\n\n" + _table(_quality_rows(report.quality)))
    return "\n\n".join(parts) + "\n"


def plot(report: Report, path: Path) -> None:
    """Target ids a second by sentences at once: a row of plots a beam size, a column a number of threads."""
    threads = sorted({row.cell.threads for row in report.rows})
    beams = sorted({row.cell.beam_size for row in report.rows})
    figure, grid = plt.subplots(
        len(beams),
        len(threads),
        figsize=(1.5 + 5.2 * len(threads), 1.1 + 2.9 * len(beams)),
        layout="constrained",
        squeeze=False,
        sharey="row",
    )
    for across, beam_size in zip(grid, beams, strict=True):
        for axes, count in zip(across, threads, strict=True):
            rows = [row for row in report.rows if (row.cell.threads, row.cell.beam_size) == (count, beam_size)]
            _plot_cells(axes, rows)
            search = "greedy" if beam_size == 1 else f"beam {beam_size}"
            axes.set_title(f"{search}, {count} thread{'s' if count > 1 else ''}", fontsize="medium", loc="left")
        across[0].set_ylabel("target ids/s")
    for axes in grid[-1]:
        axes.set_xlabel("sentences at once")
    found = {label: bar for axes in grid.flat for bar, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(found.values(), found.keys(), loc="outside upper left", ncols=len(found), frameon=False)
    shown = f"{report.setting['model']['shape']}, {report.setting['model']['precision']}"
    figure.supxlabel(f"{shown}; {report.setting['machine']['cpu']}", fontsize="small", color="0.4")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _plot_cells(axes: Any, rows: Sequence[Row]) -> None:
    """Bars side by side for each cell, whiskers from slowest to fastest round, Ferry's ratio above its bar."""
    names = list(dict.fromkeys(name for row in rows for name in row.systems))
    width = 0.8 / max(len(names), 1)
    highest = 0.0
    for index, name in enumerate(names):
        for place, row in enumerate(rows):
            if name not in row.systems:
                continue
            found = row.systems[name]
            speeds = [found.target_tokens / turn.seconds for turn in found.turns]
            middle, x = found.target_tokens / found.seconds, place + (index - (len(names) - 1) / 2) * width
            whiskers = [[middle - min(speeds)], [max(speeds) - middle]]
            label = NAMES[name] if place == 0 else None
            axes.bar(x, middle, width * 0.94, color=COLOURS[name], label=label, zorder=2)
            axes.errorbar(x, middle, whiskers, color="0.25", elinewidth=0.8, capsize=1.5, zorder=3)
            highest = max(highest, *speeds)
            if name == "ferry" and REFERENCE in row.systems:
                text = f"{row.ratio(name).median:.2f}×"
                axes.annotate(
                    text, (x, max(speeds)), (0, 3), textcoords="offset points", ha="center", fontsize="small",
                    color=COLOURS[name], weight="bold",
                )  # fmt: skip
    axes.set_xticks(range(len(rows)), [row.cell.label for row in rows])
    axes.set_ylim(0, max(highest * 1.12, axes.get_ylim()[1]))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.grid(axis="y", color="0.9", zorder=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(length=0)


def _speed_rows(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        {
            "threads": str(row.cell.threads),
            "beam": str(row.cell.beam_size),
            "at once": row.cell.label,
            "system": NAMES[name],
            "target ids/s": f"{found.target_tokens / found.seconds:,.0f}",
            "sentences/s": f"{found.sentences / found.seconds:,.1f}",
            "ms/sentence": f"{1e3 * found.seconds / found.sentences:.2f}",
            "ratio": str(row.ratio(name)),
            "same ids": "" if found.same_ids is None else f"{found.same_ids} of {found.sentences}",
            "cores used": f"{statistics.median(turn.cpu_s / turn.seconds for turn in found.turns):.2f}",
            "by others": f"{statistics.median(turn.other_cpu_s / turn.seconds for turn in found.turns):.2f}",
            "settings": found.choice,
        }
        for row in rows
        for name, found in row.systems.items()
    ]


def _fresh_rows(fresh: Mapping[str, Fresh]) -> list[dict[str, str]]:
    return [
        {
            "system": NAMES[name],
            "cold start": f"{each.cold_start_s:.2f} s",
            "resident": f"{each.resident_bytes / 1e6:,.0f} MB",
            "at most": f"{each.peak_bytes / 1e6:,.0f} MB",
        }
        for name, each in fresh.items()
    ]


def _quality_rows(quality: Sequence[Quality]) -> list[dict[str, str]]:
    return [
        {
            "beam": str(each.beam_size),
            "system": NAMES[each.system],
            "BLEU": f"{each.bleu:.2f}",
            "chrF": f"{each.chrf:.2f}",
        }
        for each in quality
    ]


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join(lines + ["| " + " | ".join(row.values()) + " |" for row in rows])


def _order(cell: Cell) -> tuple[int, int, float]:
    return cell.threads, cell.beam_size, float("inf") if cell.at_once is None else cell.at_once
