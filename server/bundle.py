"""The bundle: the contract between export and server, owned by its consumer.

A bundle is a folder. `manifest.json` is the only name known in advance; it names, sizes and hashes every other
file. This module holds the manifest's schema, the reader that checks it, and the writer that export uses. It is
standard library only and knows nothing of tensors or tokenizers.

The graphs' tensors (axis letters: B sentences, R rows, S source ids, P cached positions, H heads, E head_dim,
D d_model, V vocabulary, {l} a decoder layer):

encoder.onnx   in   input_ids [B, S] int64, attention_mask [B, S] int64 (1 = keep, padding on the right)
               out  present.{l}.encoder.key, present.{l}.encoder.value [B, H, S, E] cache
decoder.onnx   in   input_ids [R, 1] int64: the last id of each row
                    position_ids [R, 1] int64: its position, 0 for the start id; also how many positions are cached
                    source_lengths [R] int32: how many of the S encoder positions are real, row by row
                    past_key_values.{l}.encoder.key, .value [R, H, S, E] cache
                    attention: past_key_values.{l}.decoder.key, .value [R, H, P, E] cache
                    ssru:      past_key_values.{l}.decoder.state [R, D] float32
               out  log_probs [R, V] float32, natural (in older bundles `logits`, see `Manifest.decoder_output`),
                    and `present.…` for each `past_key_values.…`;
                    where `Manifest.alignment_layer` names a decoder layer, alignment_query [R, D] float32: the query of
                    its cross-attention, scaled. Its products with that layer's encoder keys, softmax and the mean over
                    heads (`Manifest.alignment_heads`) say which source ids the next id is made from.

`cache` is float32 or int8, see `Manifest.cache`; what a step of int8 means is the graphs' own business.

Rows are ragged: each has its own position and source length. P and S are capacities, not lengths; what lies
beyond a row's own length is never read. A `present` output is bound to the memory of its `past_key_values`
input: the step writes one position in place and copies nothing. S is a multiple of `source_multiple` when the
encoder runs, so that a row's bits do not depend on the padding its batch mates cause.
"""

import hashlib
import json
import math
import os
import typing
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, cast

from server.errors import BundleError

FORMAT = 2
# Every format that was ever written is read: `_upgrade` says what the older ones left out.
FORMATS = (1, 2)
MANIFEST_NAME = "manifest.json"

Precision = Literal["fp32", "int8"]
DecoderMixing = Literal["attention", "ssru"]
DecoderOutput = Literal["logits", "log_probs"]
Norms = Literal["fused", "apart"]
CacheType = Literal["float32", "int8"]
T = TypeVar("T")


@dataclass(frozen=True)
class Formality:
    """What goes before the source ids, in place of a pair's `prefix_ids`, for more and for less formal translations."""

    more: tuple[int, ...]
    less: tuple[int, ...]


@dataclass(frozen=True)
class LanguagePair:
    """One direction the model translates; `prefix_ids` go before the source ids and steer it.

    `formality` is None where a form of address cannot be asked for.
    """

    source: str
    target: str
    prefix_ids: tuple[int, ...]
    formality: Formality | None = None

    def prefixes(self) -> tuple[tuple[int, ...], ...]:
        """All that may go before the source ids."""
        return (self.prefix_ids, *((self.formality.more, self.formality.less) if self.formality else ()))


@dataclass(frozen=True)
class SpecialIds:
    """Ids with a meaning of their own. The decoder starts from `bos`; every source and target ends with `eos`."""

    pad: int
    unk: int
    bos: int
    eos: int


@dataclass(frozen=True)
class Dimensions:
    """Sizes of the model. Lengths are in ids, EOS and prefix included, and are hard limits of the graphs.

    Attributes:
        vocab_size: source ids that the encoder knows.
        target_vocab_size: target ids, the V of the graphs. In format 1 it was not said, since both sides had the same.
    """

    d_model: int
    d_ff: int
    num_heads: int
    head_dim: int
    num_encoder_layers: int
    num_decoder_layers: int
    vocab_size: int
    target_vocab_size: int
    max_source_length: int
    max_target_length: int
    source_multiple: int


