"""ferry-unpack: a bundle in, a checkpoint out that training can start from.

For a bundled model whose own checkpoint is not at hand. What a bundle does not hold is not made up: no optimizer state,
no corpora, no metrics. The weights of an int8 bundle are the rounded ones that it computes with.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from sentencepiece import SentencePieceProcessor

from export.errors import ExportError
from export.lines import Line
from export.pack import check_free
from export.parameters import read_parameters
from export.verify import TOLERANCES, Parity, measure
from server.bundle import Bundle, GoldenLine, Manifest, SpecialIds, read_bundle, read_golden
from server.errors import FerryError
from server.text.moses import is_moses
from training.checkpoint import (
    CheckpointError,
    Draft,
    Position,
    RunState,
    Sample,
    read_checkpoint,
    write_checkpoint,
)
from training.data.scheme import IdScheme, Prefix
from training.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizer, TokenizerError, tag_piece
from training.model import ModelSettings
from training.settings import CorpusSettings, DataSettings, TokenizerSettings, TrainSettings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ferry-unpack; 0 if the checkpoint is there and proved, 2 with one message on stderr if it is not."""
    options = _parser().parse_args(arguments)
    try:
        _run(options)
    except (FerryError, CheckpointError, OSError) as error:
        print(f"ferry-unpack: {error}", file=sys.stderr)
        return 2
    return 0


def unpack(bundle: Bundle, folder: Path, dropout: float, say: Callable[[str], None]) -> Parity:
    """Write the checkpoint `folder`, telling `say` what is done, and return how it compares with `bundle`.

    No graph says what `dropout` was; 0 to 1.

    Raises:
        ExportError: `folder` exists, or the bundle's model cannot be read back. Nothing is left behind.
    """
    check_free(folder, "ferry-unpack")
    say("reading the graphs")
    golden = read_golden(bundle)
    if not golden:
        raise ExportError(f"{bundle.path} has no golden lines to prove the checkpoint with")
    draft = _draft(bundle, golden, dropout)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
        unproved = Path(aside) / folder.name
        write_checkpoint(unproved, draft)
        say("verifying against the bundle, with the server's engine")
        parity = _prove(unproved, bundle, golden)
        say(str(parity))
        check_free(folder, "ferry-unpack")
        unproved.rename(folder)
    return parity


def build_settings(manifest: Manifest, model: ModelSettings) -> TrainSettings:
    """What is known of how the model was trained: its directions, as corpora without files, lengths and vocabulary."""
    directions: dict[tuple[str, ...], list[str]] = {}
    for pair in manifest.pairs:
        directions.setdefault(tuple(sorted((pair.source, pair.target))), []).append(f"{pair.source}-{pair.target}")
    name = f"{manifest.name}-{manifest.version}"
    return TrainSettings(
        corpora=tuple(
            CorpusSettings(name, languages, files=(), directions=tuple(names))
            for languages, names in directions.items()
        ),
        validation=(),
        data=DataSettings(max_length=manifest.dimensions.max_source_length),
        tokenizer=TokenizerSettings(vocab_size=manifest.dimensions.vocab_size),
        model=model,
    )


def describe(checkpoint: Path, settings: TrainSettings) -> str:
    """What a run's TOML file has to say to start from `checkpoint`."""
    lines = ["[run]", f"init_from = {_toml(str(checkpoint))}", "[data]", f"max_length = {settings.data.max_length}"]
    lines += ["[model]", *(f"{name} = {_toml(value)}" for name, value in asdict(settings.model).items())]
    return "\n".join(lines)


def advise(manifest: Manifest) -> str:
    """What a checkpoint does not keep of a bundle, and its next bundle should be told."""
    search = manifest.search
    advice = f"\nferry-export: --beam-size {search.beam_size} --length-penalty {search.length_penalty:g} as this bundle"
    if manifest.origin is None:
        return advice
    terms = manifest.origin.licence or "unknown; ask where it is from"
    return f"{advice}\nterms of the {manifest.origin.family} model, which go with what is made of it: {terms}"


def _toml(value: str | float | bool) -> str:
    return json.dumps(value, ensure_ascii=False)


