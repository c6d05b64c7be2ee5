"""The configuration of one trial: flat, frozen, plain types, validated when it is built."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.core.errors import InputError, guess, shown
from harness.core.registry import ARCHITECTURES, LOSSES, PENALTIES, PROCEDURES, Registry

CHOICES: dict[str, tuple[str, ...]] = {
    "latent_distribution": ("normal", "uniform"),
    "normalization": ("batch", "none"),
    "discriminator_normalization": ("auto", "batch", "layer", "none", "spectral"),
    "downsampling": ("strided", "pooled"),
    "head": ("dense", "gap"),
    "initialisation": ("auto", "glorot", "normal"),
    "optimizer": ("adam", "lion", "nadam", "rmsprop", "sgd"),
    "pixel_scaling": ("centered", "maxabs", "minmax", "unit"),
    "output_activation": ("auto", "linear", "sigmoid", "tanh"),
    "augmentation": ("classic", "diffaugment", "none"),
    "minibatch_std": ("batch", "none"),
    "conditional": ("labels", "none"),
    "precision": ("bfloat16", "float32"),
    "convolution": ("auto", "direct", "transform"),
}
"""Fields whose values form a fixed list; those of ``REGISTRIES`` are read from folders."""

BOUNDS: dict[str, tuple[float, float]] = {
    "width": (0.0625, 4.0),
    "discriminator_width_ratio": (0.0625, 16.0),
    "latent_dim": (1, 4096),
    "dropout": (0.0, 0.95),
    "learning_rate": (1e-8, 10.0),
    "beta_1": (0.0, 0.9999),
    "real_label": (0.5, 1.0),
    "penalty_weight": (0.0, 1e4),
    "discriminator_steps": (1, 10),
    "packing": (1, 8),
    "discriminator_learning_rate_ratio": (1e-3, 1e3),
    "ema": (0.0, 1.0),
    "leaky_slope": (0.0, 0.5),
    "batch_size": (2, 8192),
    "image_size": (0, 64),
    "training_images": (0, 10**9),
    "images": (2, 10**9),  # a batch at least
    "seed": (0, 2**31 - 1),
}
"""Closed bounds of the numeric fields."""

REGISTRIES: dict[str, Registry] = {
    "architecture": ARCHITECTURES,
    "procedure": PROCEDURES,
    "loss": LOSSES,
    "penalty": PENALTIES,
}
"""Fields whose values are the names of files in a folder."""


@dataclass(frozen=True)
class TrialConfig:
    """The configuration of one trial: dataset, networks, game, optimizer, procedure, budget.

    ``images`` is the budget in training images seen, so that batch sizes compare; ``image_size``
    the side of the images in pixels, to which they are resized (0: as they are);
    ``training_images`` how many of the dataset's training images the trial has, as many of each
    class, drawn by its seed (0: all of them).
    Networks: ``width`` multiplies the channel counts of the architecture,
    ``discriminator_width_ratio`` those of its discriminator once more. ``initialisation`` ``auto``
    is that of the architecture's publication, and so is ``discriminator_normalization`` ``auto``,
    where ``normalization`` is ``batch``. With ``conditional`` ``labels`` the class of every image
    is an input of both networks. ``convolution`` is how convolutions are computed: tap by tap
    (``direct``), as products of frequencies (``transform``), or as ``auto`` chooses; the function
    is the same, up to rounding. ``ema`` is the share of the budget over which the generator's
    weights are averaged, the last ones most (``training/averaging.py``): the averaged generator is
    the trial's; 0 averages nothing.
    Game: ``real_label`` is the label of real images in losses that have labels; below 1 it is
    smoothed. ``penalty`` keeps the slopes of the discriminator small, with ``penalty_weight``. The
    discriminator makes ``discriminator_steps`` updates for each of the generator, each on new
    images. It judges ``packing`` images together; with ``minibatch_std`` ``batch`` it is told how
    much those of its batch differ. ``augmentation`` ``classic`` alters real images alone,
    ``diffaugment`` whatever the discriminator sees.
    Optimizer: ``beta_1`` is the decay of the first moment (adam, nadam, lion) and the momentum of
    sgd; rmsprop has none.
    Raises InputError, with the value received and what is allowed, for anything outside
    ``CHOICES``, ``BOUNDS`` and the registries.
    """

    dataset: str = "digits"
    image_size: int = 0
    training_images: int = 0
    architecture: str = "tutorial"
    width: float = 1.0
    discriminator_width_ratio: float = 1.0
    latent_dim: int = 100
    latent_distribution: str = "normal"
    normalization: str = "batch"
    discriminator_normalization: str = "auto"
    downsampling: str = "strided"
    head: str = "dense"
    dropout: float = 0.3
    initialisation: str = "auto"
    conditional: str = "none"
    procedure: str = "simultaneous"
    loss: str = "nonsaturating"
    real_label: float = 1.0
    penalty: str = "none"
    penalty_weight: float = 10.0  # Gulrajani et al. 2017, Mescheder et al. 2018
    discriminator_steps: int = 1
    packing: int = 1
    minibatch_std: str = "none"
    optimizer: str = "adam"
    learning_rate: float = 2e-4  # Radford et al. 2015, section 4
    beta_1: float = 0.5  # Radford et al. 2015, section 4
    discriminator_learning_rate_ratio: float = 1.0
    ema: float = 0.0
    leaky_slope: float = 0.2  # Radford et al. 2015, section 4
    pixel_scaling: str = "centered"
    output_activation: str = "auto"
    batch_size: int = 128
    images: int = 100_000
    augmentation: str = "none"
    precision: str = "float32"
    convolution: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        """Coerce whole numbers to their field's type and validate every field."""
        for field in dataclasses.fields(self):
            value = _coerce(field.name, str(field.type), getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        for name, registry in REGISTRIES.items():
            registry.check(getattr(self, name))
        if not self.dataset.strip() or _holds_control_characters(self.dataset):
            raise InputError(
                f"dataset is {shown(self.dataset)}; "
                "allowed: the name of a dataset, or the path of an .npz file or a folder of images"
            )
        if self.image_size and (self.image_size < 16 or self.image_size % 4):
            raise InputError(
                f"image_size is {self.image_size}; allowed: 0, or a multiple of 4 from 16 to 64"
            )
        if self.images_per_step > self.images:
            steps = f"{self.discriminator_steps} discriminator_steps of "
            raise InputError(
                f"{steps if self.discriminator_steps > 1 else ''}batch_size {self.batch_size:,} "
                f"exceeds images {self.images:,}"
            )

        if self.batch_size % self.packing:
            raise InputError(
                f"batch_size {self.batch_size:,} is no multiple of packing {self.packing}"
            )

    @property
    def images_per_step(self) -> int:
        """The training images of one step: a batch for each update of the discriminator."""
        return self.batch_size * self.discriminator_steps

    @property
    def resolved_output_activation(self) -> str:
        """The generator's last activation: tanh for centered pixels, sigmoid for the others."""
        if self.output_activation != "auto":
            return self.output_activation
        return "tanh" if self.pixel_scaling == "centered" else "sigmoid"

    def replace(self, **changes: object) -> TrialConfig:
        """A copy with ``changes``; InputError for a field that does not exist."""
        return TrialConfig.from_dict({**self.to_dict(), **changes})

    def to_dict(self) -> dict[str, Any]:
        """All fields in their order, plain types, ready for JSON."""
        return dataclasses.asdict(self)

    def identity(self) -> dict[str, Any]:
        """The fields by which what is stored of this configuration is found again.

        Those in ``ADDED`` stand there only where they differ from their default, so that what was
        stored before they existed is found too.
        """
        fields = self.to_dict()
        for name in ADDED:
            if fields[name] == FIELD_DEFAULTS[name]:
                del fields[name]
        return fields

    @property
    def config_id(self) -> str:
        """Ten hexadecimal digits, the same for configurations that differ by the seed alone."""
        fields = {name: value for name, value in self.identity().items() if name != "seed"}
        text = json.dumps(fields, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:10]

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> TrialConfig:
        """The configuration with ``values`` over the defaults; InputError for unknown fields."""
        for name in values:
            check_field(name)
        return cls(**values)  # type: ignore[arg-type]


FIELDS: tuple[str, ...] = tuple(f.name for f in dataclasses.fields(TrialConfig))
"""Names of all TrialConfig fields, in order."""

FIELD_TYPES: dict[str, str] = {f.name: str(f.type) for f in dataclasses.fields(TrialConfig)}
"""Field -> "str", "int" or "float"."""

FIELD_DEFAULTS: dict[str, Any] = {f.name: f.default for f in dataclasses.fields(TrialConfig)}
"""Field -> its default."""

SHARED = ("dataset", "image_size")
"""Fields that all trials of a study share: its scores compare with nothing else."""

ADDED: dict[str, str | int | float] = {
    "convolution": "direct",
    "ema": 0.0,
    "image_size": 0,
    "training_images": 0,
    "loss": "nonsaturating",
    "real_label": 1.0,
    "penalty": "none",
    "penalty_weight": 10.0,
    "discriminator_steps": 1,
    "discriminator_normalization": "auto",
    "packing": 1,
    "minibatch_std": "none",
}
"""Fields that records of earlier versions lack -> what those versions did."""


def check_field(name: str) -> str:
    """``name``, if it is a TrialConfig field; InputError with the list otherwise."""
    if name not in FIELDS:
        raise InputError(
            f"unknown field {shown(name)}; known: {', '.join(FIELDS)}{guess(name, FIELDS)}"
        )
    return name


def parse_value(name: str, text: str) -> str | int | float:
    """The text of a ``--set FIELD=VALUE`` as the field's type; InputError if it does not fit."""
    kind = FIELD_TYPES[check_field(name)]
    if kind == "str":
        return _coerce(name, kind, text)
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"{name} takes {_TYPE_WORDS[kind]}, got {shown(text)}") from None
    return _coerce(name, kind, number)


