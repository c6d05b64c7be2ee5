"""The feature extractor of the scores, as a study file declares it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.core.errors import InputError, shown

EXTRACTORS = ("inception", "pixels", "reference")

INCEPTION_WEIGHTS = (
    "python -c 'import keras; keras.applications.InceptionV3(include_top=False)' puts them into "
    "~/.keras/models/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
"""Where Keras's InceptionV3 weights, without the classification layer, come from."""


@dataclass(frozen=True)
class ExtractorSpec:
    """A feature extractor: ``reference`` (the reference classifier's), ``pixels``, ``inception``.

    weights: path of the weights of ``inception``; None for the others. Raises InputError for
    another name, for ``inception`` without weights and for weights of another extractor.
    """

    name: str = "reference"
    weights: str | None = None

    def __post_init__(self) -> None:
        """Validate both fields."""
        if self.name not in EXTRACTORS:
            raise InputError(f"extractor is {shown(self.name)}; allowed: {', '.join(EXTRACTORS)}")
        if self.name != "inception":
            if self.weights is not None:
                raise InputError(f"weights are for extractor inception, not for {self.name}")
        elif self.weights is None:
            raise InputError(f"extractor inception needs weights = PATH; {INCEPTION_WEIGHTS}")
        elif not isinstance(self.weights, str) or not self.weights.strip():
            raise InputError(f"weights takes the path of a file, got {shown(self.weights)}")

    @property
    def path(self) -> Path | None:
        """The path of the weights, None without any; ``~`` is the home folder."""
        return None if self.weights is None else Path(os.path.expanduser(self.weights))

    def weights_sha256(self) -> str | None:
        """The sha256 of the weight file, 64 hexadecimal digits; None if the extractor has none.

        Raises InputError, with where to get the weights, if the file cannot be read.
        """
        if self.path is None:
            return None
        try:
            with self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"weights {self.path}: {reason}; {INCEPTION_WEIGHTS}") from None

    def to_dict(self) -> dict[str, Any]:
        """The keys of the study file's ``[evaluation]``: none for the default ``reference``."""
        if self.name == "reference":
            return {}
        weights = {} if self.weights is None else {"weights": self.weights}
        return {"extractor": self.name, **weights}
