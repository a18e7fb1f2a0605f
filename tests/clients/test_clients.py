"""Clients that people have, from their packages on npm and PyPI, against a real server with the bundled model."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from deep_translator import LibreTranslator
from deep_translator.exceptions import AuthorizationException

from server.access.keys import main as make_key
from tests.programs import need
from tests.serving import serving

pytestmark = pytest.mark.unmeasured

HERE = Path(__file__).parent
RunScript = Callable[..., Any]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("data"), "--deadline-s=300", "--max-deadline-s=300") as url:
        # The detector loads within the first request that needs it: seconds, on a busy machine.
        httpx.post(f"{url}/v1/translate", json={"text": "Guten Morgen.", "target": "en"}, timeout=300)
        yield url


@pytest.fixture(scope="module")
def run_script(tmp_path_factory: pytest.TempPathFactory) -> RunScript:
    """Runs a script of this folder, with the packages that `package-lock.json` pins; what it printed, as JSON."""
    npm, node = need("npm"), need("node")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, folder)
    # Their installation scripts are nobody's business here.
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True, timeout=600)

    def run(script: str, *arguments: str | Path) -> Any:
        command = [node, HERE / script, *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_deepl_for_node(url: str, run_script: RunScript, tmp_path: Path) -> None:
    told = run_script("deepl.mjs", url, tmp_path)
    assert told["texts"] == [
        {"text": "Good morning.", "source": "de", "billed": 13},
        {"text": "Thank you.", "source": "de", "billed": 6},
    ]
    assert told["html"] == "The <b>house</b> is red."
    assert told["same"] == "Das Haus ist rot."
    assert told["sources"] == ["de", "en"]
    assert told["targets"] == [["de", False], ["en-GB", False], ["en-US", False]]
    assert told["usage"]["count"] > 0
    assert told["usage"]["reached"] is False
    assert "mansion" in told["glossary"]
    assert told["entries"] == {"Haus": "mansion"}
    assert set(told["pairs"]) == {"de-en", "en-de"}
    assert told["both"] == {"name": "renamed", "directions": ["ende"]}
    assert told["replaced"] == {"house": "Palast"}
    assert told["listed"] == 1
    assert told["document"] == {"status": "done", "text": "Good morning.\n"}
    refusals = told["refusals"]
    assert refusals["glossary"][0] == "DeepLError"
    assert "'target_lang' not supported" in refusals["language"][1]
    assert "formality" in refusals["formality"][1]
    assert refusals["rephrase"] != "answered"


def test_libretranslate_for_node(url: str, run_script: RunScript) -> None:
    told = run_script("libretranslate.mjs", url)
    assert told["text"] == "Good morning."
    assert told["detected"].startswith("Good morning")
    assert told["html"] == "<p>The <b>house</b> is red.</p>"
    assert "not found" in told["unknown"]


def test_deep_translator(url: str) -> None:
    client = LibreTranslator(source="de", target="en", custom_url=f"{url}/", api_key="any")
    assert client.translate("Guten Morgen.") == "Good morning."
    assert client.translate_batch(["Guten Morgen.", "Danke."]) == ["Good morning.", "Thank you."]


def test_deep_translator_with_a_wrong_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys.toml"
    make_key(["somebody"])
    keys.write_text("[[keys]]" + capsys.readouterr().out.partition("\n[[keys]]")[2])
    with serving(tmp_path / "data", f"--api-keys={keys}") as url:
        client = LibreTranslator(source="de", target="en", custom_url=f"{url}/", api_key="wrong")
        with pytest.raises(AuthorizationException):
            client.translate("Guten Morgen.")
