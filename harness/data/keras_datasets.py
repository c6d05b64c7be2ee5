"""Datasets that Keras has by name, from a file: given, cached by Keras, or downloaded by Keras.

A file is an ``.npz`` in Keras form called after its dataset, as ``mnist.npz``. KMNIST is in this
form where somebody has made it: Keras does not download it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.core.errors import InputError, first_line
from harness.data.checks import ArraySpec, check_labels, check_specs
from harness.data.dataset import ARRAY_NAMES, Dataset
from harness.data.npz import load_npz

DATA_DIR_VARIABLE = "HARNESS_DATA_DIR"


@dataclass(frozen=True)
class Named:
    """A dataset that has a name. title: as people write it. in_keras: whether Keras downloads it.

    kept: what Keras keeps of a download in its cache, "" for the ``.npz`` itself.
    """

    title: str
    in_keras: bool = True
    kept: str = ""


NAMED = {
    "mnist": Named("MNIST"),
    "fashion_mnist": Named("Fashion-MNIST", kept="fashion-mnist"),
    "kmnist": Named("Kuzushiji-MNIST", in_keras=False),
    "cifar10": Named("CIFAR-10", kept="cifar-10-batches-py-target"),
}


def load_named(name: str, data_dir: Path | None = None) -> Dataset:
    """The dataset ``name`` of NAMED, from the first place that has it.

    The places: ``data_dir``; the folder named by HARNESS_DATA_DIR; Keras's cache; Keras's
    download. A given ``data_dir`` is the only place looked at. Raises InputError if the file is
    wrong, or absent everywhere and the download fails; the line says how to get it.
    """
    path = find_named(name, data_dir)
    if path is not None:
        return load_npz(path, name=name)
    arrays = _download(name)
    specs = {key: ArraySpec(array.dtype, array.shape) for key, array in arrays.items()}
    check_specs(specs, name)
    check_labels(arrays, name)
    return Dataset.from_keras_form(name, arrays, f"{NAMED[name].title}, downloaded by Keras")


def find_named(name: str, data_dir: Path | None = None) -> Path | None:
    """The ``.npz`` that would be read for ``name``, or None if only Keras is left.

    Raises InputError if ``data_dir`` is given and does not hold it, and if Keras does not have
    the dataset either.
    """
    file_name = f"{name}.npz"
    if data_dir is not None:
        path = data_dir / file_name
        if not os.path.exists(path):
            raise InputError(
                f"{data_dir}: no {file_name} there; needed with --data-dir: {_form(name)}"
            )
        return path
    variable = os.environ.get(DATA_DIR_VARIABLE)
    for place in ([Path(variable)] if variable else []) + [_keras_cache()]:
        if os.path.exists(place / file_name):
            return place / file_name
    if not NAMED[name].in_keras:
        raise InputError(f"{_nowhere(name)}; Keras does not have it; {_remedy(name)}")
    return None


def is_downloaded(name: str) -> bool:
    """Whether Keras's cache holds what Keras keeps of ``name``, in a form of its own."""
    kept = NAMED[name].kept
    return bool(kept) and os.path.exists(_keras_cache() / kept)


def _form(name: str) -> str:
    return f"{NAMED[name].title} in Keras form ({', '.join(ARRAY_NAMES)})"


def _nowhere(name: str) -> str:
    return (
        f"{name}: no {name}.npz in {DATA_DIR_VARIABLE} "
        f"({os.environ.get(DATA_DIR_VARIABLE) or 'not set'}), none in {_keras_cache()}"
    )


def _remedy(name: str) -> str:
    return f"pass --data-dir DIR with {name}.npz, {_form(name)}"


def _keras_cache() -> Path:
    """Where Keras keeps downloaded datasets; asked of the environment, not of Keras, for speed."""
    return Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "datasets"


def _download(name: str) -> dict[str, NDArray[Any]]:
    """The four arrays through Keras, which verifies its files; InputError if that fails."""
    import keras

    try:
        # Keras draws its progress on stdout, where a command may be printing JSON.
        with contextlib.redirect_stdout(sys.stderr):
            train, test = getattr(keras.datasets, name).load_data()
    except Exception as error:  # Keras raises a bare Exception for a failed download
        reason = first_line(error)
        raise InputError(
            f"{_nowhere(name)}, and Keras's download failed ({reason}); {_remedy(name)}"
        ) from None
    return dict(zip(ARRAY_NAMES, (*train, *test), strict=True))
