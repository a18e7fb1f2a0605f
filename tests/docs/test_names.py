"""What the pages name exists: files, links, commands, targets of make."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("docs/**/*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
]
FOLDERS = "training|export|server|tests|docs|examples|benchmarks|deploy|nginx"
PATH = re.compile(rf"`((?:{FOLDERS})/[\w./-]*)`")
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)\)")
COMMAND = re.compile(r"\bferry-[a-z]+\b")
TARGET = re.compile(r"(?:^ {4}|`|&& )make ([a-z-]+)", re.MULTILINE)
# Images, which are no commands.
IMAGES = {"ferry-serve", "ferry-train"}
# Volumes, modules and hosts in examples.
OTHERS = {"ferry-data", "ferry-nmt", "ferry-stored"}


def scripts() -> set[str]:
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"])


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    missing = {path for path in PATH.findall(text) if not (ROOT / path).exists()}
    missing |= {link for link in LINK.findall(text) if not (page.parent / link).exists()}
    missing |= set(COMMAND.findall(text)) - scripts() - IMAGES - OTHERS
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    missing |= {f"make {target}" for target in TARGET.findall(text) if target not in targets}
    assert not missing
