"""A dialect's `openapi.yaml`: read once, and filled in with what depends on the server that runs.

In the file `${name}` stands for a value. Where it is all of a scalar, the value itself takes its place, be it a number
or a list; within a longer text, the value's text does. Every file may use

    version             of Ferry
    max_texts, max_text_chars, max_beam_size, max_alternatives
                        what one request may ask for
    asks_for_key        a sentence: whether this server asks for keys

and what its dialect adds, such as `source_languages`. `security` is written as it is on a server that asks for keys, at
the top for all operations, and `[]` at those that never do; on a server that asks for none it is `[]` for all.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from server.web.dialect import Schema, Served, Spec

Values = Mapping[str, object]

_VALUE = re.compile(r"\$\{(\w+)\}")
_ASKS_FOR_KEY = {True: "This server asks for one.", False: "This server asks for no key; any is accepted."}


def load_spec(path: Path, make_values: Callable[[Served], Values]) -> Spec:
    """What fills in the file at `path`, which is read now.

    Args:
        make_values: what the dialect adds to the values that every file may use.
    """
    template = _read(path)

    def spec(served: Served) -> Schema:
        filled: Schema = _fill(template, _common_values(served) | dict(make_values(served)))
        return filled if served.needs_key else filled | {"security": []}

    return spec


@lru_cache
def _read(path: Path) -> Schema:
    """The file as it is. libyaml takes a tenth of the time, where PyYAML was built with it."""
    template: Schema = yaml.load(path.read_bytes(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return template


def _common_values(served: Served) -> dict[str, object]:
    limits = served.limits
    return {
        "version": read_version(),
        "max_texts": limits.max_texts,
        "max_text_chars": limits.max_text_chars,
        "max_beam_size": limits.max_beam_size,
        "max_alternatives": limits.max_beam_size - 1,
        "asks_for_key": _ASKS_FOR_KEY[served.needs_key],
    }


def _fill(node: Any, values: Values) -> Any:
    """A copy of `node` with values where their names are."""
    if isinstance(node, dict):
        return {name: _fill(each, values) for name, each in node.items()}
    if isinstance(node, list):
        return [_fill(each, values) for each in node]
    if not isinstance(node, str) or "${" not in node:
        return node
    alone = _VALUE.fullmatch(node)
    return values[alone[1]] if alone else _VALUE.sub(lambda found: str(values[found[1]]), node)


@lru_cache
def read_version() -> str:
    """Ferry's version, 0 where it runs from its source without having been installed."""
    try:
        return version("ferry-nmt")
    except PackageNotFoundError:
        return "0"
