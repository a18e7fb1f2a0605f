"""Files that others wrote, read with distrust: nothing is unpickled but tensors, and what is no such file is told."""

import hashlib
import json
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from export.errors import ExportError

POINTER = b"version https://git-lfs"


def check_file(path: Path) -> Path:
    """`path`, if it is a file with content of its own.

    Raises:
        ExportError: it is missing, empty, or a pointer that Git LFS left in its place.
    """
    if not path.is_file():
        raise ExportError(f"there is no {path.name} in {path.parent}")
    with path.open("rb") as file:
        head = file.read(len(POINTER))
    if head == POINTER:
        raise ExportError(f"{path} is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`")
    if not head:
        raise ExportError(f"{path} is empty; fetch it again")
    return path


def hash_files(paths: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of each of `paths` by its name."""
    found = {}
    for path in paths:
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def read_text(path: Path) -> str:
    """The text of the file `path`.

    Raises:
        ExportError: it is missing, or not UTF-8.
    """
    try:
        return check_file(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{path} cannot be read as UTF-8 text: {error}") from None


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in the file `path`.

    Raises:
        ExportError: it is missing, or something else.
    """
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ExportError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(data, dict):
        raise ExportError(f"{path} holds no JSON object")
    return data


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of the npz file `path`, by name.

    Raises:
        ExportError: it is missing, cut off, or holds pickled objects, which are never read.
    """
    try:
        # numpy leaves a damaged file that it opened itself open.
        with check_file(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ExportError(
            f"{path} cannot be read as npz arrays ({error}); it is cut off, damaged, or holds pickled objects"
        ) from None


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a .safetensors file or of a PyTorch .bin file, as float32.

    Raises:
        ExportError: it is missing, cut off, or holds anything but tensors.
    """
    try:
        tensors = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
        return {name: tensor.to(torch.float32).numpy() for name, tensor in tensors.items()}
    except (OSError, SafetensorError, RuntimeError, ValueError, TypeError, EOFError, AttributeError) as error:
        raise ExportError(f"{path} cannot be read as tensors: {error}; is it whole?") from None
    except pickle.UnpicklingError:
        raise ExportError(f"{path} holds more than tensors, which may be a program; it is not read") from None


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(check_file(path), framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  it is no mapping


def _read_pickle(path: Path) -> Mapping[str, torch.Tensor]:
    loaded = torch.load(check_file(path), map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict) or not all(isinstance(each, torch.Tensor) for each in loaded.values()):
        raise TypeError("it holds no table of tensors")
    return loaded
