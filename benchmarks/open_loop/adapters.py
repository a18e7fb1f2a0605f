"""One sentence as a request of each system, and the translation in its answer."""

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Adapter:
    """A shape of request.

    Attributes:
        body: JSON fields from text, source and target.
        translation: the text in the decoded answer.
    """

    path: str
    body: Callable[[str, str, str], dict[str, object]]
    translation: Callable[[dict[str, str]], str]

    def encode(self, text: str, source: str, target: str) -> bytes:
        """The request's body."""
        return json.dumps(self.body(text, source, target), ensure_ascii=False).encode()

    def read(self, answer: bytes) -> str:
        """The translation in an answer's body.

        Raises:
            KeyError, IndexError, TypeError, ValueError: it has none.
        """
        return self.translation(json.loads(answer))


def _ferry(beam_size: int) -> Adapter:
    return Adapter(
        "/v1/translate",
        lambda text, source, target: {"text": text, "source": source, "target": target, "beam_size": beam_size},
        lambda answer: answer["translations"][0]["text"],  # type: ignore[index, return-value]
    )


ADAPTERS = {
    "v1": _ferry(1),
    "v1-beam4": _ferry(4),
    "libre": Adapter(
        "/translate",
        lambda text, source, target: {"q": text, "source": source, "target": target, "format": "text"},
        lambda answer: answer["translatedText"],
    ),
}
