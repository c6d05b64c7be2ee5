"""MNIST from ``mnist.npz``: given, cached by Keras, or downloaded by Keras, in this order."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from harness.core.errors import InputError, first_line
from harness.data.dataset import Dataset
from harness.data.npz import load_npz

FILE_NAME = "mnist.npz"
DATA_DIR_VARIABLE = "HARNESS_DATA_DIR"


def load_mnist(data_dir: Path | None = None) -> Dataset:
    """MNIST as uint8 (N, 28, 28, 1), from the first place that has it.

    The places: ``data_dir``; the directory named by HARNESS_DATA_DIR; Keras's cache; Keras's
    download. A given ``data_dir`` is the only place looked at. Raises InputError if the file is
    wrong, or absent everywhere and the download fails; the line says how to get it.
    """
    path = find_mnist(data_dir)
    if path is not None:
        return load_npz(path, name="mnist")
    return Dataset.from_keras_form("mnist", _download(), "MNIST, downloaded by Keras")


def find_mnist(data_dir: Path | None = None) -> Path | None:
    """The ``mnist.npz`` that would be read, or None if only a download is left.

    Raises InputError if ``data_dir`` is given and does not hold it.
    """
    if data_dir is not None:
        path = data_dir / FILE_NAME
        if not os.path.exists(path):
            raise InputError(f"{data_dir}: no {FILE_NAME} there; needed with --data-dir: {_FORM}")
        return path
    variable = os.environ.get(DATA_DIR_VARIABLE)
    for place in ([Path(variable)] if variable else []) + [_keras_cache()]:
        if os.path.exists(place / FILE_NAME):
            return place / FILE_NAME
    return None


_FORM = "MNIST in Keras form (x_train, y_train, x_test, y_test)"


def _keras_cache() -> Path:
    """Where Keras keeps downloaded datasets; asked of the environment, not of Keras, for speed."""
    return Path(os.environ.get("KERAS_HOME") or os.path.expanduser("~/.keras")) / "datasets"


def _download() -> dict[str, NDArray[Any]]:
    """MNIST's four arrays through Keras, which verifies their file; InputError if that fails."""
    import keras

    try:
        # Keras draws its progress on stdout, where a command may be printing JSON.
        with contextlib.redirect_stdout(sys.stderr):
            train, test = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception for a failed download
        reason = first_line(error)
        raise InputError(
            f"mnist: no {FILE_NAME} in {DATA_DIR_VARIABLE} "
            f"({os.environ.get(DATA_DIR_VARIABLE) or 'not set'}), none in {_keras_cache()}, and "
            f"Keras's download failed ({reason}); pass --data-dir DIR with {FILE_NAME}, {_FORM}"
        ) from None
    return {"x_train": train[0], "y_train": train[1], "x_test": test[0], "y_test": test[1]}
