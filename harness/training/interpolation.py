"""The way from one latent vector to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Latents = NDArray[np.float32]

PARALLEL = 1e-6
"""Sine of the angle up to which two vectors lie on one line, as any two of one entry do."""


def between(start: Latents, end: Latents, steps: int, distribution: str) -> Latents:
    """Latent vectors from each of ``start`` (R, d) to its ``end``, float32 (R * steps, d).

    Row by row, both ends among them, at equal steps. Normal vectors go along a great circle (White
    2016, arXiv:1609.04468, section 2.1): halfway on the straight line they would be shorter by the
    factor 1 / sqrt(2), where training has hardly been. Uniform ones go straight, and so stay inside
    of their cube.
    """
    share = np.linspace(0.0, 1.0, steps)[None, :, None]
    first, last = (one.astype(np.float64)[:, None, :] for one in (start, end))
    way = (1.0 - share) * first + share * last
    if distribution != "uniform":
        lengths = np.linalg.norm(first, axis=2) * np.linalg.norm(last, axis=2)
        angle = np.arccos(np.clip((first * last).sum(axis=2) / lengths, -1.0, 1.0))[..., None]
        arc = np.sin((1.0 - share) * angle) * first + np.sin(share * angle) * last
        curved = np.sin(angle) > PARALLEL
        way = np.where(curved, arc / np.where(curved, np.sin(angle), 1.0), way)
    return way.reshape(-1, start.shape[1]).astype(np.float32)
