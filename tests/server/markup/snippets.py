"""The snippets of `snippets.jsonl`, one per line, of our own writing: their family, kind, source and options."""

import json
from dataclasses import dataclass
from pathlib import Path

from server.markup import Options


@dataclass(frozen=True)
class Snippet:
    """One text with markup."""

    family: str
    source: str
    options: Options


def read_snippets() -> list[Snippet]:
    """All of them."""
    lines = Path(__file__).with_name("snippets.jsonl").read_text().splitlines()
    return [_read(json.loads(line)) for line in lines]


def _read(fields: dict[str, object]) -> Snippet:
    sets = ("ignore_tags", "splitting_tags", "non_splitting_tags")
    names = {name: frozenset(map(str, value)) for name in sets if isinstance(value := fields.get(name, []), list)}
    kind, outline = fields["kind"], fields.get("outline_detection", True)
    assert kind in ("html", "xml", "text")
    assert isinstance(outline, bool)
    return Snippet(str(fields["family"]), str(fields["source"]), Options(kind, **names, outline_detection=outline))
