"""Firefox's models: Mozilla gives them away in Remote Settings, one record for each file.

A record says what a file is (`fileType`: model, vocab, srcvocab, trgvocab and others), for which languages, of which
architecture and version, and where its attachment is, with its size and SHA-256, packed with zstd and unpacked. The
older collection has plain files and other names for the languages; both are read.

Sources: mozilla/translations, inference-rs/scripts/download_model.py and remote_settings/; Firefox's
toolkit/components/translations/translations.d.ts.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from export.errors import ExportError
from export.fetching.download import Expected, download, fetch_json
from export.fetching.fetched import Fetched
from export.figures import read_figures

ADDRESS = "https://firefox.settings.services.mozilla.com/v1"
ADDRESS_VARIABLE = "FERRY_FIREFOX_URL"
COLLECTIONS = ("translations-models-v2", "translations-models")
# The best first, as Firefox itself prefers them.
ARCHITECTURES = ("base-memory", "base", "tiny")
LICENCE = "MPL-2.0"
MAX_FILE_BYTES = 1 << 31
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Record:
    """A file of a model; `packed` is its attachment, `unpacked` the file itself, the same where it is not packed.

    `figures` say how good the model is, where the record does.
    """

    name: str
    kind: str
    source: str
    target: str
    architecture: str
    version: str
    location: str
    packed: Expected
    unpacked: Expected
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """What the files of one model have in common."""
        return f"firefox:{self.source}-{self.target}/{self.architecture}@{self.version}"

    @property
    def rank(self) -> tuple[bool, int, list[int]]:
        """The higher the better: finished versions first, then by architecture, then by number."""
        known = ARCHITECTURES[::-1].index(self.architecture) if self.architecture in ARCHITECTURES else -1
        return re.search("[a-z]", self.version) is None, known, [int(part) for part in re.findall(r"\d+", self.version)]


def fetch_firefox(
    name: str, cache: Path, address: str = "", version: str = "", say: Callable[[str], None] = print
) -> Fetched:
    """The model that `name` asks for, such as `de-en` or `de-en/tiny`.

    Args:
        name: languages and, after a slash, architecture; without one the best.
        cache: folder in which files stay.
        address: of Remote Settings; empty for `FERRY_FIREFOX_URL`, or Mozilla's.
        version: of the model; empty for the newest.
        say: is told what is fetched.

    Raises:
        ExportError: there is no such model, or its files cannot be had.
    """
    address = find_address(address)
    asked, _, architecture = name.partition("/")
    chosen = choose(list_records(address), asked, architecture, version)
    folder = (
        cache / "firefox" / hashlib.sha256("".join(each.unpacked.sha256 for each in chosen).encode()).hexdigest()[:16]
    )
    folder.mkdir(parents=True, exist_ok=True)
    attachments = _find_attachments(address)
    for record in chosen:
        if not _is_there(folder / record.name, record.unpacked):
            say(f"fetching {record.name} of {record.model}, {record.packed.num_bytes / 1e6:.1f} MB")
            _fetch_file(f"{attachments}{quote(record.location)}", folder / record.name, record)
    model = chosen[0]
    pair = (model.source.lower(), model.target.lower())
    return Fetched(folder / model.name, model.model, pair, LICENCE, model.figures)


def find_address(said: str) -> str:
    """What was said, or the variable, or Mozilla's; without a slash at its end."""
    return (said or os.environ.get(ADDRESS_VARIABLE, "") or ADDRESS).rstrip("/")


def list_records(address: str) -> list[Record]:
    """All files of models; records that say something else are passed over.

    Raises:
        ExportError: the service cannot be reached, or answers with something else.
    """
    for collection in COLLECTIONS:
        url = f"{address}/buckets/main/collections/{collection}/records"
        try:
            answer = fetch_json(url)
        except ExportError as error:
            if "answers 404" in str(error) and collection != COLLECTIONS[-1]:
                continue
            raise
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, list):
            raise ExportError(f"{url} answers with no list of records; is {address} an address of Remote Settings?")
        return [record for each in data if isinstance(each, dict) and (record := _read_record(each))]
    raise AssertionError("the last collection returns or raises")


def describe(records: Iterable[Record]) -> list[str]:
    """A line for each model: its name and size."""
    models = sorted((each for each in records if each.kind == "model"), key=lambda each: (each.model, each.rank))
    return [f"{each.model:44}{each.unpacked.num_bytes / 1e6:7.1f} MB" for each in models]


