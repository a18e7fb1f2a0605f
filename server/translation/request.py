"""What a caller asks of a translation."""

from dataclasses import dataclass, replace
from typing import Literal

from server.bundle import LanguagePair
from server.errors import InvalidRequestError
from server.markup import Options as MarkupOptions
from server.text.segments import Split

AUTO = "auto"  # the source language is to be detected
MAX_LENGTH_PENALTY = 5.0
Formality = Literal["default", "more", "less", "prefer_more", "prefer_less"]


@dataclass(frozen=True)
class TranslateOptions:
    """What a request asks for. None takes the default of the model's bundle.

    Attributes:
        source: None takes what each text seems to be in.
        align: whether to tell which words were made from which; not with markup or placeholders.
        markup: how tags are told from language; None for plain text, of which only placeholders are kept.
        num_alternatives: translations wanted besides the best; they widen the beam if `beam_size` does not say.
        deadline: `time.monotonic()` after which the answer is of no use; None waits as long as it takes.
        formality: how people are addressed; `prefer_…` is as good as `default` where the model knows no forms.
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
    formality: Formality = "default"
    background: bool = False
    caller: str = ""


def address(pair: LanguagePair, formality: Formality) -> LanguagePair:
    """`pair` with what goes before the source ids for that form of address.

    Raises:
        InvalidRequestError: it must be one that the pair's model does not know.
    """
    if formality == "default":
        return pair
    if pair.formality is None:
        if formality in ("more", "less"):
            raise InvalidRequestError(
                f"formality is {formality}, and no form of address can be asked for from {pair.source} to "
                f"{pair.target}; prefer_{formality} takes it where there is one."
            )
        return pair
    wanted = pair.formality.more if formality.endswith("more") else pair.formality.less
    return replace(pair, prefix_ids=wanted)
