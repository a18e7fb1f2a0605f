"""The documents say what happens: each dialect's errors are made to happen over HTTP, with and without keys."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from server.text.tokenizer import Tokenizer
from tests.server.openapi.calls import EVERY_CALL
from tests.server.openapi.situations import EVERY_SITUATION
from tests.server.openapi.stage import Stage
from tests.server.openapi.witness import Seen, Told
from tests.server.text.test_detect import shared_model  # noqa: F401 (it is used by being here)

# Described, and not made to happen here; and why.
NOT_SEEN: dict[Seen, str] = {}


@dataclass(frozen=True)
class Run:
    """What was seen of a server with keys, or without, and its documents."""

    with_keys: bool
    told: list[Told]
    documents: list[dict[str, Any]]


@pytest.fixture(scope="module")
def runs(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """All situations, played once for the tests of this module."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda descriptor: None)  # nothing here has to outlive a power cut
        return [asyncio.run(_play(Stage(tokenizer, tmp_path_factory.mktemp("stage"), keys))) for keys in (False, True)]


async def _play(stage: Stage) -> Run:
    for situation in EVERY_SITUATION:
        await situation(stage)
    async with stage.open() as witness:
        return Run(stage.with_keys, stage.told, list(witness.documents))


def test_every_answer_is_as_described(runs: list[Run]) -> None:
    faults = {str(told): None for run in runs for told in run.told if told.faults}
    assert not faults, "\n".join(faults)


def test_everything_described_was_seen(runs: list[Run]) -> None:
    seen = {told.seen for run in runs for told in run.told}
    described = set(_described(runs[0].documents[0]))
    assert described - seen == set(NOT_SEEN)


def test_every_operation_is_asked(runs: list[Run]) -> None:
    asked = {call.operation for call in EVERY_CALL}
    assert asked == {(method, path) for method, path, _ in _described(runs[0].documents[0])}


def _described(document: dict[str, Any]) -> Iterator[Seen]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for status in operation["responses"]:
                yield method, path, status


def test_a_key_is_asked_for_where_the_documents_say_so(runs: list[Run]) -> None:
    without, with_keys = runs
    allowed = {told.seen for told in with_keys.told if told.situation in ("all is well", "not there")}
    asked_for = {told.seen[:2] for told in with_keys.told if told.situation == "no key" and told.seen not in allowed}
    for run, expected in ((without, set()), (with_keys, asked_for)):
        for document in run.documents:
            told = {
                (method, path)
                for path, operations in document["paths"].items()
                for method, operation in operations.items()
                if operation.get("security", document.get("security"))
            }
            described = {(method, path) for method, path, _ in _described(document)}
            assert told == expected & described


def test_no_document_says_that_no_key_is_asked_for_where_one_is(runs: list[Run]) -> None:
    for run in runs:
        for document in run.documents:
            assert ("asks for no key" in json.dumps(document)) != run.with_keys
