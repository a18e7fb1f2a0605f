"""Requests whose answers are known: each is asked alone beforehand, and under load it must be answered the same."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from load.process import read_metrics

PATIENT = {"Prefer": "wait=60"}
SUSPECTS = "ferry_guard_suspects_total"
# What a busy server says; everything else must be as it was.
BUSY_STATUSES = (429, 503, 504)
DOCUMENT_POLL_S = 0.2

_TRANSLATES = ("/v1/translate", "/v2/translate")


@dataclass(frozen=True)
class Question:
    """One request.

    Attributes:
        kind: under which it is counted.
        body: sent as it is.
        num_chars: of its text.
    """

    kind: str
    path: str
    body: bytes
    num_chars: int
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"


@dataclass(frozen=True)
class Told:
    """What was answered, without what may differ from one time to another."""

    status: int
    essence: Any


def json_question(kind: str, path: str, fields: Mapping[str, Any], **headers: str) -> Question:
    """A question with a JSON body; the text is in `text` or `q`."""
    text = fields.get("text", fields.get("q", ""))
    num_chars = len(text) if isinstance(text, str) else sum(map(len, text))
    body = json.dumps(fields, ensure_ascii=False).encode()
    return Question(kind, path, body, num_chars, {"Content-Type": "application/json", **headers})


def read_told(path: str, status: int, body: bytes) -> Told:
    """The status, and of the body what must be the same each time: texts and languages, not scores or ids."""
    if status != 200:
        return Told(status, None)
    if path in _TRANSLATES and body.startswith(b'{"index"'):
        return Told(status, _read_stream(body))
    if path in _TRANSLATES:
        return Told(status, [_read_translation(each) for each in json.loads(body)["translations"]])
    if path == "/translate":
        answer = json.loads(body)
        return Told(status, [answer["translatedText"], answer.get("alternatives")])
    if path == "/detect":
        return Told(status, json.loads(body)[0]["language"])
    if path == "/v1/detect":
        return Told(status, [each["language"] for each in json.loads(body)["detections"]])
    return Told(status, body.decode("utf-8", "replace"))


def _read_translation(answer: Mapping[str, Any]) -> list[Any]:
    alternatives = [each["text"] for each in answer.get("alternatives", ())]
    return [answer["text"], answer.get("source", answer.get("detected_source_language")), *alternatives]


def _read_stream(body: bytes) -> list[Any]:
    """The joined pieces, and how the last line says that it ended."""
    *pieces, last = [json.loads(line) for line in body.splitlines()]
    texts: dict[int, str] = {}
    for piece in pieces:
        texts[piece["index"]] = texts.get(piece["index"], "") + piece["text"]
    return [list(texts.values()), "done" if "done" in last else last["error"]["code"]]


def outcome_of(status: int, body: bytes) -> str:
    """`accepted`, `refused` (at the door), `late` (given up after its deadline), or the status."""
    if status == 200:
        return "accepted"
    if status in BUSY_STATUSES:
        # In DeepL's dialect both are 429.
        return "late" if status == 504 or b"deadline passed" in body else "refused"
    return f"status {status}"


@dataclass(frozen=True)
class Known:
    """A question and what it is answered when nothing else is asked."""

    question: Question
    told: Told


async def ask(session: aiohttp.ClientSession, url: str, question: Question) -> tuple[int, bytes]:
    """Status and body of the answer; a document is fetched when it is translated."""
    async with session.request(
        question.method, url + question.path, data=question.body, headers=question.headers
    ) as response:
        status, body = response.status, await response.read()
    if status == 200 and question.path == "/v2/document":
        return await _fetch_document(session, url, question, json.loads(body))
    if status == 200 and question.path == "/translate_file":
        async with session.get(json.loads(body)["translatedFileUrl"]) as response:
            return response.status, await response.read()
    return status, body


async def _fetch_document(
    session: aiohttp.ClientSession, url: str, question: Question, handle: Mapping[str, str]
) -> tuple[int, bytes]:
    place = f"{url}{question.path}/{handle['document_id']}"
    key = {"document_key": handle["document_key"]}
    headers = {name: value for name, value in question.headers.items() if name == "Authorization"}
    while True:
        async with session.post(place, json=key, headers=headers) as response:
            body = await response.read()
            if response.status != 200:
                return response.status, body
        match json.loads(body)["status"]:
            case "done":
                break
            case "error":
                return 500, body
        await asyncio.sleep(DOCUMENT_POLL_S)
    async with session.post(f"{place}/result", json=key, headers=headers) as response:
        return response.status, await response.read()


async def ask_alone(session: aiohttp.ClientSession, url: str, questions: Iterable[Question]) -> list[Known]:
    """What each of `questions` is answered, one after another.

    Those are left out whose first translation the server does not trust: it translates them again with a wider beam if
    it has the time, so under load their answers may well differ.
    """
    known = []
    suspects = (await read_metrics(session, url))[SUSPECTS]
    for question in questions:
        patient = replace(question, headers={**question.headers, **PATIENT})
        told = read_told(question.path, *await ask(session, url, patient))
        before, suspects = suspects, (await read_metrics(session, url))[SUSPECTS]
        if suspects == before:
            known.append(Known(question, told))
    return known
