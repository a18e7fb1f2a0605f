"""The native dialect: `/v1`, and `GET /translate` for a browser's address line."""

import time

from msgspec import UNSET
from starlette.responses import Response
from starlette.routing import Route

from server.dialects.native.schema import (
    AlternativeAnswer,
    DescribedModelAnswer,
    DetectAnswer,
    DetectBody,
    DetectionAnswer,
    LinkAnswer,
    ModelAnswer,
    ModelsAnswer,
    PairAnswer,
    SegmentAnswer,
    TextAnswer,
    TranslateAnswer,
    TranslateBody,
    TranslationAnswer,
    check_together,
)
from server.dialects.native.spec import load_native_spec
from server.dialects.native.streaming import stream_answer
from server.dialects.terms import find_entries, translate_with_terms
from server.errors import InvalidRequestError, RequestTooLargeError
from server.markup import Options
from server.models.models import Model
from server.storage.glossary_store import GlossaryStore
from server.text.detect import detect_texts
from server.translation.assemble import Translation
from server.translation.links import link_words
from server.translation.request import AUTO, TranslateOptions
from server.web.answers import json_answer, refuse
from server.web.body import decode_body, read_body
from server.web.callers import identify, seconds_allowed, unless_gone
from server.web.dialect import Dialect
from server.web.state import FerryRequest


def build_native_dialect(store: GlossaryStore) -> Dialect:
    """Our own API; `store` has the glossaries that texts are translated with."""

    async def translate(request: FerryRequest) -> Response:
        """Translate one or many texts."""
        return await post_translate(request, store)

    routes = [
        Route("/v1/translate", translate, methods=["POST"]),
        Route("/v1/detect", post_detect, methods=["POST"]),
        Route("/v1/models", get_models),
        Route("/translate", get_translate),
    ]
    return Dialect("native", routes, refuse, load_native_spec(), frozenset({"/v1/translate"}))


async def post_translate(request: FerryRequest, store: GlossaryStore) -> Response:
    """Translate one or many texts, with the terms of glossaries in `store`."""
    settings, client = request.state["settings"], identify(request)
    body = decode_body(TranslateBody, await read_body(request, settings.max_body_bytes))
    if body.alignments or body.stream or body.glossary_ids:
        check_together(body)
    entries = await find_entries(store, client, body.glossary_ids, body.source, body.target)
    texts = [body.text] if isinstance(body.text, str) else body.text
    num_chars = sum(map(len, texts))
    async with request.state["access"].granted(client, num_chars):
        options = TranslateOptions(
            source=None if body.source == AUTO else body.source,
            target=body.target,
            beam_size=body.beam_size,
            num_alternatives=body.num_alternatives,
            length_penalty=body.length_penalty,
            deadline=time.monotonic() + seconds_allowed(request, num_chars),
            markup=None if body.format == "text" else Options(kind=body.format, attributes=body.translate_attributes),
            align=body.alignments,
            formality=body.formality,
            caller=client.caller,
        )
        translator = request.state["translator"]
        if body.stream:
            return await stream_answer(request, translator.stream(texts, options))
        work = translate_with_terms(translator, texts, options, entries)
        translations = await unless_gone(request.receive, work)
    answers = [_build_answer(body, *each) for each in zip(texts, translations, strict=True)]
    return json_answer(TranslateAnswer(answers))


async def get_translate(request: FerryRequest) -> Response:
    """Translate `q`; a language that is not given is taken from the first pair that fits.

    Raises:
        InvalidRequestError: there is no `q`.
    """
    state, query, client = request.state, request.query_params, identify(request)
    text = query.get("q")
    if text is None:
        raise InvalidRequestError("q is missing; ask for /translate?q=TEXT&source=de&target=en.")
    pair = state["translator"].models.complete_pair(query.get("source"), query.get("target"))
    deadline = time.monotonic() + seconds_allowed(request, len(text))
    options = TranslateOptions(pair.source, pair.target, deadline=deadline, caller=client.caller)
    async with request.state["access"].granted(client, len(text)):
        [translation] = await unless_gone(request.receive, state["translator"].translate([text], options))
    return json_answer(TextAnswer(translation.text))


async def post_detect(request: FerryRequest) -> Response:
    """Tell which of the served languages one or many texts are in.

    Raises:
        RequestTooLargeError: there are more texts than a request may have.
    """
    settings, client = request.state["settings"], identify(request)
    body = decode_body(DetectBody, await read_body(request, settings.max_body_bytes))
    texts = [body.text] if isinstance(body.text, str) else body.text
    if len(texts) > settings.max_texts:
        raise RequestTooLargeError(f"text has {len(texts)} texts; a request may have {settings.max_texts}.")
    # Characters are not limited beyond the body's bytes, nor counted: only the beginning of a text is looked at.
    async with request.state["access"].granted(client, 0):
        ranked = await detect_texts(request.state["translator"].detector, texts)
    return json_answer(DetectAnswer([DetectionAnswer(found[0].language, found[0].confidence) for found in ranked]))


async def get_models(request: FerryRequest) -> Response:
    """What is loaded, and how good it is."""
    return json_answer(ModelsAnswer([_describe_model(model) for model in request.state["translator"].models.all]))


def _build_answer(body: TranslateBody, source: str, translation: Translation) -> TranslationAnswer:
    """What is told of `source` and its translation, as far as `body` asks for it."""
    manifest = translation.model.manifest
    answer = TranslationAnswer(translation.text, translation.source, ModelAnswer(manifest.name, manifest.version))
    if translation.detected:
        answer.detected_confidence = translation.detected.confidence
    if body.scores:
        answer.score = translation.score
    if body.num_alternatives:
        answer.alternatives = [
            AlternativeAnswer(a.text, a.score) if body.scores else AlternativeAnswer(a.text)
            for a in translation.alternatives
        ]
    if body.segments:
        answer.segments = [
            SegmentAnswer(s.source, s.target, s.complete, s.symptoms, s.score if body.scores else UNSET)
            for s in translation.segments
        ]
    if body.alignments:
        answer.alignments = [LinkAnswer(*link) for link in link_words(source, translation.text, translation.alignments)]
    if body.marks:
        answer.num_marks = translation.num_marks
    return answer


def _describe_model(model: Model) -> DescribedModelAnswer:
    manifest = model.manifest
    return DescribedModelAnswer(
        name=manifest.name,
        version=manifest.version,
        precision=manifest.precision,
        decoder_mixing=manifest.decoder_mixing,
        pairs=[PairAnswer(pair.source, pair.target, pair.formality is not None) for pair in manifest.pairs],
        dimensions=manifest.dimensions,
        search=manifest.search,
        quality=manifest.quality,
    )
