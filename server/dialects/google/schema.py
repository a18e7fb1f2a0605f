"""What a request asks for, checked and frozen, and the bodies that this dialect answers with."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import UNSET, Struct, UnsetType

from server.bundle import LanguagePair
from server.dialects.codes import match_code
from server.dialects.google.fields import Fields, read_string, read_texts
from server.errors import InvalidRequestError, RequestTooLargeError
from server.settings import Limits
from server.translation.request import AUTO

MAX_TEXTS = 128
_MAX_SHOWN_CHARS = 40
_FORMATS = ("html", "text")


@dataclass(frozen=True)
class TranslateRequest:
    """One request for translations. `source` and `target` are models' codes; None detects the source of each text.

    Attributes:
        model: what the client calls the model that it wants, which it is told back; it changes nothing.
    """

    texts: tuple[str, ...]
    source: str | None
    target: str
    html: bool
    model: str | None


class TranslationAnswer(Struct):
    """One text, translated; `detectedSourceLanguage` is there if the source was not given, `model` if it was."""

    translatedText: str  # noqa: N815 (its clients' name)
    detectedSourceLanguage: str | UnsetType = UNSET  # noqa: N815
    model: str | UnsetType = UNSET


class TranslationList(Struct):
    """The texts of a request, in order."""

    translations: list[TranslationAnswer]


class TranslateAnswer(Struct):
    """The answer to a request for translations."""

    data: TranslationList


class DetectionAnswer(Struct):
    """A language and how sure we are of it, 0 to 1; `isReliable` is always false there, and nobody may use it."""

    language: str
    confidence: float
    isReliable: bool = False  # noqa: N815


class DetectionList(Struct):
    """For each text of a request a list of one."""

    detections: list[list[DetectionAnswer]]


class DetectAnswer(Struct):
    """The answer to a request for languages of texts."""

    data: DetectionList


class LanguageAnswer(Struct):
    """One language; its name is there if the client said in which language it wants names, and always English."""

    language: str
    name: str | UnsetType = UNSET


class LanguageList(Struct):
    """All languages."""

    languages: list[LanguageAnswer]


class LanguagesAnswer(Struct):
    """The answer to a request for the languages that there are."""

    data: LanguageList


def parse_translate(fields: Fields, pairs: Sequence[LanguagePair], limits: Limits) -> TranslateRequest:
    """The request in `fields`; those it does not know are ignored.

    Args:
        fields: of the query and the body.
        pairs: that are translated.
        limits: of the server.

    Raises:
        InvalidRequestError: naming the field.
        RequestTooLargeError: there are too many texts.
    """
    target = read_string(fields, "target")
    if target is None:
        raise InvalidRequestError("Required Text: target is missing.")
    source = read_string(fields, "source")
    format = read_string(fields, "format") or _FORMATS[0]
    if format not in _FORMATS:
        raise InvalidRequestError(f"Invalid value for format: it must be one of {', '.join(_FORMATS)}.")
    is_given = source is not None and source.lower() != AUTO
    return TranslateRequest(
        texts=parse_texts(fields, limits),
        source=_find_language("source", source, [pair.source for pair in pairs]) if source and is_given else None,
        target=_find_language("target", target, [pair.target for pair in pairs]),
        html=format == "html",
        model=read_string(fields, "model"),
    )


def parse_texts(fields: Fields, limits: Limits) -> tuple[str, ...]:
    """The texts of a request.

    Raises:
        InvalidRequestError: there are none, or something else than strings.
        RequestTooLargeError: there are more than `MAX_TEXTS`, or than a request may have.
    """
    texts, most = read_texts(fields), min(MAX_TEXTS, limits.max_texts)
    if len(texts) > most:
        raise RequestTooLargeError(f"Too many text segments: {len(texts)}, at most {most}; send fewer at a time.")
    return texts


def _find_language(field: str, code: str, served: Sequence[str]) -> str:
    found = match_code(code, served)
    if found is None:
        shown = code if len(code) <= _MAX_SHOWN_CHARS else code[: _MAX_SHOWN_CHARS - 3] + "..."
        raise InvalidRequestError(f"Invalid value for {field}: {shown}; /language/translate/v2/languages lists all.")
    return found
