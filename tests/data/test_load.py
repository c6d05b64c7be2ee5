"""Datasets by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.core.errors import InputError
from harness.data.load import load_dataset


def test_a_path_is_read(arrays, save):
    assert load_dataset(str(save(arrays))).name == "made"


def test_a_path_may_start_at_home(arrays, save, monkeypatch):
    monkeypatch.setenv("HOME", str(save(arrays).parent))
    assert load_dataset("~/made.npz").num_classes == 3


@pytest.mark.parametrize("name", ["cifar100", "Digits", "images.npy", "npz", "x" * 5_000, "a\0b"])
def test_another_name_is_refused_with_the_allowed_ones(name):
    with pytest.raises(
        InputError, match=r"allowed: digits, few_digits, mnist, .*, stacked_mnist, or the path of"
    ):
        load_dataset(name)


def test_neither_keras_nor_tensorflow_is_imported(arrays, save):
    code = (
        "import sys; from harness.data import load, scaling; "
        "images = load.load_dataset(sys.argv[1]).x_train; scaling.fit_scaling('minmax', images); "
        "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(save(arrays))], check=False)
    assert done.returncode == 0
