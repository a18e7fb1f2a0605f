"""What is language in the files that programs take their words from."""

import re

_ADDRESS = re.compile(
    r"(?:[a-z][a-z0-9+.\-]{1,20}:)?//\S+|(?:mailto|tel|data):\S+|[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+", re.I
)
# Names that a program knows something by: with digits, signs or capitals inside, and no space.
_NAME = re.compile(r"[\w\-./\\:#@+]*(?:[_\\/:#@+]|\w\.\w|\d|[a-z][A-Z])[\w\-./\\:#@+]*|[A-Z]{2,5}|[a-z]{2,3}-[A-Z]{2}")
# How dates and numbers are written.
_PATTERN = re.compile(r"(?:%[-^0#:]?[A-Za-z]|[\W\d])+")
# A plain word, as in the first row of a table.
_HEADING = re.compile(r"[a-z][\w.\-]*")


def is_name(text: str) -> bool:
    """Whether a string looks like what programs know something by, at the top of a table: no space, no capital."""
    return _HEADING.fullmatch(text) is not None or _NAME.fullmatch(text) is not None


def is_language(text: str) -> bool:
    """Whether a string is for readers: it has letters, and is no address and no name that only programs know."""
    bare = text.strip()
    kept = (_ADDRESS, _NAME, _PATTERN)
    return any(map(str.isalpha, bare)) and not any(each.fullmatch(bare) for each in kept)


def is_chosen(path: tuple[str | int, ...], siblings: frozenset[str] = frozenset()) -> bool:
    """Whether the string at a place is one that readers see.

    What begins with `@` tells of the string of that name, in Flutter's files. Where a browser's extension says what
    a message is for, only the message counts.

    Args:
        path: the keys and numbers that lead to it.
        siblings: the keys beside it.
    """
    if any(isinstance(key, str) and key.startswith("@") for key in path):
        return False
    if path[-3:-2] == ("placeholders",) and path[-1] in ("content", "example"):
        return False
    is_extension = "message" in siblings and siblings <= {"message", "description", "placeholders", "hash"}
    return not is_extension or path[-1] == "message"
