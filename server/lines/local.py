"""Lines through a bundle that this process has loaded itself."""

import hashlib
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from server.bundle import MANIFEST_NAME, LanguagePair
from server.engine.types import SearchOptions
from server.lines.flags import FileSettings
from server.lines.lines import TranslatedLine
from server.lines.partial import RunOrigin
from server.models.loading import Say, load_model
from server.models.models import Model, Models
from server.translation.plan import read_search
from server.translation.request import TranslateOptions
from server.translation.stream import LineStream


@dataclass(frozen=True)
class LocalLines:
    """A model, the direction, and how to search."""

    model: Model
    pair: LanguagePair
    options: SearchOptions
    max_beam_size: int
    unit: str = "sentences"

    def origin(self, input_bytes: int, input_sha256: str) -> RunOrigin:
        """What the translations of this input are made of."""
        manifest = self.model.manifest
        return RunOrigin(
            input_bytes=input_bytes,
            input_sha256=input_sha256,
            bundle=f"{manifest.name} {manifest.version}",
            manifest_sha256=hashlib.sha256((self.model.bundle.path / MANIFEST_NAME).read_bytes()).hexdigest(),
            source=self.pair.source,
            target=self.pair.target,
            beam_size=self.options.beam_size,
            length_penalty=self.options.length_penalty,
        )

    def translate(self, texts: Iterable[str]) -> Generator[TranslatedLine]:
        """The translation of each text, in order.

        Raises:
            EngineStoppedError: the engine failed.
        """
        stream = LineStream(self.model, self.pair, self.options, self.max_beam_size)
        with closing(stream.translate(texts)) as translations:
            for translation in translations:
                num_sentences = sum(segment.score is not None for segment in translation.segments)
                yield TranslatedLine(translation.text, num_sentences)

    def close(self) -> None:
        """Stop the engine."""
        self.model.engine.close(0.0)


def open_local(path: Path, settings: FileSettings, say: Say) -> LocalLines:
    """Load the bundle at `path`, telling `say` of each step.

    Raises:
        SettingsError: the bundle does not fit the engine's sizes.
        BundleError: it cannot be used.
        InvalidRequestError: it does not have the direction, or an option is past its limit.
    """
    model = load_model(path, settings.engine, lambda error: None, say)
    try:
        pair = Models((model,)).choose(settings.source, settings.target)[1]
        wanted = TranslateOptions(
            pair.source, pair.target, beam_size=settings.beam_size, length_penalty=settings.length_penalty
        )
        options = read_search(wanted, model.manifest.search, settings.max_rows)
        return LocalLines(model, pair, options, settings.max_rows)
    except BaseException:
        model.engine.close(0.0)
        raise
