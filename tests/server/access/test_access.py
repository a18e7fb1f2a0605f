"""Keys, rates, and quotas as far as `tests/server/storage/test_usage.py` does not have them."""

import asyncio
import re
import tomllib
from pathlib import Path

import pytest

from server.access.access import Access, Client
from server.access.keys import hash_key, main, read_keys
from server.access.rates import Rates
from server.errors import KeyRequiredError, QuotaExceededError, RateLimitedError, SettingsError, UnknownKeyError
from server.storage.database import Database
from server.storage.usage import Usage


@pytest.fixture
def usage(tmp_path: Path) -> Usage:
    return Usage(Database(tmp_path / "data"))


def write_keys(path: Path, **limits: int) -> Path:
    entry = "".join(f"{name} = {value}\n" for name, value in limits.items())
    path.write_text(f'[[keys]]\nname = "weblate"\nsha256 = "{hash_key("secret")}"\n{entry}')
    return path


def test_a_key_that_is_made_is_found_by_its_hash_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["weblate"]) == 0
    printed = capsys.readouterr().out
    key = printed.splitlines()[1].strip()
    entry = printed[printed.index("[[keys]]") :]
    assert key not in entry
    (tmp_path / "keys.toml").write_text(entry)
    found = read_keys(tmp_path / "keys.toml").find(key)
    assert found is not None
    assert found.name == "weblate"
    assert read_keys(tmp_path / "keys.toml").find(key + "x") is None
    assert re.fullmatch(r"[\w-]{40,}", key)
    assert tomllib.loads(entry)["keys"][0]["sha256"] == hash_key(key)


@pytest.mark.parametrize("names", [[], ["two", "names"], ['quoted"'], [""], ["../x"]])
def test_a_name_that_would_break_the_file_is_refused(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(names) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "no [[keys]]"),
        ("[[keys]", "line 1"),
        ('[[keys]]\nname = "a"', "missing required field `sha256`"),
        ('[[keys]]\nname = "a"\nsha256 = "b"\nlimit = 3', "unknown field `limit`"),
        ('[[keys]]\nname = "a b"\nsha256 = "B"', "name 'a b' must be"),
        ('[[keys]]\nname = "a b"\nsha256 = "B"', "sha256 must be 64"),
        (f'[[keys]]\nname = "a"\nsha256 = "{"0" * 64}"\ncharacter_limit = 0', "character_limit is 0; it must be at"),
        (f'[[keys]]\nname = "a"\nsha256 = "{"0" * 64}"\n' * 2, "name 'a' is there twice; sha256"),
    ],
)
def test_a_file_that_is_wrong_says_where(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(content)
    with pytest.raises(SettingsError, match=re.escape(says)):
        read_keys(path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--api-keys .*gone\.toml: .*No such file"):
        read_keys(tmp_path / "gone.toml")


def test_without_keys_anybody_may_ask_and_each_address_is_a_caller(usage: Usage) -> None:
    access = Access(None, usage, None)
    assert not access.needs_key
    one, other = access.identify("anything", "10.0.0.1"), access.identify(None, "10.0.0.2")
    assert one.name == other.name == ""
    assert one.caller != other.caller


def test_with_keys_only_they_may(tmp_path: Path, usage: Usage) -> None:
    access = Access(write_keys(tmp_path / "keys.toml", requests_per_minute=5), usage, 1000)
    assert access.identify("secret", "10.0.0.1") == Client("weblate", "weblate", 5, None, 1000)
    with pytest.raises(KeyRequiredError):
        access.identify(None, "10.0.0.1")
    with pytest.raises(UnknownKeyError):
        access.identify("Secret", "10.0.0.1")


def test_keys_are_read_again_and_a_broken_file_changes_nothing(tmp_path: Path, usage: Usage) -> None:
    path = write_keys(tmp_path / "keys.toml")
    access = Access(path, usage, None)
    path.write_text("[[keys]")
    with pytest.raises(SettingsError):
        access.reload()
    assert access.identify("secret", "").name == "weblate"
    path.write_text(f'[[keys]]\nname = "other"\nsha256 = "{hash_key("new")}"')
    access.reload()
    assert access.identify("new", "").name == "other"
    with pytest.raises(UnknownKeyError):
        access.identify("secret", "")


def test_rates_are_each_callers_own() -> None:
    rates = Rates()
    limits = {"requests": 2, "characters": None}
    for _ in range(2):
        rates.take("a", {"requests": 1, "characters": 10}, limits)
    with pytest.raises(RateLimitedError, match="More than 2 requests per minute") as refused:
        rates.take("a", {"requests": 1, "characters": 10}, limits)
    assert 1 <= refused.value.retry_after_s <= 120
    rates.take("b", {"requests": 1, "characters": 10}, limits)


def test_what_is_refused_costs_nothing_of_another_rate() -> None:
    rates = Rates()
    limits = {"requests": 3, "characters": 100}
    rates.take("a", {"requests": 1, "characters": 90}, limits)
    for _ in range(5):
        with pytest.raises(RateLimitedError, match="characters"):
            rates.take("a", {"requests": 1, "characters": 20}, limits)
    rates.take("a", {"requests": 1, "characters": 5}, limits)


def test_more_than_a_minutes_worth_goes_alone() -> None:
    rates = Rates()
    limits = {"characters": 100}
    rates.take("a", {"characters": 5000}, limits)
    with pytest.raises(RateLimitedError):
        rates.take("a", {"characters": 1}, limits)


def test_quotas_count_what_was_translated_and_not_what_failed(usage: Usage) -> None:
    access = Access(None, usage, 100)
    client = access.identify(None, "")

    async def ask() -> None:
        with pytest.raises(ZeroDivisionError):
            async with access.granted(client, 80):
                raise ZeroDivisionError
        async with access.granted(client, 60):
            with pytest.raises(QuotaExceededError, match="100 characters has 40 left"):
                async with access.granted(client, 41):
                    pytest.fail("it was granted")
        assert await usage.count(client.name) == 60

    asyncio.run(ask())
