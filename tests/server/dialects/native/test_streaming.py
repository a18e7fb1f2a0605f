"""Streamed answers over the fake engine: in order, as soon as they are there, and honest about how they end."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from server.errors import EngineStoppedError, QueueFullError
from server.models.models import Models
from server.settings import ServeSettings
from server.text.tokenizer import Tokenizer
from server.translation.request import TranslateOptions
from server.translation.translator import Piece, Translator
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine, translated
from tests.server.test_app import Site, refused

BODY = {"source": "de", "target": "en", "stream": True}


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


def test_pieces_join_to_the_plain_answer(models: Models) -> None:
    texts = ["  Der Hund.\n\nEin Haus! ", "", "Ein {name} läuft.\n"]
    plain = Site(models).post({**BODY, "stream": False, "text": texts}).json()
    *pieces, last = lines_of(Site(models).post({**BODY, "text": texts}))
    joined = ["".join(piece["text"] for piece in pieces if piece["index"] == i) for i in range(3)]
    assert joined == [each["text"] for each in plain["translations"]]
    assert [piece["index"] for piece in pieces] == sorted(piece["index"] for piece in pieces)
    assert len([piece for piece in pieces if piece["index"] == 0]) >= 2
    assert last == {"done": True}


def test_a_sentence_goes_out_before_the_next_is_done(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    translator = Translator(Models((make_model(engine),)), ServeSettings().limits)

    async def run() -> list[Piece]:
        pieces = translator.stream(["Der Hund. Ein Haus. Der Hund."], TranslateOptions("de", "en", beam_size=1))
        first = asyncio.ensure_future(anext(pieces))
        while len(engine.futures) < 3:
            await asyncio.sleep(0)
        engine.futures[2].set_result(translated(engine.sources[2], engine.options[2]))
        await asyncio.sleep(0)
        assert not first.done(), "what is done early waits for its turn"
        engine.futures[0].set_result(translated(engine.sources[0], engine.options[0]))
        told = [await first]
        assert not engine.futures[1].done()
        engine.release()
        return told + [piece async for piece in pieces]

    assert [piece.text for piece in asyncio.run(run())] == ["Der Hund. ", "Ein Haus. ", "Der Hund."]


def test_closing_it_takes_the_sentences_back(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    translator = Translator(Models((make_model(engine),)), ServeSettings().limits)

    async def run() -> None:
        pieces = translator.stream(["Der Hund. Ein Haus."], TranslateOptions("de", "en", beam_size=1))
        first = asyncio.ensure_future(anext(pieces))
        while len(engine.futures) < 2:
            await asyncio.sleep(0)
        engine.futures[0].set_result(translated(engine.sources[0], engine.options[0]))
        await first
        await pieces.aclose()

    asyncio.run(run())
    assert engine.futures[1].cancelled()


def test_what_fails_at_once_has_its_own_status(make_model: MakeModel) -> None:
    busy = Site(Models((make_model(FakeEngine(refusal=QueueFullError("full", 2.0))),)))
    answer = busy.post({**BODY, "text": "Der Hund."})
    refused(answer, 503, "overloaded")
    assert answer.headers["retry-after"] == "2"


@pytest.mark.parametrize("error", [EngineStoppedError("the engine has failed"), RuntimeError("Der Hund.")])
def test_what_fails_later_is_the_last_line(make_model: MakeModel, tokenizer: Tokenizer, error: Exception) -> None:
    class Failing(FakeEngine):
        def submit(self, source_ids, options, **others):  # type: ignore[no-untyped-def]
            self.hold = len(self.sources) == 1
            future = super().submit(source_ids, options, **others)
            if not future.done():
                future.set_exception(error)
            return future

    first, last = lines_of(Site(Models((make_model(Failing()),))).post({**BODY, "text": "Der Hund. Ein Haus."}))
    assert first == {"index": 0, "text": "Der Hund. "}
    assert set(last) == {"error"}
    assert last["error"]["code"] == ("unavailable" if isinstance(error, EngineStoppedError) else "internal")
    assert "Hund" not in last["error"]["message"]