@dataclass(frozen=True)
class SearchDefaults:
    """What a request gets when it does not say. Score = sum_logprob / length ** length_penalty (0: no penalty)."""

    beam_size: int
    length_penalty: float


@dataclass(frozen=True)
class Quality:
    """A measured figure, so that what is served says how good it is."""

    test_set: str
    source: str
    target: str
    bleu: float
    chrf: float
    signature: str


@dataclass(frozen=True)
class Agreement:
    """How near a bundle's translations come to those that its model's makers published.

    Attributes:
        file: name of theirs.
        num_lines: of it, as many as were compared.
        beam_size, length_penalty: of our search.
        identical: share of translations that are the same, letter by letter.
        chrf: between both, of 100.
    """

    file: str
    num_lines: int
    beam_size: int
    length_penalty: float
    identical: float
    chrf: float


@dataclass(frozen=True)
class Origin:
    """Where a model comes from that another toolkit trained, and how near the bundle is to it, over some lines.

    Attributes:
        family: of the source, such as `Marian`.
        licence: its terms, in words; empty if nobody said.
        files: SHA-256 of each file that was read, by its name.
        max_error: largest difference of a log-probability, in nats.
        relative_error: their root mean square over the deviation of the log-probabilities.
        regret: mean over steps of what the source loses by the bundle's choice, in nats.
        identical: share of greedy translations with identical ids.
        chrf: between both, of 100.
        name: what was fetched from a service, and its revision; empty for files that were there.
        agreement: with translations that its makers published; None if there were none to compare with.
        figures: what its makers say of its quality, by name; None if they say nothing.
    """

    family: str
    licence: str
    files: dict[str, str]
    max_error: float
    relative_error: float
    regret: float
    identical: float
    chrf: float
    name: str = ""
    agreement: Agreement | None = None
    figures: dict[str, float] | None = None


@dataclass(frozen=True)
class StandIns:
    """Words that the model copies in one direction, so that they can stand for what must not be translated.

    Attributes:
        rates: best first, each with the share of samples in which it came out exactly once; empty if too few do.
    """

    source: str
    target: str
    rates: dict[str, float]


@dataclass(frozen=True)
class FileEntry:
    """One file of the bundle, by its role in `Manifest.files`."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """All that is known of a bundle without opening its graphs.

    Attributes:
        files: by the roles of `ROLES`, and perhaps a `card`; `target_tokenizer` where the sides have one each.
        decoder_output: name and meaning of what the decoder says of the next id. The first bundles gave logits.
        norms: whether onnxruntime may compute a norm and the sum before it by one kernel, which is slower than the two,
            and gives other bits. The first bundles were made with it.
        alignment_layer: decoder layer whose cross-attention tells best which source words a target word translates;
            -1 for none.
        alignment_heads: how many of that layer's heads tell it, from the first on; 0 for all.
        cache: what keys and values are kept in.
        origin: of a model that was imported.
        stand_ins: of each direction, as measured at export; empty where they are to be measured by who serves it.
    """

    format: int
    name: str
    version: str
    created_with: str
    precision: Precision
    decoder_mixing: DecoderMixing
    pairs: tuple[LanguagePair, ...]
    special_ids: SpecialIds
    suppressed_ids: tuple[int, ...]
    dimensions: Dimensions
    search: SearchDefaults
    quality: tuple[Quality, ...]
    files: dict[str, FileEntry]
    decoder_output: DecoderOutput = "logits"
    alignment_layer: int = -1
    alignment_heads: int = 0
    cache: CacheType = "float32"
    origin: Origin | None = None
    stand_ins: tuple[StandIns, ...] = ()
    norms: Norms = "fused"


@dataclass(frozen=True)
class GoldenLine:
    """A source and what greedy search gave when the bundle was packed.

    `source_ids` are what the encoder reads, prefix and EOS included; `target_ids` have no BOS and no EOS.
    """

    source: str
    target: str
    text: str
    source_ids: tuple[int, ...]
    target_ids: tuple[int, ...]


ROLES = ("encoder", "decoder", "tokenizer", "golden")


@dataclass(frozen=True)
class Bundle:
    """A checked bundle on disk: every file is there, has its size and its hash."""

    path: Path
    manifest: Manifest

    def file(self, role: str) -> Path:
        """Path of the file that plays `role`."""
        return self.path / self.manifest.files[role].path

    def tokenizers(self) -> list[Path]:
        """The tokenizer's file; the source side's and the target side's where they have one each."""
        return [self.file(role) for role in ("tokenizer", "target_tokenizer") if role in self.manifest.files]

    def pair(self, source: str, target: str) -> LanguagePair | None:
        """The direction asked for, or None if this model does not serve it."""
        return next((p for p in self.manifest.pairs if (p.source, p.target) == (source, target)), None)


