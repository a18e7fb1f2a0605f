"""Making a bundle: graphs, tokenizer, golden lines and manifest, written aside, proved, then renamed.

A bundle is there whole and verified, or not at all.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from export.agreement import check_agreement, describe_agreement
from export.arithmetic import Arithmetic, Float32
from export.calibrate import calibrate
from export.decoder import build_decoder
from export.encoder import build_encoder
from export.errors import ExportError
from export.golden import choose_golden, write_golden
from export.lines import Line, choose_evenly, gather_lines
from export.manifest import ExportSettings, build_manifest
from export.published import read_published
from export.quantise import Int8
from export.sources.source import Source
from export.verify import Parity, prove
from server.bundle import Agreement, Bundle, FileEntry, Origin, StandIns, describe_file, read_bundle, write_manifest
from server.engine.engine import Engine
from server.engine.runtime import Runtime
from server.engine.types import EngineSettings
from server.models.copies import measure_stand_ins
from server.text.moses import is_moses
from server.text.tokenizer import Tokenizer

GRAPHS = {"encoder": "encoder.onnx", "decoder": "decoder.onnx"}
TOKENIZERS = ("tokenizer", "target_tokenizer")
GOLDEN_NAME = "golden.jsonl"
CARD_NAME = "MODEL_CARD.md"
NUM_CALIBRATION_LINES = 400
NUM_GOLDEN_CANDIDATES = 192
NUM_VERIFICATION_LINES = 32
NUM_STAND_IN_LINES = 192


@dataclass(frozen=True)
class Material:
    """Files besides the source.

    Attributes:
        calibration: text by source language; a language without any takes the source's samples.
        golden: likewise, for golden lines and verification.
        card: a model card to put into the bundle; None for none.
        check_against: a file in which the source's makers give its translations; None for none.
    """

    calibration: Mapping[str, Path] = field(default_factory=dict)
    golden: Mapping[str, Path] = field(default_factory=dict)
    card: Path | None = None
    check_against: Path | None = None


def pack(
    source: Source, folder: Path, settings: ExportSettings, material: Material, say: Callable[[str], None]
) -> Parity:
    """Export `source` to the bundle `folder`, telling `say` what is done, and return the proof.

    Raises:
        ExportError: `folder` exists, material is missing, or the graphs fail their proof. Nothing is left behind.
    """
    check_free(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
        draft = Path(aside) / folder.name
        draft.mkdir()
        parity = _Packer(source, draft, settings, material, say).fill()
        check_free(folder)
        draft.rename(folder)
    return parity


def check_free(folder: Path, program: str = "ferry-export") -> None:
    """Refuse a path that is taken, in the name of `program`.

    Raises:
        ExportError: the path exists.
    """
    if folder.exists() or folder.is_symlink():
        raise ExportError(f"{folder} exists, and {program} never overwrites; choose another path or remove it")


class _Packer:
    """Fills the folder `draft`, file by file."""

    def __init__(
        self,
        source: Source,
        draft: Path,
        settings: ExportSettings,
        material: Material,
        say: Callable[[str], None],
    ) -> None:
        tokenizers = dict(zip(TOKENIZERS, source.tokenizers, strict=False))
        names = {role: f"{role}.{'json' if is_moses(content) else 'model'}" for role, content in tokenizers.items()}
        for role, content in tokenizers.items():
            (draft / names[role]).write_bytes(content)
        self.files = GRAPHS | names | {"golden": GOLDEN_NAME}
        self.source, self.draft, self.settings, self.material, self.say = source, draft, settings, material, say
        # Read before the long work.
        self.published = read_published(material.check_against) if material.check_against else ()
        self.manifest = build_manifest(source, replace(settings, name=settings.name or draft.name))

    def fill(self) -> Parity:
        """Write everything and prove it."""
        tests = self.gather(self.material.golden)
        self.write_graphs(self.choose_arithmetic())
        self.write_golden(tests)
        self.write_manifest()
        self.say(f"verifying against the {self.called}, with the server's engine")
        bundle = read_bundle(self.draft)
        parity = prove(self.source.model, bundle, choose_evenly(tests, NUM_VERIFICATION_LINES), self.called)
        self.say(str(parity))
        agreement = self.check(bundle)
        self.say("measuring which words the model copies")
        self.manifest = replace(self.manifest, stand_ins=find_stand_ins(bundle, tests))
        if self.source.family:
            self.manifest = replace(self.manifest, origin=_tell_origin(self.source, parity, agreement))
        write_manifest(self.draft, self.manifest)
        return parity

    def check(self, bundle: Bundle) -> Agreement | None:
        """Compare with translations of the source's own, if there are any."""
        path = self.material.check_against
        if path is None:
            return None
        agreement = check_agreement(bundle, path, self.published)
        self.say(describe_agreement(agreement))
        return agreement

    @property
    def called(self) -> str:
        """What messages call the source."""
        return f"{self.source.family} model" if self.source.family else "checkpoint"

    def gather(self, files: Mapping[str, Path]) -> list[Line]:
        """Lines of `files`, or of the source's samples."""
        tokenizer = Tokenizer.load(*(self.draft / self.files[role] for role in TOKENIZERS if role in self.files))
        return gather_lines(files, self.source.samples, self.manifest, tokenizer)

    def choose_arithmetic(self) -> Arithmetic:
        """In which numbers the graphs multiply, calibrated if need be."""
        if self.settings.precision == "fp32":
            return Float32()
        lines = choose_evenly(self.gather(self.material.calibration), NUM_CALIBRATION_LINES)
        self.say(f"calibrating on {len(lines)} sentences")
        sources, quantise = [line.source_ids for line in lines], self.settings.quantise
        found = calibrate(self.source.model, self.manifest, sources, quantise.percentile)
        return Int8(found.within(self.source.input_limits), quantise)

    def write_graphs(self, arithmetic: Arithmetic) -> None:
        """Author both graphs."""
        self.say("writing the graphs")
        model, sizes = self.source.model, self.manifest.dimensions
        encoder = build_encoder(model, sizes.max_source_length, arithmetic)
        decoder = build_decoder(model, sizes.max_target_length, arithmetic, self.manifest.alignment_layer)
        for role, graph in (("encoder", encoder), ("decoder", decoder)):
            (self.draft / GRAPHS[role]).write_bytes(graph.SerializeToString(deterministic=True))

    def write_golden(self, tests: Sequence[Line]) -> None:
        """Choose the golden lines with the graphs just written."""
        self.say("choosing golden lines")
        runtime = Runtime.load(Bundle(self.draft, replace(self.manifest, files=self.describe("encoder", "decoder"))))
        golden = choose_golden(runtime, self.manifest, choose_evenly(tests, NUM_GOLDEN_CANDIDATES))
        write_golden(self.draft / GOLDEN_NAME, golden)

    def write_manifest(self) -> None:
        """List all files, and name the version after their content."""
        files = self.describe(*self.files)
        if self.material.card is not None:
            shutil.copyfile(self.material.card, self.draft / CARD_NAME)
            files["card"] = describe_file(self.draft, CARD_NAME)
        content = "".join(files[role].sha256 for role in (*GRAPHS, *TOKENIZERS) if role in files)
        version = hashlib.sha256(content.encode()).hexdigest()[:12]
        self.manifest = replace(self.manifest, files=files, version=version)
        write_manifest(self.draft, self.manifest)

    def describe(self, *roles: str) -> dict[str, FileEntry]:
        """Size and hash of the files of `roles`."""
        return {role: describe_file(self.draft, self.files[role]) for role in roles}


def find_stand_ins(bundle: Bundle, lines: Sequence[Line]) -> tuple[StandIns, ...]:
    """What the model of `bundle` copies in sentences of `lines`, asked through the server's engine."""
    texts: dict[tuple[str, str], list[str]] = {}
    for line in choose_evenly(lines, NUM_STAND_IN_LINES):
        texts.setdefault((line.source, line.target), []).append(line.text)
    tokenizer, engine = Tokenizer.load(*bundle.tokenizers()), Engine(bundle, EngineSettings(), lambda error: None)
    try:
        engine.start()
        return measure_stand_ins(bundle.manifest, tokenizer, engine, texts)
    finally:
        engine.close(0.0)


def _tell_origin(source: Source, parity: Parity, agreement: Agreement | None) -> Origin:
    figures = {name: getattr(parity, name) for name in ("max_error", "relative_error", "regret", "identical", "chrf")}
    return Origin(
        family=source.family,
        licence=source.licence,
        files=dict(source.files),
        name=source.name,
        agreement=agreement,
        figures=dict(source.figures) or None,
        **figures,
    )
