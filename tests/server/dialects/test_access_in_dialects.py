"""Keys, rates and quotas as callers of each dialect meet them."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from server.access.keys import hash_key
from server.models.models import Models
from server.settings import ServeSettings
from tests.server.dialects.deepl.test_routes import usage
from tests.server.fakes import FakeEngine
from tests.server.test_app import Site

NATIVE = {"text": "Der Hund.", "source": "de", "target": "en"}
DEEPL = {"text": ["Der Hund."], "source_lang": "DE", "target_lang": "EN-US"}
LIBRE = {"q": "Der Hund.", "source": "de", "target": "en"}


def make_site(models: Models, folder: Path, limits: str = "") -> Site:
    names = "".join(
        f'[[keys]]\nname = "{name}"\nsha256 = "{hash_key(key)}"\n{limits}' for name, key in (("a", "ka"), ("b", "kb"))
    )
    (folder / "keys.toml").write_text(names)
    return Site(models, ServeSettings(api_keys=folder / "keys.toml", data=folder / "data"))


def native(site: Site, key: str | None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return site.ask("POST", "/v1/translate", json=NATIVE, headers=headers)


def deepl(
    site: Site, key: str | None, method: str = "POST", path: str = "/v2/translate", **body: Any
) -> httpx.Response:
    headers = {"Authorization": f"DeepL-Auth-Key {key}"} if key else {}
    return site.ask(method, path, json=body or (DEEPL if method == "POST" else None), headers=headers)


def libre(site: Site, key: str | None) -> httpx.Response:
    return site.ask("POST", "/translate", json=LIBRE | ({"api_key": key} if key else {}))


def google(site: Site, key: str | None) -> httpx.Response:
    return site.ask("POST", "/language/translate/v2", json=LIBRE, params={"key": key} if key else {})


def imme(site: Site, key: str | None) -> httpx.Response:
    body = {"source_lang": "de", "target_lang": "en", "text_list": ["Der Hund."]}
    return site.ask("POST", "/imme", json=body, params={"token": key} if key else {})


@pytest.mark.parametrize(
    ("ask", "missing", "wrong"),
    [(native, 401, 403), (deepl, 403, 403), (libre, 400, 403), (google, 403, 400), (imme, 401, 401)],
)
def test_only_those_with_a_key(
    models: Models, engine: FakeEngine, tmp_path: Path, ask: Any, missing: int, wrong: int
) -> None:
    site = make_site(models, tmp_path)
    assert (ask(site, None).status_code, ask(site, "no").status_code) == (missing, wrong)
    assert engine.sources == []
    assert ask(site, "ka").status_code == 200
    assert engine.callers[-1].name == "a"


def test_files_take_their_sender_s_share_of_the_engine(models: Models, engine: FakeEngine, tmp_path: Path) -> None:
    site = make_site(models, tmp_path)
    fields = {"source": "de", "target": "en", "api_key": "kb"}
    answer = site.ask("POST", "/translate_file", data=fields, files={"file": ("a.txt", b"Guten Morgen.")})
    assert answer.status_code == 200
    assert engine.callers[-1].name == "b"


def test_a_missing_key_is_asked_for_as_http_does(models: Models, tmp_path: Path) -> None:
    answer = native(make_site(models, tmp_path), None)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "key_required"


def test_health_models_and_metrics_need_none(models: Models, tmp_path: Path) -> None:
    site = make_site(models, tmp_path)
    for path in ("/health/ready", "/v1/models", "/languages", "/metrics", "/openapi.json"):
        assert site.ask("GET", path).status_code == 200


@pytest.mark.parametrize("with_keys", [True, False])
def test_web_pages_are_told_whether_one_is_needed(models: Models, tmp_path: Path, with_keys: bool) -> None:
    site = make_site(models, tmp_path) if with_keys else Site(models)
    told = site.ask("GET", "/frontend/settings").json()
    assert (told["apiKeys"], told["keyRequired"]) == (with_keys, with_keys)


@pytest.mark.parametrize("ask", [native, deepl, libre, google, imme])
def test_too_often_is_429_for_that_key_alone(models: Models, tmp_path: Path, ask: Any) -> None:
    site = make_site(models, tmp_path, "requests_per_minute = 2\n")
    # Where a minute begins in between, one more may pass: the window slides by weighing the minute before.
    statuses = [ask(site, "ka").status_code for _ in range(4)]
    assert statuses[:2] == [200, 200]
    assert statuses[3] == 429
    assert ask(site, "kb").status_code == 200


def test_a_rate_says_when_to_come_back(models: Models, tmp_path: Path) -> None:
    site = make_site(models, tmp_path, "characters_per_minute = 10\n")
    native(site, "ka")
    answer = native(site, "ka")
    assert answer.json()["error"]["code"] == "rate_limited"
    assert 1 <= int(answer.headers["retry-after"]) <= 120


@pytest.mark.parametrize(("ask", "status"), [(native, 403), (deepl, 456), (libre, 403), (google, 403), (imme, 403)])
def test_a_used_up_quota(models: Models, tmp_path: Path, ask: Any, status: int) -> None:
    site = make_site(models, tmp_path, "character_limit = 20\n")
    assert [ask(site, "ka").status_code for _ in range(3)] == [200, 200, status]
    assert deepl(site, "ka", "GET", "/v2/usage").json() == usage(18, 20)
    assert deepl(site, "kb", "GET", "/v2/usage").json() == usage(0, 20)


def test_nobody_sees_the_glossaries_of_another(models: Models, tmp_path: Path) -> None:
    site = make_site(models, tmp_path)
    body = {"name": "g", "source_lang": "de", "target_lang": "en", "entries_format": "tsv", "entries": "Hund\thound"}
    created = deepl(site, "ka", path="/v2/glossaries", **body)
    assert created.status_code == 201
    one = f"/v2/glossaries/{created.json()['glossary_id']}"
    assert deepl(site, "kb", "GET", "/v2/glossaries").json() == {"glossaries": []}
    assert len(deepl(site, "ka", "GET", "/v2/glossaries").json()["glossaries"]) == 1
    for method, path in (("GET", one), ("GET", f"{one}/entries"), ("DELETE", one)):
        assert deepl(site, "kb", method, path).status_code == 404
    asked = {**DEEPL, "glossary_id": created.json()["glossary_id"]}
    assert deepl(site, "kb", **asked).status_code == 404
    assert deepl(site, "ka", **asked).status_code == 200
    assert deepl(site, "ka", "DELETE", one).status_code == 204


def test_without_keys_each_address_is_a_caller(models: Models, engine: FakeEngine) -> None:
    Site(models).post(NATIVE)
    assert engine.callers[-1].name.startswith("@")
