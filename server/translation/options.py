"""What a caller asks of a translation, and what of it goes to the engine."""

from dataclasses import dataclass

from server.bundle import SearchDefaults
from server.engine.types import SearchOptions
from server.errors import InvalidRequestError
from server.markup import Options as MarkupOptions
from server.text.segments import Split

AUTO = "auto"  # the source language is to be detected
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
    return SearchOptions(
        beam_size=beam_size, num_hypotheses=num_hypotheses, length_penalty=penalty, align=options.align
    )
