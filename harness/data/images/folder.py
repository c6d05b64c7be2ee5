"""A folder of images as a dataset: a class for each subfolder, decoded once.

``FOLDER/CLASS/...`` or ``FOLDER/train/CLASS/...`` beside ``FOLDER/test/CLASS/...``; images that lie
in the folder itself are one class. What is decoded is kept under the content of the files.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.core.file_lock import file_lock
from harness.data.checks import MAX_CLASSES, SIZES
from harness.data.dataset import Dataset
from harness.data.images.decode import FORMATS, decode, image_size
from harness.data.images.resize import square
from harness.data.record_file import RecordError, read_record_file, write_record_file

DEFAULT_SIZE = 32
"""Side of the images where the files have no common one that the models take."""

TEST_SHARE = 0.3
SPLIT_SEED = 0
"""Share and seed of the split, the same for every study, so that scores compare."""

MIN_IMAGES = 50
MAX_BYTES = 4 * 1024**3
"""Fewest images of a folder; most that its decoded images may take, in bytes."""

_OTHER_IMAGES = {".avif", ".bmp", ".gif", ".heic", ".ico", ".jp2", ".jxl", ".tga", ".tif", ".tiff"}
_REPORT_EVERY = 5_000
_REVISION = 1  # raised when the same files give other pixels or another split


@dataclass(frozen=True)
class _File:
    """One image file: where it is, its class, and its split, "" where none is given."""

    path: Path
    label: int
    split: str


def load_folder(
    folder: Path,
    cache_dir: Path | None = None,
    side: int = 0,
    on_progress: Callable[[str], None] = lambda line: None,
) -> Dataset:
    """The images in ``folder`` as uint8 (N, side, side, C), C = 1 where all of them are grey.

    ``side`` 0 takes the size that all files have, if the models take it, else DEFAULT_SIZE. Without
    ``train`` and ``test``, 30 % of each class are the test split, the same ones every time. Hidden
    files and those that are no images are left alone, links to folders are not followed. The arrays
    are kept in ``cache_dir``. Raises InputError, one line that names the file or folder, for
    everything that is wrong with them.
    """
    files, classes = _find(folder)
    side = side or _common_size(files)
    size = len(files) * side * side * 3
    if size > MAX_BYTES:
        raise InputError(
            f"{folder}: {len(files):,} images of {side}x{side} take {size / 1024**3:,.1f} GiB; "
            f"allowed: {MAX_BYTES // 1024**3} GiB"
        )
    if cache_dir is None:
        arrays = _decode_all(files, side, on_progress)
    else:
        arrays = _cached(folder, files, side, cache_dir, on_progress)
    source = f"{len(files):,} images of a folder, at {side}x{side}, classes {_named(classes)}"
    return Dataset.from_keras_form(folder.resolve().name or "images", arrays, source)


def check_folder(folder: Path) -> int:
    """How many images ``folder`` holds, none of them opened; InputError if it is no dataset."""
    return len(_find(folder)[0])


def _find(folder: Path) -> tuple[list[_File], list[str]]:
    """The image files of ``folder`` in the order of their paths, and the names of the classes."""
    try:
        names = {entry.name for entry in os.scandir(folder) if entry.is_dir()}
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {error.strerror}") from None
    splits = ("train", "test") if {"train", "test"} <= names else ("",)
    found = {split: _by_class(folder / split) for split in splits}
    classes = sorted({name for split in found.values() for name in split})
    num_images = sum(len(paths) for split in found.values() for paths in split.values())
    for split, by_class in found.items():
        _check_classes(folder / split, by_class, num_images)
        if absent := sorted(set(classes) - set(by_class)):
            raise InputError(f"{folder / split}: no images of the class {absent[0]!r}")
    files = [
        _File(path, classes.index(name), split)
        for split, by_class in found.items()
        for name in classes
        for path in by_class[name]
    ]
    return files, classes


def _by_class(folder: Path) -> dict[str, list[Path]]:
    """Class -> its image files, sorted; "" for those that lie in ``folder`` itself."""
    found: dict[str, list[Path]] = {}
    for root, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        inside = Path(root).relative_to(folder).parts
        for name in sorted(name for name in names if not name.startswith(".")):
            suffix = Path(name).suffix.lower()
            if suffix in _OTHER_IMAGES:
                allowed = ", ".join(FORMATS)
                raise InputError(f"{Path(root) / name}: images of a dataset are {allowed}")
            if suffix in FORMATS:
                found.setdefault(inside[0] if inside else "", []).append(Path(root) / name)
    return found


def _check_classes(folder: Path, by_class: dict[str, list[Path]], num_images: int) -> None:
    if num_images < MIN_IMAGES or not by_class:
        raise InputError(
            f"{folder}: {num_images} images ({', '.join(FORMATS)}); needed: at least {MIN_IMAGES}, "
            "in a subfolder for each class, or all in the folder itself"
        )
    if "" in by_class and len(by_class) > 1:
        other = min(name for name in by_class if name)
        raise InputError(
            f"{folder}: images beside the folders of classes: {by_class[''][0].name} and {other}/"
        )
    if len(by_class) > MAX_CLASSES:
        raise InputError(f"{folder}: {len(by_class):,} classes; allowed: 1 to {MAX_CLASSES:,}")


def _common_size(files: Sequence[_File]) -> int:
    sizes = {image_size(file.path) for file in files}
    width, height = sizes.pop()
    return width if not sizes and width == height and width in SIZES else DEFAULT_SIZE


def _cached(
    folder: Path,
    files: Sequence[_File],
    side: int,
    cache_dir: Path,
    on_progress: Callable[[str], None],
) -> dict[str, NDArray[Any]]:
    """The four arrays from the cache; decoded and written there if they are not in it."""
    path = cache_dir / "images" / f"{_key(folder, files, side)}.npz"
    with file_lock(path.with_suffix(".lock")):
        try:
            return read_record_file(path)[0]
        except FileNotFoundError:
            pass
        except RecordError as error:
            on_progress(f"{path}: {error}; the images are decoded again")
        arrays = _decode_all(files, side, on_progress)
        try:
            write_record_file(path, arrays, {"side": side, "revision": _REVISION})
        except OSError as error:
            raise InputError(f"cache folder {cache_dir}: {error.strerror or error}") from None
        return arrays


def _key(folder: Path, files: Sequence[_File], side: int) -> str:
    """The sha256 of what decides the arrays: names, classes, splits and bytes of the files."""
    digest = hashlib.sha256(f"{_REVISION} {side}\n".encode())
    for file in files:
        try:
            content = hashlib.sha256(file.path.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{file.path}: cannot be read: {error.strerror}") from None
        name = os.fsencode(file.path.relative_to(folder))
        digest.update(f"{file.label} {file.split} {content} ".encode() + name + b"\n")
    return digest.hexdigest()


def _decode_all(
    files: Sequence[_File], side: int, on_progress: Callable[[str], None]
) -> dict[str, NDArray[Any]]:
    """The four arrays of ``files``: uint8 (N, side, side, C) and int64 (N,) of both splits."""
    pixels = np.empty((len(files), side, side, 3), np.uint8)
    for index, file in enumerate(files):
        if index % _REPORT_EVERY == 0 and len(files) > _REPORT_EVERY:
            on_progress(f"images: {index:,} of {len(files):,} decoded")
        pixels[index] = np.asarray(square(decode(file.path), side))
    if (pixels == pixels[..., :1]).all():
        pixels = np.ascontiguousarray(pixels[..., :1])
    labels = np.array([file.label for file in files], np.int64)
    in_test = _test_rows(files, labels)
    return {
        "x_train": pixels[~in_test],
        "y_train": labels[~in_test],
        "x_test": pixels[in_test],
        "y_test": labels[in_test],
    }


def _test_rows(files: Sequence[_File], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which files are the test split, (N,): those that lie there, else a share of each class."""
    if files[0].split:
        return np.array([file.split == "test" for file in files])
    rng, chosen = np.random.default_rng(SPLIT_SEED), np.zeros(len(files), bool)
    for label, count in sorted(Counter(labels.tolist()).items()):
        rows = rng.permutation(np.flatnonzero(labels == label))
        chosen[rows[: round(TEST_SHARE * count)]] = True
    return chosen


def _named(classes: list[str]) -> str:
    names = [name or "(none)" for name in classes[:8]]
    return ", ".join(names) + (f", ... ({len(classes)} in all)" if len(classes) > 8 else "")
