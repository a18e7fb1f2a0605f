"""Marian's binary form, written: what its own converter writes, and what Firefox's adds to it."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

INT8, FLOAT32, INTGEMM8 = 0x101, 0x404, 0x4101
BORDER = 256
Arrays = Mapping[str, NDArray[Any]]


def as_binary(arrays: Arrays, *, int8: bool = True) -> bytes:
    """`arrays` as one file; int8 has the matrices and, as in Firefox, the tables as intgemm8."""
    names = sorted(arrays)
    packed = [_pack(name, arrays[name], int8) for name in names]
    head = struct.pack("<QQ", 1, len(names))
    for name, (kind, shape, data) in zip(names, packed, strict=True):
        head += struct.pack("<QQQQ", len(name.encode()) + 1, kind, len(shape), len(data))
    head += b"".join(name.encode() + b"\0" for name in names)
    head += b"".join(struct.pack(f"<{len(shape)}i", *shape) for _, shape, _ in packed)
    gap = -(len(head) + 8) % BORDER
    return head + struct.pack("<Q", gap) + bytes(gap) + b"".join(data for _, _, data in packed)


def _pack(name: str, array: NDArray[Any], int8: bool) -> tuple[int, tuple[int, ...], bytes]:
    if name.startswith("special:"):
        kind, data = INT8, array.tobytes()
    elif int8 and ("_W" in name[-4:] or "Wemb" in name):
        multiplier = np.float32(127 / np.abs(array).max())
        numbers = np.rint(array * multiplier).astype(np.int8)
        # Padding is whatever was in memory.
        kind, data = INTGEMM8, (numbers if "Wemb" in name else numbers.T).tobytes() + multiplier.tobytes() + b"\x5a"
    else:
        kind, data = FLOAT32, array.astype("<f4").tobytes()
    return kind, array.shape, data + bytes(-len(data) % BORDER)


def add_alphas(arrays: Arrays, limits: Mapping[str, float]) -> dict[str, NDArray[Any]]:
    """`arrays` and, for each name in `limits`, what makes that magnitude 127."""
    return {**arrays, **{f"{name}_QuantMultA": np.array([[127 / limit]], np.float32) for name, limit in limits.items()}}


def write_firefox(folder: Path, arrays: Arrays, vocabulary: Path, pair: str = "deen") -> Path:
    """`folder` with Firefox's files of a model, by their names; the model's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"vocab.{pair}.spm").write_bytes(vocabulary.read_bytes())
    (folder / f"lex.50.50.{pair}.s2t.bin").write_bytes(b"\xf5\x17\x34\x01no model")
    path = folder / f"model.{pair}.intgemm.alphas.bin"
    path.write_bytes(as_binary(arrays))
    return path