_TYPE_WORDS = {"int": "a whole number", "float": "a number", "str": "text"}


def _coerce(name: str, kind: str, value: object) -> str | int | float:
    """``value`` as the field's type, inside its choices or bounds; InputError otherwise."""
    if kind == "str":
        if not isinstance(value, str):
            raise InputError(f"{name} takes text, got {shown(value)}")
        if name in CHOICES and value not in CHOICES[name]:
            raise InputError(f"{name} is {shown(value)}; allowed: {', '.join(CHOICES[name])}")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{name} takes {_TYPE_WORDS[kind]}, got {shown(value)}")
    low, high = BOUNDS[name]
    if not low <= value <= high:  # false for NaN too
        raise InputError(f"{name} is {shown(value)}; allowed: {_format(low)} to {_format(high)}")
    if kind == "int" and value != int(value):
        raise InputError(f"{name} takes a whole number, got {shown(value)}")
    return int(value) if kind == "int" else float(value)


def _format(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


def _holds_control_characters(text: str) -> bool:
    """Whether ``text`` holds control characters or surrogates, which no path may have."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def check_keys(values: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Raise InputError, listing the ``allowed`` keys, if ``values`` has any other."""
    allowed = tuple(allowed)
    for key in values:
        if key not in allowed:
            raise InputError(f"unknown key {shown(key)} in {where}; known: {', '.join(allowed)}")


def check_whole(name: str, value: object, low: int, high: int) -> None:
    """Raise InputError unless ``value`` is a whole number from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(
            f"{name} takes a whole number from {low:,} to {high:,}, got {shown(value)}"
        )
