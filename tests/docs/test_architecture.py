"""The map of the house is true: the picture has the code's own imports, and every room has its place in the pages."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from docs.draw_rooms import CAPTIONS, PICTURE, draw, leave_out_implied, put_on_floors, read_imports

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
REDRAW = "the imports have changed: python docs/draw_rooms.py"


@pytest.fixture(scope="module")
def imports() -> dict[str, frozenset[str]]:
    return read_imports()


def groups(attribute: str) -> list[ET.Element]:
    return [group for group in ET.parse(PICTURE).iter(f"{SVG}g") if attribute in group.attrib]


def test_the_picture_has_the_imports_of_the_code(imports: dict[str, frozenset[str]]) -> None:
    drawn = {
        group.attrib["data-room"]: frozenset(group.attrib["data-imports"].split()) for group in groups("data-room")
    }
    assert drawn == imports, REDRAW
    arrows = {(group.attrib["data-from"], group.attrib["data-to"]) for group in groups("data-from")}
    assert arrows == leave_out_implied(imports), REDRAW


def test_every_arrow_goes_down() -> None:
    floor = {group.attrib["data-room"]: int(group.attrib["data-floor"]) for group in groups("data-room")}
    assert all(floor[group.attrib["data-from"]] > floor[group.attrib["data-to"]] for group in groups("data-from"))


def test_no_box_lies_on_another() -> None:
    boxes = [(float(r.attrib["x"]), float(r.attrib["y"])) for g in groups("data-room") for r in g.iter(f"{SVG}rect")]
    width = max(float(r.attrib["width"]) for g in groups("data-room") for r in g.iter(f"{SVG}rect"))
    assert all(abs(x - other) >= width for x, y in boxes for other, level in boxes if y == level and x != other)
    assert len(set(boxes)) == len(boxes)


def test_every_room_says_what_it_is_for(imports: dict[str, frozenset[str]]) -> None:
    assert set(CAPTIONS) == set(imports)


def test_what_follows_from_other_arrows_is_left_out() -> None:
    imports = {"serve": frozenset({"app", "text"}), "app": frozenset({"text"}), "text": frozenset()}
    assert leave_out_implied(imports) == {("serve", "app"), ("app", "text")}
    assert put_on_floors(imports) == {"text": 0, "app": 1, "serve": 2}
    assert draw(imports).count("data-from") == 2


def test_every_room_of_the_server_has_its_section() -> None:
    page = (ROOT / "docs/architecture/server.md").read_text()
    heads = " ".join(re.findall(r"^## (.*)$", page, re.MULTILINE))
    folders = {path.parent.name for path in (ROOT / "server").glob("*/__init__.py")}
    assert {room for room in folders if f"`server/{room}/`" not in heads} == set()
    modules = {path.name for path in (ROOT / "server").glob("*.py")} - {"__init__.py"}
    assert {module for module in modules if f"`server/{module}`" not in page} == set()


@pytest.mark.parametrize("package", ["training", "export"])
def test_every_module_of_the_other_packages_has_its_row(package: str) -> None:
    page = (ROOT / f"docs/architecture/{package}.md").read_text()
    modules = {path.name for path in (ROOT / package).rglob("*.py")} - {"__init__.py"}
    assert {module for module in modules if f"/{module}`" not in page and f"`{module}`" not in page} == set()


def test_what_a_room_is_said_to_offer_is_there() -> None:
    page = (ROOT / "docs/architecture/server.md").read_text()
    offered = re.findall(
        r"^## [^\n]*`server/(\w+)/`[^\n]*\n(?:(?!^## ).*\n)*?.*\*\*Face\*\*: ((?:.+\n)+)", page, re.MULTILINE
    )
    assert len(offered) > 10
    for room, words in offered:
        code = "\n".join(path.read_text() for path in (ROOT / "server" / room).rglob("*.py"))
        names = {part for name in re.findall(r"`([A-Za-z_.]+)`", words) for part in name.split(".")}
        missing = {name for name in names if not re.search(rf"(?:class|def) {name}\b|^{name} = ", code, re.MULTILINE)}
        assert not missing, room
