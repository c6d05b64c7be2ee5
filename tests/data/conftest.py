"""A small correct file in Keras form, for tests to damage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.data.npz import load_npz

Arrays = dict[str, NDArray[Any]]


@pytest.fixture
def arrays() -> Arrays:
    """30 training and 12 test images of 3 classes, uint8, Keras's labels uint8."""
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (30, 28, 28), dtype=np.uint8),
        "y_train": np.arange(30, dtype=np.uint8) % 3,
        "x_test": rng.integers(0, 256, (12, 28, 28), dtype=np.uint8),
        "y_test": np.arange(12, dtype=np.uint8) % 3,
    }


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Arrays], Path]:
    """A function that writes arrays to an ``.npz`` file and returns its path."""

    def write(arrays: Arrays) -> Path:
        path = tmp_path / "made.npz"
        np.savez_compressed(path, **arrays)
        return path

    return write


@pytest.fixture
def refusal() -> Callable[[Path], str]:
    """A function that returns the one line with which a file is refused."""

    def read(path: Path) -> str:
        with pytest.raises(InputError) as caught:
            load_npz(path)
        line = str(caught.value)
        assert line.startswith(f"{path}: ")
        assert "\n" not in line
        return line

    return read
