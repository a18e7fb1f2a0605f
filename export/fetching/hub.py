"""Models on the Hugging Face hub: the files of MarianMT and no others, at a revision that has a name for ever.

`huggingface_hub` fetches them into its own cache, goes on with what broke off, and finds address and token as all its
users set them (HF_ENDPOINT, HF_TOKEN, HF_HOME). That it got the right bytes is checked here.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from export.errors import ExportError
from export.fetching.fetched import Fetched

NEEDED = ("config.json", "vocab.json", "source.spm", "target.spm")
OPTIONAL = ("generation_config.json", "target_vocab.json", "tokenizer_config.json", "README.md")
# The first that is there.
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


def is_name(text: str) -> bool:
    """Whether `text` may be the name of a model on the hub."""
    return NAME.fullmatch(text) is not None


def fetch_hub(
    name: str, revision: str = "", address: str = "", cache: Path | None = None, say: Callable[[str], None] = print
) -> Fetched:
    """The model `name`, such as `Helsinki-NLP/opus-mt-de-en`.

    Args:
        name: owner and repository.
        revision: commit, branch or tag; empty for main.
        address: of the hub; empty for HF_ENDPOINT, or the hub itself.
        cache: folder in which files stay; None for the hub's own.
        say: is told what is fetched.

    Raises:
        ExportError: there is no such model, it is of another kind, or its files cannot be had.
    """
    try:
        from huggingface_hub import HfApi
    except ImportError:
        raise ExportError("the hub needs a package: pip install -c constraints.txt -e '.[import]'") from None
    api = HfApi(endpoint=address.rstrip("/") or None, library_name="ferry-import")
    try:
        info = api.model_info(name, revision=revision or None, files_metadata=True)
        files = {each.rfilename: each for each in info.siblings or ()}
        say(f"fetching {name} at {info.sha}")
        folder = {_fetch(api, name, str(info.sha), files[each], cache).parent for each in _choose(name, set(files))}
    except ExportError:
        raise
    except Exception as error:  # the library's, and those of what it fetches with, have no common kind
        raise ExportError(f"{name} cannot be fetched from {api.endpoint}: {_first_line(error)}") from None
    licence = getattr(info.card_data, "license", None) or ""
    return Fetched(folder.pop(), f"{name}@{info.sha}", licence=str(licence))


def _choose(name: str, there: set[str]) -> list[str]:
    weights = [each for each in WEIGHTS if each in there][:1]
    missing = [each for each in NEEDED if each not in there] + ([] if weights else [" or ".join(WEIGHTS)])
    if missing:
        raise ExportError(f"{name} has no {', no '.join(missing)}; only models of MarianMT can be fetched from the hub")
    return [*NEEDED, *(each for each in OPTIONAL if each in there), *weights]


def _fetch(api: Any, name: str, commit: str, file: Any, cache: Path | None) -> Path:
    """One file; a link into the cache, whose content is what the hub's list says."""
    path = Path(api.hf_hub_download(name, file.rfilename, revision=commit, cache_dir=cache))
    expected = file.lfs.sha256 if file.lfs else file.blob_id
    if expected and _hash(path, git=file.lfs is None) != expected:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise ExportError(f"{file.rfilename} of {name} has not the hash that the hub says: {expected}; fetch it again")
    return path


def _hash(path: Path, *, git: bool) -> str:
    """SHA-256, or what Git names a file after."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size) if git else hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
