"""`ferry-translate` over the fake engine: one line out for each line in, bounded, continued after a kill."""

import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.engine.types import ANYBODY, SearchOptions, SentenceResult
from server.errors import EngineStoppedError, SettingsError
from server.lines import command, local
from server.lines.lines import read_lines
from server.lines.partial import PartialFile, RunOrigin, fingerprint
from server.models.models import Model
from server.text.tokenizer import Tokenizer
from server.translation import stream as line_stream
from server.translation.stream import SECOND_TRY, LineStream
from tests.server.conftest import MakeModel
from tests.server.fakes import FakeEngine, translated
from tests.server.text.test_symptoms import Stutterer

Run = Callable[..., int]
ORIGIN = RunOrigin(10, "ab", "tiny 1.2", "cd", "de", "en", 2, 0.6)


@pytest.fixture
def model(make_model: MakeModel, engine: FakeEngine) -> Model:
    return make_model(engine)


@pytest.fixture
def run(model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the command in the test's folder, over the fake engine."""
    monkeypatch.setattr(local, "load_model", lambda *_: model)
    monkeypatch.chdir(tmp_path)
    return lambda *argv: command.main(["--model=tiny", "--source=de", "--target=en", *argv])


FILES = ("--input=in.txt", "--output=out.txt")

HARD_LINES = [
    "Ein Satz. Noch einer!",
    "",
    "   ",
    "😀👍🏽",
    "\x00\x01\x02",
    "Hund\x0bKatze\x0cMaus\x1cVogel\x85Fisch\u2028Kuh\u2029Pferd\rEsel",
    "wort " * 3000,
    "x" * 9000,
    "Guten Morgen. Good morning. 早上好。",
    "\ufeff\u200b",
    "<2de> </s> <unk>",
]


def test_one_line_out_for_each_line_in_whatever_it_holds(run: Run) -> None:
    lines = [f"Zeile {i}. {line}" if i % 3 else line for i, line in enumerate(HARD_LINES * 4)]
    Path("in.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
    assert run(*FILES) == 0
    found = Path("out.txt").read_bytes()
    assert found.count(b"\n") == len(lines)
    assert len(found.decode().splitlines()) == len(lines)
    for line, answer in zip(lines, found.decode().split("\n"), strict=False):
        assert bool(line.strip()) == bool(answer.strip())
        if line.startswith("Zeile"):
            assert answer.startswith(line.split(".")[0])
    assert not Path("out.txt.partial").exists()
    assert not Path("out.txt.partial.json").exists()


@given(lines=st.lists(st.binary(max_size=40), max_size=8), ended=st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_as_many_lines(model: Model, lines: list[bytes], ended: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    asked = list(read_lines(io.BytesIO(data)))
    stream = LineStream(Model(model.bundle, model.tokenizer, FakeEngine()), model.manifest.pairs[0], SearchOptions())
    answers = [
        line.answered(found.text)
        for line, found in zip(asked, stream.translate(line.text for line in asked), strict=True)
    ]
    assert b"".join(answers).count(b"\n") == data.count(b"\n")
    assert len(answers) == len(io.BytesIO(data).readlines())


def test_stdin_to_stdout(run: Run, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Der Hund.\r\n\nDas \xff Haus.")))
    output = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", output)
    assert run() == 0
    output.seek(0)
    written = output.buffer.read()
    assert written.count(b"\n") == 2
    assert written.startswith(b"Der Hund.\r\n\nDas ")
    assert b"1 lines with bytes that are not UTF-8" in capfdbinary.readouterr().err


def test_the_closing_line_counts(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in.txt").write_text("Eins. Zwei.\n\nDrei.\n")
    assert run(*FILES, "--progress") == 0
    assert "3 lines, 3 sentences" in capsys.readouterr().err


def test_options_reach_the_engine(run: Run, engine: FakeEngine) -> None:
    Path("in.txt").write_text("Eins.\n")
    run("--input=in.txt", "--beam-size=3", "--length-penalty=0")
    run("--input=in.txt")
    assert [(o.beam_size, o.length_penalty) for o in engine.options] == [(3, 0.0), (2, 0.6)]


@pytest.mark.parametrize("can_do_better", [True, False])
def test_what_loops_is_decoded_again(
    make_model: MakeModel, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, run: Run, can_do_better: bool
) -> None:
    engine = Stutterer(tokenizer, can_do_better)
    monkeypatch.setattr(local, "load_model", lambda *_: make_model(engine))
    Path("in.txt").write_text("the dog\n\nthe park\n")
    assert run(*FILES, "--beam-size=1") == 0
    found = Path("out.txt").read_text().splitlines()
    if can_do_better:
        assert found == ["the dog", "", "the park"]
    else:
        assert found[0].startswith("the dog and the dog and")
        assert found == [found[0], "", found[0]]
    tried = [(options.beam_size, caller) for options, caller in zip(engine.options, engine.callers, strict=True)]
    assert sorted(tried, key=str) == sorted([(1, ANYBODY), (4, SECOND_TRY)] * 2, key=str)


def test_placeholders_and_signs_of_a_line_are_kept_as_the_server_keeps_them(make_model: MakeModel) -> None:
    """Into German the fake turns the words round."""
    model = make_model(FakeEngine())
    [found] = LineStream(model, model.manifest.pairs[1], SearchOptions()).translate(["the dog {name} 😀 sees %1$s"])
    assert [found.text.count(each) for each in ("{name}", "%1$s", "😀")] == [1, 1, 1]


def test_a_stream_gives_no_second_try_unless_told(make_model: MakeModel, tokenizer: Tokenizer) -> None:
    engine = Stutterer(tokenizer, True)
    model = make_model(engine)
    [found] = LineStream(model, model.manifest.pairs[0], SearchOptions()).translate(["the dog"])
    assert "loop" in found.segments[0].symptoms
    assert len(engine.options) == 1


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["--input=none.txt"], "--input none.txt does not exist"),
        (["--output=out.txt"], "--output needs --input"),
        (["--input=in.txt", "--output=there.txt"], "there.txt exists; it is not overwritten"),
        (["--input=in.txt", "--target=fr"], "there are: de-en, en-de"),
        (["--input=in.txt", "--beam-size=65"], "beam_size is 65; it must be 1 to 64"),
        (["--input=in.txt", "--beam-size=0"], "--beam-size is '0'"),
    ],
)
def test_what_cannot_start_says_why(run: Run, capsys: pytest.CaptureFixture[str], argv: list[str], says: str) -> None:
    Path("in.txt").write_text("Eins.\n")
    Path("there.txt").write_text("kept")
    assert run(*argv) == 2
    assert says in capsys.readouterr().err
    assert Path("there.txt").read_text() == "kept"


class Answering:
    """A held engine that a thread answers now and then, as a real one would."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        while not self._stop.wait(0.002):
            for source, options, future in list(
                zip(self._engine.sources, self._engine.options, self._engine.futures, strict=False)
            ):
                if not future.done():
                    _answer(future, source, options)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def _answer(future: Future[SentenceResult], source: tuple[int, ...], options: SearchOptions) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(translated(source, options))


def test_a_full_queue_is_waited_for(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True, capacity=3)
    model = make_model(engine)
    stream = LineStream(model, model.manifest.pairs[0], SearchOptions())
    texts = [f"Satz {i}. Und noch. Und noch. Und noch." for i in range(50)]
    with Answering(engine):
        assert [found.text for found in stream.translate(texts)] == texts
    assert engine.most_waiting == 3


def test_what_is_in_flight_is_bounded(make_model: MakeModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_stream, "MAX_IN_FLIGHT", 10)
    engine = FakeEngine(hold=True)
    model = make_model(engine)
    read = 0

    def texts() -> Iterator[str]:
        nonlocal read
        for read in range(1, 1001):
            assert read - answered <= 11
            yield f"Satz {read}."

    answered = 0
    with Answering(engine):
        for _ in LineStream(model, model.manifest.pairs[0], SearchOptions()).translate(texts()):
            answered += 1
    assert answered == read == 1000
    assert engine.most_waiting <= 10


def test_what_is_in_flight_is_cancelled_when_nobody_wants_it(make_model: MakeModel) -> None:
    engine = FakeEngine(hold=True)
    model = make_model(engine)

    def texts() -> Iterator[str]:
        yield "Eins. Zwei."
        yield "Drei."
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(LineStream(model, model.manifest.pairs[0], SearchOptions()).translate(texts()))
    assert [future.cancelled() for future in engine.futures] == [True] * 3


def test_a_run_that_was_stopped_is_continued(run: Run, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"Satz {i}." for i in range(100)]
    Path("in.txt").write_text("\n".join(lines) + "\n")
    submit = engine.submit

    def stopping(*args: Any, **kwargs: Any) -> Future[SentenceResult]:
        if len(engine.sources) == 60:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(1)
        return submit(*args, **kwargs)

    monkeypatch.setattr(engine, "submit", stopping)
    assert run(*FILES) == 128 + signal.SIGTERM
    assert not Path("out.txt").exists()
    partial = Path("out.txt.partial")
    assert partial.read_text().splitlines() == lines[:60]
    partial.write_text(partial.read_text() + "torn wor")

    monkeypatch.setattr(engine, "submit", submit)
    assert run(*FILES) == 0
    assert Path("out.txt").read_text().splitlines() == lines
    assert len(engine.sources) == 100
    assert sorted(path.name for path in Path().iterdir()) == ["in.txt", "manifest.json", "out.txt"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (["--beam-size=1"], "another beam_size"),
        (["--length-penalty=1"], "another length_penalty"),
        (["--source=en", "--target=de"], "another source, target"),
        ("in.txt", "another input_bytes, input_sha256"),
        ("manifest.json", "another manifest_sha256"),
    ],
)
def test_a_run_is_not_continued_with_something_else(
    run: Run, engine: FakeEngine, capsys: pytest.CaptureFixture[str], change: str | list[str], says: str
) -> None:
    Path("in.txt").write_text("Eins.\nZwei.\n")
    engine.refusal = EngineStoppedError("the engine has failed")
    assert run(*FILES) == 1
    assert "the engine has failed" in capsys.readouterr().err
    engine.refusal = None
    if isinstance(change, str):
        with Path(change).open("a") as file:
            file.write("x\n")
        assert run(*FILES) == 2
    else:
        assert run(*FILES, *change) == 2
    assert says in capsys.readouterr().err


def test_a_partial_file_without_its_origin_is_not_continued(tmp_path: Path) -> None:
    (tmp_path / "o.partial").write_text("x\n")
    for origin in (None, "nonsense", "[1]"):
        if origin is not None:
            (tmp_path / "o.partial.json").write_text(origin)
        with pytest.raises(SettingsError, match="cannot be continued"):
            PartialFile(tmp_path / "o", ORIGIN)


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    first = PartialFile(tmp_path / "o", ORIGIN)
    with pytest.raises(SettingsError, match="written by another run"):
        PartialFile(tmp_path / "o", ORIGIN)
    first.close()
    PartialFile(tmp_path / "o", ORIGIN).close()


def test_an_output_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    partial = PartialFile(tmp_path / "o", ORIGIN)
    partial.write(b"a\n")
    (tmp_path / "o").write_text("kept")
    with pytest.raises(SettingsError, match="appeared meanwhile"):
        partial.finish()
    assert (tmp_path / "o").read_text() == "kept"
    assert (tmp_path / "o.partial").read_text() == "a\n"


def test_the_origin_is_readable_json(tmp_path: Path) -> None:
    PartialFile(tmp_path / "o", ORIGIN).close()
    assert json.loads((tmp_path / "o.partial.json").read_text())["bundle"] == "tiny 1.2"


@pytest.mark.parametrize(("data", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"\n\n", 2)])
def test_lines_are_counted_as_they_are_read(tmp_path: Path, data: bytes, lines: int) -> None:
    path = tmp_path / "f"
    path.write_bytes(data)
    assert fingerprint(path)[::2] == (len(data), lines)
    assert len(list(read_lines(io.BytesIO(data)))) == lines
