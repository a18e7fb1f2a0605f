"""The words that a model copies, from where they are kept, or measured and then kept.

A bundle's manifest may name them. For one that does not they are measured once, through the engine that will serve,
before anything is answered, and kept beside the bundle where its folder can be written.
"""

import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from server.bundle import Bundle, GoldenLine, Manifest, StandIns
from server.models.copies import Direction, find_texts, measure_stand_ins
from server.models.models import TranslationEngine
from server.text.tokenizer import Tokenizer

FILE_NAME = "stand-ins.json"
# Raised when what is measured changes, so that what was kept before counts no more.
MEASURE = 2


def load_stand_ins(
    bundle: Bundle,
    tokenizer: Tokenizer,
    engine: TranslationEngine,
    golden: Sequence[GoldenLine],
    say: Callable[[str], None],
) -> dict[Direction, tuple[str, ...]]:
    """The stand-ins of each direction, best first: as the manifest says, as was measured before, or measured now.

    Args:
        bundle: of the model.
        tokenizer: of the model.
        engine: runs the model.
        golden: the bundle's, whose words make room for stand-ins.
        say: told of what takes long.
    """
    found = bundle.manifest.stand_ins or _read(bundle)
    if found is None:
        say(f"{bundle.path}: measuring which words the model copies; its manifest does not say")
        texts = find_texts(bundle.manifest, tokenizer, engine, golden)
        found = measure_stand_ins(bundle.manifest, tokenizer, engine, texts)
        _write(bundle, found, say)
    return {(each.source, each.target): tuple(each.rates) for each in found}


def _read(bundle: Bundle) -> tuple[StandIns, ...] | None:
    """What was measured for this very bundle; None if nothing was, or it cannot be read."""
    try:
        data = json.loads((bundle.path / FILE_NAME).read_text(encoding="utf-8"))
        if (data["measure"], data["model"]) != (MEASURE, _digest(bundle.manifest)):
            return None
        return tuple(
            StandIns(str(each["source"]), str(each["target"]), {str(k): float(v) for k, v in each["rates"].items()})
            for each in data["stand_ins"]
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _write(bundle: Bundle, found: Sequence[StandIns], say: Callable[[str], None]) -> None:
    """Keep `found` beside the bundle, written aside and renamed; a folder that cannot be written is no fault."""
    data = {"measure": MEASURE, "model": _digest(bundle.manifest), "stand_ins": [asdict(each) for each in found]}
    try:
        number, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=bundle.path)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(json.dumps(data, indent=1, ensure_ascii=False) + "\n")
            Path(name).chmod(0o644)
            os.replace(name, bundle.path / FILE_NAME)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        say(
            f"{bundle.path}: {FILE_NAME} cannot be written ({error.strerror}), so they are measured at each start; "
            "let the server write there once, or export the bundle again"
        )


def _digest(manifest: Manifest) -> str:
    """The same for bundles that translate alike, whatever else their manifests say."""
    files = {role: entry.sha256 for role, entry in manifest.files.items() if role != "card"}
    pairs = [asdict(pair) for pair in manifest.pairs]
    facts = [files, pairs, asdict(manifest.special_ids), manifest.suppressed_ids, asdict(manifest.search)]
    return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
