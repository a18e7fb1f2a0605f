"""Files as an office program reads them: LibreOffice opens every translated one and finds all its words there.

Where it is not installed nothing is tested: `make office` installs it on Debian.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from server.documents.formats.registry import FORMATS
from tests.server.documents.formats.kit import translate
from tests.server.documents.samples.books import BOOKS
from tests.server.documents.samples.office import OFFICE as OOXML
from tests.server.documents.samples.sample import Sample, shout

SOFFICE = shutil.which("soffice")
# As one file of xml, in which its words can be looked for.
FLAT = {"docx": "fodt", "odt": "fodt", "pptx": "fodp", "odp": "fodp", "xlsx": "fods", "ods": "fods"}
OFFICE = [sample for sample in (*OOXML, *BOOKS) if sample.kind in FLAT]
PATIENCE_S = 300

pytestmark = [
    pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed: `make office` does it"),
    pytest.mark.unmeasured,
]


@pytest.mark.parametrize("sample", OFFICE, ids=lambda sample: sample.name)
def test_a_translated_file_opens_and_says_all(sample: Sample, tmp_path: Path) -> None:
    before, after = (_flattened(sample, data, tmp_path / name) for name, data in _both(sample))
    words = re.findall(r"ü\w+", before)
    assert len(words) > 2
    assert sorted(re.findall(r"Ü\w+", after)) == sorted(map(str.upper, words))
    assert re.findall(r"ü\w+", after) == []


def _both(sample: Sample) -> list[tuple[str, bytes]]:
    return [("before", sample.data), ("after", translate(FORMATS[sample.kind], sample.data, shout))]


def _flattened(sample: Sample, data: bytes, folder: Path) -> str:
    """The file as LibreOffice writes it once it has read it, as text."""
    assert SOFFICE is not None
    folder.mkdir()
    file = folder / f"file.{sample.kind}"
    file.write_bytes(data)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [SOFFICE, profile, "--headless", "--norestore", "--convert-to", FLAT[sample.kind], file.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stdout + done.stderr, done.stdout + done.stderr
    written = (folder / f"file.{FLAT[sample.kind]}").read_text()
    # Runs that are apart there are one word to readers.
    return re.sub(r"</?(?:text:span|text:a)[^>]*>", "", written.partition("<office:body>")[2])
