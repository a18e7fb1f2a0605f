"""The table of marks: what a program, a reader or a page will use as it is, so that no character may change.

One entry a kind: what it matches, what it is in the sentence, and examples, which are its tests. Of two that begin at
the same place the first in the table counts, so a special kind stands before the general one that it looks like.
"""

from server.markup.kinds.code import CODE, NAMES
from server.markup.kinds.kind import HAZARDS, MarkKind
from server.markup.kinds.paths import PATHS
from server.markup.kinds.placeholders import PLACEHOLDERS
from server.markup.kinds.science import SCIENCE
from server.markup.kinds.signs import SIGNS
from server.markup.kinds.tags import ANGLES, PEOPLE

KINDS: tuple[MarkKind, ...] = (*CODE, *ANGLES, *PATHS, *PLACEHOLDERS, *PEOPLE, *SIGNS, *SCIENCE, *NAMES)

__all__ = ["HAZARDS", "KINDS", "MarkKind"]
