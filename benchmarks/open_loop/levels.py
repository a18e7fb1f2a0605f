"""What was measured at each rate, and what follows from it: medians over rounds, what a system bears, tables."""

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

LIMITS_MS = (100.0, 300.0)


@dataclass(frozen=True)
class Level:
    """A system at one rate, in one round; for what the client heard see `open_loop.client.Heard`.

    Attributes:
        rate: requests per second offered.
        memory_bytes: most that it held.
        server_cpu: cores that it used, on average.
        others_cpu: of its cores, that others used meanwhile; figures are sound where it is near 0.
        fill: rows per decode step (Ferry); None for others.
    """

    system: str
    round: int
    rate: float
    sent: int
    failed: int
    per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    lag_ms: float
    client_cpu: float
    memory_bytes: float
    server_cpu: float
    others_cpu: float
    fill: float | None


@dataclass(frozen=True)
class Ability:
    """What a system bears: its highest throughput within each of `LIMITS_MS`, and its median at light load."""

    per_s: tuple[float, ...]
    light_p50_ms: float
    light_p95_ms: float
    memory_bytes: float


def medians(levels: Iterable[Level]) -> list[Level]:
    """One level for each system and rate, each figure the median of its rounds; `round` is how many there were."""
    groups: dict[tuple[str, float], list[Level]] = {}
    for level in levels:
        groups.setdefault((level.system, level.rate), []).append(level)
    return [_median(groups[key]) for key in sorted(groups, key=lambda key: key[1])]


def _median(group: Sequence[Level]) -> Level:
    figures: dict[str, object] = {}
    for field in fields(Level):
        values = [getattr(level, field.name) for level in group]
        figures[field.name] = values[0] if isinstance(values[0], str | None) else statistics.median(values)
    return Level(**figures | {"round": len(group)})  # type: ignore[arg-type]


def ability(of_system: Sequence[Level]) -> Ability:
    """Of the medians of one system, by rate. A rate counts if it and all below it are within the limit."""
    borne = []
    for limit_ms in LIMITS_MS:
        best = 0.0
        for level in of_system:
            if level.p95_ms > limit_ms:
                break
            best = level.per_s
        borne.append(best)
    light = of_system[0]
    return Ability(tuple(borne), light.p50_ms, light.p95_ms, max(level.memory_bytes for level in of_system))


def abilities(levels: Iterable[Level]) -> dict[str, Ability]:
    """Of each system."""
    of_systems: dict[str, list[Level]] = {}
    for level in medians(levels):
        of_systems.setdefault(level.system, []).append(level)
    return {name: ability(rows) for name, rows in of_systems.items()}


def tabulate(levels: Sequence[Level], about: Mapping[str, str], agreement: Mapping[str, float]) -> str:
    """Markdown: what each system bears, beside the first; then every rate."""
    able = abilities(levels)
    first = next(iter(about))
    limits = "".join(f" p95 < {limit:g} ms, /s | {first} over it |" for limit in LIMITS_MS)
    lines = [
        f"| system |{limits} p50 at light load, ms | {first} over it | p95, ms | memory, MB | same answers |",
        "|---|" + "---|---|" * len(LIMITS_MS) + "---|---|---|---|---|",
    ]
    ours = able[first]
    for name in (name for name in about if name in able):
        each = able[name]
        borne = "".join(
            f" {per_s:.0f} | {_ratio(mine, per_s)} |" for mine, per_s in zip(ours.per_s, each.per_s, strict=True)
        )
        lines.append(
            f"| {about[name]} |{borne} {each.light_p50_ms:.1f} | {_ratio(ours.light_p50_ms, each.light_p50_ms)} | "
            f"{each.light_p95_ms:.1f} | {each.memory_bytes / 1e6:.0f} | {agreement.get(name, 0):.0%} |"
        )
    lines += [
        "",
        "| system | offered /s | answered /s | failed | p50 ms | p95 ms | p99 ms "
        "| cores | ms of a core each | by others | rows a step | rounds |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    order = list(about)
    for level in sorted(medians(levels), key=lambda level: (order.index(level.system), level.rate)):
        fill = "" if level.fill is None else f"{level.fill:.1f}"
        cells = [
            level.system,
            f"{level.rate:g}",
            f"{level.per_s:.1f}",
            f"{level.failed / level.sent:.1%}",
            *(f"{figure:.1f}" for figure in (level.p50_ms, level.p95_ms, level.p99_ms)),
            f"{level.server_cpu:.2f}",
            f"{1000 * level.server_cpu / level.per_s:.1f}" if level.per_s else "–",
            f"{level.others_cpu:.2f}",
            fill,
            str(level.round),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _ratio(ours: float, theirs: float) -> str:
    return f"{ours / theirs:.2f}" if theirs else "–"


def write_levels(path: Path, levels: Sequence[Level], facts: Mapping[str, object]) -> None:
    """JSON, aside and renamed: a long run may be stopped."""
    rows = [
        {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(level).items()}
        for level in levels
    ]
    aside = path.with_suffix(".new")
    body = ",\n".join(json.dumps(row) for row in rows)
    aside.write_text(f'{{"facts": {json.dumps(facts)},\n"levels": [\n{body}\n]}}\n', "utf-8")
    aside.rename(path)


def read_levels(path: Path) -> tuple[list[Level], dict[str, object]]:
    """What `write_levels` wrote."""
    data = json.loads(path.read_text("utf-8"))
    return [Level(**row) for row in data["levels"]], data["facts"]
