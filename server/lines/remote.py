"""Lines through a running server: batches of them in several requests at once, their order kept."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import msgspec

from server.errors import InvalidRequestError
from server.lines.address import read_api_key
from server.lines.client import LATER, RemoteServer, Reply, ServerLostError
from server.lines.flags import FileSettings
from server.lines.lines import TranslatedLine
from server.lines.partial import RunOrigin
from server.lines.served_model import RemoteModel, find_model
from server.text.segments import Segment, halve, split_text

# Enough to keep a server of some cores busy, little enough to be done long before its deadline.
NUM_REQUESTS = 4
# Batches that are under way or wait for those before them to be written.
MAX_BATCHES = 3 * NUM_REQUESTS
# Far below what a request may have; a line longer than this is a batch of its own.
MAX_BATCH_TEXTS, MAX_BATCH_CHARS = 32, 8000

# A signal that comes just before a wait begins is heeded only after it, so no wait is long.
WAKE_S = 0.5

TOO_LARGE, TOO_LATE = 413, 504


class RemoteLines:
    """Translates a stream of texts with one server and, for all of them, one model."""

    unit = "lines"

    def __init__(self, client: RemoteServer, model: RemoteModel, settings: FileSettings) -> None:
        self._client = client
        self._model = model
        self._settings = settings
        self._max_texts = MAX_BATCH_TEXTS
        self._begun = False
        self._pool = ThreadPoolExecutor(NUM_REQUESTS, "ferry-translate")

    def origin(self, input_bytes: int, input_sha256: str) -> RunOrigin:
        """What the translations of this input are made of.

        A server tells no digest of its bundle, but its version.
        """
        settings, models = self._settings, self._model.models
        search = models[0].search
        return RunOrigin(
            input_bytes=input_bytes,
            input_sha256=input_sha256,
            bundle=", ".join(map(str, models)),
            manifest_sha256="",
            source=self._model.source,
            target=self._model.target,
            beam_size=search.beam_size if settings.beam_size is None else settings.beam_size,
            length_penalty=search.length_penalty if settings.length_penalty is None else settings.length_penalty,
        )

    def translate(self, texts: Iterable[str]) -> Generator[TranslatedLine]:
        """The translation of each text, in order.

        Raises:
            InvalidRequestError: the server refuses the options.
            ServerLostError: the server has gone for too long, or is not the one it was.
        """
        waiting: deque[Future[list[str]]] = deque()
        for batch in self._batches(texts):
            waiting.append(self._pool.submit(self._translate, batch))
            while waiting and (waiting[0].done() or len(waiting) >= MAX_BATCHES):
                yield from _await_lines(waiting.popleft())
        while waiting:
            yield from _await_lines(waiting.popleft())

    def close(self) -> None:
        """Stop asking; nobody wants the answers."""
        self._client.stop()
        self._pool.shutdown(cancel_futures=True)
        self._client.close()

    def _batches(self, texts: Iterable[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        num_chars = 0
        for text in texts:
            if batch and (len(batch) >= self._max_texts or num_chars + len(text) > MAX_BATCH_CHARS):
                yield batch
                batch, num_chars = [], 0
            batch.append(text)
            num_chars += len(text)
        if batch:
            yield batch

    def _translate(self, texts: list[str]) -> list[str]:
        """Translate one batch, in as many requests as it takes."""
        reply = self._ask(texts)
        if reply.status in (TOO_LARGE, TOO_LATE):
            if len(texts) > 1:
                return self._in_halves(texts, reply.status)
            if halves := halve_text(texts[0], self._model.source, within_sentence=reply.status == TOO_LARGE):
                return ["".join(self._translate([half])[0] for half in halves)]
            if reply.status == TOO_LATE:  # of one sentence: so the server was too busy, and may not be later
                reply = self._ask(texts, LATER | {TOO_LATE})
        if reply.status != 200:
            self._refuse(reply)
        translated = self._model.read(reply, len(texts))
        self._begun = True
        return translated

    def _in_halves(self, texts: list[str], status: int) -> list[str]:
        middle = len(texts) // 2
        if status == TOO_LARGE:
            self._max_texts = min(self._max_texts, middle)
        return [*self._translate(texts[:middle]), *self._translate(texts[middle:])]

    def _ask(self, texts: list[str], later: frozenset[int] = LATER) -> Reply:
        body: dict[str, Any] = {"text": texts, "source": self._model.source, "target": self._model.target}
        for name in ("beam_size", "length_penalty"):
            if (value := getattr(self._settings, name)) is not None:
                body[name] = value
        return self._client.ask_patiently("POST", "/v1/translate", msgspec.json.encode(body), later)

    def _refuse(self, reply: Reply) -> None:
        wrong_from_the_start = reply.status == InvalidRequestError.status and not self._begun
        kind = InvalidRequestError if wrong_from_the_start else ServerLostError
        raise kind(f"{self._client.url}: {reply.words}")


def _await_lines(batch: "Future[list[str]]") -> Iterator[TranslatedLine]:
    while not wait([batch], WAKE_S).done:
        pass
    yield from (TranslatedLine(text, 1) for text in batch.result())


def open_remote(url: str, settings: FileSettings) -> RemoteLines:
    """Find the server at `url`, and its model for the pair.

    Raises:
        SettingsError: nobody is there, or not a Ferry server, or it wants another key.
        UnsupportedPairError: no model has the pair.
    """
    api_key = None if settings.api_key_file is None else read_api_key(settings.api_key_file)
    client = RemoteServer(url, api_key, settings.retry_s)
    try:
        model = find_model(client, settings.source.lower(), settings.target.lower())
    except BaseException:
        client.close()
        raise
    return RemoteLines(client, model, settings)


def halve_text(text: str, language: str, *, within_sentence: bool) -> tuple[str, str] | None:
    """Two texts that together are the given one, cut between two sentences near its middle; None if it cannot be.

    Args:
        text: not empty.
        language: helps to tell where sentences end; may be `auto`.
        within_sentence: whether a single sentence may be cut too.
    """
    segments = split_text(text, language)
    if len(segments) == 1 and within_sentence:
        segments = halve(segments[0]) or ()
    if len(segments) < 2:
        return None
    cut, num_chars = 1, _size(segments[0])
    while cut < len(segments) - 1 and num_chars + _size(segments[cut]) <= len(text) // 2:
        num_chars += _size(segments[cut])
        cut += 1
    return text[:num_chars], text[num_chars:]


def _size(segment: Segment) -> int:
    return len(segment.text) + len(segment.after)
