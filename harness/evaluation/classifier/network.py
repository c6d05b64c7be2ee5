"""The network of the reference classifier: what it is built from, and how it is run.

A plain convolutional classifier whose penultimate layer, a tanh of ``feature_dim`` numbers, is the
feature space of the scores. Bounded features keep one odd image from deciding a Fréchet distance.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

PREPROCESSING = "uint8 NHWC in [0, 255], cast to float32, divided by 255 inside the network"

INFERENCE_BATCH = 256
"""Images per compiled call. Fixed, so that no other shape is ever traced."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the reference classifier becomes, given a dataset.

    Counts are images, convolution channels and features; angles degrees; shifts pixels; ``zoom`` is
    the largest natural logarithm of the scale. ``revision`` is raised when the code that reads a
    recipe changes what it means: a classifier made before then no longer counts as made by it.
    """

    revision: int = 1
    channels: tuple[int, ...] = (16, 32, 64)
    feature_dim: int = 64
    dropout: float = 0.1
    batch_norm_momentum: float = 0.95
    epochs: int = 16
    min_images: int = 100_000  # small datasets are repeated until so many images were seen
    max_images: int = 960_000
    batch_size: int = 128
    learning_rate: float = 3e-3  # peak: linear warm-up, then cosine decay (Adam)
    warmup_share: float = 0.1
    rotation: float = 10.0
    shift: float = 1.5
    zoom: float = 0.1
    seed: int = 0

    def images(self, num_train: int) -> int:
        """The training images to be seen for ``num_train`` different ones, whole batches."""
        wanted = min(max(self.epochs * num_train, self.min_images), self.max_images)
        return max(wanted // self.batch_size, 1) * self.batch_size

    def to_dict(self) -> dict[str, Any]:
        """All fields, ready for JSON."""
        return {**dataclasses.asdict(self), "channels": list(self.channels)}

    @property
    def hash(self) -> str:
        """The sha256 of all fields, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


def build_network(
    recipe: Recipe, image_shape: tuple[int, int, int], num_classes: int
) -> keras.Model:
    """An untrained network: images (N, H, W, C) in [0, 255] -> (features (N, d), logits (N, k)).

    All weights are drawn from ``recipe.seed``; no global seed is read or set.
    """
    seeds = iter(np.random.SeedSequence(recipe.seed).generate_state(64).tolist())
    inputs = keras.Input(image_shape, name="images")
    x = keras.layers.Rescaling(1 / 255, name="rescaling")(inputs)
    for index, channels in enumerate(recipe.channels):
        x = keras.layers.Conv2D(
            channels,
            kernel_size=3,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(next(seeds)),
            name=f"conv_{index}",
        )(x)
        x = _normalized(x, recipe, f"conv_{index}")
        x = keras.layers.ReLU(name=f"conv_{index}_relu")(x)
        x = keras.layers.MaxPooling2D(2, name=f"conv_{index}_pool")(x)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(recipe.dropout, seed=next(seeds), name="flatten_dropout")(x)
    x = _dense(recipe.feature_dim, next(seeds), "features", use_bias=False)(x)
    x = _normalized(x, recipe, "features")
    features = keras.layers.Activation("tanh", name="features_tanh")(x)
    x = keras.layers.Dropout(recipe.dropout, seed=next(seeds), name="features_dropout")(features)
    logits = _dense(num_classes, next(seeds), "logits", use_bias=True)(x)
    return keras.Model(inputs, [features, logits], name="reference_classifier")


def _normalized(x: Any, recipe: Recipe, name: str) -> Any:
    layer = keras.layers.BatchNormalization(momentum=recipe.batch_norm_momentum, name=f"{name}_bn")
    return layer(x)


def _dense(units: int, seed: int, name: str, *, use_bias: bool) -> keras.layers.Layer:
    initializer = keras.initializers.GlorotUniform(seed)
    return keras.layers.Dense(units, use_bias=use_bias, kernel_initializer=initializer, name=name)


class BatchedNetwork:
    """A network run in batches of one fixed size.

    The last batch is filled up with black images, whose results are dropped: an image's result
    does not depend on how many others were passed, and nothing is traced twice.
    """

    def __init__(self, network: keras.Model) -> None:
        """Compile ``network`` for its own image shape."""
        self._image_shape = tuple(network.input_shape[1:])
        signature = [tf.TensorSpec((INFERENCE_BATCH, *self._image_shape), tf.uint8)]
        self._forward = tf.function(
            lambda images: network(tf.cast(images, tf.float32), training=False),
            input_signature=signature,
        )

    def __call__(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Features (N, d) and logits (N, k), float32, of uint8 images (N, H, W, C), N > 0.

        Raises ValueError for another type or shape.
        """
        if images.dtype != np.uint8 or images.shape[1:] != self._image_shape or not len(images):
            raise ValueError(
                f"the classifier takes uint8 images (N, {', '.join(map(str, self._image_shape))}), "
                f"N > 0; got {images.dtype} {images.shape}"
            )
        parts = [self._batch(images[i : i + INFERENCE_BATCH]) for i in _starts(len(images))]
        features, logits = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return features, logits

    def _batch(self, images: NDArray[np.uint8]) -> tuple[NDArray[Any], NDArray[Any]]:
        missing = INFERENCE_BATCH - len(images)
        padded = np.pad(images, [(0, missing), (0, 0), (0, 0), (0, 0)])
        features, logits = self._forward(padded)
        return features.numpy()[: len(images)], logits.numpy()[: len(images)]


def _starts(count: int) -> range:
    return range(0, count, INFERENCE_BATCH)
