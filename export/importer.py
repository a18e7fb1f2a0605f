"""ferry-import: a model that another toolkit trained in, a verified bundle out."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from export.cli import add_text, read_quality
from export.errors import ExportError
from export.fetching.firefox import describe, find_address, list_records
from export.fetching.locate import FetchOptions, locate
from export.manifest import ExportSettings
from export.pack import Material, check_free, pack
from export.sources.fairseq import find_checkpoint, read_fairseq
from export.sources.marian import find_weights, read_marian
from export.sources.marian_mt import is_folder_of_transformers, read_marian_mt
from export.sources.moses import PREPARATIONS
from export.sources.options import SourceOptions
from export.sources.sampled import add_samples
from export.sources.source import Source
from export.verify import Parity
from server.errors import FerryError

Say = Callable[[str], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ferry-import; 0 if the bundle is there and proved, 2 with one message on stderr if it is not."""
    options = _parser().parse_args(arguments)
    try:
        if options.list:
            print("\n".join(describe(list_records(find_address(options.base_url)))))
        else:
            _run(options)
    except (FerryError, OSError) as error:
        print(f"ferry-import: {error}", file=sys.stderr)
        return 2
    return 0


def read_source(path: Path, family: str, options: SourceOptions) -> Source:
    """The model at `path`.

    Args:
        path: a folder, or a .npz, .bin or .pt file.
        family: firefox or marian, which have one form, transformers, fairseq, or auto for what the files look like.
        options: what the files leave open.

    Raises:
        ExportError: there is no such model, or it is not supported.
    """
    if not path.exists():
        raise ExportError(f"{path} does not exist; give a folder with a model, or a .npz or .bin file of Marian's")
    if family == "transformers" or (family == "auto" and path.is_dir() and is_folder_of_transformers(path)):
        return read_marian_mt(path, options)
    checkpoint = find_checkpoint(path) if family in ("auto", "fairseq") else None
    if checkpoint is not None:
        return read_fairseq(checkpoint, options)
    if family == "fairseq":
        raise ExportError(f"{path} holds no checkpoint of fairseq's: a .pt file beside dict.SRC.txt and dict.TGT.txt")
    weights = find_weights(path)
    if weights is None:
        raise ExportError(
            f"{path} holds neither a config.json of transformers, nor a .npz or .bin of Marian's, nor a checkpoint of "
            "fairseq's"
        )
    return read_marian(weights, options)


def import_model(source: Source, folder: Path, settings: ExportSettings, material: Material, say: Say) -> Parity:
    """Make the bundle `folder` of `source`; lines that nobody gave are made up.

    Raises:
        ExportError: `folder` exists, or the bundle does not compute what the source does. Nothing is left behind.
    """
    return pack(add_samples(source), folder, settings, material, say)


def _read(options: argparse.Namespace, say: Say) -> Source:
    """The model that the user named, wherever it is."""
    fetching = FetchOptions(options.revision, options.base_url, options.cache)
    with locate(options.source, fetching, say) as found:
        asked = SourceOptions(
            pairs=tuple(options.pair) or ((found.pair,) if found.pair else ()),
            positions=options.positions,
            normalise=options.normalise,
            vocabularies=tuple(options.vocab) if options.vocab else None,
            codes=options.codes,
            moses=None if options.moses is None else frozenset(options.moses),
            licence=options.licence or found.licence,
        )
        source = read_source(found.path, options.family, asked)
        return replace(source, name=found.name, figures={**source.figures, **found.figures})


