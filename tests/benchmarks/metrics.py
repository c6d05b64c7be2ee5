"""Time of each metric, beside the independent implementation of the same quantity.

``python -m tests.benchmarks.metrics [REAL FAKE DIMENSION]`` prints the table. Features are random:
the metrics' time does not depend on what the images show.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from prdc import compute_prdc
from scipy import linalg
from sklearn.metrics import pairwise_distances_chunked
from sklearn.metrics.pairwise import polynomial_kernel
from sklearn.neighbors import NearestNeighbors

from harness.core.registry import METRICS
from harness.evaluation.metrics import Sample
from harness.evaluation.uncertainty import fid_interval, kid_half_width

NUM_CLASSES = 10
NUM_TRAINING = 60_000  # as many as MNIST has


class Sizes(NamedTuple):
    """How many real and generated images, and how many features of each."""

    num_real: int = 10_000
    num_fake: int = 10_000
    dimension: int = 128


@dataclass(frozen=True)
class Row:
    """Seconds of one metric: at first, again with the real side kept, and of independent code.

    difference: of the independent value, relative; None where there is no such code.
    """

    name: str
    first_seconds: float
    seconds: float
    other: str = ""
    other_seconds: float | None = None
    difference: float | None = None


def run(sizes: Sizes) -> list[Row]:
    """One row per registered metric and per interval, measured one after the other."""
    real, fake = _samples(sizes)
    functions = {name: METRICS.get(name) for name in METRICS.names()}
    functions |= {f.__name__: f for f in (fid_interval, kid_half_width)}
    rows = []
    for name, function in functions.items():
        kept = replace(real)  # nothing is derived from it yet
        first, _ = _timed(function, kept, replace(fake))
        seconds, value = _timed(function, kept, replace(fake))
        rows.append(_beside(Row(name, first, seconds), value, real, fake))
    return rows


def table(sizes: Sizes, rows: list[Row]) -> str:
    """The rows as text, with their sum."""
    lines = [
        f"{sizes.num_real:,} real and {sizes.num_fake:,} generated images, {sizes.dimension} "
        "features; seconds",
        f"{'':<26}{'first':>8}{'again':>8}  {'independent code':<30}{'time':>8}{'difference':>12}",
    ]
    for row in rows:
        line = f"{row.name:<26}{row.first_seconds:>8.2f}{row.seconds:>8.2f}"
        if row.other_seconds is not None:
            line += f"  {row.other:<30}{row.other_seconds:>8.2f}{row.difference:>12.0e}"
        lines.append(line)
    first, again = (sum(getattr(r, n) for r in rows) for n in ("first_seconds", "seconds"))
    return "\n".join([*lines, f"{'all':<26}{first:>8.2f}{again:>8.2f}"])


def main(arguments: list[str] | None = None) -> None:
    """Measure at the sizes that the arguments name, 10,000 x 10,000 x 128 without any; print."""
    numbers = sys.argv[1:] if arguments is None else arguments
    sizes = Sizes(*map(int, numbers))
    print(table(sizes, run(sizes)))


def _samples(sizes: Sizes) -> tuple[Sample, Sample]:
    """Random images of ten classes: the real ones with training images, and generated ones."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(NUM_CLASSES, sizes.dimension))

    def draw(size: int) -> Sample:
        labels = rng.integers(0, NUM_CLASSES, size)
        images = rng.integers(0, 256, (size, 28, 28, 1), dtype=np.uint8)
        features = np.tanh(centers[labels] + rng.normal(size=(size, sizes.dimension)))
        return Sample(images, features, 0.9 * np.eye(NUM_CLASSES)[labels] + 0.1 / NUM_CLASSES)

    training = draw(min(NUM_TRAINING, 6 * sizes.num_real))
    return replace(draw(sizes.num_real), training=training), draw(sizes.num_fake)


def _timed(function: Callable[..., Any], real: Sample, fake: Sample) -> tuple[float, Any]:
    began = time.perf_counter()
    value = function(real, fake, np.random.default_rng(1))
    return time.perf_counter() - began, value


def _beside(row: Row, value: float, real: Sample, fake: Sample) -> Row:
    """The row with the independent implementation's time and difference, where there is one."""
    if row.name not in INDEPENDENT:
        return row
    other, function = INDEPENDENT[row.name]
    began = time.perf_counter()
    with contextlib.redirect_stdout(None):  # prdc prints
        theirs = function(real.features, fake.features)
    seconds = time.perf_counter() - began
    return replace(
        row, other=other, other_seconds=seconds, difference=abs(value - theirs) / abs(theirs)
    )


def _fid_by_sqrtm(x: np.ndarray, y: np.ndarray) -> float:
    covariances = [np.cov(side, rowvar=False) for side in (x, y)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    gap = x.mean(axis=0) - y.mean(axis=0)
    return float(gap @ gap + np.trace(covariances[0] + covariances[1] - 2.0 * root))


def _kid_by_scikit_learn(x: np.ndarray, y: np.ndarray) -> float:
    kernels = [polynomial_kernel(a, b, degree=3, coef0=1.0) for a, b in ((x, x), (y, y), (x, y))]
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in kernels[:2]]
    return float(sum(within) - 2.0 * kernels[2].mean())


def _within_by_scikit_learn(manifold: np.ndarray, points: np.ndarray) -> float:
    """Share of ``points`` inside the 3-nearest-neighbour balls of ``manifold``."""
    radii = NearestNeighbors(n_neighbors=3).fit(manifold).kneighbors()[0][:, 2]
    chunks = pairwise_distances_chunked(points, manifold)
    return float(np.concatenate([(chunk <= radii).any(axis=1) for chunk in chunks]).mean())


INDEPENDENT: dict[str, tuple[str, Callable[[np.ndarray, np.ndarray], float]]] = {
    "fid": ("scipy sqrtm", _fid_by_sqrtm),
    "kid": ("scikit-learn polynomial_kernel", _kid_by_scikit_learn),
    "precision": ("scikit-learn NearestNeighbors", _within_by_scikit_learn),
    "recall": ("scikit-learn NearestNeighbors", lambda x, y: _within_by_scikit_learn(y, x)),
    "density": ("prdc, all four", lambda x, y: compute_prdc(x, y, nearest_k=5)["density"]),
    "coverage": ("prdc, all four", lambda x, y: compute_prdc(x, y, nearest_k=5)["coverage"]),
}

if __name__ == "__main__":
    main()
