"""Draw the rooms of the house on their floors, from the code's own imports: `python docs/draw_rooms.py`.

A room stands one floor above the highest of those that it imports, so every arrow goes down. Arrows that follow from
others are left out (A to C, where A goes to B and B to C); the picture names all imports when a room is pointed at.
It writes docs/rooms.svg, which tests/docs/test_architecture.py compares with the code.
"""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path

import grimp

PICTURE = Path(__file__).with_name("rooms.svg")
PACKAGES = ("training", "export", "server")
# What a room is for, in as many words as its box holds.
CAPTIONS = {
    "training": "corpora to checkpoints",
    "export": "checkpoint to bundle",
    "serve": "ferry-serve",
    "app": "all of it together",
    "lines": "ferry-translate",
    "dialects": "the APIs clients speak",
    "openapi": "the APIs described",
    "page": "the web page",
    "web": "done to any request",
    "documents": "files, in and out",
    "access": "who may ask",
    "storage": "outlives the process",
    "translation": "text in, text out",
    "models": "a folder, running",
    "settings": "flags and variables",
    "engine": "ids in, ids out",
    "markup": "tags around text",
    "text": "sentences and ids",
    "bundle": "the contract",
    "errors": "every refusal",
}
WIDTH, HEIGHT = 142, 40  # of a box
GAP, BEND, FLOOR = 20, 20, 74  # between neighbours; room for an arrow that passes; from floor to floor
LEFT, TOP = 74, 22
TRIES = 300  # orders that are tried; the one with the fewest crossings is drawn
STYLE = """
  .paper { fill: #ffffff; stroke: #d0d7de }
  .band { fill: #f3f5f8 }
  .box { fill: #e3edfb; stroke: #2f6db5 }
  .other .box { fill: #fbefdc; stroke: #a8701a }
  .arrow { fill: none; stroke: #64748b; stroke-width: 1.3 }
  .tip { fill: #64748b }
  text { font-family: system-ui, sans-serif; text-anchor: middle; fill: #1b2430 }
  .name { font-size: 14px; font-weight: 600 }
  .caption, .level { font-size: 11px; fill: #4b5768 }
  .level { text-anchor: start }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117; stroke: #30363d }
    .band { fill: #151b23 }
    .box { fill: #17304f; stroke: #6ea8e8 }
    .other .box { fill: #3d2c10; stroke: #d9a24a }
    .arrow { stroke: #8b98a9 }
    .tip { fill: #8b98a9 }
    text { fill: #e6edf3 }
    .caption, .level { fill: #a9b4c0 }
  }
"""

Edges = Mapping[str, frozenset[str]]


@dataclass
class Stop:
    """A box, or a place where a long arrow passes a floor; `x` is its middle."""

    floor: int
    width: int
    x: float = 0.0


