"""What a model's ids mean besides text: where a target starts and ends, what pads, what asks for a language.

Our own models have it from their tokenizer (`training.data.tokenizer`). One that another toolkit trained has its own
numbers, which stay with its tokenizer as `scheme.json`.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from training.config import ConfigError, build

NAME = "scheme.json"


@dataclass(frozen=True)
class Prefix:
    """A direction, and the ids that go before its source ids; there may be none."""

    source: str
    target: str
    ids: tuple[int, ...]


@dataclass(frozen=True)
class IdScheme:
    """The special ids of a model, and the sizes of its tables.

    Attributes:
        vocab_size: rows of the table that source ids are looked up in; a tokenizer may use fewer.
        target_vocab_size: of target ids.
        pad: what fills short rows up. What is padded is masked, so that any id may be it.
        bos: what targets start from.
        prefixes: one for each direction that the model knows.
        suppressed: target ids that are never generated.
    """

    vocab_size: int
    target_vocab_size: int
    pad: int
    unk: int
    bos: int
    eos: int
    prefixes: tuple[Prefix, ...]
    suppressed: tuple[int, ...]

    @property
    def pairs(self) -> Mapping[tuple[str, str], tuple[int, ...]]:
        """The ids before the source ids, by direction."""
        return {(prefix.source, prefix.target): prefix.ids for prefix in self.prefixes}

    @property
    def num_extra(self) -> int:
        """Ids that are added to a source at most, EOS among them."""
        return 1 + max((len(prefix.ids) for prefix in self.prefixes), default=0)


def write_scheme(folder: Path, scheme: IdScheme) -> None:
    """Write `scheme` beside the tokenizer in `folder`."""
    (folder / NAME).write_text(json.dumps(asdict(scheme), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_scheme(folder: Path) -> IdScheme | None:
    """The scheme in `folder`; None if there is none, so that the tokenizer there is one of ours.

    Raises:
        ConfigError: it is damaged.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return build(IdScheme, data, NAME)
