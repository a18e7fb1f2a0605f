"""`ferry-translate --url`: a running server instead of a bundle, with the same promises."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.lines import command, remote
from server.lines.client import RemoteServer
from server.lines.partial import PartialFile
from server.lines.remote import MAX_BATCH_TEXTS, MAX_BATCHES, NUM_REQUESTS, halve_text
from tests.ports import free_port
from tests.server.lines.remote_fake import HTML, HUNG_UP, FakeServer, Said, fake_server, refused

Run = Callable[..., int]
MODEL = Path(__file__).parents[3] / "models" / "en-de"
FILES = ("--input=in.txt", "--output=out.txt")
LINES = [f"Satz Nummer {i}." for i in range(200)]


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as server:
        yield server


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(LINES)
    return tmp_path


@pytest.fixture
def run(server: FakeServer) -> Run:
    """Run the command in the test's folder, against the fake server."""
    return lambda *argv: command.main([f"--url={server.url}", "--source=de", "--target=en", *argv])


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nothing is waited for; how long it would have been."""
    found: list[float] = []
    monkeypatch.setattr(RemoteServer, "pause", lambda self, seconds: found.append(seconds))
    return found


def write(lines: list[str]) -> None:
    Path("in.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")


def output(name: str = "out.txt") -> list[str]:
    return Path(name).read_text(encoding="utf-8").splitlines()


def capitals(lines: list[str]) -> list[str]:
    return [line.upper() for line in lines]


def interrupt_at(monkeypatch: pytest.MonkeyPatch, line: int, do: Callable[[], None]) -> None:
    """Do something just before line number `line` of the output is written, the first time."""
    written = 0
    write = PartialFile.write

    def writing(self: PartialFile, data: bytes) -> None:
        nonlocal written
        written += 1
        if written == line:
            do()
        write(self, data)

    monkeypatch.setattr(PartialFile, "write", writing)


def test_one_line_out_for_each_line_in(run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*FILES, "--progress") == 0
    assert output() == capitals(LINES)
    assert sorted(path.name for path in Path().iterdir()) == ["in.txt", "out.txt"]
    assert "200 lines, " in capsys.readouterr().err
    assert {path for path, _ in server.seen} == {"/v1/models", "/v1/translate"}
    assert all(body.keys() == {"text", "source", "target"} for body in server.bodies)


def test_any_line_keeps_its_place_and_its_end(run: Run) -> None:
    Path("in.txt").write_bytes("Eins.\r\n\n  \n😀\x00\x0b\u2028x\nZw\udcffei.".encode(errors="surrogateescape"))
    assert run(*FILES) == 0
    assert Path("out.txt").read_bytes() == "EINS.\r\n\n  \n😀\x00 X\nZW\ufffdEI.".encode()


def test_options_go_with_each_request(run: Run, server: FakeServer) -> None:
    assert run(*FILES, "--beam-size=3", "--length-penalty=0", "--source=DE") == 0
    assert {(body["beam_size"], body["length_penalty"], body["source"]) for body in server.bodies} == {(3, 0, "de")}


def test_order_is_kept_whichever_answer_comes_first(run: Run, server: FakeServer) -> None:
    others_answered = threading.Event()

    def react(texts: list[str], number: int) -> None:
        if LINES[0] in texts:
            others_answered.wait()
        elif LINES[-1] in texts:
            others_answered.set()

    server.react = react  # type: ignore[assignment]
    assert run(*FILES) == 0
    assert output() == capitals(LINES)


def test_what_is_in_flight_is_bounded(server: FakeServer) -> None:
    settings = command.FileSettings(url=server.url, source="de", target="en")
    stream = remote.open_remote(server.url, settings)
    read = answered = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for read in range(1, 3001):
            assert read - answered <= (MAX_BATCHES + 1) * MAX_BATCH_TEXTS + 1
            yield f"Satz {read}."

    for line in stream.translate(texts()):
        answered += 1
        assert line.text == f"SATZ {answered}."
    stream.close()
    assert answered == 3000
    assert server.most_running <= NUM_REQUESTS


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        (refused(503, "overloaded", Retry_After="7"), (7.0, 7.0)),
        (refused(429, Retry_After="2"), (2.0, 2.0)),
        (Said(429, HTML), (0.05, 0.1)),
        (Said(503, b"", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), (0.05, 0.1)),
        (Said(502, HTML), (0.05, 0.1)),
        (HUNG_UP, (0.05, 0.1)),
    ],
)
def test_later_is_waited_for(
    run: Run, server: FakeServer, pauses: list[float], said: Said, waits: tuple[float, float]
) -> None:
    server.react = lambda texts, number: said if number == 2 else None
    assert run(*FILES) == 0
    assert output() == capitals(LINES)
    [pause] = pauses
    assert waits[0] <= pause <= waits[1]


def test_pauses_grow_to_a_limit(run: Run, server: FakeServer, pauses: list[float]) -> None:
    write(LINES[:1])
    server.react = lambda texts, number: refused(503) if number < 12 else None
    assert run(*FILES) == 0
    assert len(pauses) == 11
    assert 2.5 <= pauses[-1] <= 5.0


@pytest.mark.parametrize("said", [refused(503, "overloaded"), refused(503, Retry_After="3600"), HUNG_UP])
def test_a_server_that_stays_away_is_given_up_and_the_rest_done_later(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str], said: Said
) -> None:
    server.react = lambda texts, number: said if LINES[100] in texts else None
    assert run(*FILES, "--retry-s=0") == 1
    assert "given up, see --retry-s" in capsys.readouterr().err
    done = output("out.txt.partial")
    assert done == capitals(LINES)[:96]
    server.react = lambda texts, number: None
    assert run(*FILES) == 0
    assert output() == capitals(LINES)


def test_a_batch_that_is_too_large_is_halved(run: Run, server: FakeServer) -> None:
    lines = LINES * 3
    write(lines)
    server.react = lambda texts, number: refused(413) if len(texts) > 5 else None
    assert run(*FILES) == 0
    assert output() == capitals(lines)
    first_refusals = [body for body in server.bodies if len(body["text"]) == MAX_BATCH_TEXTS]
    assert len(first_refusals) <= MAX_BATCHES, "what was learned is kept"


def test_a_line_that_is_too_large_is_cut_and_joined(run: Run, server: FakeServer) -> None:
    lines = ["Ein Satz. " * 50, "wort " * 100, "y" * 300, "", "Kurz."]
    write(lines)
    server.react = lambda texts, number: refused(413) if sum(map(len, texts)) > 40 else None
    assert run(*FILES) == 0
    assert output() == capitals(lines)
    assert any(body["text"] == ["Ein Satz. " * 3] for body in server.bodies)


def test_what_is_too_large_in_any_size_is_an_error(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.react = lambda texts, number: refused(413, "tiny_limit")
    assert run(*FILES) == 1
    assert "because of tiny_limit" in capsys.readouterr().err


def test_what_takes_too_long_is_asked_in_parts_but_no_sentence_is_cut(run: Run, server: FakeServer) -> None:
    write([*LINES[:40], "Ein Satz. Noch einer. Und noch einer, mit Komma."])

    def react(texts: list[str], number: int) -> Said | None:
        return refused(504, Retry_After="1") if len(texts) > 3 or any(text.count(".") > 1 for text in texts) else None

    server.react = react
    assert run(*FILES) == 0
    assert output()[-1] == "EIN SATZ. NOCH EINER. UND NOCH EINER, MIT KOMMA."
    assert output()[:-1] == capitals(LINES[:40])
    assert ["Und noch einer, mit Komma."] in [body["text"] for body in server.bodies]


def test_a_sentence_that_takes_too_long_is_asked_again(run: Run, server: FakeServer, pauses: list[float]) -> None:
    write(LINES[:1])
    server.react = lambda texts, number: refused(504, Retry_After="1") if number < 4 else None
    assert run(*FILES) == 0
    assert pauses == [1.0, 1.0]


@pytest.mark.parametrize("text", ["Eins. Zwei. Drei. Vier.", "  Eins, zwei, drei vier.", "ab", "Eins.\x0bZwei.", " a"])
def test_halves_are_the_text(text: str) -> None:
    halves = halve_text(text, "de", within_sentence=True)
    assert halves is not None
    assert "".join(halves) == text
    assert all(halves)


@pytest.mark.parametrize("text", ["", " ", "a", "🙂🙂"])
def test_what_has_no_halves(text: str) -> None:
    assert halve_text(text, "auto", within_sentence=True) is None


def test_a_refusal_of_the_options_is_told(run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.react = lambda texts, number: refused(400, "beam_too_wide")
    assert run(*FILES) == 2
    assert "because of beam_too_wide" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (refused(400, "unsupported_pair"), "because of unsupported_pair"),
        (refused(401, "unknown_key"), "because of unknown_key"),
        (refused(500, "internal"), "because of internal"),
        (Said(404, HTML), "the answer has status 404"),
        (Said(200, HTML), "not as a Ferry server does"),
        (Said(200, b'{"translations": []}'), "not as a Ferry server does"),
        (refused(418, "\x1b[2J"), "because of  [2J"),
    ],
)
def test_what_cannot_go_on_says_why(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str], said: Said, says: str
) -> None:
    server.react = lambda texts, number: said if LINES[-1] in texts else None
    assert run(*FILES) == 1
    assert says in capsys.readouterr().err
    assert output("out.txt.partial") == capitals(LINES)[:192]


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (refused(401), "because of some_code; it wants a key that it knows, see --api-key-file"),
        (Said(301, b"", {"Location": "https://example.org/v1/models"}), "elsewhere, to https://example.org/v1/models"),
        (Said(200, HTML), "there is no Ferry server"),
        (Said(404, HTML), "there is no Ferry server"),
        (Said(200, b'{"models": [{"id": "gpt"}]}'), "there is no Ferry server"),
        (Said(503, HTML), "not ready"),
        (HUNG_UP, "is ferry-serve running there?"),
    ],
)
def test_what_is_no_server_for_us_is_told_at_the_start(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str], said: Said, says: str
) -> None:
    server.models = said
    assert run(*FILES) == 2
    assert says in capsys.readouterr().err
    assert [path.name for path in Path().iterdir()] == ["in.txt"]


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert command.main([f"--url=http://127.0.0.1:{port}", "--source=de", "--target=en", *FILES]) == 2
    assert "Connection refused; is ferry-serve running there?" in capsys.readouterr().err


def test_something_that_speaks_no_http(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        assert command.main([f"--url={url}", "--source=de", "--target=en", *FILES]) == 2
        thread.join()
    assert "is ferry-serve running there?" in capsys.readouterr().err


def test_a_direction_that_nobody_has(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*FILES, "--target=fr") == 2
    assert "translates de-en, en-de, fr-en; --source de --target fr it does not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ([], "--model or --url is missing"),
        (["--url=http://x", "--model=m"], "--model and --url exclude each other"),
        (["--url=http://x", "--num-threads=3"], "--num-threads (or FERRY_NUM_THREADS) is for --model"),
        (["--model=m", "--source=auto"], "--source auto is for --url"),
        (["--model=m", "--api-key-file=k"], "--api-key-file (or FERRY_API_KEY_FILE) is for --url"),
        (["--url=localhost:8000"], "--url must be like"),
        (["--url=ftp://x"], "--url must be like"),
        (["--url=http://me:secret@x"], "--url must be like"),
        (["--url=http://x:99999"], "--url must be like"),
        (["--url=http://x/?key=secret"], "--url must be like"),
        (["--url=http://[::1"], "--url must be like"),
        (["--url=http://x\r\ny"], "--url must be like"),
        (["--url=http://x", "--api-key-file=none"], "--api-key-file none cannot be read: No such file"),
        (["--url=http://x", "--api-key-file=two"], "must hold one key and nothing else"),
        (["--url=http://x", "--api-key-file=empty"], "must hold one key and nothing else"),
        (["--url=http://x", "--api-key-file=odd"], "not ASCII"),
    ],
)
def test_settings_that_do_not_fit(capsys: pytest.CaptureFixture[str], argv: list[str], says: str) -> None:
    Path("two").write_text("secret\nsecret\n")
    Path("empty").write_text("\n")
    Path("odd").write_text("secrét")
    assert command.main(["--source=de", "--target=en", *FILES, *argv]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert "secr" not in said


def test_the_key_goes_with_each_request_and_nowhere_else(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("key").write_text("  the-key\n")
    server.react = lambda texts, number: refused(403) if LINES[-1] in texts else None
    assert run(*FILES, "--api-key-file=key") == 1
    assert {headers["Authorization"] for _, headers in server.seen} == {"Bearer the-key"}
    assert "the-key" not in capsys.readouterr().err
    assert "the-key" not in Path("out.txt.partial.json").read_text()


def test_the_language_of_each_line_may_be_detected(run: Run, server: FakeServer) -> None:
    write(["Der Hund.", "Le chien.", ""])
    assert run(*FILES, "--source=auto") == 0
    assert output() == ["DER HUND.", "LE CHIEN.", ""]
    assert server.bodies[0]["source"] == "auto"


def test_answers_of_two_models_are_not_mixed(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def react(texts: list[str], number: int) -> None:
        server.version = "2" if LINES[100] in texts else server.version

    server.react = react  # type: ignore[assignment]
    monkeypatch.setattr(remote, "NUM_REQUESTS", 1)
    assert run(*FILES) == 1
    assert "translates with fake 2 now; this was begun with fake 1" in capsys.readouterr().err
    assert output("out.txt.partial") == capitals(LINES)[:96]
    assert run(*FILES) == 2
    assert "was begun with another bundle" in capsys.readouterr().err
    server.react, server.version = lambda texts, number: None, "1"
    assert run(*FILES) == 0
    assert output() == capitals(LINES)


@pytest.mark.parametrize("change", ["--beam-size=1", "--length-penalty=0", "--source=fr"])
def test_a_run_is_not_continued_with_something_else(
    run: Run, server: FakeServer, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    server.react = lambda texts, number: refused(500)
    assert run(*FILES) == 1
    assert run(*FILES, change) == 2
    assert f"another {change[2:].split('=')[0].replace('-', '_')}" in capsys.readouterr().err


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_does_not_wait_for_the_server(run: Run, server: FakeServer, signum: int) -> None:
    test_ended = threading.Event()

    def react(texts: list[str], number: int) -> None:
        if LINES[100] in texts:
            os.kill(os.getpid(), signum)
            test_ended.wait()

    server.react = react  # type: ignore[assignment]
    try:
        assert run(*FILES) == 128 + signum
    finally:
        test_ended.set()
    done = output("out.txt.partial")
    assert done == capitals(LINES)[: len(done)]
    assert len(done) <= 96
    server.react = lambda texts, number: None
    assert run(*FILES) == 0
    assert output() == capitals(LINES)


def test_a_run_that_was_stopped_is_continued(run: Run, server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        interrupt_at(patched, 60, lambda: os.kill(os.getpid(), signal.SIGTERM))
        assert run(*FILES) == 128 + signal.SIGTERM
    assert output("out.txt.partial") == capitals(LINES)[:59]
    server.bodies.clear()
    assert run(*FILES) == 0
    assert output() == capitals(LINES)
    assert not any(LINES[58] in body["text"] for body in server.bodies)


def test_a_reader_that_leaves(server: FakeServer) -> None:
    write([f"{line} {'x' * 500}" for line in LINES * 5])
    command = [sys.executable, "-m", "server.lines.command", f"--url={server.url}", "--source=de", "--target=en"]
    environment = {**os.environ, "PYTHONPATH": str(MODEL.parents[1])}
    with subprocess.Popen(
        [*command, "--input=in.txt"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"SATZ NUMMER 0.")
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait() == 128 + signal.SIGPIPE


class RealServer:
    """`ferry-serve` over the bundled model, always at the same port."""

    def __init__(self) -> None:
        self.port, self.said = free_port(), ""
        self.start()

    def start(self) -> None:
        argv = [f"--models={MODEL}", f"--port={self.port}", "--num-threads=1"]
        environment = {**os.environ, "PYTHONPATH": str(MODEL.parents[1])}
        command = [sys.executable, "-m", "server.serve", *argv]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line
            if "curl" in line:
                return
        self.kill()
        raise AssertionError(self.said)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture(scope="module")
def real() -> Iterator[RealServer]:
    real = RealServer()
    yield real
    real.kill()


REAL_LINES = (
    "Guten Morgen! Wie geht es dir heute?",
    "",
    "Das alte Haus am See gehört seit 1987 meiner Großmutter.",
    "Wir fahren morgen früh mit dem Zug nach Berlin. 🙂 Kommst du mit?",
    "   ",
    "😀👍🏽",
    "Die Katze schläft auf dem Sofa, während der Hund im Garten bellt.\r",
    "Könnten Sie mir bitte sagen, wo der Bahnhof ist?",
    "Er sagte: „Ich habe keine Zeit“, und ging.",
    "Nein.",
    "Dr. Müller kommt am 3. Oktober um 14:30 Uhr; bringen Sie z. B. Ihren Ausweis mit.",
    "Gestern hat es den ganzen Tag geregnet.\u2028Heute scheint die Sonne.",
    "Wenn ich genug Geld hätte, würde ich mir ein kleines Boot kaufen.",
    "x" * 100,
    "Im Sommer essen die Kinder gern Eis. " * 5,
    "The dog is not German. 早上好。",
    "<b>Achtung</b> & Vorsicht!",
    "Der Brief, den du mir geschrieben hast, ist nie angekommen.",
    "Tom hat 1.234,50 Euro verloren.",
    "Bitte schließen Sie die Tür!",
)


def translate_with_bundle(*argv: str) -> bytes:
    common = ["--source=de", "--target=en", "--input=in.txt", "--output=local.txt", *argv]
    assert command.main([f"--model={MODEL}", "--num-threads=1", *common]) == 0
    return Path("local.txt").read_bytes()


def test_a_server_and_a_bundle_give_the_same_bytes(real: RealServer) -> None:
    write([*REAL_LINES, *(f"Zeile: {line}" for line in REAL_LINES)])
    assert command.main([f"--url={real.url}", "--source=de", "--target=en", *FILES]) == 0
    assert Path("out.txt").read_bytes() == translate_with_bundle()
    assert (
        command.main(
            [f"--url={real.url}", "--source=de", "--target=en", "--input=in.txt", "--output=o1", "--beam-size=1"]
        )
        == 0
    )
    Path("local.txt").unlink()
    assert Path("o1").read_bytes() == translate_with_bundle("--beam-size=1")


def test_a_server_that_is_killed_and_started_again_costs_nothing(
    real: RealServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts = real.said.count("ready on")
    lines = [f"Zeile {i}: {line}" for i in range(2) for line in REAL_LINES]
    write(lines)
    monkeypatch.setattr(remote, "MAX_BATCH_TEXTS", 2)
    monkeypatch.setattr(remote, "MAX_BATCHES", 5)

    def restart() -> None:
        real.kill()
        real.start()

    tried_again: list[float] = []
    pause = RemoteServer.pause
    monkeypatch.setattr(
        RemoteServer, "pause", lambda self, seconds: (tried_again.append(seconds), pause(self, seconds))
    )
    interrupt_at(monkeypatch, 20, restart)
    argv = [f"--url={real.url}", "--source=de", "--target=en", *FILES, "--retry-s=3600"]
    assert command.main(argv) == 0
    assert real.said.count("ready on") == starts + 1
    assert tried_again
    assert Path("out.txt").read_bytes() == translate_with_bundle()


def test_the_bundled_model_is_named_in_the_record(real: RealServer, monkeypatch: pytest.MonkeyPatch) -> None:
    write(list(REAL_LINES))
    interrupt_at(monkeypatch, 3, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert command.main([f"--url={real.url}", "--source=auto", "--target=en", *FILES]) == 128 + signal.SIGTERM
    origin: dict[str, Any] = json.loads(Path("out.txt.partial.json").read_text())
    manifest = json.loads((MODEL / "manifest.json").read_text())
    assert origin["bundle"] == f"{manifest['name']} {manifest['version']}"
    assert (origin["source"], origin["beam_size"]) == ("auto", manifest["search"]["beam_size"])