def read_bundle(path: Path) -> Bundle:
    """Read and check the bundle in the folder `path`.

    Raises:
        BundleError: with every fault found, one per line.
    """
    faults: list[str] = []
    manifest = _read_manifest(path, faults)
    if manifest is not None and not faults:
        _check_files(path, manifest, faults)
        _check_sense(manifest, faults)
    if faults or manifest is None:
        listing = "\n".join(f"  - {fault}" for fault in faults)
        raise BundleError(f"{path} cannot be served:\n{listing}\nExport it again with ferry-export, or restore it.")
    return Bundle(path, manifest)


def read_golden(bundle: Bundle) -> list[GoldenLine]:
    """The golden lines of a checked bundle.

    Raises:
        BundleError: with every fault found, one per line.
    """
    # Not splitlines: it would also split at U+2028 and its like, which may stand in a text.
    try:
        lines = bundle.file("golden").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"{bundle.path}: the golden lines cannot be read: {error}") from error
    faults: list[str] = []
    golden: list[GoldenLine] = []
    for i, line in enumerate(lines if any(lines) else [], 1):
        try:
            golden.append(_convert(GoldenLine, json.loads(line), f"golden line {i}", faults))
        except (ValueError, RecursionError) as error:
            faults.append(f"golden line {i} is no JSON: {error}")
    if faults:
        raise BundleError("\n".join(faults))
    return golden


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` aside and rename it, as the last act of packing."""
    temporary = folder / f".{MANIFEST_NAME}.tmp"
    temporary.write_text(json.dumps(asdict(manifest), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(temporary, folder / MANIFEST_NAME)


def describe_file(folder: Path, name: str) -> FileEntry:
    """Size and hash of `folder/name`, for the manifest."""
    path = folder / name
    return FileEntry(name, path.stat().st_size, _sha256(path))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_manifest(path: Path, faults: list[str]) -> Manifest | None:
    try:
        data = json.loads((path / MANIFEST_NAME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        faults.append(f"there is no {MANIFEST_NAME}; a bundle is the folder that ferry-export wrote")
        return None
    except (OSError, ValueError, RecursionError) as error:
        faults.append(f"{MANIFEST_NAME} cannot be read: {error}")
        return None
    found = data.get("format") if isinstance(data, dict) else None
    if type(found) is not int or found not in FORMATS:
        formats = " and ".join(map(str, FORMATS))
        faults.append(f"{MANIFEST_NAME} has format {found!r}, this server reads formats {formats}")
        return None
    return _convert(Manifest, _upgrade(data), "manifest", faults)


def _upgrade(data: dict[str, Any]) -> dict[str, Any]:
    """The same manifest with what its format left out."""
    sizes = data.get("dimensions")
    if data["format"] == 1 and isinstance(sizes, dict) and "vocab_size" in sizes:
        return {**data, "dimensions": {**sizes, "target_vocab_size": sizes["vocab_size"]}}
    return data


def _check_files(path: Path, manifest: Manifest, faults: list[str]) -> None:
    faults.extend(f"manifest.files has no {role!r}" for role in ROLES if role not in manifest.files)
    for role, entry in manifest.files.items():
        file = path / entry.path
        if Path(entry.path).name != entry.path:
            faults.append(f"manifest.files.{role}.path is {entry.path!r}; it must be a plain name inside the bundle")
        elif not file.resolve().is_relative_to(path.resolve()):
            faults.append(f"{entry.path} ({role}) is a link to something outside the bundle; put the file itself there")
        elif not file.is_file():
            faults.append(f"{entry.path} ({role}) is missing")
        elif file.stat().st_size != entry.bytes:
            faults.append(f"{entry.path} ({role}) has {file.stat().st_size} bytes, the manifest says {entry.bytes}")
        elif _sha256(file) != entry.sha256:
            faults.append(f"{entry.path} ({role}) does not have the SHA-256 of the manifest: it is damaged or altered")


def _check_sense(manifest: Manifest, faults: list[str]) -> None:
    sizes, special = manifest.dimensions, manifest.special_ids
    if sizes.num_heads * sizes.head_dim != sizes.d_model:
        faults.append(f"{sizes.num_heads} heads of {sizes.head_dim} do not make d_model {sizes.d_model}")
    if not manifest.pairs:
        faults.append("manifest.pairs is empty; a bundle serves at least one direction")
    source_ids = [special.pad, special.eos, *(i for p in manifest.pairs for ids in p.prefixes() for i in ids)]
    target_ids = [special.unk, special.bos, special.eos, *manifest.suppressed_ids]
    for ids, size in ((source_ids, sizes.vocab_size), (target_ids, sizes.target_vocab_size)):
        faults.extend(f"id {i} is outside the vocabulary of {size}" for i in ids if not 0 <= i < size)
    if not -1 <= manifest.alignment_layer < sizes.num_decoder_layers:
        faults.append(f"alignment_layer is {manifest.alignment_layer}; there are {sizes.num_decoder_layers} layers")
    if not 0 <= manifest.alignment_heads <= sizes.num_heads:
        faults.append(f"alignment_heads is {manifest.alignment_heads}; there are {sizes.num_heads} heads")
    if special.eos in manifest.suppressed_ids:
        faults.append("EOS is among suppressed_ids: no translation could end")


def _convert(kind: type[T], value: Any, where: str, faults: list[str]) -> T:
    """`value`, as JSON gave it, as a `kind`; what does not fit is added to `faults` and comes back as it was."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is UnionType and type(None) in arguments:
        return cast(T, None if value is None else _convert(arguments[0], value, where, faults))
    if is_dataclass(kind) and isinstance(value, dict):
        return _convert_dataclass(kind, value, where, faults)
    if origin is tuple and isinstance(value, list):
        return cast(T, tuple(_convert(arguments[0], item, f"{where}[{i}]", faults) for i, item in enumerate(value)))
    if origin is dict and isinstance(value, dict):
        return cast(T, {key: _convert(arguments[1], item, f"{where}.{key}", faults) for key, item in value.items()})
    if origin is Literal and value in arguments:
        return cast(T, value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value):
        return cast(T, float(value))
    if origin is None and kind is not float and type(value) is kind:
        return value
    faults.append(f"{where} is {_show(value)}, expected {_name_kind(kind)}")
    return cast(T, value)


def _convert_dataclass(kind: type[T], value: Mapping[str, Any], where: str, faults: list[str]) -> T:
    hints = typing.get_type_hints(kind)
    names = {field.name: field.default is MISSING for field in fields(cast(Any, kind))}
    missing = [name for name, is_required in names.items() if is_required and name not in value]
    faults.extend(f"{where}.{name} is missing" for name in missing)
    faults.extend(f"{where}.{name} is not known in format {FORMAT}" for name in value if name not in names)
    known = {name: _convert(hints[name], value[name], f"{where}.{name}", faults) for name in names if name in value}
    return kind(**(dict.fromkeys(missing) | known))


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # an int that no float can hold
        return False


def _name_kind(kind: Any) -> str:
    origin = typing.get_origin(kind)
    if origin is Literal or isinstance(kind, UnionType):
        return " or ".join(map(repr, typing.get_args(kind)))
    return {tuple: "a list", dict: "an object"}.get(origin) or ("an object" if is_dataclass(kind) else kind.__name__)


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
