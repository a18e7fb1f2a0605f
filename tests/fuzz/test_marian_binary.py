"""Binary models of Marian's that somebody damaged or made up: tensors, or a refusal in words; never more memory."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.errors import ExportError
from export.sources.marian_binary import read_binary
from tests.export.sources.firefox import as_binary
from tests.fuzz.amount import count, fuzz
from tests.fuzz.made_up import mutated

pytestmark = pytest.mark.unmeasured

CONTENT = as_binary(
    {
        "Wemb": np.ones((9, 4), np.float32),
        "encoder_l1_self_Wq": np.ones((4, 6), np.float32),
        "encoder_l1_self_bq": np.ones((1, 6), np.float32),
        "special:model.yml": np.frombuffer(b"type: transformer\0", np.int8),
    }
)
# Where lengths, types and shapes stand.
HEAD = len(CONTENT) - 4 * 256
NUMBERS = [0, 1, 2, 255, 256, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("binary") / "model.bin"


def read(path: Path, content: bytes) -> None:
    count()
    path.write_bytes(content)
    try:
        found = read_binary(path)
    except ExportError:
        return
    assert sum(array.nbytes for array in found.values()) <= 4 * len(content)


@fuzz(150)
@given(data=st.data())
def test_numbers_of_the_head(path: Path, data: st.DataObject) -> None:
    changed = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(1, 3))):
        width = data.draw(st.sampled_from([4, 8]))
        place = data.draw(st.integers(0, HEAD // 4 - 2)) * 4
        number = data.draw(st.sampled_from(NUMBERS) | st.integers(0, 2**64 - 1))
        changed[place : place + width] = (number % 2 ** (8 * width)).to_bytes(width, "little")
    read(path, bytes(changed))


@fuzz(150)
@given(content=mutated(CONTENT))
def test_bytes_anywhere(path: Path, content: bytes) -> None:
    read(path, content)


@fuzz(50)
@given(content=st.binary(max_size=400))
def test_made_up(path: Path, content: bytes) -> None:
    read(path, content)
    read(path, (1).to_bytes(8, "little") + content)


def test_every_cut(path: Path) -> None:
    for length in range(len(CONTENT)):
        path.write_bytes(CONTENT[:length])
        with pytest.raises(ExportError):
            read_binary(path)
