"""Distances between all pairs of rows, in blocks of bounded memory, shared by several metrics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample

BLOCK_ELEMENTS = 2**21  # 16 MiB of float64 per block; larger ones are no faster
NUM_NEAREST = 5  # the largest k of the neighbour metrics, Naeem et al. 2020

# Factors on a squared radius that decide ties as exact arithmetic would: the boundary is in or out.
CLOSED, OPEN = 1 + 1e-9, 1 - 1e-9


def row_slices(num_rows: int, num_columns: int) -> Iterator[slice]:
    """Slices that cut ``num_rows`` rows into blocks of about ``BLOCK_ELEMENTS`` elements."""
    step = max(1, BLOCK_ELEMENTS // max(1, num_columns))
    for start in range(0, num_rows, step):
        yield slice(start, min(start + step, num_rows))


def squared_distances(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> Iterator[tuple[slice, NDArray[np.float64]]]:
    """Blocks (rows of ``a``, squared Euclidean distances (rows, len(b))) of (N, d) and (M, d).

    What is within rounding of 0 is exactly 0, so equal rows always have distance 0.
    """
    norms_a, norms_b = np.einsum("ij,ij->i", a, a), np.einsum("ij,ij->i", b, b)
    # |x|^2 + |y|^2 - 2 x.y as one product of rows with two more columns: fewer passes over a block.
    left = np.column_stack([-2.0 * a, norms_a, np.ones(len(a))])
    right = np.column_stack([b, np.ones(len(b)), norms_b]).T
    # A dot product of length d + 2 errs by at most (d + 2) eps times the sum of its terms' sizes.
    rounding = 4 * len(right) * np.finfo(np.float64).eps * max(norms_a.max(), norms_b.max())
    for rows in row_slices(len(a), len(b)):
        block = left[rows] @ right
        block[block <= rounding] = 0.0
        yield rows, block


def pair_distances(x: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Blocks (P,) of the squared Euclidean distances of all pairs i < j of the rows of ``x``."""
    for rows in row_slices(len(x), len(x)):
        for _, square in squared_distances(x[rows], x[rows]):
            yield square[np.triu_indices(len(square), k=1)]
        if rows.stop < len(x):
            for _, block in squared_distances(x[rows], x[rows.stop :]):
                yield block.ravel()


def nearest_distances(sample: Sample) -> NDArray[np.float64]:
    """Squared feature distances to the nearest other images of the sample, (N, 5), ascending.

    Computed once per sample. Raises InputError for fewer than 6 images.
    """
    if len(sample) <= NUM_NEAREST:
        raise InputError(
            f"neighbour metrics take at least {NUM_NEAREST + 1} images, got {len(sample)}"
        )
    return sample.derived("nearest_distances", lambda: _nearest(sample.features))


def _nearest(x: NDArray[np.float64]) -> NDArray[np.float64]:
    nearest = np.empty((len(x), NUM_NEAREST))
    for rows, block in squared_distances(x, x):
        own = np.arange(len(block))
        block[own, rows.start + own] = np.inf  # an image is not its own neighbour
        for k in range(NUM_NEAREST):  # five minima take less time than one partition
            closest = block.argmin(axis=1)
            nearest[rows, k] = block[own, closest]
            block[own, closest] = np.inf
    return nearest
