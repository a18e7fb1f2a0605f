"""`ferry-translate`: a file or stdin through a bundle or a running server: one line out for each line in, in order.

Exit status: 0 done, 1 the engine failed or the server was lost, 2 it could not start, 128 + n stopped by signal n.
With --output, a run that was stopped is continued by the same command.
"""

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

from server.errors import EngineStoppedError, FerryError
from server.lines.flags import FileSettings
from server.lines.lines import Line, LineTranslator, read_lines
from server.lines.local import open_local
from server.lines.partial import PartialFile, fingerprint
from server.lines.remote import open_remote
from server.lines.signals import Interrupted, interruptible
from server.settings import read_settings

BROKEN_PIPE_STATUS = 128 + signal.SIGPIPE


@dataclass
class Tally:
    """What was done, for the closing line."""

    lines: int = 0
    units: int = 0
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
    """Load the bundle, or find the server, and translate.

    Raises:
        SettingsError: the settings do not go together, or a file cannot be read or written.
        BundleError: the bundle cannot be used.
        InvalidRequestError: the model does not have the direction, or an option is past its limit.
        EngineStoppedError: the engine failed, or the server was lost.
    """
    with closing(_open(settings)) as translator:
        if settings.input is not None and settings.output is not None:
            _file_to_file(translator, settings.input, settings.output, settings.progress)
        else:
            _to_stdout(translator, settings.input, settings.progress)


def _open(settings: FileSettings) -> LineTranslator:
    if settings.url is not None:
        return open_remote(settings.url, settings)
    assert settings.model is not None, "the settings have one of the two"
    return open_local(settings.model, settings, _say)


def _file_to_file(translator: LineTranslator, source: Path, output: Path, progress: bool) -> None:
    size, sha256, num_lines = fingerprint(source)
    with closing(PartialFile(output, translator.origin(size, sha256))) as partial, source.open("rb") as stream:
        if partial.num_lines:
            _say(f"{output}: continued after line {partial.num_lines} of {num_lines}")
        lines = islice(read_lines(stream), partial.num_lines, None)
        with _progress_bar(progress, num_lines, partial.num_lines) as bar:
            _translate_lines(translator, lines, partial.write, bar)
        partial.finish()


def _to_stdout(translator: LineTranslator, source: Path | None, progress: bool) -> None:
    with ExitStack() as stack:
        stream: Iterable[bytes] = sys.stdin.buffer if source is None else stack.enter_context(source.open("rb"))
        bar = stack.enter_context(_progress_bar(progress, None, 0))
        try:
            _translate_lines(translator, read_lines(stream), sys.stdout.buffer.write, bar)
        finally:
            sys.stdout.buffer.flush()


def _translate_lines(
    translator: LineTranslator, lines: Iterable[Line], write: Callable[[bytes], Any], bar: "tqdm[Any]"
) -> None:
    """Write the answer to each line, in order, and say at the end how it went."""
    started, tally = perf_counter(), Tally()
    waiting: deque[Line] = deque()

    def rate() -> str:
        return f"{tally.units / max(perf_counter() - started, 1e-9):.1f} {translator.unit}/s"

    def texts() -> Iterator[str]:
        for line in lines:
            waiting.append(line)
            yield line.text

    with closing(translator.translate(texts())) as translations:
        for translation in translations:
            line = waiting.popleft()
            write(line.answered(translation.text))
            tally.lines += 1
            tally.invalid += not line.valid
            tally.units += translation.num_units
            bar.update()
            bar.set_postfix_str(rate(), refresh=False)
    bar.close()
    invalid = f", {tally.invalid} lines with bytes that are not UTF-8" if tally.invalid else ""
    counted = "" if translator.unit == "lines" else f"{tally.units} {translator.unit}, "
    _say(f"{tally.lines} lines, {counted}{rate()}{invalid}")


def _progress_bar(progress: bool, total: int | None, done: int) -> "tqdm[Any]":
    shown = progress or sys.stderr.isatty()
    return tqdm(total=total, initial=done, unit=" lines", disable=not shown, file=sys.stderr, dynamic_ncols=True)


def _say(message: str) -> None:
    print(f"ferry-translate: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
