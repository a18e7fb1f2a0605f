"""The loaded models: a bundle with its tokenizer and its running engine. Which model translates which pair."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from server.bundle import Bundle, GoldenLine, LanguagePair, Manifest
from server.engine.stats import EngineStats
from server.engine.types import ANYBODY, Caller, SearchOptions, SentenceResult
from server.errors import UnsupportedPairError
from server.text.tokenizer import Tokenizer


class TranslationEngine(Protocol):
    """What the rest of the server uses of an engine; `server.engine.engine.Engine` is the real one."""

    def submit(
        self,
        source_ids: Sequence[int],
        options: SearchOptions,
        *,
        deadline: float | None = None,
        caller: Caller = ANYBODY,
    ) -> Future[SentenceResult]:
        """As `server.engine.engine.Engine.submit`."""

    def foretell(self, caller: str) -> float | None:
        """Seconds until a sentence of `caller` would begin to run; None where that is not known."""

    def self_test(self, golden_lines: list[GoldenLine]) -> None:
        """Raise BundleError unless every golden line gives its ids."""

    def stats(self) -> EngineStats:
        """A snapshot; totals count from the start."""

    @property
    def failed(self) -> bool:
        """Whether the engine has died."""

    def close(self, grace_s: float) -> None:
        """Finish what was accepted within `grace_s` seconds, and fail the rest."""


@dataclass(frozen=True)
class Model:
    """One bundle, ready to translate; `manifest` has its facts.

    Attributes:
        stand_ins: by source and target language, the words that it copies, best first; see `server.models.stand_ins`.
    """

    bundle: Bundle
    tokenizer: Tokenizer
    engine: TranslationEngine
    stand_ins: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    manifest: Manifest = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "manifest", self.bundle.manifest)


@dataclass(frozen=True)
class Models:
    """All loaded models, at least one. Where two serve the same pair, the first answers."""

    all: tuple[Model, ...]

    @property
    def ready(self) -> bool:
        """Whether every engine still works; that golden lines passed is what made these models exist."""
        return not any(model.engine.failed for model in self.all)

    @property
    def by_label(self) -> dict[str, Model]:
        """The models by a name that no other has: its own, with its folder's if an earlier one has the same."""
        labelled: dict[str, Model] = {}
        for model in self.all:
            name = model.manifest.name
            labelled[f"{name} ({model.bundle.path.name})" if name in labelled else name] = model
        return labelled

    @property
    def pairs(self) -> list[LanguagePair]:
        """All directions, those of the first model first."""
        return [pair for model in self.all for pair in model.manifest.pairs]

    @property
    def languages(self) -> list[str]:
        """All languages that are translated from or into, each once."""
        return list(dict.fromkeys(code for pair in self.pairs for code in (pair.source, pair.target)))

    @cached_property
    def _by_pair(self) -> dict[tuple[str, str], tuple[Model, LanguagePair]]:
        """Who translates which direction; of two models the first."""
        directions = [(model, pair) for model in reversed(self.all) for pair in reversed(model.manifest.pairs)]
        return {(pair.source, pair.target): (model, pair) for model, pair in directions}

    def choose(self, source: str, target: str) -> tuple[Model, LanguagePair]:
        """The model for a direction.

        Raises:
            UnsupportedPairError: no model has it; names the pairs that exist.
        """
        found = self._by_pair.get((source.lower(), target.lower()))
        if found is None:
            raise self._unsupported(source, target)
        return found

    def sources_of(self, target: str) -> list[str]:
        """The languages that are translated into `target`.

        Raises:
            UnsupportedPairError: there are none; names the pairs that exist.
        """
        sources = list(dict.fromkeys(pair.source for pair in self.pairs if pair.target == target.lower()))
        if not sources:
            raise self._unsupported("any", target)
        return sources

    def complete_pair(self, source: str | None, target: str | None) -> LanguagePair:
        """The first pair that agrees with what was given of it.

        Raises:
            UnsupportedPairError: no pair agrees; names the pairs that exist.
        """
        for pair in self.pairs:
            if (source or pair.source).lower() == pair.source and (target or pair.target).lower() == pair.target:
                return pair
        raise self._unsupported(source or "any", target or "any")

    def close(self, grace_s: float) -> None:
        """Stop all engines; what runs has `grace_s` seconds to end."""
        for model in self.all:
            model.engine.close(grace_s)

    def _unsupported(self, source: str, target: str) -> UnsupportedPairError:
        served = ", ".join(dict.fromkeys(f"{pair.source}-{pair.target}" for pair in self.pairs))
        return UnsupportedPairError(
            f"No loaded model translates from {_show(source)} to {_show(target)}; there are: {served}."
        )


def _show(language: str) -> str:
    return repr(language if len(language) <= 20 else language[:17] + "...")
