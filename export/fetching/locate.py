"""What a user calls a model, and its files: on this machine, packed, or with a service."""

import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from export.errors import ExportError
from export.fetching.archive import unpack_archive
from export.fetching.fetched import Fetched
from export.fetching.firefox import fetch_firefox
from export.fetching.hub import fetch_hub, is_name

FIREFOX, OPUS_MT = "firefox:", "opus-mt:"
CACHE_VARIABLE = "FERRY_CACHE"


@dataclass(frozen=True)
class FetchOptions:
    """How to fetch.

    Attributes:
        revision: version, commit, branch or tag; empty for the newest.
        address: of the service; empty for what the environment says, or the makers' own.
        cache: folder in which files stay; None for the usual ones.
    """

    revision: str = ""
    address: str = ""
    cache: Path | None = None


@contextmanager
def locate(text: str, options: FetchOptions, say: Callable[[str], None]) -> Iterator[Fetched]:
    """The files of the model `text`: a path, `firefox:de-en`, `opus-mt:de-en` or a name on the hub.

    What was unpacked is gone afterwards; what was fetched stays in the cache. `say` is told what is fetched.

    Raises:
        ExportError: there is no such model, or it cannot be had.
    """
    path = Path(text)
    if text.startswith(FIREFOX):
        cache = options.cache or default_cache()
        yield fetch_firefox(text.removeprefix(FIREFOX), cache, options.address, options.revision, say)
    elif text.startswith(OPUS_MT) or (not path.exists() and is_name(text)):
        name = f"Helsinki-NLP/opus-mt-{text.removeprefix(OPUS_MT)}" if text.startswith(OPUS_MT) else text
        yield fetch_hub(name, options.revision, options.address, options.cache, say)
    elif path.is_file() and path.suffix not in (".npz", ".bin") and zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory(prefix="ferry-import.") as aside:
            # A folder's name may tell the languages.
            folder = Path(aside) / path.stem
            folder.mkdir()
            yield Fetched(unpack_archive(path, folder), path.name)
    elif path.exists():
        yield Fetched(path, "")
    else:
        raise ExportError(
            f"{text} does not exist; give a folder with a model, a .npz or .bin file of Marian's, a zip archive of "
            "OPUS-MT's, firefox:de-en, opus-mt:de-en, or a name on the Hugging Face hub"
        )


def default_cache() -> Path:
    """Where fetched files stay if nobody says."""
    said = os.environ.get(CACHE_VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(said) if said else Path(base) / "ferry"
