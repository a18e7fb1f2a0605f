"""Bundles on disk to running models.

Loading ends only when every golden line of every bundle has been replayed through the engine that will serve; so
whoever holds `Models` holds verified ones.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from server.bundle import MANIFEST_NAME, Bundle, GoldenLine, read_bundle, read_golden
from server.engine.engine import Engine
from server.engine.types import EngineSettings
from server.errors import BundleError
from server.models.models import Model, Models
from server.models.stand_ins import load_stand_ins
from server.text.tokenizer import Tokenizer

OnFailure = Callable[[BaseException], None]
Say = Callable[[str], None]


def find_bundles(path: Path) -> list[Path]:
    """The bundle at `path`, or the bundles in the folder `path`, by name.

    Raises:
        BundleError: there is none.
    """
    if (path / MANIFEST_NAME).is_file():
        return [path]
    found = sorted(manifest.parent for manifest in path.glob(f"*/{MANIFEST_NAME}"))
    if not found:
        raise BundleError(
            f"{path} holds no bundle; give a folder of bundles, or one bundle, as ferry-export writes them."
        )
    return found


def load_models(path: Path, settings: EngineSettings, on_failure: OnFailure, say: Say) -> Models:
    """Load and verify every bundle at `path`.

    Args:
        path: a bundle, or a folder of bundles.
        settings: of each engine.
        on_failure: called when an engine dies later.
        say: told of each step.

    Raises:
        BundleError: there is no bundle, or one cannot be served.
        SettingsError: a bundle does not fit the engine's sizes.
    """
    loaded: list[Model] = []
    try:
        for bundle_path in find_bundles(path):
            # One by one: what is loaded must be known when the next one fails.
            loaded.append(load_model(bundle_path, settings, on_failure, say))  # noqa: PERF401
    except BaseException:
        Models(tuple(loaded)).close(0.0)
        raise
    return Models(tuple(loaded))


def load_model(path: Path, settings: EngineSettings, on_failure: OnFailure, say: Say) -> Model:
    """Load one bundle, start its engine, and replay its golden lines.

    Args:
        path: the bundle.
        settings: of its engine.
        on_failure: called when the engine dies later.
        say: told of each step.

    Raises:
        BundleError: it cannot be served.
        SettingsError: it does not fit the engine's sizes.
    """
    started = perf_counter()
    say(f"{path}: loading")
    bundle = read_bundle(path)
    tokenizer, golden = _load_tokenizer(bundle), read_golden(bundle)
    _check_tokenizer(bundle, tokenizer, golden)
    engine = Engine(bundle, settings, on_failure)
    try:
        engine.start()
        engine.self_test(golden)
        # Before anybody asks: an answer must not depend on when it was asked for.
        stand_ins = load_stand_ins(bundle, tokenizer, engine, golden)
    except BaseException:
        engine.close(0.0)
        raise
    manifest = bundle.manifest
    pairs = " ".join(f"{pair.source}-{pair.target}" for pair in manifest.pairs)
    say(
        f"{path}: {manifest.name} {manifest.version} {manifest.precision} {pairs}, "
        f"{len(golden)} golden lines passed, {perf_counter() - started:.1f} s"
    )
    return Model(bundle, tokenizer, engine, stand_ins)


def _load_tokenizer(bundle: Bundle) -> Tokenizer:
    try:
        tokenizer = Tokenizer.load(*bundle.tokenizers())
    except (OSError, RuntimeError, ValueError) as error:
        raise BundleError(f"{bundle.path}: the tokenizer cannot be loaded: {error}") from error
    sizes = bundle.manifest.dimensions
    for found, expected in (
        (tokenizer.vocab_size, sizes.vocab_size),
        (tokenizer.target_vocab_size, sizes.target_vocab_size),
    ):
        if found > expected:
            raise BundleError(
                f"{bundle.path}: the tokenizer has {found} pieces, the model only {expected}; "
                "they are not of the same training."
            )
    return tokenizer


def _check_tokenizer(bundle: Bundle, tokenizer: Tokenizer, golden: Sequence[GoldenLine]) -> None:
    """The golden lines' texts must become their ids here too, or the model would read what it never learned."""
    eos = bundle.manifest.special_ids.eos
    for i, line in enumerate(golden, 1):
        pair = bundle.pair(line.source, line.target)
        if pair is None or (*pair.prefix_ids, *tokenizer.encode(line.text), eos) != line.source_ids:
            raise BundleError(
                f"{bundle.path}: golden line {i} ({line.source}-{line.target}) is tokenised otherwise than when the "
                "bundle was packed; export it again with the installed sentencepiece."
            )