def _run(options: argparse.Namespace) -> None:
    check_free(options.checkpoint, "ferry-unpack")
    # As in ferry-export: tensors too small for threads to gain anything.
    torch.set_num_threads(1)
    bundle = read_bundle(options.bundle)
    unpack(bundle, options.checkpoint, options.dropout, lambda message: print(message, flush=True))
    print(f"{options.checkpoint}: ready for ferry-train, with\n")
    print(describe(options.checkpoint, read_checkpoint(options.checkpoint).settings))
    print(advise(bundle.manifest))


def _draft(bundle: Bundle, golden: Sequence[GoldenLine], dropout: float) -> Draft:
    tokenizer = _load_tokenizer(bundle)
    parameters = read_parameters(bundle, dropout)
    return Draft(
        settings=build_settings(bundle.manifest, parameters.settings),
        position=Position(step=0, tokens=0, round=0, batch=0),
        state=RunState(),
        tokenizer=tokenizer,
        weights=parameters.weights,
        resume_state={},
        metrics={},
        # The target sides are the model's own translations.
        samples=[Sample(g.source, g.target, g.text, tokenizer.decode([g.target_ids])[0]) for g in golden],
    )


def _load_tokenizer(bundle: Bundle) -> Tokenizer:
    """The tokenizer, as training reads it, with the special ids of the manifest where these are not training's own."""
    manifest = bundle.manifest
    languages = sorted({language for pair in manifest.pairs for language in (pair.source, pair.target)})
    sizes, special = manifest.dimensions, manifest.special_ids
    prefixes = tuple(Prefix(pair.source, pair.target, pair.prefix_ids) for pair in manifest.pairs)
    scheme = IdScheme(
        *(sizes.vocab_size, sizes.target_vocab_size),
        *(special.pad, special.unk, special.bos, special.eos),
        prefixes,
        manifest.suppressed_ids,
    )
    path, *targets = bundle.tokenizers()
    if is_moses(path.read_bytes()):
        raise ExportError(f"{bundle.path} has text that Moses and BPE cut, which training cannot do; it stays as it is")
    try:
        tokenizer = Tokenizer(path, languages, scheme, *targets)
        if not targets and _is_ours(scheme, tokenizer.processor):
            tokenizer = Tokenizer(path, languages)
    except TokenizerError as error:
        raise ExportError(str(error)) from None
    for processor, size in zip(tokenizer.processors.values(), (sizes.vocab_size, sizes.target_vocab_size), strict=True):
        if processor.get_piece_size() > size:
            raise ExportError(
                f"the bundle's tokenizer has {processor.get_piece_size()} pieces, and the model only {size} ids; the "
                "bundle was made with another tokenizer"
            )
    return tokenizer


def _is_ours(scheme: IdScheme, processor: SentencePieceProcessor) -> bool:
    """Whether ids mean what ferry-train says of its own models."""
    ours = SpecialIds(pad=PAD, unk=UNK, bos=BOS, eos=EOS) == SpecialIds(scheme.pad, scheme.unk, scheme.bos, scheme.eos)
    return ours and all(each.ids == (processor.piece_to_id(tag_piece(each.target)),) for each in scheme.prefixes)


def _prove(folder: Path, bundle: Bundle, golden: Sequence[GoldenLine]) -> Parity:
    """Measure the bundle against the checkpoint in `folder` over the golden lines."""
    lines = [Line(each.source, each.target, each.text, each.source_ids) for each in golden]
    parity = measure(read_checkpoint(folder).model, bundle, lines)
    faults = parity.faults(TOLERANCES[bundle.manifest.precision])
    if faults:
        raise ExportError("the weights read back do not compute what the bundle does: " + "; ".join(faults))
    return parity


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ferry-unpack", description="Turn a bundle back into a checkpoint that training can start from."
    )
    parser.add_argument("bundle", type=Path, help="folder that ferry-export wrote, fp32 or int8")
    parser.add_argument("checkpoint", type=Path, help="folder to make; must not exist")
    parser.add_argument(
        "--dropout", type=float, default=ModelSettings().dropout, help="for the settings: no bundle says it"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
