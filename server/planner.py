"""Texts taken apart for the engine: limits, languages, markup, sentences, ids. Waits for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.bundle import LanguagePair, SearchDefaults
from server.detect import SURE, Detected, Detector
from server.engine.types import SearchOptions
from server.errors import InvalidRequestError, RequestTooLargeError
from server.markup import Options as MarkupOptions
from server.models import Models
from server.plan import Part, without_surrogates
from server.planned import PlannedText, plan_for, read_document
from server.segment import Segment, Split
from server.settings import Limits

MAX_LENGTH_PENALTY = 5.0


@dataclass(frozen=True)
class TranslateOptions:
    """What a request asks for. None takes the default of the model's bundle.

    Attributes:
        source: None takes what each text seems to be in.
        align: whether to tell which words were made from which; not with markup or placeholders.
        markup: how tags are told from language; None for plain text, of which only placeholders are kept.
        num_alternatives: translations wanted besides the best; they widen the beam if `beam_size` does not say.
        deadline: `time.monotonic()` after which the answer is of no use; None waits as long as it takes.
        background: nobody waits just now; requests that are not go before it.
        caller: callers of different names share the engine fairly.
    """

    source: str | None
    target: str
    beam_size: int | None = None
    num_alternatives: int = 0
    length_penalty: float | None = None
    deadline: float | None = None
    split: Split = "sentences"
    markup: MarkupOptions | None = None
    align: bool = False
    background: bool = False
    caller: str = ""


@dataclass(frozen=True)
class Planner:
    """Plans texts for the models that are loaded, within the limits."""

    models: Models
    detector: Detector
    limits: Limits

    @classmethod
    def of(cls, models: Models, limits: Limits) -> "Planner":
        """One that detects among the languages of `models`."""
        return cls(models, Detector(_languages(models)), limits)

    def with_models(self, models: Models) -> "Planner":
        """One for other models; what tells languages apart stays, if they are the same languages."""
        same = _languages(models) == _languages(self.models)
        return replace(self, models=models) if same else Planner.of(models, self.limits)

    def plan(self, texts: Sequence[str], options: TranslateOptions) -> list[PlannedText]:
        """Choose the models and take `texts` apart.

        Raises:
            InvalidRequestError, RequestTooLargeError
        """
        if options.source is not None:
            self.models.choose(options.source, options.target)  # a direction that nobody has, even without texts
        planned: list[PlannedText] = []
        num_tokens = 0
        for text in texts:
            planned.append(self._plan_text(text, options))
            num_tokens += planned[-1].num_tokens
            if num_tokens > self.limits.max_request_tokens:
                raise RequestTooLargeError(
                    f"text has more than {self.limits.max_request_tokens} tokens, the most one request may have; "
                    "send it in several requests."
                )
        return planned

    def check_sizes(self, texts: Sequence[str]) -> None:
        """Refuse more than a request may have, before any work.

        Raises:
            RequestTooLargeError
        """
        limits, chars = self.limits, sum(map(len, texts))
        if len(texts) > limits.max_texts:
            raise RequestTooLargeError(f"text has {len(texts)} texts; a request may have {limits.max_texts}.")
        if chars > limits.max_text_chars:
            raise RequestTooLargeError(f"text has {chars} characters; a request may have {limits.max_text_chars}.")

    def detect_source(self, text: str, target: str) -> Detected:
        """The language of `text`: `target`, if it surely is in that already, else one of those translated into it.

        Raises:
            UnsupportedPairError: none is translated into it.
        """
        sources = self.models.sources_of(target)
        ranked = self.detector.rank(text)
        if ranked[0].language == target.lower() and ranked[0].confidence >= SURE:
            return ranked[0]
        return next(each for each in ranked if each.language in sources)

    def _plan_text(self, text: str, options: TranslateOptions) -> PlannedText:
        text = without_surrogates(text)
        document = read_document(text, options.markup)
        texts = [text] if document is None else [chunk.text for chunk in document.chunks]
        detected = self.detect_source(" ".join(texts), options.target) if options.source is None else None
        source = detected.language if detected else options.source
        assert source is not None
        if detected and source == options.target.lower():
            return self._unchanged(text, detected)
        model, pair = self.models.choose(source, options.target)
        search = search_options(options, model.manifest.search, self.limits.max_beam_size)
        search = replace(search, align=options.align)
        return plan_for(model, pair, text, document, search, options.split, detected)

    def _unchanged(self, text: str, detected: Detected) -> PlannedText:
        """`text`, which is in the target language already."""
        language = detected.language
        model, _ = self.models.choose(self.models.sources_of(language)[0], language)
        parts = (Part(Segment(text, ""), ()),)
        return PlannedText(model, LanguagePair(language, language, ()), detected, SearchOptions(), None, (parts,))


def _languages(models: Models) -> list[str]:
    return list(dict.fromkeys(code for pair in models.pairs for code in (pair.source, pair.target)))


def search_options(options: TranslateOptions, defaults: SearchDefaults, max_beam_size: int) -> SearchOptions:
    """How the engine shall search, from the request and the bundle's defaults.

    Raises:
        InvalidRequestError: naming the field and its limit.
    """
    num_hypotheses = 1 + options.num_alternatives
    beam_size = options.beam_size
    if beam_size is None:
        beam_size = min(max(defaults.beam_size, num_hypotheses), max_beam_size)
    penalty = defaults.length_penalty if options.length_penalty is None else options.length_penalty
    if not 1 <= beam_size <= max_beam_size:
        raise InvalidRequestError(f"beam_size is {beam_size}; it must be 1 to {max_beam_size}.")
    if not 1 <= num_hypotheses <= beam_size:
        raise InvalidRequestError(
            f"num_alternatives is {options.num_alternatives}; "
            f"with beam_size {beam_size} it must be 0 to {beam_size - 1}."
        )
    if not 0.0 <= penalty <= MAX_LENGTH_PENALTY:
        raise InvalidRequestError(f"length_penalty is {penalty}; it must be 0 to {MAX_LENGTH_PENALTY}.")
    return SearchOptions(beam_size=beam_size, num_hypotheses=num_hypotheses, length_penalty=penalty)
