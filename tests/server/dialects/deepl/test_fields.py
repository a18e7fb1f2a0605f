"""Fields from JSON and from forms, and the checks of each kind of field."""

import pytest

from server.dialects.deepl.fields import read_choice, read_flag, read_names, read_required, read_string, read_strings
from server.errors import InvalidRequestError
from tests.server.dialects.deepl.conftest import refused
from tests.server.test_app import Site

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True", "TRUE"])
def test_what_is_true(value: object) -> None:
    assert read_flag({"flag": value}, "flag", False)


@pytest.mark.parametrize("value", [False, 0, "0", "false", "False"])
def test_what_is_false(value: object) -> None:
    assert not read_flag({"flag": value}, "flag", True)


@pytest.mark.parametrize("value", [None, ""])
def test_what_is_not_given(value: object) -> None:
    assert read_flag({"a": value}, "a", True)
    assert read_string({"a": value}, "a") is None
    assert read_choice({"a": value}, "a", {"x": "y"}, "z") == "z"
    assert read_strings({"a": None}, "a") == ()
    with pytest.raises(InvalidRequestError, match="'a' not specified"):
        read_required({"a": value}, "a")


@pytest.mark.parametrize("value", ["yes", 2, pytest.param(10**5000, id="huge"), 1.5, [True], {}])
def test_what_is_neither_true_nor_false(value: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"'flag'.*true or false"):
        read_flag({"flag": value}, "flag", False)


@pytest.mark.parametrize("value", ["c", 7, ["a"], {}, 1.5])
def test_what_is_no_choice(value: object) -> None:
    with pytest.raises(InvalidRequestError, match=r"'name'.*one of 1, b"):
        read_choice({"name": value}, "name", {"1": "a", "b": "b"}, "b")


def test_a_number_is_as_good_as_its_digit() -> None:
    assert read_choice({"name": 1}, "name", {"0": "no", "1": "yes"}, "no") == "yes"


@pytest.mark.parametrize("value", ["a,b, c,,a", ["a", "b,c"], ["a", "b", "c"]])
def test_names(value: object) -> None:
    assert read_names({"name": value}, "name") == ("a", "b", "c")


@pytest.mark.parametrize("value", [7, ["a", 7], {"a": "b"}, [None]])
def test_what_are_no_strings(value: object) -> None:
    with pytest.raises(InvalidRequestError, match="'name'"):
        read_strings({"name": value}, "name")


def test_one_string_is_not_many() -> None:
    with pytest.raises(InvalidRequestError, match=r"'name'.*one string"):
        read_string({"name": ["a", "b"]}, "name")


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("application/json", b"{", "not JSON"),
        ("application/json", b'{"text": "\xff"}', "not JSON"),
        ("application/json", b"[1]", "JSON object"),
        ("application/json", b'{"text":' + b"[" * 5000 + b"]" * 5000 + b"}", ""),
        ("application/x-www-form-urlencoded", b"text=%ff&target_lang=DE", "percent-encoded UTF-8"),
        ("application/x-www-form-urlencoded", b"text=\xc3\xa4&target_lang=DE", "percent-encoded UTF-8"),
        ("application/x-www-form-urlencoded", b"text=a&" * 1001, "more than 1000 fields"),
        ("multipart/form-data; boundary=x", b"--x--", "multipart/form-data"),
        ("application/json", b"", "'text' not specified"),
    ],
)
def test_bodies_that_cannot_be_read(site: Site, content_type: str, body: bytes, says: str) -> None:
    refused(site.ask("POST", "/v2/translate", content=body, headers={"content-type": content_type}), 400, says)


def test_json_that_curl_calls_a_form(site: Site) -> None:
    body = b' {"text": "Der Hund.", "source_lang": "DE", "target_lang": "EN"}'
    answer = site.ask("POST", "/v2/translate", content=body, headers=FORM)
    assert answer.json()["translations"][0]["text"] == "Der Hund."


def test_a_body_over_the_limit(site: Site) -> None:
    body = b"text=" + b"x" * (128 << 10)
    refused(site.ask("POST", "/v2/translate", content=body, headers=FORM), 413, "131072 bytes")
