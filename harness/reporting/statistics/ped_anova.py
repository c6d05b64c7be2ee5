"""PED-ANOVA: how far a field's distribution among chosen trials lies from that among all.

Watanabe et al. 2023 (arXiv 2304.10255), algorithm 1, in the whole space: both distributions are
Parzen estimates on a grid, and the importance of a field is the Pearson divergence between them.
Optuna's evaluator gives the same numbers (tests compare); this one takes many choices of trials at
once, as the shuffled outcomes of a permutation test ask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import special

from harness.core.spec.search_space import Choices, Domain

Values = npt.NDArray[np.float64]

NUM_CELLS = 50
LEAST_BANDWIDTH = 0.5 / 1.64  # 90 % of a kernel's mass inside its own cell
_TINY = 1e-12


@dataclass(frozen=True, eq=False)
class FieldGrid:
    """A searched field of n trials: which cell of a grid of ``num_cells`` each one lies in, (n,).

    ordered: whether cells that lie near each other are alike; choices are not.
    """

    cells: npt.NDArray[np.int64]
    num_cells: int
    ordered: bool

    @classmethod
    def of(cls, domain: Domain, values: pd.Series, whole: bool) -> FieldGrid:
        """The grid of ``domain``, which holds the ``values``; ``whole``: of whole numbers.

        A range is cut into NUM_CELLS cells, fewer if it has fewer whole numbers. A value half way
        between two cells lies in the lower one.
        """
        if isinstance(domain, Choices):
            index = {value: cell for cell, value in enumerate(domain.values)}
            return cls(np.array([index[value] for value in values]), len(index), ordered=False)
        low, high = domain.low, domain.high
        num_cells = NUM_CELLS
        if whole and domain.log:
            num_cells = min(math.ceil(math.log2(high - low + 1)) + 1, NUM_CELLS)
        elif whole:
            num_cells = min(round(high - low) + 1, NUM_CELLS)
        numbers = values.to_numpy(dtype="float64")
        if domain.log:
            low, high, numbers = math.log(low), math.log(high), np.log(numbers)
        cells = np.ceil((numbers - low) / ((high - low) / (num_cells - 1)) - 0.5)
        return cls(np.clip(cells, 0, num_cells - 1).astype("int64"), num_cells, ordered=True)


def divergences(grid: FieldGrid, chosen: npt.NDArray[np.bool_]) -> Values:
    """The Pearson divergence of the field for each choice of trials: (B, n) booleans -> (B,).

    Every choice has a trial at least. 0 for a field that can take one value alone.
    """
    in_cell = np.equal.outer(grid.cells, np.arange(grid.num_cells)).astype("float64")
    among_all = in_cell.sum(axis=0, keepdims=True)
    return divergences_of_counts(grid, among_all, chosen.astype("float64") @ in_cell)


def weighted_divergences(grid: FieldGrid, weights: Values, chosen: npt.NDArray[np.bool_]) -> Values:
    """``divergences`` where trials count ``weights`` times, as in resamples: two (B, n) -> (B,)."""
    in_cell = np.equal.outer(grid.cells, np.arange(grid.num_cells)).astype("float64")
    return divergences_of_counts(grid, weights @ in_cell, (weights * chosen) @ in_cell)


def divergences_of_counts(grid: FieldGrid, among_all: Values, among_chosen: Values) -> Values:
    """The divergences from how many trials, and chosen ones, lie in each cell: (B or 1, G) each."""
    if grid.num_cells == 1:
        return np.zeros(len(among_chosen))
    density = _ordered_density if grid.ordered else _unordered_density
    all_of_them, best = density(among_all) + _TINY, density(among_chosen) + _TINY
    found: Values = (all_of_them * (best / all_of_them - 1) ** 2).sum(axis=1)
    return found


def _ordered_density(counts: Values) -> Values:
    """The mixture of a truncated normal kernel at each trial's cell and a wide one: (B, G) each.

    The bandwidth is Scott's: 1.059 min(IQR / 1.34, s) k^(-1/5) for k trials (Scott 1992).
    """
    num_cells = counts.shape[1]
    cells, k = np.arange(num_cells, dtype="float64"), counts.sum(axis=1)
    mean = counts @ cells / k
    squares = (counts * (cells - mean[:, None]) ** 2).sum(axis=1)
    below = counts.cumsum(axis=1)
    lower = (below >= np.maximum(k // 4, 1)[:, None]).argmax(axis=1)
    upper = (below > (k * 3 // 4)[:, None]).argmax(axis=1)
    spread = np.minimum((upper - lower) / 1.34, np.sqrt(squares / np.maximum(1, k - 1)))
    bandwidth = np.maximum(1.059 * spread * k**-0.2, LEAST_BANDWIDTH)
    distances = np.arange(1 - num_cells, num_cells + 1) - 0.5
    masses = np.diff(special.ndtr(distances / bandwidth[:, None]), axis=1)  # (B, 2 G - 1)
    inside = _mass_inside(cells[None, :], bandwidth[:, None], num_cells)
    found = _convolved(counts / inside, masses)[:, num_cells - 1 : 2 * num_cells - 1]
    middle, wide = (num_cells - 1) / 2, float(num_cells)
    prior = special.ndtr((cells + 0.5 - middle) / wide) - special.ndtr(
        (cells - 0.5 - middle) / wide
    )
    prior /= _mass_inside(np.array(middle), np.array(wide), num_cells)
    mixed: Values = (found + prior) / (k[:, None] + 1)
    return mixed


def _convolved(first: Values, second: Values) -> Values:
    """The convolution of each row of ``first`` with that of ``second``."""
    length = first.shape[1] + second.shape[1] - 1
    spectra = np.fft.rfft(first, length) * np.fft.rfft(second, length)
    return np.fft.irfft(spectra, length)


def _mass_inside(centre: Values, width: Values, num_cells: int) -> Values:
    """The mass of normal kernels inside of the grid."""
    high, low = (num_cells - 0.5 - centre) / width, (-0.5 - centre) / width
    found: Values = special.ndtr(high) - special.ndtr(low)
    return found


def _unordered_density(counts: Values) -> Values:
    """The mixture of a smoothed kernel at each trial's choice and a uniform one: (B, C) each."""
    num_choices, k = counts.shape[1], counts.sum(axis=1, keepdims=True)
    rest = 1 / ((counts > 0).sum(axis=1, keepdims=True) + 1)
    found: Values = ((k * rest + counts) / (1 + num_choices * rest) + 1 / num_choices) / (k + 1)
    return found
