"""Similarity of fakes of one class to each other, by multi-scale structural similarity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness.core.errors import InputError
from harness.evaluation.metrics import Sample, metric

NUM_PAIRS = 2_000  # standard error below 0.005: single pairs spread by less than 0.2
BLOCK_PAIRS = 250

# Wang et al. 2003, section 3.2: the five weights' first two, as two scales fit into 28 pixels.
SCALE_WEIGHTS = np.array([0.0448, 0.2856]) / (0.0448 + 0.2856)
# Wang et al. 2004, section III: 11x11 Gaussian window of sigma 1.5, K1 = 0.01, K2 = 0.03. L = 255
# is the range of uint8 whatever the images hold: black against white must not look alike.
WINDOW, SIGMA = 11, 1.5
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@metric(
    direction="minimize",
    low=0.0,
    high=1.0,
    unit="similarity",
    source="Odena et al. 2017, section 4.2; Wang et al. 2003, eq. 7, two scales",
    needs_classes=True,
)
def ms_ssim(real: Sample, fake: Sample, rng: np.random.Generator) -> float:
    """Mean MS-SSIM of 2,000 pairs of different fakes of one predicted class; 1 if all are equal.

    The first image of a pair is drawn by ``rng`` from all that share their class with another one,
    its partner from that class. Low is diverse, but noise is low, too: the real images' own value
    is the level to read it against. ``real`` is unused. Raises InputError if no class has two
    images.
    """
    first, second = _pairs_within_classes(fake, rng)
    blocks = [slice(start, start + BLOCK_PAIRS) for start in range(0, NUM_PAIRS, BLOCK_PAIRS)]
    values = [multiscale_ssim(fake.images[first[b]], fake.images[second[b]]) for b in blocks]
    return float(np.concatenate(values).mean())


def multiscale_ssim(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """MS-SSIM of each pair of images, two of shape (P, H, W, C), as (P,) in [0, 1].

    Contrast and structure at full size, the whole index at half size, each averaged over the
    image, clipped at 0 and raised to its weight; channels are averaged. Images whose half is
    below 11 pixels get a window as large as that side, so they don't compare with larger ones.
    """
    x, y = _planes(a), _planes(b)
    _, structure = _ssim(x, y)
    index, _ = _ssim(_halved(x), _halved(y))
    terms = np.maximum([structure, index], 0.0) ** SCALE_WEIGHTS[:, None]
    return np.asarray(terms.prod(axis=0).reshape(len(a), -1).mean(axis=1))


def _pairs_within_classes(
    sample: Sample, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    by_class = sample.content_order[np.argsort(sample.labels[sample.content_order], kind="stable")]
    labels = sample.labels[by_class]
    counts = np.bincount(labels)
    starts = np.cumsum(counts) - counts
    candidates = np.flatnonzero(counts[labels] > 1)
    if len(candidates) == 0:
        raise InputError(f"ms_ssim: no class has two of the {len(sample)} generated images")
    first = rng.choice(candidates, NUM_PAIRS)
    size, start = counts[labels[first]], starts[labels[first]]
    second = start + (first - start + rng.integers(1, size)) % size
    return by_class[first], by_class[second]


def _planes(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Channels as images of their own: (P, H, W, C) -> (P * C, H, W)."""
    return np.moveaxis(images, 3, 1).reshape(-1, *images.shape[1:3]).astype(np.float64)


def _halved(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of 2x2 pixels; an odd side repeats its last pixel."""
    x = np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2)), mode="edge")
    upper, lower = x[:, ::2], x[:, 1::2]  # strided sums: a third of the time of a mean
    return np.asarray(
        (upper[:, :, ::2] + upper[:, :, 1::2] + lower[:, :, ::2] + lower[:, :, 1::2]) / 4
    )


def _ssim(
    x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(SSIM, its contrast-structure part) of pairs (P, H, W), averaged over the image, (P,)."""
    rows, columns = _window_matrix(x.shape[1]), _window_matrix(x.shape[2])

    def smooth(z: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(rows @ (z @ columns.T))

    mean_x, mean_y = smooth(x), smooth(y)
    means, squares = 2 * mean_x * mean_y, mean_x**2 + mean_y**2
    structure = (2 * smooth(x * y) - means + C2) / (smooth(x * x + y * y) - squares + C2)
    index = structure * (means + C1) / (squares + C1)
    return index.mean(axis=(1, 2)), structure.mean(axis=(1, 2))


def _window_matrix(side: int) -> NDArray[np.float64]:
    """The Gaussian window at each place where it fits, as rows: (places, side)."""
    width = min(WINDOW, side)
    offsets = np.arange(width) - (width - 1) / 2
    window = np.exp(-(offsets**2) / (2 * SIGMA**2))
    matrix = np.zeros((side - width + 1, side))
    for place, row in enumerate(matrix):
        row[place : place + width] = window / window.sum()
    return matrix
