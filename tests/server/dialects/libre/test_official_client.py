"""A real server, asked by real clients."""

import json
import re
import shutil
import subprocess
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from libretranslatepy import LibreTranslateAPI

from server.text.tokenizer import Tokenizer
from tests.server.dialects.libre.conftest import BODY, ENGLISH, reversed_ids
from tests.server.test_serve import Process


@pytest.fixture(scope="module")
def url(tokenizer_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process = Process(tokenizer_file, tmp_path_factory.mktemp("bundle"), "--port=0", "--grace-s=1", "--deadline-s=60")
    yield process.wait_until_ready()
    until_ready = len(process.said)
    process.process.terminate()
    assert process.wait() == 0
    assert not re.search("Hund|station|Traceback|the-key", process.said[until_ready:])


def test_libretranslatepy(url: str, tokenizer: Tokenizer) -> None:
    client = LibreTranslateAPI(url, "the-key")
    assert client.translate("Der Hund & die Straße.\n", "de", "en") == "Der Hund & die Straße.\n"
    assert client.translate("the dog", "en", "de") == reversed_ids(tokenizer, "the dog")
    assert client.translate(ENGLISH, "auto", "en") == ENGLISH
    best, other = client.detect("Monday")
    assert (best["language"], other["language"]) == ("en", "de")
    assert 50 < best["confidence"] < 100
    assert [(each["code"], each["targets"]) for each in client.languages()] == [("de", ["en"]), ("en", ["de"])]
    assert LibreTranslateAPI(url).languages() == client.languages()
    with pytest.raises(urllib.error.HTTPError) as raised:
        client.translate("a", "de", "tlh")
    assert (raised.value.code, json.load(raised.value)["error"][:20]) == (400, "tlh is not supported")
    raised.value.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt-get install curl")
def test_curl(url: str, tmp_path: Path) -> None:
    def curl(*arguments: str) -> Any:
        done = subprocess.run(["curl", "-sS", "--max-time", "30", *arguments], capture_output=True, check=True)
        return json.loads(done.stdout)

    fields = ["-d", "source=de", "-d", "target=en"]
    assert curl(f"{url}/translate", "-d", "q=Grüße vom Hund.", *fields) == {"translatedText": "Grüße vom Hund."}
    assert curl(f"{url}/translate", "-d", json.dumps(BODY)) == {"translatedText": "Der Hund."}
    assert curl(f"{url}/detect", "-d", "q=123") == [{"confidence": 0.0, "language": "de"}]
    assert curl(f"{url}/health") == {"status": "ok"}
    assert curl("-X", "POST", f"{url}/suggest") == {"error": "Suggestions are disabled on this server."}
    file = tmp_path / "a.txt"
    file.write_text("Der Hund.\n")
    found = curl(f"{url}/translate_file", "-F", f"file=@{file}", "-F", "source=de", "-F", "target=en")
    assert found["translatedFileUrl"].startswith(f"{url}/download_file/")
    head = subprocess.run(["curl", "-sSI", found["translatedFileUrl"]], capture_output=True, check=True)
    assert b"content-length: 10\r\n" in head.stdout.lower()
    done = subprocess.run(["curl", "-sS", found["translatedFileUrl"]], capture_output=True, check=True)
    assert done.stdout == b"Der Hund.\n"
    assert "no such file" in curl(found["translatedFileUrl"])["error"]