def _run(options: argparse.Namespace) -> None:
    if options.source is None or options.bundle is None:
        raise ExportError("give a model and the folder to make, such as ferry-import firefox:de-en models/de-en")
    check_free(options.bundle, "ferry-import")
    # The oracle's tensors are small: threads gain nothing, and on a busy machine they wait for each other.
    torch.set_num_threads(1)
    print(f"reading {options.source}", flush=True)
    source = _read(options, lambda message: print(message, flush=True))
    defaults = source.search
    settings = ExportSettings(
        name=options.name,
        precision=options.precision,
        beam_size=options.beam_size or defaults.beam_size,
        length_penalty=defaults.length_penalty if options.length_penalty is None else options.length_penalty,
        quality=read_quality(options.quality) if options.quality else (),
    )
    if faults := settings.faults():
        raise ExportError("; ".join(faults))
    material = Material(dict(options.calibration_source), dict(options.golden), options.card, options.check_against)
    import_model(source, options.bundle, settings, material, lambda message: print(message, flush=True))
    size = sum(file.stat().st_size for file in options.bundle.iterdir())
    pairs = " ".join(f"{pair.source}-{pair.target}" for pair in source.pairs)
    licence = source.licence or "unknown: say it with --licence"
    print(
        f"{options.bundle}: {pairs}, {size / 1e6:.1f} MB, {options.precision}, licence {licence}; ready for ferry-serve"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ferry-import",
        description="Make a bundle for the server of a model that Marian, transformers or fairseq has.",
    )
    parser.add_argument(
        "source",
        nargs="?",
        help="folder of a MarianMT model, of Marian's or of fairseq's, a .npz, .bin, .pt or zip file, firefox:de-en, "
        "opus-mt:de-en, or a name on the Hugging Face hub",
    )
    parser.add_argument("bundle", type=Path, nargs="?", help="folder to make; must not exist")
    parser.add_argument("--list", choices=("firefox",), help="only tell which models there are to fetch")
    parser.add_argument("--revision", default="", help="version, commit, branch or tag to fetch (default: the newest)")
    parser.add_argument(
        "--base-url", default="", help="where to fetch from (default: FERRY_FIREFOX_URL or HF_ENDPOINT, or the makers')"
    )
    parser.add_argument(
        "--cache", type=Path, help="folder in which fetched files stay (default: FERRY_CACHE, or where the hub's are)"
    )
    parser.add_argument(
        "--from",
        dest="family",
        choices=("auto", "firefox", "marian", "transformers", "fairseq"),
        default="auto",
        help="what wrote the files (default: what they look like)",
    )
    parser.add_argument(
        "--pair", type=_pair, action="append", default=[], metavar="SRC-TGT", help="a direction to serve, such as de-en"
    )
    parser.add_argument(
        "--positions",
        choices=("auto", "marian", "transformers"),
        default="auto",
        help="whose formula of positions (default: that of the toolkit whose files these are)",
    )
    parser.add_argument(
        "--normalise",
        choices=("auto", "opus", "none"),
        default="auto",
        help="prepare text as OPUS-MT's script does (default: for transformers' folders, and beside a preprocess.sh)",
    )
    parser.add_argument(
        "--vocab", type=Path, nargs=2, metavar=("SRC", "TGT"), help="two vocabularies, or what cuts text for fairseq"
    )
    parser.add_argument("--codes", type=Path, help="codes of BPE that text was cut with (default: beside the model)")
    parser.add_argument(
        "--moses",
        nargs="*",
        choices=PREPARATIONS,
        help="how Moses prepared text for BPE (default: what the dictionary shows, or OPUS-MT's script says)",
    )
    parser.add_argument("--precision", choices=("fp32", "int8"), default="int8")
    parser.add_argument("--name", default="", help="what the server calls the model (default: the folder's)")
    parser.add_argument("--licence", default="", help="the model's terms, to be told with it")
    add_text(parser, "--calibration-source", "text to calibrate int8 with, plain or .gz (default: made up)")
    add_text(parser, "--golden", "text for golden lines and verification (default: made up)")
    parser.add_argument(
        "--check-against",
        type=Path,
        metavar="FILE",
        help="the model's own translations, as OPUS-MT's .test.txt or source TAB translation, to compare with",
    )
    parser.add_argument("--beam-size", type=int, help="default of requests (default: the model's, of Marian's up to 4)")
    parser.add_argument("--length-penalty", type=float, help="default of requests (default: the model's)")
    parser.add_argument("--quality", type=Path, help="JSON list of measured figures to put into the manifest")
    parser.add_argument("--card", type=Path, help="model card to put into the bundle")
    return parser


def _pair(text: str) -> tuple[str, str]:
    source, separator, target = text.partition("-")
    if not (source and separator and target):
        raise argparse.ArgumentTypeError(f"{text!r} is not SRC-TGT, such as de-en")
    return source.lower(), target.lower()


if __name__ == "__main__":
    sys.exit(main())
