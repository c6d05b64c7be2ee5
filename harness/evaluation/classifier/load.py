"""The reference classifier of a dataset: shipped, cached, or trained once."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.core.errors import InputError
from harness.core.file_lock import file_lock, is_locked
from harness.data.dataset import Dataset
from harness.data.record_file import RecordError
from harness.evaluation.classifier.network import BatchedNetwork, Recipe
from harness.evaluation.classifier.reference import ReferenceClassifier
from harness.evaluation.classifier.training import train_network
from harness.evaluation.classifier.weights_file import (
    Identity,
    read_weights,
    record_of,
    write_weights,
)

RECIPE = Recipe()
"""The recipe of all reference classifiers. After a change, make the shipped files again."""


WEIGHTS = Path(__file__).with_name("weights")


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shipped:
    """A weight file of the package: the key of its ``Identity`` and the sha256 of the file."""

    key: str
    sha256: str


SHIPPED = {
    "digits": Shipped(
        key="9a31cd76672aef0b5267fb6f894506853cd953cca9cfa37b4a0961433d0e3dc7",
        sha256="ece1d53dd736b27c8c7a13703afaa9d034c2ab07ef721898d1d061a27993be30",
    ),
    "mnist": Shipped(
        key="e66e6cefa9563291d7a95de6943957fad8454f689efc9a37d4cd468fc8bd5dd8",
        sha256="7c458f2c664eae57d139c9b4d9d361388563aa12ca7a48a4f7c54734c834fd30",
    ),
}
"""Dataset -> its shipped file, ``weights/<dataset>.npz``. The command prints key and sha256."""


def load_reference(
    dataset: Dataset,
    cache_dir: Path,
    on_progress: Callable[[str], None] | None = None,
    recipe: Recipe = RECIPE,
) -> ReferenceClassifier:
    """The reference classifier of ``dataset``: shipped, else cached, else trained and cached.

    A shipped or cached file is used only for the very dataset (in any order of rows), recipe and
    preprocessing that it was made from. ``on_progress`` is told one line for each thing that
    happens; a cached file that cannot be used is logged as a warning, said, and replaced. Raises
    InputError for a damaged shipped file and for a ``cache_dir`` that cannot be written.
    """
    say = on_progress or log.info
    identity = Identity.of(dataset, recipe)
    for name, shipped in SHIPPED.items():
        if shipped.key == identity.key:
            return _load_shipped(WEIGHTS / f"{name}.npz", shipped.sha256, identity, recipe)
    path = cache_dir / f"{identity.key}.npz"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, say):
            cached = _load_cached(path, identity, recipe, say)
            return cached or train_reference(dataset, path, say, recipe)
    except OSError as error:
        raise InputError(f"cache folder {cache_dir}: {error.strerror or error}") from None


def train_reference(
    dataset: Dataset, path: Path, on_progress: Callable[[str], None], recipe: Recipe
) -> ReferenceClassifier:
    """A classifier trained now, its weight file written to ``path``.

    Its accuracy on the test split is recorded, whatever it is. Raises OSError if ``path`` cannot
    be written.
    """
    on_progress(f"training the reference classifier of {dataset.name}, once for this dataset")
    network = train_network(dataset, recipe, on_progress)
    _, logits = BatchedNetwork(network)(dataset.x_test)
    accuracy = float(np.mean(logits.argmax(axis=1) == dataset.y_test))
    record = record_of(dataset, recipe, accuracy)
    write_weights(path, network, record)
    on_progress(f"reference classifier: {accuracy:.2%} of the test images correct")
    return ReferenceClassifier.of(network, record, _sha256(path))


def _load_shipped(
    path: Path, sha256: str, identity: Identity, recipe: Recipe
) -> ReferenceClassifier:
    try:
        if _sha256(path) != sha256:
            raise RecordError(f"its sha256 is {_sha256(path)}, not {sha256}")
        network, record = read_weights(path, identity, recipe)
    except (OSError, RecordError) as error:
        raise InputError(f"shipped weights {path}: {error}; install the package again") from None
    return ReferenceClassifier.of(network, record, sha256)


def _load_cached(
    path: Path, identity: Identity, recipe: Recipe, say: Callable[[str], None]
) -> ReferenceClassifier | None:
    """The classifier in the cache; None if there is none that may be used."""
    try:
        network, record = read_weights(path, identity, recipe)
    except FileNotFoundError:
        return None
    except RecordError as error:
        message = f"cached reference classifier {path} is not used: {error}; training it again"
        log.warning(message)
        say(message)
        return None
    return ReferenceClassifier.of(network, record, _sha256(path))


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """The lock of ``path``, held until the block ends; whoever needs the same file waits for it."""
    file = path.with_suffix(".lock")
    if is_locked(file):
        say("waiting for another process that trains the same reference classifier")
    with file_lock(file):
        yield


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
