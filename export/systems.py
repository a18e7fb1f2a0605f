"""What can be evaluated: a bundle, a checkpoint, or translations made before. Each gives a line for each line.

A bundle translates as the server does, through the engine. So does a checkpoint: it is packed as fp32 first, with the
proof that `ferry-export` asks for, on lines of the test sets.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Protocol

from tqdm import tqdm

from export.errors import ExportError
from export.manifest import ExportSettings
from export.pack import Material, pack
from export.sources.own import from_checkpoint
from export.testset import TestSet
from server.bundle import MANIFEST_NAME, SearchDefaults, read_bundle
from server.engine.types import EngineSettings, SearchOptions
from server.lines.lines import Line
from server.models.loading import load_model
from server.models.models import Model
from server.translation.plan import read_search
from server.translation.request import TranslateOptions
from server.translation.stream import LineStream
from training.checkpoint import read_checkpoint, read_checkpoint_config
from training.data.corpus import read_pairs

CHECKPOINT_NAMES = ("config.json", "model.safetensors")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Decoding:
    """How to translate. None takes the bundle's own; for a checkpoint, what a bundle gets without flags."""

    beam_size: int | None = None
    length_penalty: float | None = None
    num_threads: int = EngineSettings.num_threads


@dataclass(frozen=True)
class Output:
    """The translations of one test set.

    Attributes:
        hypotheses: one for each source.
        cut: which of them have a sentence that reached the longest length allowed; None if that is not known.
        num_sentences: as the server splits the lines; 0 for translations made before, and so is seconds.
    """

    hypotheses: tuple[str, ...]
    cut: tuple[bool, ...] | None = None
    num_sentences: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Translated:
    """The translations of all test sets, and by what: in words, and how it searched (None: not known)."""

    system: str
    search: SearchOptions | None
    outputs: tuple[Output, ...]


class System(Protocol):
    """Something that has translations of test sets."""

    def check(self, test_sets: Sequence[TestSet], decoding: Decoding) -> None:
        """Raise, before any long work, whatever would make `translate` fail."""

    def translate(self, test_sets: Sequence[TestSet], decoding: Decoding, say: Say) -> Translated:
        """Translate all lines of `test_sets`, telling `say` what is done."""


def find_system(path: Path) -> System:
    """What the folder `path` holds, told by its files.

    Raises:
        ExportError: nothing that can be evaluated.
    """
    if (path / MANIFEST_NAME).is_file():
        return BundleFolder(path)
    if all((path / name).is_file() for name in CHECKPOINT_NAMES):
        return CheckpointFolder(path)
    if any(path.glob("*.*-*.txt")):
        return ReadyFolder(path)
    raise ExportError(
        f"{path} {'holds' if path.exists() else 'does not exist, so it has'} nothing to evaluate: a bundle has "
        f"{MANIFEST_NAME}, a checkpoint {' and '.join(CHECKPOINT_NAMES)}, and ready translations are files named like "
        "tatoeba.de-en.txt"
    )


@dataclass(frozen=True)
class BundleFolder:
    """A bundle, translating as it is served."""

    path: Path

    def check(self, test_sets: Sequence[TestSet], decoding: Decoding) -> None:
        """Check that the bundle is whole, and has the directions and the beam."""
        manifest = read_bundle(self.path).manifest
        _check_directions(self.path, test_sets, [(pair.source, pair.target) for pair in manifest.pairs])
        _choose_search(decoding, manifest.search)

    def translate(self, test_sets: Sequence[TestSet], decoding: Decoding, say: Say) -> Translated:
        """As `System.translate`, with the engine, on all cores unless `decoding` says otherwise."""
        model = load_model(self.path, EngineSettings(num_threads=decoding.num_threads), lambda error: None, say)
        try:
            manifest = model.manifest
            search = _choose_search(decoding, manifest.search)
            outputs = tuple(_translate_set(model, search, each) for each in test_sets)
        finally:
            model.engine.close(0.0)
        return Translated(
            f"bundle {self.path} ({manifest.name} {manifest.version}, {manifest.precision}), {_describe(search)}",
            search,
            outputs,
        )


