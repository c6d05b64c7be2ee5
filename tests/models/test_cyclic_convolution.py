"""The three matrices, in float64, against convolutions that scipy sums up tap by tap."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import convolve2d

from harness.models.layers.cyclic_convolution import cyclic_convolution, num_products

SIZES = [
    ((7, 7), (5, 5)),
    ((4, 4), (5, 5)),
    ((7, 7), (4, 4)),
    ((6, 9), (3, 2)),
    ((1, 1), (4, 4)),
    ((3, 2), (5, 6)),  # kernels beyond the map
    ((8, 5), (1, 1)),
    ((14, 14), (5, 5)),
]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("size", "kernel_size"), SIZES)
def test_it_is_the_convolution(size, kernel_size, padding):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=size), rng.normal(size=kernel_size)
    expected = convolve2d(x, kernel)
    if padding == "same":  # of an even kernel the shorter side comes first, as in Keras
        rows, columns = ((length - 1) // 2 for length in kernel_size)
        expected = expected[rows : rows + size[0], columns : columns + size[1]]
    m = cyclic_convolution(size, kernel_size, padding)
    found = m.output @ ((m.input @ x.ravel()) * (m.kernel @ kernel.ravel()))
    assert m.output_size == expected.shape
    assert np.abs(found - expected.ravel()).max() < 1e-12


# A cycle of L x L: one frequency is real if L is odd, four if it is even; three products for each
# pair of the others. L is what 7x7 outputs amid 11x11 need, 4x4 amid 8x8, or all of 11x11.
@pytest.mark.parametrize(
    ("size", "padding", "cycle"), [((7, 7), "same", 9), ((4, 4), "same", 6), ((7, 7), "valid", 11)]
)
def test_the_number_of_products(size, padding, cycle):
    real = 1 if cycle % 2 else 4
    found = num_products(size, (5, 5), padding)
    assert found == real + 3 * (cycle**2 - real) // 2
    assert cyclic_convolution(size, (5, 5), padding).num_products == found
    assert num_products((7, 7), (5, 5), "same") == 121


def test_the_number_of_products_of_cycles_that_are_no_squares():
    """Maps of 6x9, kernels 3x2: 7 and 10; of 7x8, 3x3: 8 and 9."""
    for size, kernel_size, expected in (((6, 9), (3, 2), 2 + 34 * 3), ((7, 8), (3, 3), 2 + 35 * 3)):
        assert num_products(size, kernel_size, "same") == expected
        assert cyclic_convolution(size, kernel_size, "same").num_products == expected
