"""Which directions a model serves: what its vocabulary, its name and its README.md tell, or what the user asks for."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from export.errors import ExportError
from export.sources.languages import is_group, served_code, served_codes
from server.bundle import LanguagePair

# Each takes its share of the lines to prove and to start with; past so many these alone would take minutes.
MAX_DIRECTIONS = 256
# The end of a model's name: languages, several with `_` between, or a group of them.
_NAME = re.compile(r"(?:^|[-_./])([A-Za-z]{2,}(?:_[A-Za-z]{2,})*)-([A-Za-z]{2,}(?:_[A-Za-z]{2,})*)$")
# A line of OPUS-MT's model cards and READMEs.
_CARD = re.compile(r"^\s*[*-]\s*(source|target) language(?:s|\(s\))?\s*:\s*(\S.*)$", re.IGNORECASE | re.MULTILINE)


# The code of each direction's tag; empty where it needs none.
Chosen = dict[tuple[str, str], str]


@dataclass(frozen=True)
class Said:
    """Codes of what a model reads and writes as its makers write them: languages, or the name of a group of them."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


def say_directions(folder: Path, name: str, *said: tuple[str, str] | None) -> Said | None:
    """What the files of a model tell of its directions; None if nothing does.

    A model that is called after a group of languages may list them in its README.md.

    Args:
        folder: where that may be.
        name: of the model, which may end with languages.
        said: source and target by the model's own files; None where they do not tell.
    """
    found = _NAME.search(name)
    pairs = [pair for pair in (*said, (found[1], found[2]) if found else None) if pair]
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8", errors="replace") if readme.is_file() else ""
    sides = []
    for side, kind in enumerate(("source", "target")):
        told = [_split(pair[side]) for pair in pairs] + [_read_card(text, kind)]
        told = [each for each in told if each]
        sides.append(next((each for each in told if not _is_group(each)), told[0] if told else ()))
    return Said(*sides) if all(sides) else None


def choose_pairs(
    tags: Mapping[str, tuple[int, ...]], said: Said | None, asked: Sequence[tuple[str, str]]
) -> tuple[LanguagePair, ...]:
    """The directions to serve: those asked for, or all that the model is said to have.

    Args:
        tags: what goes before the source to ask for a target, by the target's code; empty where there is only one.
        said: by the model's own files, if they tell.
        asked: by the user.

    Raises:
        ExportError: a target that the model does not have, nothing says what it translates, or it is too much.
    """
    targets = served_codes(tags)
    found = _resolve(asked, targets) if asked else _list(targets, said)
    if len(found) > MAX_DIRECTIONS:
        raise ExportError(
            f"the model has {len(found)} directions, and a bundle at most {MAX_DIRECTIONS}; name those to serve with "
            "--pair, such as --pair de-en --pair en-de"
        )
    return tuple(LanguagePair(*pair, tags[code] if code else ()) for pair, code in found.items())


def _resolve(asked: Sequence[tuple[str, str]], targets: Mapping[str, str]) -> Chosen:
    """The directions that the user asked for, in any way to write a language; `targets` are tags by served code."""
    names = {code.lower().replace("_", "-"): name for name, code in targets.items()} | {name: name for name in targets}
    found = {}
    for source, target in asked:
        name = names.get(target.lower().replace("_", "-")) or names.get(served_code(target))
        if targets and name is None:
            raise ExportError(f"the model has no target language {target!r}; it has {', '.join(sorted(targets))}")
        found[served_code(source), name or served_code(target)] = targets[name] if name else ""
    return found


def _list(targets: Mapping[str, str], said: Said | None) -> Chosen:
    """All directions from the languages that are said to those of `targets`, or to the one that is said."""
    if said is None:
        into = f" into {_some(targets)}" if targets else ""
        raise ExportError(f"nothing says which languages the model translates{into}; give --pair, such as --pair de-en")
    if not targets:
        if len(said.targets) > 1 or _is_group(said.targets):
            raise ExportError(_ask("writes", said.targets))
        targets = {served_code(said.targets[0]): ""}
        sources = dict.fromkeys(map(served_code, said.sources))
    elif said.sources == said.targets and _is_group(said.sources):
        sources = dict.fromkeys(targets)
    else:
        sources = dict.fromkeys(map(served_code, said.sources))
    if _is_group(tuple(sources)):
        raise ExportError(_ask("reads", said.sources))
    return {(source, target): code for source in sources for target, code in targets.items() if source != target}


def _ask(does: str, codes: Sequence[str]) -> str:
    what = "a group of languages that nothing lists" if _is_group(codes) else "several languages"
    return f"the model {does} {_some(codes)}, {what}; name the directions with --pair, such as --pair de-en"


def _some(codes: Iterable[str]) -> str:
    shown = list(codes)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")


def _is_group(codes: Sequence[str]) -> bool:
    return any(map(is_group, codes))


def _split(code: str) -> tuple[str, ...]:
    """The languages of a name such as `deu_eng_fra`; a script or region is part of one."""
    parts = code.split("_")
    return tuple(parts) if len(parts) > 1 and all(len(part) == 3 for part in parts) else (code,)


def _read_card(text: str, kind: str) -> tuple[str, ...]:
    """The codes that the first list of `kind` languages has."""
    found = next((line[2] for line in _CARD.finditer(text) if line[1].lower() == kind), "")
    return tuple(code for code in re.split(r"[\s,]+", found) if re.fullmatch(r"[A-Za-z]{2,}(_[A-Za-z]+)*", code))
