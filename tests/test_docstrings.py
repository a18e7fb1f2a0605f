"""What ruff's `D` rules cannot say of docstrings: errors have reasons, arguments are explained where names do not."""

import ast
import builtins
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Being rewritten; these lines go when that is done, with those in pyproject.toml.
REWRITTEN = tuple(f"server/{room}/" for room in ("dialects", "openapi", "storage"))
FILES = [
    path
    for package in ("training", "export", "server")
    for path in sorted((ROOT / package).rglob("*.py"))
    if not path.relative_to(ROOT).as_posix().startswith(REWRITTEN)
]
# Types that do not say what an argument is, though they have a name.
VAGUE = {"Any", "Array", "Axis", "Floats", "Hashes", "Ids", "Path", "Tensor"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Documented:
    """A public function, or `__init__`, with what is said of it."""

    name: str
    node: Function
    doc: str

    def section(self, title: str) -> list[tuple[str, str]]:
        """The entries of a section: name and text."""
        match = re.search(rf"^{title}:\n((?:    .*\n?|\n(?=    ))+)", self.doc, re.MULTILINE)
        entries = re.split(r"^    (?=\S)", match[1], flags=re.MULTILINE)[1:] if match else []
        return [(name.strip(), text.strip()) for name, _, text in (each.partition(":") for each in entries)]

    def raises(self) -> bool:
        """Whether it raises something of its own."""
        return any(isinstance(node, ast.Raise) and node.exc for node in within(self.node))

    def unexplained(self) -> list[str]:
        """Arguments that are told by no type, no entry and no word, if it has three or more."""
        given = self.node.args
        args = [a for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")]
        if len(args) < 3 or re.search(r"\bas (?:of )?`[\w.]+`", self.doc, re.IGNORECASE):
            return []
        told = {name for names, _ in self.section("Args") for name in names.split(", ")}
        told |= set(re.findall(r"`(\w+)`", self.doc))
        return [a.arg for a in args if a.arg not in told and not has_telling_type(a)]


def has_telling_type(argument: ast.arg) -> bool:
    """Whether the type is a class whose name says it all, as in `settings: EngineSettings`."""
    kind = argument.annotation
    if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
        kind = ast.parse(kind.value.partition("[")[0], mode="eval").body
    return isinstance(kind, ast.Name) and kind.id[0].isupper() and kind.id not in VAGUE


def within(function: Function) -> Iterator[ast.AST]:
    """All nodes of a function, but not those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Function | ast.Lambda):
            yield node
            waiting.extend(ast.iter_child_nodes(node))


def documented(tree: ast.Module) -> Iterator[Documented]:
    """All public functions of a module; what is said of a class is said of its `__init__`."""
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield Documented(node.name, node, ast.get_docstring(node) or "")
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        for method in node.body:
            if not isinstance(method, Function) or (method.name.startswith("_") and method.name != "__init__"):
                continue
            doc = ast.get_docstring(method) or ""
            if method.name == "__init__":
                doc += "\n\n" + (ast.get_docstring(node) or "")
            yield Documented(f"{node.name}.{method.name}", method, doc)


def known_errors() -> set[str]:
    """Names of errors that the packages define or import, and Python's own."""
    names = set(dir(builtins))
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.ImportFrom):
                names |= {alias.asname or alias.name for alias in node.names}
    return names


ERRORS = known_errors()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_is_raised_has_a_reason_and_what_is_taken_a_meaning(path: Path) -> None:
    faults = []
    for each in documented(ast.parse(path.read_text())):
        raises = each.section("Raises")
        if each.raises() and not raises:
            faults.append(f"{each.name} raises, and no `Raises` says what and why")
        faults += [f"{each.name}: {name} has no reason" for name, reason in raises if not reason]
        faults += [f"{each.name}: there is no error {name}" for name, _ in raises if name not in ERRORS]
        faults += [f"{each.name}: {name} is explained nowhere" for name in each.unexplained()]
    assert not faults, "\n".join(faults)


SAMPLE = '''
def bare(a: int, b: int, c: EngineSettings) -> None:
    """Both."""
    raise ValueError("no")

def named(a: int, b: int, c: int) -> None:
    """Both of `a` and `b`.

    Args:
        c: in seconds,
            at least 1.

    Raises:
        KeyError
        OSError: the disk is full.
    """
'''


def test_what_is_missing_is_found() -> None:
    bare, named = documented(ast.parse(SAMPLE))
    assert bare.raises()
    assert bare.section("Raises") == []
    assert bare.unexplained() == ["a", "b"]
    assert not named.raises()
    assert named.section("Raises") == [("KeyError", ""), ("OSError", "the disk is full.")]
    assert named.unexplained() == []
