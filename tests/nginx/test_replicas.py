"""Two real replicas behind real nginx, over one folder of data: who asks cannot tell which of them answers."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from server.access.keys import hash_key
from tests.faults.rig import BUNDLE, PATIENCE_S, Server, wait_until
from tests.nginx.rig import Front, nginx

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]

TEXT = "A man buys a red car."
KEY = {"Authorization": "DeepL-Auth-Key secret"}
INTO_GERMAN = {"source_lang": "EN", "target_lang": "DE"}
LIMIT = 1000


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    if not BUNDLE.is_dir():
        pytest.skip("there is no model")
    keys, data = tmp_path / "keys.toml", tmp_path / "data"
    keys.write_text(f'[[keys]]\nname = "limited"\nsha256 = "{hash_key("secret")}"\ncharacter_limit = {LIMIT}\n')
    with Server(data, f"--api-keys={keys}") as one, Server(data, f"--api-keys={keys}") as other:
        yield [one, other]


@pytest.fixture
def front(tmp_path: Path, servers: list[Server]) -> Iterator[Front]:
    with nginx(tmp_path / "nginx", servers, trusted="127.0.0.0/8 1;") as front:
        yield front


def ask(url: str, path: str, **given: Any) -> httpx.Response:
    return httpx.request(given.pop("method", "POST"), url + path, headers=KEY, timeout=PATIENCE_S, **given)


def upload(url: str, text: str = TEXT) -> tuple[str, dict[str, str]]:
    answer = ask(url, "/v2/document", data=INTO_GERMAN, files={"file": ("letter.txt", text.encode())})
    handle = answer.raise_for_status().json()
    return f"/v2/document/{handle['document_id']}", {"document_key": handle["document_key"]}


def wait_done(url: str, path: str, key: dict[str, str]) -> None:
    wait_until(lambda: ask(url, path, data=key).raise_for_status().json()["status"] == "done")


def count(url: str) -> int:
    found: int = ask(url, "/v2/usage", method="GET").json()["character_count"]
    return found


def test_a_document_that_is_sent_to_one_is_fetched_from_the_other(front: Front, servers: list[Server]) -> None:
    expected = ask(front.url, "/v2/translate", json={"text": [TEXT], **INTO_GERMAN}).json()["translations"][0]["text"]
    for one, other in (servers, reversed(servers)):
        path, key = upload(one.url)
        wait_done(other.url, path, key)
        assert ask(other.url, f"{path}/result", data=key).text == expected
        assert ask(one.url, f"{path}/result", data=key).status_code == 404, "once, whoever is asked"
    path, key = upload(front.url)
    # Each question is for whichever replica nginx chooses.
    wait_done(front.url, path, key)
    answers = [ask(front.url, f"{path}/result", data=key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 404]
    assert answers[0].text == expected
    answered = {json.loads(line)["replica"] for line in front.logged(6)}
    assert len(answered) == 2, "nginx asked one of them alone"


def test_glossaries_and_files_are_known_to_both(front: Front, servers: list[Server]) -> None:
    glossary = {"name": "g", "source_lang": "en", "target_lang": "de", "entries": "car\tWagen", "entries_format": "tsv"}
    created = ask(servers[0].url, "/v2/glossaries", json=glossary).json()["glossary_id"]
    body = {"text": [TEXT], **INTO_GERMAN, "glossary_id": created}
    for server in servers:
        assert "Wagen" in ask(server.url, "/v2/translate", json=body).json()["translations"][0]["text"]
    fields = {"source": "en", "target": "de", "api_key": "secret"}
    answer = ask(servers[1].url, "/translate_file", data=fields, files={"file": ("a.txt", TEXT.encode())})
    path = httpx.URL(answer.json()["translatedFileUrl"]).path
    assert sorted(ask(front.url, path, method="GET").status_code for _ in range(4)) == [200, 404, 404, 404]


def test_a_limit_of_1000_characters_holds_over_both(front: Front, servers: list[Server]) -> None:
    texts = [f"{TEXT} {i:03}" for i in range(80)]  # 25 characters each, so that 40 may be had
    paths = {"/v1/translate": 403, "/v2/translate": 456}

    def translate(i: int) -> int:
        path = list(paths)[i % 2]
        body = {"text": texts[i], "source": "en", "target": "de"} if i % 2 == 0 else {"text": [texts[i]], **INTO_GERMAN}
        url = (front, *servers)[i % 3].url
        status = ask(url, path, json=body).status_code
        assert status in (200, paths[path])
        return status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(translate, range(len(texts))))
    assert statuses.count(200) == LIMIT // len(texts[0])
    assert [count(server.url) for server in servers] == [LIMIT, LIMIT]
    refused = ask(front.url, "/v2/document", data=INTO_GERMAN, files={"file": ("a.txt", b"A")})
    assert refused.status_code == 456


def test_a_killed_replica_s_documents_are_translated_by_the_other(front: Front, servers: list[Server]) -> None:
    one, other = servers
    other.signal(signal.SIGSTOP)  # so that it cannot be faster
    # Long enough that it is not done before the signal.
    path, key = upload(one.url, "\n".join(f"A man buys {i} red cars." for i in range(36)))
    wait_until(lambda: ask(one.url, path, data=key).json()["status"] == "translating")
    one.signal(signal.SIGKILL)
    other.signal(signal.SIGCONT)
    wait_done(front.url, path, key)
    answer = ask(front.url, f"{path}/result", data=key)
    assert len(answer.text.splitlines()) == 36
    assert count(front.url) <= LIMIT
