"""Features of Keras's InceptionV3, from a weight file.

Not the network of published Inception FIDs: that one is a conversion of another training of the
same architecture, with other resizing, and values do not compare with it.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.core.spec.extractor_spec import INCEPTION_WEIGHTS, ExtractorSpec

SIDE = 299  # Szegedy et al. 2016, section 6: the size that the network was trained on
BATCH = 32
"""Images per compiled call: 299x299 activations of more would not fit beside a training."""

PREPROCESSING = (
    "uint8 NHWC, one channel repeated to three, resized to 299x299 (bilinear, half-pixel centres, "
    "no antialiasing), x / 127.5 - 1"
)


_NOT_WEIGHTS = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    UserWarning,
    zipfile.BadZipFile,
)
"""What Keras, h5py and zipfile raise for a file of something else."""


class InceptionExtractor:
    """Average-pooled last activations of InceptionV3 (Szegedy et al. 2016), 2,048 numbers."""

    name = "inception"
    feature_dim = 2048

    def __init__(self, path: Path, image_shape: tuple[int, int, int]) -> None:
        """Load the weights at ``path`` for images (H, W, C), C in {1, 3}; see ``load_network``."""
        self._sha256 = ExtractorSpec(self.name, str(path)).weights_sha256()
        self._network = load_network(path)
        self._forward = tf.function(
            self._embed, input_signature=[tf.TensorSpec((BATCH, *image_shape), tf.uint8)]
        )

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, 2048) for uint8 ``images`` (N, H, W, C), in their order, at least 0.

        An image's features do not depend on how many others come with it: the last batch is filled
        up with black images.
        """
        parts = []
        for start in range(0, len(images), BATCH):
            batch = images[start : start + BATCH]
            padded = np.pad(batch, [(0, BATCH - len(batch)), (0, 0), (0, 0), (0, 0)])
            parts.append(self._forward(padded).numpy()[: len(batch)])
        return np.concatenate(parts).astype(np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Name, length, sha256 of the weights and preprocessing, ready for JSON."""
        return {
            "name": self.name,
            "feature_dim": self.feature_dim,
            "sha256": self._sha256,
            "preprocessing": PREPROCESSING,
        }

    def _embed(self, images: Any) -> Any:
        pixels = tf.cast(images, tf.float32)
        if pixels.shape[-1] == 1:
            pixels = tf.repeat(pixels, 3, axis=-1)
        resized = tf.image.resize(pixels, (SIDE, SIDE), "bilinear")
        return self._network(resized / 127.5 - 1.0, training=False)


def load_network(path: Path) -> keras.Model:
    """InceptionV3 without its classification layer, images (N, 299, 299, 3) -> (N, 2048).

    ``path``: ``.weights.h5``, ``.keras`` or the ``.h5`` that Keras downloads. Only arrays are read
    from it: the network is built here, and nothing in a file is executed or unpickled. Raises
    InputError for a file that does not hold this network's weights.
    """
    network = keras.applications.InceptionV3(
        weights=None, include_top=False, pooling="avg", input_shape=(SIDE, SIDE, 3)
    )
    try:
        with warnings.catch_warnings():
            # Keras only warns of layers that a file lacks, and leaves them their random weights.
            warnings.simplefilter("error", UserWarning)
            network.load_weights(path)
    except _NOT_WEIGHTS as error:
        reason = " ".join(str(error).split())[:100]
        raise InputError(
            f"weights {path}: not those of Keras's InceptionV3 without its top layer ({reason}); "
            f"{INCEPTION_WEIGHTS}"
        ) from None
    return network
