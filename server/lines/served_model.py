"""Which models of a running server translate our lines; the answers of others are not mixed into the same output."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from msgspec import Struct

from server.dialects.native.schema import TranslateAnswer, TranslationAnswer
from server.errors import SettingsError, UnsupportedPairError
from server.lines.address import printable
from server.lines.client import Client, ConnectionLostError, Reply, ServerLostError
from server.translation.options import AUTO

T = TypeVar("T")


class ServedPair(Struct):
    """A direction of `GET /v1/models`."""

    source: str
    target: str


class ServedSearch(Struct):
    """What a model's bundle takes where a request does not say."""

    beam_size: int
    length_penalty: float


class ServedModel(Struct):
    """A model of `GET /v1/models`; of what it tells, what we need."""

    name: str
    version: str
    pairs: list[ServedPair]
    search: ServedSearch

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class ModelsAnswer(Struct):
    """The answer of `GET /v1/models`."""

    models: list[ServedModel]


@dataclass(frozen=True)
class RemoteModel:
    """What was there at the beginning: `by_source`, the model for each source language that the lines may be in."""

    url: str
    source: str
    target: str
    by_source: dict[str, ServedModel]

    @property
    def models(self) -> list[ServedModel]:
        """The models, each once; more than one only where the source is detected."""
        return list({str(model): model for model in self.by_source.values()}.values())

    def read(self, reply: Reply, num_texts: int) -> list[str]:
        """The translations in an answer.

        Raises:
            ServerLostError: the answer is not one, or is of another model than at the beginning.
        """
        answer = _decode(reply, TranslateAnswer)
        if answer is None or len(answer.translations) != num_texts:
            raise ServerLostError(f"{self.url} answers, but not as a Ferry server does.")
        for translation in answer.translations:
            self._check(translation)
        return [translation.text for translation in answer.translations]

    def _check(self, translation: TranslationAnswer) -> None:
        now, begun = translation.model, self.by_source.get(translation.source)
        # A line that is in the target language already is given back as it was, in the name of any of them.
        known = self.models if translation.source == self.target.lower() else [begun] if begun else []
        if (now.name, now.version) not in [(model.name, model.version) for model in known]:
            was = ", ".join(map(str, self.models))
            raise ServerLostError(
                f"{self.url} translates with {printable(f'{now.name} {now.version}')} now; this was begun with {was}. "
                "Answers of two models are not mixed: serve that one again, or start over."
            )


def find_model(client: Client, source: str, target: str) -> RemoteModel:
    """Ask the server once which of its models translate from `source` into `target`.

    Raises:
        SettingsError: nobody is there, or not a Ferry server, or it wants another key.
        UnsupportedPairError: no model has the pair; names those that exist.
    """
    try:
        reply = client.ask("GET", "/v1/models")
    except ConnectionLostError as error:
        raise SettingsError(f"--url {client.url}: {error}; is ferry-serve running there?") from error
    answer = _decode(reply, ModelsAnswer)
    if answer is None:
        raise SettingsError(f"--url {client.url}: {_refusal(reply)}")
    return RemoteModel(client.url, source, target, _by_source(answer.models, source, target))


def _by_source(models: Sequence[ServedModel], source: str, target: str) -> dict[str, ServedModel]:
    """As the server chooses: where two models serve the same pair, the first."""
    pairs = {(pair.source, pair.target): model for model in reversed(models) for pair in model.pairs}
    wanted = {pair[0]: model for pair, model in pairs.items() if pair[1] == target and source in (AUTO, pair[0])}
    if not wanted:
        served = printable(", ".join(sorted(f"{one}-{other}" for one, other in pairs)))
        raise UnsupportedPairError(f"The server translates {served}; --source {source} --target {target} it does not.")
    return wanted


def _decode(reply: Reply, kind: type[T]) -> T | None:
    if reply.status != 200:
        return None
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _refusal(reply: Reply) -> str:
    """Why there are no models in `reply`, and what to do about it."""
    if reply.location is not None:
        return f"the server sends elsewhere, to {printable(reply.location)}; if that is right, give that address."
    if reply.status in (401, 403):
        return f"{reply.words}; it wants a key that it knows, see --api-key-file."
    if reply.status in (429, 502, 503, 504):
        return f"{reply.words}; the server is there, but not ready: try again later."
    return f"{reply.words}; there is no Ferry server, or it is under another path."
