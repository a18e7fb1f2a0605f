"""ferry-export: a checkpoint in, a verified bundle out."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import torch

from export.errors import ExportError
from export.manifest import ExportSettings
from export.pack import Material, check_free, pack
from export.quantise import QuantiseSettings
from export.sources.own import from_checkpoint
from server.bundle import Quality
from server.errors import FerryError
from training.checkpoint import CheckpointError, read_checkpoint


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ferry-export; 0 if the bundle is there and proved, 2 with one message on stderr if it is not."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (FerryError, CheckpointError, OSError) as error:
        print(f"ferry-export: {error}", file=sys.stderr)
        return 2
    return 0


def read_quality(path: Path) -> tuple[Quality, ...]:
    """Measured figures from a JSON list of objects with the fields of `server.bundle.Quality`.

    Raises:
        ExportError: the file cannot be read, or has another form.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be read as JSON: {error}") from error
    names = [field.name for field in fields(Quality)]
    if not isinstance(data, list) or not all(isinstance(each, dict) and set(each) == set(names) for each in data):
        raise ExportError(f"{path} is not a list of objects with the fields {', '.join(names)}")
    return tuple(_build_quality(each, path) for each in data)


def _run(options: argparse.Namespace) -> None:
    check_free(options.bundle)
    # The oracle's tensors are small: threads gain nothing, and on a busy machine they wait for each other.
    torch.set_num_threads(1)
    quantise = QuantiseSettings(percentile=options.percentile, weight_bits=options.weight_bits)
    settings = ExportSettings(
        name=options.name,
        precision=options.precision,
        beam_size=options.beam_size,
        length_penalty=options.length_penalty,
        quality=read_quality(options.quality) if options.quality else (),
        quantise=quantise,
    )
    faults = settings.faults()
    if faults:
        raise ExportError("; ".join(faults))
    material = Material(dict(options.calibration_source), dict(options.golden), options.card)
    print(f"reading {options.checkpoint}", flush=True)
    checkpoint = read_checkpoint(options.checkpoint)
    pack(from_checkpoint(checkpoint), options.bundle, settings, material, lambda message: print(message, flush=True))
    size = sum(file.stat().st_size for file in options.bundle.iterdir())
    print(f"{options.bundle}: {size / 1e6:.1f} MB, {options.precision}, ready for ferry-serve")


def _parser() -> argparse.ArgumentParser:
    defaults, quantise = ExportSettings(), QuantiseSettings()
    parser = argparse.ArgumentParser(prog="ferry-export", description="Export a checkpoint to a bundle for the server.")
    parser.add_argument("checkpoint", type=Path, help="folder that ferry-train wrote")
    parser.add_argument("bundle", type=Path, help="folder to make; must not exist")
    parser.add_argument("--precision", choices=("fp32", "int8"), default=defaults.precision)
    parser.add_argument("--name", default=defaults.name, help="what the server calls the model (default: the folder's)")
    add_text(parser, "--calibration-source", "text to calibrate int8 with, plain or .gz (default: samples)")
    add_text(parser, "--golden", "text for golden lines and verification (default: samples)")
    parser.add_argument("--beam-size", type=int, default=defaults.beam_size, help="default of requests")
    parser.add_argument("--length-penalty", type=float, default=defaults.length_penalty, help="default of requests")
    parser.add_argument("--quality", type=Path, help="JSON list of measured figures to put into the manifest")
    parser.add_argument("--card", type=Path, help="model card to put into the bundle")
    parser.add_argument("--percentile", type=float, default=quantise.percentile, help="int8: share of values in range")
    parser.add_argument(
        "--weight-bits",
        type=int,
        choices=(7, 8),
        default=quantise.weight_bits,
        help="int8: 8 is closer, and wrong on x86 without VNNI",
    )
    return parser


def add_text(parser: argparse.ArgumentParser, flag: str, meaning: str) -> None:
    """Let `parser` take files of text by language, any number of times, as `flag`, which means `meaning`."""
    parser.add_argument(flag, type=_language_file, action="append", default=[], metavar="LANG=FILE", help=meaning)


def _language_file(text: str) -> tuple[str, Path]:
    language, separator, path = text.partition("=")
    if not (language and separator and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not LANG=FILE, such as de=dev.de.gz")
    return language, Path(path)


def _build_quality(values: dict[str, Any], path: Path) -> Quality:
    for name, kind in get_type_hints(Quality).items():
        value = values[name]
        if kind is float and type(value) is int:
            values[name] = float(value)
        elif type(value) is not kind:
            raise ExportError(f"{path}: {name} is {value!r}; it must be a {'number' if kind is float else 'string'}")
    return Quality(**values)


if __name__ == "__main__":
    sys.exit(main())
