"""What is installed is what is there; an editable installation, as all tests have it, would hide what is forgotten."""

import subprocess
import sys
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


def test_importing_a_model_needs_nothing_that_draws_curves() -> None:
    drawing = {"matplotlib", "tensorboardX", "jinja2"}
    extras = tomllib.loads(Path("pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert drawing <= {each.partition(">")[0] for each in extras["train"]}
    assert not any("[train]" in each or "[export]" in each for each in extras["import"])
    program = f"import sys, export.importer; print(sorted({drawing!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
