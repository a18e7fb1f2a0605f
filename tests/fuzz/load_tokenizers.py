"""Loads SentencePiece models, one after another, in a process that may die of it; run by test_bundles.py.

Arguments: files. Says `NUMBER loaded`, `NUMBER refused` or `NUMBER` and what was raised that should not be.
"""

import resource
import sys
from pathlib import Path

from server.bundle import Bundle
from server.errors import BundleError
from server.models.loading import _load_tokenizer
from tests.server.conftest import tiny_model
from tests.server.fakes import FakeEngine

MAX_BYTES = 4 << 30
TEXT = "Der Hund läuft. \ufffe 中文 " * 20


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    for number, name in enumerate(sys.argv[1:]):
        print(number, _load(Path(name)), flush=True)


def _load(path: Path) -> str:
    class Any:
        vocab_size = 1 << 30

    manifest = tiny_model(FakeEngine(), Any(), path.parent).manifest  # type: ignore[arg-type]
    entry = manifest.files["tokenizer"]
    manifest.files["tokenizer"] = type(entry)(path.name, 0, "")
    try:
        tokenizer = _load_tokenizer(Bundle(path.parent, manifest))
        tokenizer.decode(tokenizer.encode(TEXT))
    except BundleError:
        return "refused"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "loaded"


if __name__ == "__main__":
    main()
