"""Train, export, serve, ask: what a user sees, with real processes and real HTTP."""

import json
import random
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import sentences
from tests.system.conftest import Served, run, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.unmeasured]
HELD_OUT = sentences(3024)[3000:]


def post(served: Served, body: Any, timeout_s: float = 60) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(served.url + "/v1/translate", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout_s) as response:
        return json.load(response)


def translate(served: Served, text: str, source: str = "de", target: str = "en", **options: Any) -> str:
    found = post(served, {"text": text, "source": source, "target": target, **options})
    return str(found["translations"][0]["text"])


def metrics(served: Served) -> dict[str, float]:
    with urllib.request.urlopen(served.url + "/metrics") as response:
        lines = [line for line in response.read().decode().splitlines() if line and not line.startswith("#")]
    pairs = (line.rsplit(" ", 1) for line in lines)
    return {name.partition("{")[0]: float(value) for name, value in pairs}


def test_held_out_sentences_are_translated_both_ways(served: Served) -> None:
    for source, target, pairs in (("de", "en", HELD_OUT), ("en", "de", [(en, de) for de, en in HELD_OUT])):
        texts = [one for one, _ in pairs]
        found = post(served, {"text": texts, "source": source, "target": target})["translations"]
        right = sum(answer["text"] == other for answer, (_, other) in zip(found, pairs, strict=True))
        assert right >= 20, f"{right} of {len(pairs)} {source}-{target} sentences are right"


def test_paragraphs_keep_their_white_space(served: Served) -> None:
    (de1, en1), (de2, en2) = HELD_OUT[0], HELD_OUT[1]
    text = f"  {de1} {de2}\n\n\t{de2}\n🙂\n"
    assert translate(served, text) == translate(served, text)
    shape = translate(served, text).replace(translate(served, de1), "1").replace(translate(served, de2), "2")
    assert shape == "  1 2\n\n\t2\n🙂\n"
    assert en1 != en2


def test_many_clients_get_the_bytes_they_get_alone(served: Served) -> None:
    rng = random.Random(5)
    pool = [de for de, _ in sentences(600)]
    texts = [" und ".join(rng.sample(pool, rng.choice((1, 1, 2, 5)))) for _ in range(96)]
    beams = [rng.choice((1, 1, 4)) for _ in texts]
    alone = [translate(served, text, beam_size=beam) for text, beam in zip(texts, beams, strict=True)]
    before = metrics(served)["ferry_engine_joined_running_total"]
    with ThreadPoolExecutor(32) as clients:
        together = list(
            clients.map(lambda job: translate(served, job[0], beam_size=job[1]), zip(texts, beams, strict=True))
        )
    assert together == alone
    assert metrics(served)["ferry_engine_joined_running_total"] > before, "no row joined a running batch"


def test_alternatives_scores_and_segments(served: Served) -> None:
    body = {
        "text": HELD_OUT[0][0],
        "source": "de",
        "target": "en",
        "num_alternatives": 2,
        "scores": True,
        "segments": True,
    }
    (found,) = post(served, body)["translations"]
    scores = [found["score"], *(a["score"] for a in found["alternatives"])]
    assert len(scores) == 3
    assert scores == sorted(scores, reverse=True)
    assert found["segments"][0]["source"] == HELD_OUT[0][0]


def test_a_browser_may_ask_too(served: Served) -> None:
    query = "/translate?q=" + urllib.request.quote(HELD_OUT[0][0]) + "&source=de&target=en"
    with urllib.request.urlopen(served.url + query) as response:
        assert json.load(response) == {"translatedText": translate(served, HELD_OUT[0][0])}
    with urllib.request.urlopen(served.url + "/v1/models") as response:
        (model,) = json.load(response)["models"]
    assert [(pair["source"], pair["target"]) for pair in model["pairs"]] == [("de", "en"), ("en", "de")]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "JSON"),
        ({"text": "a", "source": "de"}, 400, "target"),
        ({"text": "a", "source": "de", "target": "fr"}, 400, "de-en, en-de"),
        ({"text": "a" * 10_000_000, "source": "de", "target": "en"}, 413, "bytes"),
        ({"text": "a", "source": "de", "target": "en", "beam_size": 1000}, 400, "beam_size"),
    ],
)
def test_refusals_say_what_and_why(served: Served, body: Any, status: int, words: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        post(served, body)
    assert refusal.value.code == status
    assert words in json.load(refusal.value)["error"]["message"]


def test_a_file_keeps_its_lines_whatever_they_hold(bundle: Path, tmp_path: Path) -> None:
    rng = random.Random(1)
    good = [de for de, _ in sentences(300)]
    odd = [
        "",
        "   ",
        "🙂🙂",
        "\x00\x07 Hut",
        "Ein\u2028Hut\x0cund\x85",
        " ".join(good[:150]),
        "Hut the hat 帽子 шляпа",
        "ß" * 3000,
    ]
    lines = [rng.choice(odd) if rng.random() < 0.05 else rng.choice(good) for _ in range(1000)]
    source, output = tmp_path / "in.de", tmp_path / "out.en"
    source.write_bytes("".join(line + "\n" for line in lines).encode())
    languages = ("--source", "de", "--target", "en")
    command = ("server.lines.command", "--model", bundle, *languages, "--input", source, "--output", output)

    stopped = subprocess.Popen([sys.executable, "-m", *map(str, command)], stderr=subprocess.PIPE)
    partial = output.with_name(output.name + ".partial")
    wait_until(lambda: stopped.poll() is not None or (partial.exists() and partial.stat().st_size > 0), 60)
    stopped.send_signal(signal.SIGKILL)
    stopped.communicate()
    assert not output.exists()

    finished = run(*command)
    assert finished.returncode == 0, finished.stderr
    found = output.read_bytes().decode().split("\n")
    assert len(found) == 1001
    assert found[-1] == ""
    by_text = {}  # type: dict[str, str]
    for line, answer in zip(lines, found[:-1], strict=True):
        assert by_text.setdefault(line, answer) == answer, "the same line, the same answer"
    assert by_text[""] == ""
    assert by_text["🙂🙂"] == "🙂🙂"

    again = run(*command)
    assert again.returncode == 2
    assert "exists" in again.stderr


def test_one_flipped_byte_is_not_served(bundle: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in bundle.iterdir():
        data = bytearray(file.read_bytes())
        if file.name == "decoder.onnx":
            data[len(data) // 2] ^= 1
        (damaged / file.name).write_bytes(data)
    refused = run("server.serve", "--models", damaged, "--port", "0")
    assert refused.returncode == 2
    assert "decoder.onnx (decoder) does not have the SHA-256 of the manifest" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_export_does_not_overwrite(bundle: Path, trained: Path) -> None:
    refused = run("export.cli", trained / "checkpoints" / "best", bundle)
    assert refused.returncode == 2
    assert "exists" in refused.stderr
