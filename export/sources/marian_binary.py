"""Marian's binary form of a model, as Firefox and Bergamot have it: one file of tensors, read with distrust.

All numbers are little-endian, lengths uint64: the version, 1; the number of tensors; for each of them the length of
its name, its type, the length of its shape and the bytes of its data; all names, which end with NUL; all shapes, int32;
how many bytes follow up to a border of 256; the data of each. What an int8 matrix is multiplied with comes right after
its numbers.

Sources: marian-dev, src/common/binary.cpp and types.h; browsermt's marian-dev, expression_graph_packable.h.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.errors import ExportError
from export.sources.files import check_file

VERSION = 1
PLAIN: dict[int, str] = {0x101: "<i1", 0x104: "<i4", 0x402: "<f2", 0x404: "<f4"}
# Of browsermt's Marian and of the main one: a matrix of any processor's, and not packed for one of them.
INTGEMM8 = (0x4101, 0x10001)
MAX_RANK = 8
# Below it what a number stands for would be past float32.
LEAST_MULTIPLIER = 1e-30
# A table is looked up row by row, so that it stays as it is; other matrices are kept [out, in].
TABLE = "Wemb"


@dataclass(frozen=True)
class _Header:
    name_length: int
    type: int
    rank: int
    num_bytes: int


class _Cursor:
    """A place in `content`; whatever goes past its end is refused."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0

    def take(self, num_bytes: int, what: str) -> bytes:
        """The next bytes."""
        left = len(self._content) - self.place
        if num_bytes > left:
            raise ExportError(f"{what} would have {num_bytes} bytes and {left} are left; it is cut off or damaged")
        self.place += num_bytes
        return self._content[self.place - num_bytes : self.place]

    def numbers(self, form: str, count: int, what: str) -> tuple[int, ...]:
        """The next `count` numbers of a form that `struct` knows."""
        return struct.unpack(f"<{count}{form}", self.take(count * struct.calcsize(f"<{form}"), what))

    @property
    def left(self) -> int:
        return len(self._content) - self.place


def read_binary(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of the file `path` by name; int8 matrices as the float32 numbers that they stand for, [in, out].

    Raises:
        ExportError: it is missing, cut off or damaged, or packed for one kind of processor.
    """
    content = check_file(path).read_bytes()
    try:
        return dict(_read_tensors(_Cursor(content)))
    except ExportError as error:
        raise ExportError(f"{path} cannot be read as a binary model of Marian's: {error}") from None


def _read_tensors(cursor: _Cursor) -> Iterator[tuple[str, NDArray[Any]]]:
    version, count = cursor.numbers("Q", 2, "the file's head")
    if version != VERSION:
        raise ExportError(f"its version is {version}, and only {VERSION} is known; is it another kind of file?")
    headers = [_Header(*cursor.numbers("Q", 4, f"the head of tensor {i + 1} of {count}")) for i in range(count)]
    names = [_read_name(cursor, header, number) for number, header in enumerate(headers, 1)]
    if len(set(names)) < len(names):
        raise ExportError("two of its tensors have one name")
    shapes = [_read_shape(cursor, header, name) for header, name in zip(headers, names, strict=True)]
    [gap] = cursor.numbers("Q", 1, "the offset of the data")
    cursor.take(gap, "what comes before the data")
    for header, name, shape in zip(headers, names, shapes, strict=True):
        yield name, _read_array(cursor.take(header.num_bytes, f"tensor {name}"), header.type, name, shape)
    if cursor.left:
        raise ExportError(f"{cursor.left} bytes follow the last tensor; it is damaged")


def _read_name(cursor: _Cursor, header: _Header, number: int) -> str:
    name = cursor.take(header.name_length, f"the name of tensor {number}").rstrip(b"\0")
    try:
        return name.decode("utf-8")
    except UnicodeDecodeError:
        raise ExportError(f"the name of tensor {number} is not UTF-8; it is damaged") from None


def _read_shape(cursor: _Cursor, header: _Header, name: str) -> tuple[int, ...]:
    if not 1 <= header.rank <= MAX_RANK:
        raise ExportError(f"tensor {name} has {header.rank} axes, and 1 to {MAX_RANK} are possible; it is damaged")
    shape = cursor.numbers("i", header.rank, f"the shape of tensor {name}")
    if min(shape) < 1:
        raise ExportError(f"tensor {name} has the shape {list(shape)}, and no axis is shorter than 1; it is damaged")
    return shape


def _read_array(data: bytes, kind: int, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    size = math.prod(shape)
    if kind in INTGEMM8:
        return _read_matrix(data, name, shape, size)
    if kind not in PLAIN:
        raise ExportError(
            f"tensor {name} is of type {kind:#x}, which is unknown or made for one kind of processor; convert the "
            "model anew with --gemm-type float32 or intgemm8"
        )
    return np.frombuffer(_first(data, size * np.dtype(PLAIN[kind]).itemsize, name), PLAIN[kind]).reshape(shape)


def _read_matrix(data: bytes, name: str, shape: tuple[int, ...], size: int) -> NDArray[np.float32]:
    """What an intgemm8 tensor stands for: its numbers over the multiplier, which follows them."""
    head = _first(data, size + 4, name)
    [multiplier] = struct.unpack("<f", head[size:])
    # A matrix of zeros has an infinite one.
    if not multiplier > LEAST_MULTIPLIER or len(shape) != 2:
        raise ExportError(
            f"tensor {name} is int8, {list(shape)}, with the multiplier {multiplier:g}; it must be a matrix with one "
            f"above {LEAST_MULTIPLIER:g}"
        )
    numbers = np.frombuffer(head, np.int8, size).astype(np.float32) / np.float32(multiplier)
    return numbers.reshape(shape) if TABLE in name else numbers.reshape(shape[::-1]).T


def _first(data: bytes, num_bytes: int, name: str) -> bytes:
    if num_bytes > len(data):
        raise ExportError(
            f"tensor {name} has {len(data)} bytes, and its shape and type need {num_bytes}; it is damaged"
        )
    return data[:num_bytes]
