"""The examples, run as a reader would run them: against a real server with the bundled model."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
import yaml

from examples.translate import RefusedError, stream
from server.access.keys import main as make_key
from server.settings import ServeSettings, read_settings
from tests.ports import free_port
from tests.serving import serving

pytestmark = pytest.mark.unmeasured

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
TEXT = "Guten Morgen. Ich muss zum Hafen.\nWie spät ist es?\n"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("data")) as url:
        yield url


def run(*command: str | Path, text: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        list(map(str, command)), input=text, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def whole(url: str, text: str) -> str:
    body = {"text": text, "source": "de", "target": "en"}
    answer: str = httpx.post(f"{url}/v1/translate", json=body, timeout=60).json()["translations"][0]["text"]
    return answer


def test_the_client_prints_what_the_server_answers(url: str) -> None:
    done = run(sys.executable, EXAMPLES / "translate.py", "de", "en", text=TEXT, FERRY_URL=url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == whole(url, TEXT)
    assert "harbour" in done.stdout.lower() or "port" in done.stdout.lower()


def test_the_client_has_a_piece_before_the_whole(url: str) -> None:
    pieces = list(stream(url, TEXT, "de", "en"))
    assert len(pieces) > 1
    assert "".join(pieces) == whole(url, TEXT)


def test_the_client_tells_a_refusal(url: str) -> None:
    done = run(sys.executable, EXAMPLES / "translate.py", "de", "xx", text=TEXT, FERRY_URL=url)
    assert done.returncode == 1
    assert "xx" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_client_tells_that_nobody_is_there() -> None:
    with pytest.raises(RefusedError, match="does not answer"):
        list(stream(f"http://127.0.0.1:{free_port()}", TEXT, "de", "en"))


def test_the_client_says_how_it_is_used() -> None:
    done = run(sys.executable, EXAMPLES / "translate.py")
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_the_shell_script_prints_what_the_server_answers(url: str) -> None:
    text = 'Ich sagte: "Guten Morgen & 100 % Glück!"'
    done = run(EXAMPLES / "translate.sh", "de", "en", text, FERRY_URL=url)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == whole(url, text) + "\n"


def test_the_shell_script_tells_a_refusal(url: str) -> None:
    done = run(EXAMPLES / "translate.sh", "de", "xx", "Guten Morgen.", FERRY_URL=url)
    assert (done.returncode, done.stdout) == (1, "")
    assert "xx" in done.stderr


def test_both_send_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_key(["reader"])
    told, entry = capsys.readouterr().out.split("\n[[keys]]")
    (tmp_path / "keys.toml").write_text(f"[[keys]]{entry}")
    key = told.splitlines()[1].strip()
    with serving(tmp_path, f"--api-keys={tmp_path / 'keys.toml'}") as url:
        for command, given in (
            ((sys.executable, EXAMPLES / "translate.py", "de", "en"), "Guten Morgen."),
            ((EXAMPLES / "translate.sh", "de", "en", "Guten Morgen."), ""),
        ):
            assert run(*command, text=given, FERRY_URL=url, FERRY_KEY=key).returncode == 0
            assert run(*command, text=given, FERRY_URL=url).returncode == 1


def test_the_compose_file_is_what_libretranslates_users_have() -> None:
    composed = yaml.safe_load((EXAMPLES / "libretranslate/compose.yaml").read_text())
    [(name, service)] = composed["services"].items()
    ours = yaml.safe_load((ROOT / "compose.yaml").read_text())["x-ferry"]
    environment = service["environment"]
    settings = read_settings(ServeSettings, [], environment, "")
    assert name == "libretranslate"
    assert settings.port == 5000
    assert service["ports"] == ["${LISTEN:-127.0.0.1:5000}:5000"]
    assert {key.removeprefix("FERRY_").lower() for key in environment} <= {each.name for each in fields(ServeSettings)}
    assert service["image"] == ours["image"]
    assert (EXAMPLES / "libretranslate" / service["build"]["context"] / service["build"]["dockerfile"]).exists()
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert {volume.partition(":")[0] for volume in service["volumes"]} == set(composed["volumes"])


def test_its_paths_are_libretranslates(url: str) -> None:
    asked = {"q": "Guten Morgen.", "source": "de", "target": "en", "format": "text"}
    answer = httpx.post(f"{url}/translate", json=asked, timeout=60)
    assert set(answer.json()) == {"translatedText"}
    assert {each["code"] for each in httpx.get(f"{url}/languages").json()} == {"de", "en"}