def choose(records: Sequence[Record], pair: str, architecture: str = "", version: str = "") -> list[Record]:
    """The model of `pair` that was asked for, or else the best, and its vocabularies.

    Args:
        records: of all models.
        pair: source and target language, such as `de-en`.
        architecture: one of it; empty for the best.
        version: the one; empty for the newest finished.

    Raises:
        ExportError: there is none.
    """
    of_pair = [each for each in records if f"{each.source}-{each.target}".lower() == pair.lower()]
    models = [
        each
        for each in of_pair
        if each.kind == "model" and architecture in ("", each.architecture) and version in ("", each.version)
    ]
    if not models:
        asked = "/".join(filter(None, (pair, architecture))) + (f" of version {version}" if version else "")
        there = sorted({each.model for each in of_pair if each.kind == "model"})
        there = there or sorted({f"{each.source}-{each.target}" for each in records})
        raise ExportError(f"Firefox has no model {asked}; there are {', '.join(there) or 'none'}")
    model = max(models, key=lambda each: each.rank)
    of_model = {each.kind: each for each in of_pair if each.model == model.model}
    # A vocabulary may have stayed when the model got a new version.
    others = sorted((each for each in of_pair if each.architecture == model.architecture), key=lambda each: each.rank)
    found = {each.kind: each for each in others} | of_model
    kinds = ["vocab"] if "vocab" in of_model or "srcvocab" not in found else ["srcvocab", "trgvocab"]
    missing = [kind for kind in kinds if kind not in found]
    if missing:
        raise ExportError(f"Firefox has no vocabulary of {model.model}: no record of the type {missing[0]}")
    return [model, *(found[kind] for kind in kinds)]


def _read_record(data: Mapping[str, Any]) -> Record | None:
    """A record of either collection; None if it is none.

    Raises:
        ExportError: a name or a place that leads out of the folder.
    """
    attachment = data.get("attachment")
    if not isinstance(attachment, dict):
        return None
    source = data.get("sourceLanguage", data.get("fromLang"))
    target = data.get("targetLanguage", data.get("toLang"))
    words = [data.get("name"), data.get("fileType"), source, target, data.get("version"), attachment.get("location")]
    packed = _read_expected(attachment.get("hash"), attachment.get("size"))
    if packed is None or not all(isinstance(word, str) and word for word in words):
        return None
    name, kind, source, target, version, location = map(str, words)
    if not PLAIN_NAME.fullmatch(name) or ".." in location.split("/") or location.startswith("/") or ":" in location:
        raise ExportError(f"a record is named {name!r} and lies at {location!r}; neither may lead out of its folder")
    unpacked = _read_expected(data.get("decompressedHash"), data.get("decompressedSize")) or packed
    architecture = data.get("architecture")
    architecture = architecture if isinstance(architecture, str) and architecture else "tiny"
    figures = read_figures(data)
    return Record(name, kind, source, target, architecture, version, location, packed, unpacked, figures)


def _read_expected(sha256: Any, num_bytes: Any) -> Expected | None:
    if isinstance(num_bytes, str) and num_bytes.isdecimal():
        num_bytes = int(num_bytes)
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256) or type(num_bytes) is not int:
        return None
    return Expected(sha256, num_bytes) if 0 < num_bytes <= MAX_FILE_BYTES else None


def _find_attachments(address: str) -> str:
    """Where attachments lie, as the service itself says."""
    answer = fetch_json(f"{address}/")
    found: Any = answer
    for key in ("capabilities", "attachments", "base_url"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, str) or not found.startswith(("https://", "http://")):
        raise ExportError(f"{address}/ does not say where attachments are; is it an address of Remote Settings?")
    return found.rstrip("/") + "/"


def _is_there(path: Path, expected: Expected) -> bool:
    if not path.is_file() or path.stat().st_size != expected.num_bytes:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == expected.sha256


def _fetch_file(url: str, path: Path, record: Record) -> None:
    if record.packed == record.unpacked:
        download(url, path, record.packed)
        return
    archive = path.with_name(f"{path.name}.zst")
    download(url, archive, record.packed)
    try:
        unpack(archive, path, record.unpacked)
    finally:
        archive.unlink()


def unpack(archive: Path, path: Path, expected: Expected) -> None:
    """Unpack the zstd file `archive` to `path`, and no more of it than `expected`.

    Raises:
        ExportError: it is damaged or something else; `path` is not there then.
    """
    try:
        from zstandard import ZstdDecompressor, ZstdError
    except ImportError:
        raise ExportError(
            "Firefox's files are packed with zstd: pip install -c constraints.txt -e '.[import]'"
        ) from None
    aside, digest, written = path.with_name(f"{path.name}.new"), hashlib.sha256(), 0
    try:
        with archive.open("rb") as packed, aside.open("wb") as file:
            for chunk in ZstdDecompressor().read_to_iter(packed):
                written += len(chunk)
                if written > expected.num_bytes:
                    raise ExportError(f"{archive.name} unpacks to more than the {expected.num_bytes} bytes it should")
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != expected.sha256:
            raise ExportError(f"{path.name}, unpacked, does not have the SHA-256 {expected.sha256} of its record")
        aside.rename(path)
    except ZstdError as error:
        raise ExportError(f"{archive.name} is no zstd file: {error}") from None
    finally:
        aside.unlink(missing_ok=True)
