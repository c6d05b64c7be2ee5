"""Datasets by name: what ``TrialConfig.dataset`` may say."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from harness.core.errors import InputError, guess
from harness.data.dataset import Dataset
from harness.data.digits import load_digits, load_few_digits
from harness.data.images.folder import check_folder, load_folder
from harness.data.images.resize import resized
from harness.data.keras_datasets import NAMED, find_named, is_downloaded, load_named
from harness.data.npz import load_npz
from harness.data.stacked_mnist import stack_digits

NAMES = ("digits", "few_digits", *NAMED, "stacked_mnist")
"""Datasets that have a name; any other is a path."""


LICENCES = {
    "digits": "CC BY 4.0 (UCI, Optical Recognition of Handwritten Digits)",
    "few_digits": "CC BY 4.0 (UCI, Optical Recognition of Handwritten Digits)",
    "mnist": "CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. Burges)",
    "stacked_mnist": "CC BY-SA 3.0 (Y. LeCun, C. Cortes, C. Burges)",
    "fashion_mnist": "MIT (Zalando SE)",
    "kmnist": "CC BY-SA 4.0 (ROIS-DS Center for Open Data in the Humanities)",
}
"""Dataset -> its licence, as its makers or Keras state it; CIFAR-10 states none."""


def load_dataset(
    name: str,
    data_dir: Path | None = None,
    side: int = 0,
    cache_dir: Path | None = None,
    on_progress: Callable[[str], None] = lambda line: None,
) -> Dataset:
    """The dataset ``name``: one of NAMES, or the path of an ``.npz`` file or a folder of images.

    ``data_dir``: where the files of NAMES are looked for. ``side``: of the square images, to which
    they are resized; 0 leaves them as they are. ``cache_dir``: where a folder's decoded images are
    kept. ``on_progress`` is told one line now and then. Raises InputError for any other name and
    for whatever is wrong with a file.
    """
    if name == "digits":
        dataset = load_digits()
    elif name == "few_digits":
        dataset = load_few_digits()
    elif name == "stacked_mnist":
        return stack_digits(_sized(load_named("mnist", data_dir), side))
    elif name in NAMED:
        dataset = load_named(name, data_dir)
    elif os.path.isdir(path := _path(name)):
        return load_folder(path, cache_dir, side, on_progress)
    elif path.suffix.lower() == ".npz":
        dataset = load_npz(path)
    else:
        raise _unknown(name)
    return _sized(dataset, side)


def check_available(name: str, data_dir: Path | None = None) -> str | None:
    """What stands in the way of ``load_dataset``, found without reading images; None if nothing.

    Raises InputError for what cannot be had, as ``load_dataset`` does; returns one line for what
    would have to be downloaded first.
    """
    if name in ("digits", "few_digits"):
        return None
    source = "mnist" if name == "stacked_mnist" else name
    if source in NAMED:
        if find_named(source, data_dir) or is_downloaded(source):
            return None
        return f"{source}: not on this machine; Keras will download it"
    if os.path.isdir(path := _path(name)):
        check_folder(path)
    elif path.suffix.lower() != ".npz":
        raise _unknown(name)
    elif not os.path.exists(path):
        raise InputError(f"{path}: no such file")
    return None


def _path(name: str) -> Path:
    return Path(os.path.expanduser(name))


def _sized(dataset: Dataset, side: int) -> Dataset:
    return resized(dataset, side) if side else dataset


def _unknown(name: str) -> InputError:
    return InputError(
        f"unknown dataset {name!r}; allowed: {', '.join(NAMES)}, or the path of an .npz file or a "
        f"folder of images.{guess(name.lower(), NAMES)}"
    )
