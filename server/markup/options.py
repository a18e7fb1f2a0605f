"""What a request says about its markup."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["html", "xml", "text"]


@dataclass(frozen=True)
class Options:
    """How a text is taken apart. Names of tags are compared without case in html, exactly in xml.

    Attributes:
        kind: `text` is plain: marks of many kinds may be in it, see `server.markup.kinds`.
        ignore_tags: the element is kept as it is, tags and content together, wherever its place in the sentence is.
        splitting_tags: these end a sentence, besides html's own blocks.
        non_splitting_tags: these never do.
        outline_detection: in xml, whether every tag that never stands beside text ends a sentence; html ignores it.
        unreadable: characters that the translator cannot read; they are kept as placeholders are.
        target: the language that is translated into; what says that it is in that is kept. Empty where it is not known.
        attributes: whether what readers see of a tag of html, such as `title` and `alt`, is translated as well.
        term_tags: of `ignore_tags`, those for which the translator reads what their attribute `reads` says.
        stressed: words in capitals that are no names, each with how it is read; its translation is put in capitals.
        line_borders: in text, whether the end of a line is structure that nothing crosses; else it is a space.
    """

    kind: Kind = "html"
    ignore_tags: frozenset[str] = frozenset()
    splitting_tags: frozenset[str] = frozenset()
    non_splitting_tags: frozenset[str] = frozenset()
    outline_detection: bool = True
    unreadable: frozenset[str] = frozenset()
    line_borders: bool = True
    target: str = ""
    attributes: bool = False
    stressed: frozenset[tuple[str, str]] = frozenset()
    term_tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.kind == "html":
            for names in ("ignore_tags", "splitting_tags", "non_splitting_tags"):
                object.__setattr__(self, names, frozenset(map(str.lower, getattr(self, names))))
