"""Arrays with a record of what they are, in one file that cannot be altered or cut unnoticed.

A file is an ``.npz`` without pickles: the arrays by name, and ``record``, a JSON text. The record's
``checksum`` covers the arrays and everything else in the record.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import HarnessError

_RECORD = "record"


class RecordError(HarnessError):
    """A file that must not be used; the text says why."""


def write_record_file(
    path: Path, arrays: Mapping[str, NDArray[Any]], record: Mapping[str, Any]
) -> None:
    """Write ``path`` whole or not at all; the same arrays and record give the same bytes.

    ``record``: plain types, without a ``checksum``. No array is called ``record``. The content is
    on the disk before the name is: a power cut leaves the old file or the new one. A process that
    is killed midway leaves a file called ``path``'s name, something, ``.tmp`` beside it.
    """
    described = {**record, "checksum": _checksum(arrays, record)}
    content: dict[str, Any] = {**arrays, _RECORD: np.array(json.dumps(described, sort_keys=True))}
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would hide a shared cache from other users
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_record_file(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the record in ``path``.

    Raises FileNotFoundError if there is no file, RecordError if it is not whole and unaltered.
    """
    arrays, described = _read(path)
    checksum = described.pop("checksum", None)
    if checksum != _checksum(arrays, described):
        raise RecordError("its checksum does not match its content")
    return arrays, described


def canonical(value: Mapping[str, Any]) -> bytes:
    """``value`` as JSON whose bytes do not depend on the order of its keys."""
    return json.dumps(value, sort_keys=True).encode()


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    try:
        content = io.BytesIO(path.read_bytes())  # NumPy leaves a damaged file open
        with np.load(content, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        described = json.loads(str(arrays.pop(_RECORD)))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise RecordError(f"it cannot be read ({type(error).__name__})") from None
    except (zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise RecordError(f"it is damaged ({error})") from None
    if not isinstance(described, dict):
        raise RecordError("its record is not a table")
    return arrays, described


def _checksum(arrays: Mapping[str, NDArray[Any]], described: Mapping[str, Any]) -> str:
    """The sha256 of the record and of each array's name, type, shape and bytes, names sorted."""
    digest = hashlib.sha256(canonical(described))
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()
