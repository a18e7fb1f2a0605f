"""What is installed is what is there; an editable installation, as all tests have it, would hide what is forgotten."""

import tomllib
from pathlib import Path

ROOMS = ("training", "export", "server")


def test_every_package_and_every_file_of_one_is_installed() -> None:
    tools = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["setuptools"]
    # Every folder with code below these is a package, and only what says so is one.
    assert tools["packages"]["find"] == {"include": [f"{room}*" for room in ROOMS], "namespaces": False}
    folders = {path.parent for room in ROOMS for path in Path(room).rglob("*.py")} - {Path("training/recipes")}
    assert all((folder / "__init__.py").is_file() for folder in folders)
    installed = {
        path
        for package, patterns in tools["package-data"].items()
        for pattern in patterns
        for path in Path(*package.split(".")).glob(pattern)
    }
    data = {
        path
        for room in ROOMS
        for path in Path(room).rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc", ".typed") and "recipes" not in path.parts
    }
    assert data == installed
