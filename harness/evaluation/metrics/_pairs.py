"""Distances between all pairs of rows, in blocks of bounded memory, shared by several metrics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample

BLOCK_ELEMENTS = 2**21  # 16 MiB of float64 per block; larger ones are no faster
MANIFOLD_NEIGHBOURS = 3  # Kynkäänniemi et al. 2019, section 3
BALL_NEIGHBOURS = 5  # Naeem et al. 2020, section 4
NUM_NEAREST = max(MANIFOLD_NEIGHBOURS, BALL_NEIGHBOURS)

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
    # Far from the origin the terms below would cancel to rounding; distances do not see a shift.
    centre = b.mean(axis=0)
    a, b = a - centre, b - centre
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


@dataclass(frozen=True)
class CrossDistances:
    """What the metrics ask of the distances between N real and M generated images.

    A ball around an image reaches to its k-th nearest neighbour of its own side. nearest_fake:
    (N,), nearest_real: (M,), squared distances. in_real_ball: (M,), in_fake_ball: (N,), whether an
    image lies in any closed ball of the other side, k = 3. num_real_balls: (M,), in how many
    open balls of real images it lies, k = 5; num_fakes_held: (N,), how many generated images its
    open ball holds, k = 5. num_clipped_balls: (M,), in how many closed balls of ``clipped_radii``.
    """

    nearest_fake: NDArray[np.float64]
    nearest_real: NDArray[np.float64]
    in_fake_ball: NDArray[np.bool_]
    in_real_ball: NDArray[np.bool_]
    num_real_balls: NDArray[np.int64]
    num_fakes_held: NDArray[np.int64]
    num_clipped_balls: NDArray[np.int64]


def clipped_radii(sample: Sample) -> NDArray[np.float64]:
    """Squared radii of the images' closed balls, (N,): to the fifth neighbour, the median at most.

    Salvy et al. 2025, section 4.1.
    """
    radii = np.sqrt(nearest_distances(sample)[:, BALL_NEIGHBOURS - 1])
    return np.asarray(CLOSED * np.minimum(radii, np.median(radii)) ** 2)


def cross_distances(real: Sample, fake: Sample) -> CrossDistances:
    """The distances between two samples, gone through once for all metrics and kept by ``fake``.

    Raises InputError for fewer than 6 images of a side.
    """
    # The real sample is kept beside them, so that no other one can come to have its id.
    _, found = fake.derived(f"cross_distances {id(real)}", lambda: (real, _cross(real, fake)))
    return found


def _cross(real: Sample, fake: Sample) -> CrossDistances:
    real_nearest, fake_nearest = nearest_distances(real), nearest_distances(fake)
    real_manifold = CLOSED * real_nearest[:, MANIFOLD_NEIGHBOURS - 1, None]
    fake_manifold = CLOSED * fake_nearest[:, MANIFOLD_NEIGHBOURS - 1]
    real_balls = OPEN * real_nearest[:, BALL_NEIGHBOURS - 1, None]
    clipped = clipped_radii(real)[:, None]
    found = CrossDistances(
        np.empty(len(real)),
        np.full(len(fake), np.inf),
        np.empty(len(real), np.bool_),
        np.zeros(len(fake), np.bool_),
        np.zeros(len(fake), np.int64),
        np.empty(len(real), np.int64),
        np.zeros(len(fake), np.int64),
    )
    for rows, block in squared_distances(real.features, fake.features):
        found.nearest_fake[rows] = block.min(axis=1)
        np.minimum(found.nearest_real, block.min(axis=0), out=found.nearest_real)
        found.in_fake_ball[rows] = (block <= fake_manifold).any(axis=1)
        found.in_real_ball[:] |= (block <= real_manifold[rows]).any(axis=0)
        held = block < real_balls[rows]
        found.num_real_balls[:] += np.count_nonzero(held, axis=0)
        found.num_fakes_held[rows] = np.count_nonzero(held, axis=1)
        found.num_clipped_balls[:] += np.count_nonzero(block <= clipped[rows], axis=0)
    return found


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
