"""The routes of the web page: types, what browsers may do with it, copies they have, and who gets what at `/`."""

import re
from typing import get_args

import pytest

from server.app import INDEX
from server.models.models import Models
from server.page.assets import CONTENT_SECURITY_POLICY, FOLDER, MEDIA_TYPES, prefers_html
from server.text.symptoms import Symptom
from tests.server.test_app import Site

CHROME = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
HTML = {"Accept": CHROME}
FILES = sorted(path.name for path in FOLDER.iterdir() if path.suffix in MEDIA_TYPES and path.name != "index.html")


@pytest.fixture
def site(models: Models) -> Site:
    return Site(models)


def test_a_browser_gets_the_page_and_all_others_the_index(site: Site) -> None:
    page = site.ask("GET", "/", headers=HTML)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.text.startswith("<!doctype html>")
    index = site.ask("GET", "/")
    assert (index.text, index.headers["content-type"]) == (INDEX, "text/plain; charset=utf-8")
    assert page.headers["vary"] == index.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (CHROME, True),
        ("text/html", True),
        ("TEXT/HTML;Q=0.5, text/plain;q=0.4", True),
        ("text/plain, text/html", True),
        ("text/html, */*; q=0.01", True),
        ("", False),
        ("*/*", False),
        ("text/*", False),
        ("text/plain", False),
        ("application/json", False),
        ("text/html;q=0", False),
        ("text/html;q=0.5, */*", False),
        ("text/html;q=0.5, text/plain", False),
        ("text/html;q=", False),
        ("text/html;q=nan", False),
        (",;q=1,;", False),
    ],
)
def test_who_prefers_html(accept: str, html: bool) -> None:
    assert prefers_html(accept) == html


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_type_and_its_limits(site: Site, name: str) -> None:
    answer = site.ask("GET", f"/page/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPES[f".{name.rpartition('.')[2]}"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.content == (FOLDER / name).read_bytes()


def test_all_symptoms_have_words() -> None:
    words = re.search(r"SYMPTOMS = \{(.*?)\}", (FOLDER / "sentences.js").read_text(), re.DOTALL)
    assert words is not None
    assert set(re.findall(r"^ +(\w+): \"", words[1], re.MULTILINE)) == set(get_args(Symptom))


def test_all_scripts_are_loaded_at_once() -> None:
    """Those that are not named in the page are asked for only when another that needs them is there."""
    named = re.findall(r'(?:href|src)="page/(\w+\.js)"', (FOLDER / "index.html").read_text())
    assert sorted(named) == [name for name in FILES if name.endswith(".js")]


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere(site: Site) -> None:
    policy = site.ask("GET", "/", headers=HTML).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    for kind in ("base-uri", "form-action", "frame-ancestors"):
        assert f"{kind} 'none'" in policy


def test_a_copy_that_is_still_good_is_not_sent_again(site: Site) -> None:
    for path, headers in (("/", HTML), ("/page/page.css", {})):
        etag = site.ask("GET", path, headers=headers).headers["etag"]
        for known in (etag, f'"other", W/{etag}', "*"):
            answer = site.ask("GET", path, headers={**headers, "If-None-Match": known})
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
        assert site.ask("GET", path, headers={**headers, "If-None-Match": '"other"'}).status_code == 200


def test_head(site: Site) -> None:
    answer = site.ask("HEAD", "/", headers=HTML)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def test_only_the_pages_own_files_are_served(site: Site) -> None:
    for path in ("/page/", "/page/routes.py", "/page/index.html", "/page/../app.py", "/page/%2e%2e/app.py"):
        assert site.ask("GET", path).status_code == 404


def test_the_page_names_only_files_that_there_are() -> None:
    html = (FOLDER / "index.html").read_text()
    assert set(re.findall(r'(?:href|src)="page/([^"]+)"', html)) == set(FILES)
    scripts = "".join((FOLDER / name).read_text() for name in FILES if name.endswith(".js"))
    assert set(re.findall(r'from "\./([^"]+)"', scripts)) <= set(FILES)
    # Nothing inline, which the policy would refuse.
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", html)
