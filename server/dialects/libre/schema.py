"""What `POST /translate` asks for, checked and frozen, and the bodies that this dialect answers with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from server.bundle import LanguagePair
from server.dialects.codes import show_code
from server.dialects.libre.fields import Fields
from server.dialects.libre.languages import find_language
from server.errors import InvalidRequestError, RequestTooLargeError
from server.settings import Limits
from server.text.detect import Detected
from server.translation.request import AUTO

TextFormat = Literal["text", "html"]
_FORMATS: dict[str, TextFormat] = {"text": "text", "html": "html"}


@dataclass(frozen=True)
class TranslateRequest:
    """One request for translations.

    Attributes:
        source: a model's code; None to detect it for each text.
        num_alternatives: 0 where none were asked for.
        translate_attributes: whether in html what readers see of tags, such as `title`, is translated as well.
    """

    texts: tuple[str, ...]
    source: str | None
    target: str
    format: TextFormat = "text"
    num_alternatives: int = 0
    translate_attributes: bool = False


class DetectedAnswer(Struct):
    """A language and how sure we are of it, 0 to 100."""

    confidence: float
    language: str


class TranslateAnswer(Struct):
    """The answer of `POST /translate`: lists, if the texts were one.

    `detectedLanguage` is there for source `auto` only, `alternatives` only if some were asked for.
    """

    translatedText: str | list[str]  # noqa: N815 (its clients' name)
    detectedLanguage: DetectedAnswer | list[DetectedAnswer] | UnsetType = UNSET  # noqa: N815
    alternatives: list[str] | list[list[str]] | UnsetType = UNSET


class FileAnswer(Struct):
    """Where the translated file can be fetched, once."""

    translatedFileUrl: str  # noqa: N815


def parse_translate(fields: Fields, texts: Sequence[str], pairs: Sequence[LanguagePair]) -> TranslateRequest:
    """The request in `fields` for `texts`; fields it does not know, such as `api_key`, are ignored.

    Raises:
        InvalidRequestError: naming the field.
    """
    source = fields.read_code("source")
    return TranslateRequest(
        texts=tuple(texts),
        source=None if source.lower() == AUTO else find_language(source, (pair.source for pair in pairs)),
        target=find_language(fields.read_code("target"), (pair.target for pair in pairs)),
        format=_parse_format(fields),
        num_alternatives=fields.read_count("alternatives"),
        translate_attributes=_parse_flag(fields, "translate_attributes"),
    )


def check_limits(texts: Sequence[str], num_alternatives: int, limits: Limits) -> None:
    """Refuse what is more than one request may ask for.

    Args:
        texts: of the request.
        num_alternatives: wanted besides the best of each.
        limits: of the server.

    Raises:
        InvalidRequestError: there are more alternatives than a search may keep.
        RequestTooLargeError: there are too many texts or characters.
    """
    num_chars = sum(map(len, texts))
    if len(texts) > limits.max_texts:
        raise RequestTooLargeError(
            f"Invalid request: request ({len(texts)}) exceeds batch limit ({limits.max_texts}); send fewer at a time"
        )
    if num_chars > limits.max_text_chars:
        raise RequestTooLargeError(
            f"Invalid request: request ({num_chars}) exceeds text limit ({limits.max_text_chars}); send less at a time"
        )
    if num_alternatives > limits.max_beam_size - 1:
        raise InvalidRequestError(f"Invalid request: alternatives parameter must be <= {limits.max_beam_size - 1}")


def show_detected(detected: Detected) -> DetectedAnswer:
    """A detected language as this dialect writes it."""
    return DetectedAnswer(round(100 * detected.confidence, 1), show_code(detected.language))


def _parse_flag(fields: Fields, name: str) -> bool:
    value = fields.values.get(name)
    if value in (None, "", False, "false", "0"):
        return False
    if value not in (True, "true", "1"):
        raise InvalidRequestError(f"Invalid request: {name} parameter must be true or false")
    return True


def _parse_format(fields: Fields) -> TextFormat:
    value = fields.values.get("format")
    if value is None or value == "":
        return "text"
    if not isinstance(value, str) or value not in _FORMATS:
        raise InvalidRequestError(f"Invalid request: format parameter must be one of: {', '.join(_FORMATS)}")
    return _FORMATS[value]
