"""A trial's generator as a person uses it: whole images, uint8, from a seed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from harness.core import schema
from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.data.generator_record import GeneratorRecord

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True, eq=False)
class SavedGenerator:
    """The generator that a trial has kept, with the way from its output to pixels.

    content: the bytes of its ``.keras`` file. record: its pixel scaling and its labels.
    """

    config: TrialConfig
    content: bytes
    record: GeneratorRecord

    @cached_property
    def network(self) -> keras.Model:
        """Latents (N, latent_dim + K) to images in the scaled range, as it was trained.

        Loaded in Keras's safe mode: code in the file is refused. Raises InputError for a file that
        Keras cannot load, and for a network of other inputs or outputs.
        """
        import keras

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / schema.GENERATOR_FILE
            path.write_bytes(self.content)
            try:
                network = keras.models.load_model(path, compile=False, safe_mode=True)
            except Exception as error:  # zip, HDF5 and Keras each have errors of their own
                reason = type(error).__name__
                raise InputError(f"{schema.GENERATOR_FILE}: cannot be loaded ({reason})") from None
        latents = (None, self.config.latent_dim + len(self.record.label_shares))
        pixels = getattr(network, "output_shape", ())[1:]
        fits = all(part.shape in ((1, 1, 1), pixels) for part in self.record.pixel_parts)
        if getattr(network, "input_shape", None) != latents or len(pixels) != 3 or not fits:
            raise InputError(f"{schema.GENERATOR_FILE}: not the generator of its configuration")
        return network

    @cached_property
    def pixel_network(self) -> keras.Model:
        """Latents (N, latent_dim + K) to uint8 images (N, H, W, C), of layers of Keras alone.

        The inverse of the scaling, rounded to nearest and clipped to [0, 255].
        """
        import keras

        shape = self.network.output_shape[1:]
        inputs = keras.Input(self.network.input_shape[1:], name="latents")
        scale = np.broadcast_to(1.0 / self.record.multiplier, shape)
        shift = np.broadcast_to(-self.record.offset / self.record.multiplier, shape)
        pixels = keras.layers.Rescaling(scale.tolist(), shift.tolist(), dtype="float32")(
            self.network(inputs)
        )
        pixels = keras.ops.cast(keras.ops.clip(keras.ops.round(pixels), 0.0, 255.0), "uint8")
        return keras.Model(inputs, pixels, name="generator")

    def latents(self, num: int, seed: int = 0, label: int | None = None) -> NDArray[np.float32]:
        """``num`` inputs of the generator, float32 (num, latent_dim + K), by NumPy's default_rng.

        Classes are drawn in their shares, or all are ``label``. Raises InputError for a label that
        the generator is not told.
        """
        rng = np.random.default_rng(seed)
        shape = (num, self.config.latent_dim)
        if self.config.latent_distribution == "uniform":
            noise = rng.uniform(-1.0, 1.0, shape)
        else:
            noise = rng.standard_normal(shape)
        shares = self.record.label_shares
        count = len(shares)
        if label is not None and not 0 <= label < count:
            allowed = f"allowed: 0 to {count - 1}" if count else "the generator is told no class"
            raise InputError(f"label is {label}; {allowed}")
        if count:
            drawn = rng.choice(count, num, p=shares) if label is None else [label] * num
            noise = np.concatenate([noise, np.eye(count)[drawn]], axis=1)
        return noise.astype(np.float32)

    def sample(self, num: int = 64, seed: int = 0, label: int | None = None) -> NDArray[np.uint8]:
        """``num`` images, uint8 (num, H, W, C), the same for the same seed; errors as latents."""
        latents = self.latents(num, seed, label)
        images: NDArray[np.uint8] = self.pixel_network.predict(latents, batch_size=500, verbose=0)
        return images
