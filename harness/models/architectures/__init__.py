"""Architectures: one file each, found by scanning this folder.

A file ``<name>.py`` holds one function ``<name>(config, image_shape, num_labels)`` that returns the
generator and the discriminator, decorated with ``@architecture(source=..., supports=...)``. The
generator maps (N, latent_dim + num_labels) to (N, H, W, C) in the range of its output activation,
the discriminator maps (N, *``judged_shape``) to logits (N, 1). ``num_labels`` is the number of
classes of a conditional configuration, else 0: the label is appended to the latent vector as one
hot, and to the image as one plane for each class, 1 in that of its own.

Weights are seeded by the caller: layers keep Keras's default seeds and initializers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.errors import InputError
from harness.core.registry import ARCHITECTURES

if TYPE_CHECKING:
    import keras

    from harness.core.config import TrialConfig

    Builder = Callable[[TrialConfig, tuple[int, int, int], int], tuple[keras.Model, keras.Model]]

UNLESS_SAID: dict[str, tuple[str, ...]] = {
    "convolution": ("auto", "direct"),
    "discriminator_normalization": ("auto",),
    "minibatch_std": ("none",),
}
"""What an architecture supports of the fields that ask for certain layers, unless it says more."""


@dataclass(frozen=True)
class Architecture:
    """A registered pair of networks.

    source: where it was published. supports: TrialConfig field -> the values that it can build;
    fields that do not stand here are taken as they are, except those of ``UNLESS_SAID``.
    initialisation: how the publication draws weights, ``glorot`` (Keras's default) or ``normal``.
    normalizes_discriminator: whether the publication has batch normalization in the discriminator.
    """

    name: str
    builder: Builder
    source: str
    supports: Mapping[str, tuple[str, ...]]
    initialisation: str = "glorot"
    normalizes_discriminator: bool = False

    def build(
        self, config: TrialConfig, image_shape: tuple[int, int, int], num_labels: int
    ) -> tuple[keras.Model, keras.Model]:
        """Generator and discriminator; the builder never sees ``auto`` as a normalization."""
        normalization = self.discriminator_normalization(config)
        resolved = config.replace(discriminator_normalization=normalization)
        return self.builder(resolved, image_shape, num_labels)

    def discriminator_normalization(self, config: TrialConfig) -> str:
        """``batch``, ``layer``, ``none`` or ``spectral``: as asked for, or as published."""
        if config.discriminator_normalization != "auto":
            return config.discriminator_normalization
        return config.normalization if self.normalizes_discriminator else "none"

    def check(self, config: TrialConfig) -> None:
        """Raise InputError for a value that it cannot build.

        The message lists the values that it can build, and the architectures that can build this.
        """
        for field, allowed in self.supports.items():
            value = getattr(config, field)
            if value not in allowed:
                raise InputError(
                    f"architecture {self.name} does not support {field} = {value!r}; "
                    f"allowed: {', '.join(allowed)}{_able(field, value)}"
                )


def _able(field: str, value: str) -> str:
    """Which registered architectures build this value, as the end of a message."""
    names = [
        name
        for name in ARCHITECTURES.names()
        if value in ARCHITECTURES.get(name).supports.get(field, ())
    ]
    return f" ({value}: {', '.join(names)})" if names else ""


def architecture(
    *,
    source: str,
    supports: Mapping[str, tuple[str, ...]],
    initialisation: str = "glorot",
    normalizes_discriminator: bool = False,
) -> Callable[[Builder], Architecture]:
    """Register the decorated builder as an Architecture under its own name."""

    def register(builder: Builder) -> Architecture:
        return Architecture(
            builder.__name__,
            builder,
            source,
            {**UNLESS_SAID, **supports},
            initialisation,
            normalizes_discriminator,
        )

    return register
