"""Asks one application, and compares each answer with what the application's own documents say of the operation."""

import json
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from tests.server.openapi.calls import Call

Seen = tuple[str, str, str]  # method, path, status
Document = Mapping[str, Any]


@dataclass(frozen=True)
class Told:
    """An answer and what is wrong with it, compared with the documents."""

    situation: str
    seen: Seen
    faults: Sequence[str]

    def __str__(self) -> str:
        method, path, status = self.seen
        return f"{self.situation}: {method.upper()} {path} answered {status}: {'; '.join(self.faults)}"


class Witness:
    """Remembers all answers. Those of LibreTranslate's endpoints are compared with `/spec` as well."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        documents: Sequence[Document],
        told: list[Told],
        state: MutableMapping[str, Any],
    ) -> None:
        """
        Args:
            told: is given all answers.
            state: of the application; what a test puts there counts from the next request on.
        """
        self._client = client
        self._told = told
        self.documents = documents
        self._closed = [close(document) for document in documents]
        self.state = state

    async def ask(self, situation: str, call: Call, **varied: Any) -> httpx.Response:
        """Ask as `call` says, or with other content, and remember what came."""
        content = varied or call.content
        answer = await self._client.request(call.method, call.path, **content)
        faults = [fault for document in self._closed for fault in find_faults(document, call, answer)]
        self._told.append(Told(situation, (*call.operation, str(answer.status_code)), faults))
        return answer


def find_faults(document: Document, call: Call, answer: httpx.Response) -> Iterator[str]:
    """What of `answer` the closed `document` does not say, or says otherwise."""
    method, template = call.operation
    is_own = "tags" in document or not call.is_guest
    operation = document["paths"].get(template, {}).get(method) if is_own else None
    if operation is None:
        if "tags" in document:  # or else it is of one dialect alone
            yield "the operation is not described"
        return
    status = str(answer.status_code)
    if status not in operation["responses"]:
        yield f"{status} is not described, only {', '.join(operation['responses'])}"
        return
    place = f"#/paths/{_escape(template)}/{method}/responses/{status}"
    response = operation["responses"][status]
    if "$ref" in response:
        place = response["$ref"]
        response = document["components"]["responses"][place.rpartition("/")[2]]
    content, media_type = response.get("content", {}), answer.headers.get("content-type", "").partition(";")[0]
    if not content and answer.content:
        yield "it has a body and none is described"
    elif content and media_type not in content:
        yield f"its body is {media_type}, described are {', '.join(content)}"
    elif media_type == "application/json":
        yield from _find_misfits(document, f"{place}/content/{_escape(media_type)}/schema", answer.json())
    elif media_type == "application/x-ndjson":
        for line in answer.text.splitlines():
            yield from _find_misfits(document, f"{place}/content/{_escape(media_type)}/itemSchema", json.loads(line))


def _find_misfits(document: Document, place: str, value: Any) -> Iterator[str]:
    """Where `value` is not as the schema at `place` has it."""
    for error in Draft202012Validator({**document, "$ref": place}).iter_errors(value):
        yield f"{error.json_path}: {error.message}"


def _escape(name: str) -> str:
    """`name` in a JSON pointer."""
    return name.replace("/", "~1").replace("{", "%7B").replace("}", "%7D")


def close(node: Any) -> Any:
    """A copy of a document whose schemas allow no field that is not described."""
    if isinstance(node, list):
        return [close(each) for each in node]
    if not isinstance(node, dict):
        return node
    closed = {name: close(each) for name, each in node.items()}
    if node.get("type") == "object" and "properties" in node:
        closed.setdefault("additionalProperties", False)
    return closed
