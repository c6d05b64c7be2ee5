"""Reading an ``.npz`` file in Keras form, from anyone: refused by its headers wherever possible.

A small zip file can declare arrays of any size. So the header of each array is read first, and no
value is decompressed before their total size has passed. Nothing is unpickled.
"""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from harness.core.errors import InputError, first_line
from harness.data.checks import ArraySpec, check_image_type, check_labels, check_specs
from harness.data.dataset import ARRAY_NAMES, Dataset

MAX_BYTES = 4 * 1024**3
"""Most that the four arrays of a file may take uncompressed, in bytes."""

_MAX_LISTED = 8  # keys named in a message
_GIB = 1024**3


def load_npz(path: Path, name: str | None = None) -> Dataset:
    """The dataset in the ``.npz`` file at ``path``, named ``name`` or after the file.

    The file holds x_train, y_train, x_test and y_test as ``checks.check_specs`` and
    ``checks.check_labels`` describe them; further arrays are left alone. Raises InputError, one
    line that starts with the path, for everything that is wrong with it.
    """
    arrays = read_keras_form(path)
    return Dataset.from_keras_form(name or path.stem, arrays, f"{path.name}, a file in Keras form")


def read_keras_form(path: Path) -> dict[str, NDArray[Any]]:
    """The four checked arrays of the ``.npz`` file at ``path``; InputError if anything is wrong."""
    where = str(path)
    with _named_faults(where):
        if path.is_dir():
            raise InputError(f"{where}: is a directory; needed: an .npz file")
        if path.exists() and not path.is_file():
            raise InputError(f"{where}: is not a regular file; needed: an .npz file")
        with zipfile.ZipFile(path) as archive:
            specs = _read_specs(archive, where)
            _check_images_or_nan(archive, specs, where)
            check_specs(specs, where)
            arrays = {key: _read_array(archive, key) for key in ARRAY_NAMES}
    check_labels(arrays, where)
    return arrays


@contextmanager
def _named_faults(where: str) -> Iterator[None]:
    """Turn what the zip and npy readers raise on a bad file into one InputError."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"{where}: cannot be read: {error.strerror or first_line(error)}"
        ) from None
    except MemoryError:
        raise InputError(f"{where}: its arrays do not fit into this machine's memory") from None
    except _DAMAGE as error:
        raise InputError(f"{where}: damaged, or not an .npz file: {first_line(error)}") from None


_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,  # an encrypted member, or NotImplementedError: an unknown compression
)


def _read_specs(archive: zipfile.ZipFile, where: str) -> dict[str, ArraySpec]:
    """Type and shape of the four arrays from their headers; InputError if absent or absurd."""
    present = sorted(member.removesuffix(".npy") for member in archive.namelist())
    missing = [key for key in ARRAY_NAMES if f"{key}.npy" not in archive.NameToInfo]
    if missing:
        raise InputError(f"{where}: {', '.join(missing)} missing; the file holds {_keys(present)}")
    specs, header_bytes = {}, {}
    for key in ARRAY_NAMES:
        with archive.open(f"{key}.npy") as member:
            specs[key] = _read_header(member, f"{where}: {key}")
            header_bytes[key] = member.tell()
    total = sum(spec.num_bytes for spec in specs.values())
    if total > MAX_BYTES:
        raise InputError(
            f"{where}: its arrays declare {total / _GIB:,.1f} GiB; "
            f"allowed: {MAX_BYTES // _GIB} GiB in all"
        )
    for key, spec in specs.items():
        stored = archive.getinfo(f"{key}.npy").file_size - header_bytes[key]
        if stored != spec.num_bytes:
            raise InputError(
                f"{where}: {key} declares {spec.num_bytes:,} bytes of values, but has {stored:,}"
            )
    return specs


def _keys(present: list[str]) -> str:
    names = [repr(key) for key in present[:_MAX_LISTED]]
    if len(present) > _MAX_LISTED:
        names.append(f"... ({len(present)} in all)")
    return ", ".join(names) or "nothing"


def _read_header(member: IO[bytes], where: str) -> ArraySpec:
    """The declared type and shape of one ``.npy`` member; no value is read."""
    major, minor = npy.read_magic(member)
    if (major, minor) != (1, 0):
        # Later formats allow headers of 4 GiB, and numpy reads them whole. Plain arrays need none.
        raise InputError(f"{where} is in npy format {major}.{minor}; allowed: 1.0")
    try:
        shape, _, dtype = npy.read_array_header_1_0(member)
    except (TypeError, LookupError, SyntaxError, tokenize.TokenError):
        # The header is a Python literal, and a literal of another kind trips numpy's reader.
        raise InputError(f"{where} has a damaged header") from None
    if dtype.hasobject:
        raise InputError(f"{where} holds Python objects; they are never unpickled")
    if any(length < 0 for length in shape):
        raise InputError(f"{where} declares the shape {shape}")
    return ArraySpec(dtype, tuple(int(length) for length in shape))


def _check_images_or_nan(archive: zipfile.ZipFile, specs: dict[str, ArraySpec], where: str) -> None:
    """InputError for images that are not uint8; it says so if there are NaN among floats."""
    for key in ("x_train", "x_test"):
        if specs[key].dtype.kind == "f":
            num_nan = int(np.isnan(_read_array(archive, key)).sum())
            if num_nan:
                raise InputError(
                    f"{where}: {key} is {specs[key].dtype} and holds {num_nan:,} NaN; "
                    "allowed: uint8 pixels in [0, 255]"
                )
        check_image_type(key, specs[key], where)


def _read_array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    """The values of one member; reading it to its end, as here, verifies its checksum."""
    with archive.open(f"{key}.npy") as member:
        array: NDArray[Any] = npy.read_array(member, allow_pickle=False)
    return array
