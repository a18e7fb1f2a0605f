"""What an operator puts beside the server: bundles, tokenizers, the file of keys. Damage is a clear refusal."""

import copy
import json
import os
import random
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.access.keys import hash_key, read_keys
from server.bundle import MANIFEST_NAME, Bundle, describe_file, read_bundle, read_golden
from server.errors import BundleError, SettingsError
from tests.fuzz.amount import FACTOR, count, fuzz
from tests.fuzz.made_up import ODD_JSON, TEXT, VALUES, mutated
from tests.server.engine.toy import dump_manifest, write_toy_bundle

pytestmark = pytest.mark.unmeasured

ODD = [
    None,
    True,
    -1,
    0,
    10**400,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "..",
    "../x",
    "/etc/passwd",
    [],
    {},
    [[]],
    "a\0b",
]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_toy_bundle(tmp_path_factory.mktemp("toy") / "bundle")


@pytest.fixture(scope="module")
def manifest(bundle: Bundle) -> dict[str, Any]:
    return dump_manifest(bundle)


def read(bundle: Bundle, content: bytes) -> None:
    """The bundle with another manifest: it can be used as it is, or is refused in words."""
    count()
    (bundle.path / MANIFEST_NAME).write_bytes(content)
    with suppress(BundleError):
        found = read_bundle(bundle.path)
        read_golden(found)
        for role, entry in found.manifest.files.items():
            assert found.file(role).resolve().parent == bundle.path.resolve(), entry
        # What an answer tells of it must be JSON.
        json.dumps(
            [found.manifest.search.length_penalty, *(each.bleu for each in found.manifest.quality)], allow_nan=False
        )


@fuzz(150)
@given(data=st.data())
def test_manifests_with_other_values(bundle: Bundle, manifest: dict[str, Any], data: st.DataObject) -> None:
    changed = json.loads(json.dumps(manifest))
    for _ in range(data.draw(st.integers(1, 3))):
        inner: Any = changed
        while True:
            key = data.draw(st.sampled_from(range(len(inner)) if isinstance(inner, list) else sorted(inner)))
            if not isinstance(inner[key], dict | list) or not inner[key] or data.draw(st.booleans()):
                break
            inner = inner[key]
        match data.draw(st.integers(0, 3)):
            case 0:
                del inner[key]
            case 1:
                inner[key] = data.draw(VALUES)
            case _:
                inner[key] = copy.deepcopy(data.draw(st.sampled_from(ODD)))
        if not changed:
            break
    read(bundle, json.dumps(changed).encode("utf-8", "surrogatepass"))


@fuzz(100)
@given(data=st.data())
def test_manifests_with_other_bytes(bundle: Bundle, manifest: dict[str, Any], data: st.DataObject) -> None:
    read(bundle, data.draw(mutated(json.dumps(manifest).encode())))


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"format": 1, "x": ' + "[" * 100_000, "9" * 5000, "NaN", "\ufeff{}", ""]
)
def test_manifests_that_are_none(bundle: Bundle, content: str) -> None:
    (bundle.path / MANIFEST_NAME).write_text(content)
    with pytest.raises(BundleError):
        read_bundle(bundle.path)


@pytest.mark.parametrize("penalty", [float("nan"), float("inf"), 10**400])
def test_numbers_that_are_none(bundle: Bundle, manifest: dict[str, Any], penalty: float) -> None:
    changed = {**manifest, "search": {**manifest["search"], "length_penalty": penalty}}
    (bundle.path / MANIFEST_NAME).write_text(json.dumps(changed))
    with pytest.raises(BundleError, match=r"manifest\.search\.length_penalty"):
        read_bundle(bundle.path)


@fuzz(60)
@given(line=st.one_of(ODD_JSON, TEXT, VALUES.map(json.dumps)), raw=st.sampled_from([b"", b"\xff", b"\n\n", b"{}"]))
def test_golden_lines(bundle: Bundle, line: str, raw: bytes) -> None:
    count()
    file = bundle.file("golden")
    kept = file.read_bytes()
    try:
        file.write_bytes(kept + line.encode("utf-8", "surrogatepass") + raw)
        with suppress(BundleError):
            read_golden(bundle)
    finally:
        file.write_bytes(kept)


@pytest.mark.parametrize("name", ["/etc/passwd", "../outside", "/dev/zero", "fifo", ".."])
def test_files_that_are_elsewhere(tmp_path: Path, name: str) -> None:
    """A link out of the folder, a device, a pipe: none is opened, though size and hash may be right."""
    found = write_toy_bundle(tmp_path / "bundle")
    (tmp_path / "outside").write_text("secret")
    file = found.file("tokenizer")
    file.unlink()
    if name == "fifo":
        os.mkfifo(file)
    else:
        file.symlink_to(name)
    changed = dump_manifest(found)
    if file.is_file():
        entry = describe_file(found.path, file.name)
        changed["files"]["tokenizer"].update(bytes=entry.bytes, sha256=entry.sha256)
    (found.path / MANIFEST_NAME).write_text(json.dumps(changed))
    with pytest.raises(BundleError, match=re.escape(file.name)):
        read_bundle(found.path)


def test_damaged_tokenizers_never_kill_the_process(tokenizer_file: Path, tmp_path: Path) -> None:
    """C++ reads them, so in a process of its own. A bundle's hashes refuse damage before; this is what lies beneath."""
    made = random.Random(5)
    original = tokenizer_file.read_bytes()
    files: list[Path] = []
    for number in range(150 * FACTOR):
        content = bytearray(original)
        for _ in range(made.choice([1, 1, 2, 10, 100])):
            # The settings are at the end; most of the file are pieces.
            at = made.randrange(len(content)) if made.random() < 0.5 else len(content) - 1 - made.randrange(3000)
            content[at] = made.randrange(256)
        if made.random() < 0.2:
            del content[made.randrange(len(content)) :]
        files.append(tmp_path / f"{number}.model")
        files[-1].write_bytes(content)
    outcomes: Counter[str] = Counter()
    while files:
        batch, files = files[:200], files[200:]
        command = [sys.executable, "-m", "tests.fuzz.load_tokenizers", *map(str, batch)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=Path(__file__).parents[2])
        lines = ended.stdout.splitlines()
        assert ended.returncode == 0, f"{batch[len(lines)]}: {_named(ended.returncode)}: {ended.stderr[-500:]}"
        outcomes.update(line.partition(" ")[2] for line in lines)
        for _ in lines:
            count()
    assert set(outcomes) <= {"loaded", "refused"}, outcomes


def _named(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else str(status)


KEYS = f'[[keys]]\nname = "weblate"\nsha256 = "{hash_key("secret")}"\nrequests_per_minute = 5\n'


@fuzz(100)
@given(data=st.data())
def test_files_of_keys(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    count()
    path = tmp_path_factory.getbasetemp() / "keys.toml"
    lines = st.sampled_from(
        ['name = "../x"', "name = 1", "character_limit = 9" + "9" * 5000, "x = " + "[" * 5000, "[[keys]]"]
    )
    more = "\n".join(data.draw(st.lists(lines | TEXT, max_size=3))).encode("utf-8", "surrogatepass")
    path.write_bytes(data.draw(mutated(KEYS.encode())) if data.draw(st.booleans()) else KEYS.encode() + more)
    with suppress(SettingsError):
        for key in read_keys(path).by_hash.values():
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", key.name)
