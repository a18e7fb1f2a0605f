"""`ferry-translate`: a file or stdin through one bundle, line by line: one line out for each line in, in order.

Exit status: 0 done, 1 the engine failed, 2 it could not start, 128 + n stopped by signal n. With --output, a run that
was stopped is continued by the same command.
"""

# ruff: noqa: RUF009 (`setting` is `dataclasses.field` with our metadata)
import hashlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

from tqdm import tqdm

from server.bundle import MANIFEST_NAME, LanguagePair
from server.engine.types import SearchOptions
from server.errors import EngineStoppedError, FerryError, SettingsError
from server.interrupt import Interrupted, interruptible
from server.line_stream import LineStream
from server.lines import Line, read_lines
from server.loading import load_model
from server.models import Model, Models
from server.partial import Origin, PartialFile, fingerprint
from server.settings import EngineFields, read_settings, setting
from server.translator import TranslateOptions, search_options

BROKEN_PIPE_STATUS = 128 + signal.SIGPIPE


@dataclass(frozen=True, kw_only=True)
class FileSettings(EngineFields):
    """Settings of `ferry-translate`."""

    model: Path = setting("the bundle")
    source: str = setting("language of the input, such as de")
    target: str = setting("language of the output, such as en")
    input: Path | None = setting("file to translate; stdin if not given", None)
    output: Path | None = setting("file to write, continued if it was begun; stdout if not given", None)
    beam_size: int | None = setting("rows a sentence takes; the bundle's own if not given", None, minimum=1)
    length_penalty: float | None = setting("the bundle's own if not given", None, minimum=0, maximum=5)
    progress: bool = setting("show progress even if stderr is not a terminal", False)

    def __post_init__(self) -> None:
        if self.input is not None and not self.input.exists():
            raise SettingsError(f"--input {self.input} does not exist.")
        if self.output is not None and (self.input is None or not self.input.is_file()):
            raise SettingsError("--output needs --input with a plain file; a stream cannot be continued.")


@dataclass(frozen=True)
class Work:
    """What is to be done: the model, the direction, and how to search."""

    model: Model
    pair: LanguagePair
    options: SearchOptions


@dataclass
class Tally:
    """What was done, for the closing line."""

    lines: int = 0
    sentences: int = 0
    invalid: int = 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    try:
        settings = read_settings(
            FileSettings, sys.argv[1:] if argv is None else argv, os.environ, "Translate a file, line by line."
        )
        with interruptible():
            translate_file(settings)
    except Interrupted as stop:
        _say(f"stopped by {signal.Signals(stop.signum).name}")
        return 128 + stop.signum
    except BrokenPipeError:
        # Whoever read our output has gone; let the interpreter's last flush go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE_STATUS
    except FerryError as error:
        _say(str(error))
        return 1 if isinstance(error, EngineStoppedError) else 2
    return 0


def translate_file(settings: FileSettings) -> None:
    """Load the bundle and translate.

    Raises:
        SettingsError, BundleError, InvalidRequestError: if it cannot start.
        EngineStoppedError: if the engine failed.
    """
    model = load_model(settings.model, settings.engine, lambda error: None, _say)
    try:
        pair = Models((model,)).choose(settings.source, settings.target)[1]
        wanted = TranslateOptions(
            pair.source, pair.target, beam_size=settings.beam_size, length_penalty=settings.length_penalty
        )
        work = Work(model, pair, search_options(wanted, model.manifest.search, settings.max_rows))
        if settings.input is not None and settings.output is not None:
            _file_to_file(work, settings.input, settings.output, settings.progress)
        else:
            _to_stdout(work, settings.input, settings.progress)
    finally:
        model.engine.close(0.0)


def _file_to_file(work: Work, source: Path, output: Path, progress: bool) -> None:
    size, sha256, num_lines = fingerprint(source)
    with closing(PartialFile(output, _origin(work, size, sha256))) as partial, source.open("rb") as stream:
        if partial.num_lines:
            _say(f"{output}: continued after line {partial.num_lines} of {num_lines}")
        lines = islice(read_lines(stream), partial.num_lines, None)
        with _progress_bar(progress, num_lines, partial.num_lines) as bar:
            _translate_lines(work, lines, partial.write, bar)
        partial.finish()


def _to_stdout(work: Work, source: Path | None, progress: bool) -> None:
    with ExitStack() as stack:
        stream: Iterable[bytes] = sys.stdin.buffer if source is None else stack.enter_context(source.open("rb"))
        bar = stack.enter_context(_progress_bar(progress, None, 0))
        try:
            _translate_lines(work, read_lines(stream), sys.stdout.buffer.write, bar)
        finally:
            sys.stdout.buffer.flush()


def _translate_lines(work: Work, lines: Iterable[Line], write: Callable[[bytes], Any], bar: "tqdm[Any]") -> None:
    """Write the answer to each line, in order, and say at the end how it went."""
    started, tally = perf_counter(), Tally()
    waiting: deque[Line] = deque()

    def texts() -> Iterator[str]:
        for line in lines:
            waiting.append(line)
            yield line.text

    with closing(LineStream(work.model, work.pair, work.options).translate(texts())) as translations:
        for translation in translations:
            line = waiting.popleft()
            write(line.answered(translation.text))
            tally.lines += 1
            tally.invalid += not line.valid
            tally.sentences += sum(segment.score is not None for segment in translation.segments)
            bar.update()
            bar.set_postfix_str(_rate(tally, started), refresh=False)
    bar.close()
    invalid = f", {tally.invalid} lines with bytes that are not UTF-8" if tally.invalid else ""
    _say(f"{tally.lines} lines, {tally.sentences} sentences, {_rate(tally, started)}{invalid}")


def _rate(tally: Tally, started: float) -> str:
    return f"{tally.sentences / max(perf_counter() - started, 1e-9):.1f} sentences/s"


def _progress_bar(progress: bool, total: int | None, done: int) -> "tqdm[Any]":
    shown = progress or sys.stderr.isatty()
    return tqdm(total=total, initial=done, unit=" lines", disable=not shown, file=sys.stderr, dynamic_ncols=True)


def _origin(work: Work, input_bytes: int, input_sha256: str) -> Origin:
    manifest = work.model.manifest
    return Origin(
        input_bytes=input_bytes,
        input_sha256=input_sha256,
        bundle=f"{manifest.name} {manifest.version}",
        manifest_sha256=hashlib.sha256((work.model.bundle.path / MANIFEST_NAME).read_bytes()).hexdigest(),
        source=work.pair.source,
        target=work.pair.target,
        beam_size=work.options.beam_size,
        length_penalty=work.options.length_penalty,
    )


def _say(message: str) -> None:
    print(f"ferry-translate: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
