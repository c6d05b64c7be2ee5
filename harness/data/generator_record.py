"""What a generator needs of its dataset to make images of it; kept beside the generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.data.dataset import Dataset
from harness.data.scaling import fit_scaling


@dataclass(frozen=True, eq=False)
class GeneratorRecord:
    """From a generator's output to pixels, and which labels it takes.

    multiplier, offset: float64, (1, 1, 1) or (H, W, C): output = multiplier * pixel + offset.
    label_shares: (K,), the shares of the classes in the training images where the generator is told
    the class, else empty.
    """

    multiplier: NDArray[np.float64]
    offset: NDArray[np.float64]
    label_shares: NDArray[np.float64]

    @property
    def pixel_parts(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """multiplier and offset."""
        return self.multiplier, self.offset

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> GeneratorRecord:
        """What ``generator_record`` has written; InputError for anything else."""
        try:
            parts = [np.asarray(record[name], np.float64) for name in _SHAPES]
        except (KeyError, TypeError, ValueError):
            raise InputError("not the record of a generator") from None
        sound = all(np.isfinite(part).all() for part in parts) and (parts[0] > 0).all()
        shares = parts[2]
        drawable = not shares.size or (shares.min() >= 0 and abs(shares.sum() - 1) < _ROUNDING)
        if not sound or not drawable or [part.ndim for part in parts] != list(_SHAPES.values()):
            raise InputError("not the record of a generator")
        return cls(*parts)


_ROUNDING = 1e-8  # what numpy allows shares that are drawn by
_SHAPES = {"multiplier": 3, "offset": 3, "label_shares": 1}  # name -> number of axes


def generator_record(config: TrialConfig, dataset: Dataset) -> dict[str, Any]:
    """The record of a generator trained as ``config`` says on ``dataset``, ready for JSON."""
    scaling = fit_scaling(config.pixel_scaling, dataset.x_train)
    shares: list[float] = []
    if config.conditional != "none":
        counts = np.bincount(dataset.y_train, minlength=dataset.num_classes)
        shares = (counts / len(dataset.y_train)).tolist()
    return {
        "multiplier": scaling.multiplier.tolist(),
        "offset": scaling.offset.tolist(),
        "label_shares": shares,
    }
