"""Features of a dataset's own images, kept on disk where they take minutes to compute."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.data.dataset import Dataset
from harness.data.record_file import (
    RecordError,
    canonical,
    read_record_file,
    write_record_file,
)
from harness.evaluation.classifier.reference import Extractor

FORMAT = 1


class CachedExtractor:
    """An extractor that remembers the features of real images from one study to the next.

    Only samples that consist of images of ``dataset`` are kept: generated ones do not come again.
    A file is named by the sha256 of the images, the extractor's weights and its preprocessing, and
    used only if it says the same of itself and its checksum holds.
    """

    def __init__(
        self,
        extractor: Extractor,
        dataset: Dataset,
        folder: Path,
        on_progress: Callable[[str], None],
    ) -> None:
        """Keep files in ``folder``; ``on_progress`` is told what takes long and what is wrong."""
        self._extractor = extractor
        self._dataset = dataset
        self._folder = folder
        self._say = on_progress
        self.name = extractor.name
        self.feature_dim = extractor.feature_dim

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What the extractor gives for uint8 ``images`` (N, H, W, C); read from disk if kept.

        Raises InputError if the folder cannot be written.
        """
        if not all(_digest(image) in self._real_images for image in images):
            return self._extractor.features(images)
        identity = self._identity(images)
        path = self._folder / f"features-{hashlib.sha256(canonical(identity)).hexdigest()}.npz"
        kept = self._read(path, identity, len(images))
        if kept is not None:
            return kept
        self._say(f"{self.name} features of {len(images):,} real images, once for this dataset")
        features = self._extractor.features(images)
        try:
            write_record_file(path, {"features": features}, identity)
        except OSError as error:
            raise InputError(f"cache folder {self._folder}: {error.strerror or error}") from None
        return features

    def to_dict(self) -> dict[str, Any]:
        """The extractor's own record."""
        return self._extractor.to_dict()

    def _identity(self, images: NDArray[np.uint8]) -> dict[str, Any]:
        """Everything that decides the features, in this order of the images."""
        content = hashlib.sha256(f"{images.dtype.str} {images.shape}\n".encode())
        content.update(np.ascontiguousarray(images).data)
        return {
            "images": content.hexdigest(),
            "extractor": self._extractor.to_dict(),
            "format": FORMAT,
        }

    def _read(self, path: Path, identity: dict[str, Any], count: int) -> NDArray[np.float64] | None:
        """The features in ``path``; None if there are none that may be used."""
        try:
            arrays, record = read_record_file(path)
            features = arrays.get("features")
            if record != identity:
                raise RecordError("it was made from other images or another extractor")
            if features is None or features.shape != (count, self.feature_dim):
                raise RecordError("it holds no features of these images")
        except FileNotFoundError:
            return None
        except RecordError as error:
            self._say(f"cached features {path} are not used: {error}; computing them again")
            return None
        return np.asarray(features, np.float64)

    @cached_property
    def _real_images(self) -> frozenset[bytes]:
        splits = (self._dataset.x_train, self._dataset.x_test)
        return frozenset(_digest(image) for images in splits for image in images)


def _digest(image: NDArray[np.uint8]) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(image).data).digest()
