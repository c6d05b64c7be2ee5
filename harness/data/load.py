"""Datasets by name: what ``TrialConfig.dataset`` may say."""

from __future__ import annotations

import os
from pathlib import Path

from harness.core.errors import InputError
from harness.data.dataset import Dataset
from harness.data.digits import load_digits, load_few_digits
from harness.data.mnist import load_mnist
from harness.data.npz import load_npz
from harness.data.stacked_mnist import stack_digits


def load_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """The dataset ``name``, one of those in the error below or the path of an ``.npz`` file.

    ``data_dir`` is where ``mnist.npz`` is looked for. Raises InputError for any other name and for
    whatever is wrong with a file.
    """
    if name == "digits":
        return load_digits()
    if name == "few_digits":
        return load_few_digits()
    if name == "mnist":
        return load_mnist(data_dir)
    if name == "stacked_mnist":
        return stack_digits(load_mnist(data_dir))
    if name.lower().endswith(".npz"):
        return load_npz(Path(os.path.expanduser(name)))
    raise InputError(
        f"unknown dataset {name!r}; "
        "allowed: digits, few_digits, mnist, stacked_mnist, or the path of an .npz file"
    )
