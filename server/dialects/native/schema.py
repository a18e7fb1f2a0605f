"""The bodies of the native API, as msgspec reads and writes them, and the reading itself."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from server.bundle import DecoderMixing, Dimensions, Precision, Quality, SearchDefaults
from server.dialects.terms import MAX_GLOSSARIES_PER_REQUEST
from server.text.symptoms import Symptom
from server.translation.request import AUTO, Formality
from server.web.body import InvalidBodyError


class TranslateBody(Struct, forbid_unknown_fields=True):
    """`POST /v1/translate`. A field we do not know is an error: in our own API it can only be a slip."""

    text: str | list[str]
    target: str
    source: str = AUTO
    format: Literal["text", "html", "xml"] = "text"
    translate_attributes: bool = False
    formality: Formality = "default"
    beam_size: int | None = None
    num_alternatives: int = 0
    length_penalty: float | None = None
    scores: bool = False
    segments: bool = False
    alignments: bool = False
    marks: bool = False
    stream: bool = False
    glossary_ids: list[str] = []


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
    `loop`, `too_long`, `too_short`, `copied`, `untranslated` in part, `numbers` that differ, or misspelled `names`.
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
    detected; `alignments` has no placeholders in it; `num_marks` is how many of these were kept, and of tags.
    """

    text: str
    source: str
    model: ModelAnswer
    detected_confidence: float | UnsetType = UNSET
    score: float | UnsetType | None = UNSET
    alternatives: list[AlternativeAnswer] | UnsetType = UNSET
    segments: list[SegmentAnswer] | UnsetType = UNSET
    alignments: list[LinkAnswer] | UnsetType = UNSET
    num_marks: int | UnsetType = UNSET


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
    """A direction that a model translates; with `formality` a form of address can be asked for."""

    source: str
    target: str
    formality: bool


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


_NOT_STREAMED = ("num_alternatives", "scores", "segments", "alignments", "marks")


def check_together(body: TranslateBody) -> None:
    """Refuse what is right by itself, but not beside another field of `body`.

    Raises:
        InvalidBodyError: naming the field, and what it does not go with.
    """
    if body.alignments and body.format != "text":
        raise InvalidBodyError('alignments is true; that needs format "text".', "alignments")
    if body.stream and (fields := [name for name in _NOT_STREAMED if getattr(body, name)]):
        raise InvalidBodyError(f"{fields[0]} is not told in a streamed answer; leave out one of the two.", fields[0])
    if len(body.glossary_ids) > MAX_GLOSSARIES_PER_REQUEST:
        raise InvalidBodyError(
            f"glossary_ids has {len(body.glossary_ids)} ids; a request may have {MAX_GLOSSARIES_PER_REQUEST}.",
            "glossary_ids",
        )
    if body.glossary_ids and body.source == AUTO:
        raise InvalidBodyError("glossary_ids needs source: each direction has terms of its own.", "glossary_ids")
    if body.glossary_ids and body.stream:
        raise InvalidBodyError("glossary_ids does not go with stream; leave out one of the two.", "glossary_ids")
