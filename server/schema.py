"""The bodies of the native API, as msgspec reads and writes them, and the reading itself."""

import re
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.requests import Request

from server.body import chunks_in_time, discard
from server.bundle import DecoderMixing, Dimensions, Precision, Quality, SearchDefaults
from server.errors import InvalidRequestError, RequestTooLargeError
from server.guard import Symptom

AUTO = "auto"  # the source language is to be detected


class TranslateBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/translate`. A field we do not know is an error: in our own API it can only be a slip."""

    text: str | list[str]
    target: str
    source: str = AUTO
    format: Literal["text", "html", "xml"] = "text"
    beam_size: int | None = None
    num_alternatives: int = 0
    length_penalty: float | None = None
    scores: bool = False
    segments: bool = False
    alignments: bool = False
    stream: bool = False


class DetectBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/detect`."""

    text: str | list[str]


class DetectionAnswer(Struct):
    """The likeliest language of one text. Where nothing tells, it is the first one served, with `confidence` 0."""

    language: str
    confidence: float


class DetectAnswer(Struct):
    """The answer of `POST /v1/detect`, detections in the order of the texts."""

    detections: list[DetectionAnswer]


class AlternativeAnswer(Struct):
    """One alternative; `score` only when scores were asked for."""

    text: str
    score: float | UnsetType | None = UNSET


class SegmentAnswer(Struct):
    """One sentence.

    `complete` is false where the length limit cut its translation off; `warnings` say why not to trust it: `empty`,
    `loop`, `too_long`, `too_short`, `copied`, or `numbers` that differ.
    """

    source: str
    target: str
    complete: bool
    warnings: tuple[Symptom, ...] = ()
    score: float | UnsetType | None = UNSET


class LinkAnswer(Struct):
    """A word of the translation and a word it was made from: where they begin and end in the two texts.

    In characters (Unicode code points), the end not included.
    """

    source: tuple[int, int]
    target: tuple[int, int]


class ModelAnswer(Struct):
    """Which model answered."""

    name: str
    version: str


class TranslationAnswer(Struct):
    """One translated text.

    `score` is null where there was nothing to translate; `detected_confidence`, 0 to 1, is there where `source` was
    detected; `alignments` has no placeholders in it.
    """

    text: str
    source: str
    model: ModelAnswer
    detected_confidence: float | UnsetType = UNSET
    score: float | UnsetType | None = UNSET
    alternatives: list[AlternativeAnswer] | UnsetType = UNSET
    segments: list[SegmentAnswer] | UnsetType = UNSET
    alignments: list[LinkAnswer] | UnsetType = UNSET


class PieceAnswer(Struct):
    """A line of a streamed answer: the next piece of the translation of text number `index`, from 0."""

    index: int
    text: str


class DoneAnswer(Struct):
    """The last line of a streamed answer that is complete."""

    done: Literal[True] = True


class TranslateAnswer(Struct):
    """The answer of `POST /v1/translate`, translations in the order of the texts."""

    translations: list[TranslationAnswer]


class TextAnswer(Struct):
    """The answer of `GET /translate`."""

    translatedText: str  # noqa: N815 (what clients of LibreTranslate read)


class PairAnswer(Struct):
    """A direction that a model translates."""

    source: str
    target: str


class DescribedModelAnswer(Struct):
    """A loaded model: what it is, what it translates, what a request gets that does not say, and how good it is."""

    name: str
    version: str
    precision: Precision
    decoder_mixing: DecoderMixing
    pairs: list[PairAnswer]
    dimensions: Dimensions
    search: SearchDefaults
    quality: tuple[Quality, ...]


class ModelsAnswer(Struct):
    """The answer of `GET /v1/models`."""

    models: list[DescribedModelAnswer]


class StatusAnswer(Struct):
    """The answer of the health endpoints."""

    status: Literal["ok"] = "ok"


class ErrorDetail(Struct, omit_defaults=True):
    """`code` is stable; `message` is for people; `field` names the part of the body at fault, if one is."""

    code: str
    message: str
    field: str | None = None


class ErrorAnswer(Struct):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class InvalidBodyError(InvalidRequestError):
    """A body that is not what its schema says; `field` is the part at fault, None if it is all of it."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


Body = TypeVar("Body", bound=Struct)
# Of the faults of a body, so many are told, and so much of a name that the caller made up.
MAX_FAULTS = 10
MAX_NAME_CHARS = 40
_NOT_STREAMED = ("num_alternatives", "scores", "segments", "alignments")
_PATH = re.compile(r" - at `\$([^`]*)`$")


async def read_body(request: Request[Any], max_bytes: int) -> bytes:
    """The body; of one over `max_bytes`, never more than that is kept.

    Raises:
        RequestTooLargeError: naming the limit.
        RequestTimeoutError
    """
    declared = request.headers.get("content-length", "")
    body = bytearray()
    stream = chunks_in_time(request, request.state["settings"].client_timeout_s)
    if not (declared.isdecimal() and int(declared[:19]) > max_bytes):
        async for chunk in stream:
            body += chunk
            if len(body) > max_bytes:
                break
        else:
            return bytes(body)
    await discard(stream)
    raise RequestTooLargeError(f"The body is over {max_bytes} bytes, the limit of one request; send less at a time.")


def decode_translate(body: bytes) -> TranslateBody:
    """The body of `POST /v1/translate`.

    Raises:
        InvalidBodyError: saying what is wrong and where.
    """
    decoded = _decode(TranslateBody, body)
    if decoded.alignments and decoded.format != "text":
        raise InvalidBodyError('alignments is true; that needs format "text".', "alignments")
    if decoded.stream and (fields := [name for name in _NOT_STREAMED if getattr(decoded, name)]):
        raise InvalidBodyError(f"{fields[0]} is not told in a streamed answer; leave out one of the two.", fields[0])
    return decoded


def decode_detect(body: bytes) -> DetectBody:
    """The body of `POST /v1/detect`.

    Raises:
        InvalidBodyError: saying what is wrong and where.
    """
    return _decode(DetectBody, body)


def _decode(kind: type[Body], body: bytes) -> Body:
    try:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError as error:
            raise InvalidBodyError(*_faults(kind, msgspec.json.decode(body), error)) from error
    except RecursionError as error:
        raise InvalidBodyError("The body is nested too deeply.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidBodyError(f"The body is not JSON: {error}.") from error


def _faults(kind: type[Struct], given: object, first: msgspec.ValidationError) -> tuple[str, str | None]:
    """What is wrong with all fields of the body `given`, and the first field at fault; msgspec stops at the `first`."""
    if not isinstance(given, dict):
        return f"{first}.", None
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    faults = [(f"{_shown(name)} is no field of this request.", _shown(name)) for name in given if name not in known]
    for name, field in known.items():
        if name in given:
            faults += _field_faults(name, given[name], field.type)
        elif field.required:
            faults.append((f"{name} is missing.", name))
    if not faults:  # a field given twice: the first was wrong, the last is seen here
        return f"{first}.", None
    told = " ".join(message for message, _ in faults[:MAX_FAULTS])
    return told + f" And {len(faults) - MAX_FAULTS} more." * (len(faults) > MAX_FAULTS), faults[0][1]


def _field_faults(name: str, value: object, kind: Any) -> list[tuple[str, str]]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        path = _PATH.search(str(error))
        place = name + (path.group(1) if path else "")
        return [(f"{place}: {_PATH.sub('', str(error))}.", place)]
    return []


def _shown(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else name[: MAX_NAME_CHARS - 3] + "..."