@dataclass(frozen=True)
class CheckpointFolder:
    """A checkpoint, translating as the fp32 bundle that it would become."""

    path: Path

    def check(self, test_sets: Sequence[TestSet], decoding: Decoding) -> None:
        """Check that the checkpoint has the directions, and that the beam is possible."""
        pairs = [(source, target) for source, target in read_checkpoint_config(self.path)["pairs"]]
        _check_directions(self.path, test_sets, pairs)
        _choose_search(decoding, _checkpoint_search())

    def translate(self, test_sets: Sequence[TestSet], decoding: Decoding, say: Say) -> Translated:
        """As `System.translate`, with a bundle of the directions asked for, packed in a temporary folder."""
        asked = tuple(dict.fromkeys((each.source, each.target) for each in test_sets))
        checkpoint = replace(read_checkpoint(self.path), pairs=asked)
        lines = Material(golden={each.source: each.source_file for each in test_sets})
        with TemporaryDirectory(prefix="ferry-evaluate-") as folder:
            bundle = Path(folder) / self.path.resolve().name
            say(f"{self.path}: packing as fp32, to translate with the engine")
            pack(from_checkpoint(checkpoint), bundle, ExportSettings(), lines, say)
            translated = BundleFolder(bundle).translate(test_sets, decoding, say)
        search = _choose_search(decoding, _checkpoint_search())
        system = f"checkpoint {self.path} (step {checkpoint.step}, as an fp32 bundle), {_describe(search)}"
        return replace(translated, system=system)


@dataclass(frozen=True)
class ReadyFolder:
    """Translations made before, in files named NAME.SOURCE-TARGET.txt, as in a report of ours."""

    path: Path

    def check(self, test_sets: Sequence[TestSet], decoding: Decoding) -> None:
        """Check that there is a file for each test set, with as many lines."""
        for each in test_sets:
            self._read(each)

    def translate(self, test_sets: Sequence[TestSet], decoding: Decoding, say: Say) -> Translated:
        """As `System.translate`, from the files."""
        return Translated(f"translations in {self.path}", None, tuple(map(self._read, test_sets)))

    def _read(self, each: TestSet) -> Output:
        return Output(tuple(line for line, _ in read_pairs(self.path / f"{each}.txt", each.reference_file)))


def _translate_set(model: Model, search: SearchOptions, each: TestSet) -> Output:
    pair = model.bundle.pair(each.source, each.target)
    assert pair is not None, "directions are checked before"
    started = perf_counter()
    with closing(LineStream(model, pair, search).translate(each.sources)) as stream:
        found = list(tqdm(stream, str(each), len(each.sources), unit=" lines", disable=None, dynamic_ncols=True))
    seconds = perf_counter() - started
    return Output(
        # As `ferry-translate` writes them: whatever might end a line becomes a space.
        hypotheses=tuple(Line(t, "", True).answered(a.text).decode() for t, a in zip(each.sources, found, strict=True)),
        cut=tuple(not all(segment.complete for segment in answer.segments) for answer in found),
        num_sentences=sum(segment.score is not None for answer in found for segment in answer.segments),
        seconds=seconds,
    )


def _check_directions(path: Path, test_sets: Sequence[TestSet], pairs: Sequence[tuple[str, str]]) -> None:
    missing = [str(each) for each in test_sets if (each.source, each.target) not in pairs]
    if missing:
        offered = ", ".join(f"{source}-{target}" for source, target in pairs)
        raise ExportError(f"{path} translates {offered}; it cannot do {', '.join(missing)}")


def _choose_search(decoding: Decoding, defaults: SearchDefaults) -> SearchOptions:
    wanted = TranslateOptions("", "", beam_size=decoding.beam_size, length_penalty=decoding.length_penalty)
    return read_search(wanted, defaults, EngineSettings.max_rows)


def _checkpoint_search() -> SearchDefaults:
    return SearchDefaults(ExportSettings.beam_size, ExportSettings.length_penalty)


def _describe(search: SearchOptions) -> str:
    return (
        f"{'greedy' if search.beam_size == 1 else f'beam {search.beam_size}'}, length penalty {search.length_penalty}"
    )