def read_imports() -> dict[str, frozenset[str]]:
    """Each room with those that it imports: the server's folders and modules, and the two other packages whole."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    found: dict[str, set[str]] = defaultdict(set)
    for module in graph.modules:
        importer = _room_of(module)
        found[importer] |= {_room_of(each) for each in graph.find_modules_directly_imported_by(module)} - {importer}
    return {room: frozenset(imported) for room, imported in sorted(found.items()) if room != "server"}


def _room_of(module: str) -> str:
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] or package if package == "server" else package


def put_on_floors(imports: Edges) -> dict[str, int]:
    """The floor of each room, from 0."""
    floors: dict[str, int] = {}

    def floor(room: str) -> int:
        if room not in floors:
            floors[room] = 1 + max((floor(each) for each in imports[room]), default=-1)
        return floors[room]

    for room in imports:
        floor(room)
    return floors


def leave_out_implied(imports: Edges) -> set[tuple[str, str]]:
    """The imports that do not follow from others."""

    def below(room: str) -> set[str]:
        return set(imports[room]).union(*map(below, imports[room]))

    return {
        (room, each)
        for room, imported in imports.items()
        for each in imported
        if not any(each in below(other) for other in imported)
    }


def draw(imports: Edges) -> str:
    """The picture as SVG."""
    floors = put_on_floors(imports)
    stops, paths = _lay_paths(floors, leave_out_implied(imports))
    _place(stops, paths)
    right = max(stop.x + stop.width / 2 for stop in stops.values()) + LEFT + GAP
    height = TOP + FLOOR * max(floors.values()) + HEIGHT + TOP
    bands = [_draw_floor(level, max(floors.values()), right) for level in range(max(floors.values()) + 1)]
    arrows = [_draw_arrow(path, stops, max(floors.values())) for path in paths]
    boxes = [_draw_room(room, stops[room], imports[room], max(floors.values())) for room in imports]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {height}" width="{right:.0f}">'
    paper = f'<rect class="paper" x="0.5" y="0.5" width="{right - 1:.0f}" height="{height - 1}" rx="8"/>'
    about = "<title>The rooms of Ferry: an arrow goes from a room to one that it imports</title>"
    return "\n".join([head, about, f"<style>{STYLE}</style>", paper, *bands, *arrows, *boxes, "</svg>", ""])


def _lay_paths(
    floors: Mapping[str, int], edges: Iterable[tuple[str, str]]
) -> tuple[dict[str, Stop], list[tuple[str, ...]]]:
    """All stops by name, and for each arrow the stops that it goes by, from the top."""
    stops = {room: Stop(floor, WIDTH) for room, floor in floors.items()}
    paths = []
    for start, end in sorted(edges):
        # Arrows to the same room share their way down, so that there are fewer lines.
        bends = [f"{end}@{level}" for level in range(floors[start] - 1, floors[end], -1)]
        for bend in bends:
            stops.setdefault(bend, Stop(int(bend.rpartition("@")[2]), BEND))
        paths.append((start, *bends, end))
    return stops, paths


def _place(stops: Mapping[str, Stop], paths: Sequence[Sequence[str]]) -> None:
    """Give every stop an `x`: in an order with few crossings, and near what it is joined to."""
    links = sorted({link for path in paths for link in pairwise(path)})
    near: dict[str, list[str]] = defaultdict(list)
    for upper, lower in links:
        near[upper].append(lower)
        near[lower].append(upper)
    levels = defaultdict(list)
    for name, stop in sorted(stops.items()):
        levels[stop.floor].append(name)
    rows = [levels[level] for level in sorted(levels)]
    best, fewest = rows, len(links) ** 2
    rng = random.Random(0)
    for _ in range(TRIES):
        rows = [rng.sample(row, len(row)) for row in rows]
        for row in rows:
            _spread(row, stops, range(len(row)))
        for turn in range(6):
            for row in rows if turn % 2 else reversed(rows):
                wanted = {name: _mean_of_near(name, near, stops) for name in row}
                row.sort(key=lambda name: (wanted[name], name))
                _spread(row, stops, [wanted[name] for name in row])
        while _swap_neighbours(rows, links, stops):
            pass
        if (crossings := _count_crossings(links, stops)) < fewest:
            best, fewest = [list(row) for row in rows], crossings
    for row in best:
        _spread(row, stops, range(len(row)))
    for turn in range(400):
        for row in best if turn % 2 else reversed(best):
            _spread(row, stops, [_mean_of_near(name, near, stops) for name in row])
    shift = LEFT + GAP - min(stop.x - stop.width / 2 for stop in stops.values())
    for stop in stops.values():
        stop.x += shift


def _mean_of_near(name: str, near: Mapping[str, Sequence[str]], stops: Mapping[str, Stop]) -> float:
    """The middle of what `name` is joined to; parts of a long arrow count more, so that it goes straight."""
    weights = [9 if stops[each].width == stops[name].width == BEND else 1 for each in near[name]]
    return sum(stops[each].x * weight for each, weight in zip(near[name], weights, strict=True)) / max(1, sum(weights))


def _spread(row: Sequence[str], stops: Mapping[str, Stop], wanted: Sequence[float]) -> None:
    """Put the stops of a row as near to where they are `wanted` as there is room, in their order."""
    offsets, end = [], 0.0
    for name in row:
        offsets.append(end + stops[name].width / 2)
        end += stops[name].width + GAP
    # Without their own widths they only have to ascend: neighbours that would not are put where their mean is.
    groups: list[tuple[float, int]] = []
    for place, offset in zip(wanted, offsets, strict=True):
        mean, count = place - offset, 1
        while groups and groups[-1][0] > mean:
            other, size = groups.pop()
            mean, count = (mean * count + other * size) / (count + size), count + size
        groups.append((mean, count))
    means = [mean for mean, count in groups for _ in range(count)]
    for name, mean, offset in zip(row, means, offsets, strict=True):
        stops[name].x = mean + offset


def _swap_neighbours(rows: Sequence[list[str]], links: Sequence[tuple[str, str]], stops: Mapping[str, Stop]) -> bool:
    """Exchange neighbours where that takes crossings away; returns whether any were."""
    swapped = False
    for row in rows:
        for at in range(len(row) - 1):
            before = _count_crossings(links, stops)
            one, other = stops[row[at]], stops[row[at + 1]]
            one.x, other.x = other.x, one.x
            if _count_crossings(links, stops) < before:
                row[at], row[at + 1] = row[at + 1], row[at]
                swapped = True
            else:
                one.x, other.x = other.x, one.x
    return swapped


def _count_crossings(links: Sequence[tuple[str, str]], stops: Mapping[str, Stop]) -> int:
    return sum(
        (stops[a].x - stops[c].x) * (stops[b].x - stops[d].x) < 0
        for place, (a, b) in enumerate(links)
        for c, d in links[:place]
        if stops[a].floor == stops[c].floor
    )


def _top(floor: int, highest: int) -> int:
    return TOP + FLOOR * (highest - floor)


def _draw_floor(level: int, highest: int, right: float) -> str:
    y = _top(level, highest)
    name = "ground" if level == 0 else f"floor {level}"
    band = f'<rect class="band" x="10" y="{y - 7}" width="{right - 20:.0f}" height="{HEIGHT + 14}" rx="6"/>'
    return f'{band}<text class="level" x="20" y="{y + HEIGHT / 2 + 4:.0f}">{name}</text>'


def _draw_arrow(path: Sequence[str], stops: Mapping[str, Stop], highest: int) -> str:
    """From under the first box to the top of the last, straight down past each floor between."""
    x, y = stops[path[0]].x, _top(stops[path[0]].floor, highest) + HEIGHT
    steps = [f"M{x:.1f} {y}"]
    for name in path[1:]:
        stop = stops[name]
        end = _top(stop.floor, highest) - (5 if name == path[-1] else 7)
        middle = (y + end) / 2
        steps.append(f"C{x:.1f} {middle:.1f} {stop.x:.1f} {middle:.1f} {stop.x:.1f} {end}")
        x, y = stop.x, end
        if name != path[-1]:
            y = end + HEIGHT + 14
            steps.append(f"V{y}")
    tip = f'<path class="tip" d="M{x - 4:.1f} {y - 2} h8 l-4 7 z"/>'
    return f'<g data-from="{path[0]}" data-to="{path[-1]}"><path class="arrow" d="{" ".join(steps)}"/>{tip}</g>'


def _draw_room(room: str, stop: Stop, imported: Iterable[str], highest: int) -> str:
    x, y = stop.x - WIDTH / 2, _top(stop.floor, highest)
    kind = "room other" if room in PACKAGES else "room"
    names = " ".join(sorted(imported))
    said = f"{room} imports {names.replace(' ', ', ')}" if names else f"{room} imports no other room"
    return (
        f'<g class="{kind}" data-room="{room}" data-floor="{stop.floor}" data-imports="{names}"><title>{said}</title>'
        f'<rect class="box" x="{x:.1f}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="name" x="{stop.x:.1f}" y="{y + 17}">{room}</text>'
        f'<text class="caption" x="{stop.x:.1f}" y="{y + 32}">{escape(CAPTIONS[room])}</text></g>'
    )


if __name__ == "__main__":
    PICTURE.write_text(draw(read_imports()), encoding="utf-8")
