"""Convolutions of small maps as products of frequencies: the three constant matrices.

Convolution theorem: the discrete Fourier transform of a cyclic convolution is the product of the
transforms. A convolution that is not cyclic is one as soon as the cycle is long enough that
nothing wraps around into the outputs that are wanted. The transforms of real maps come in conjugate
pairs, of which one is enough; a complex product takes three real ones (Karatsuba and Ofman 1963;
Winograd 1980, "Arithmetic Complexity of Computations", for the number of products in general). So

    Y = output ((input X) * (kernel K))

with real matrices and one product for each row. For 5x5 kernels on 7x7 maps that keep their size
the cycle is 9x9: one real frequency and 40 pairs, 121 products in place of 7 * 7 * 5 * 5 = 1,225.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Size = tuple[int, int]


@dataclass(frozen=True)
class CyclicConvolution:
    """A transposed convolution of stride 1 as ``output @ ((input @ x) * (kernel @ k))``.

    ``x`` holds the map (H * W,), ``k`` the kernel (kh * kw,), the result the output map
    (output_size[0] * output_size[1],), each row by row. The matrices are float64, (P, H * W),
    (P, kh * kw) and (output positions, P), where P is ``num_products``.
    """

    input: NDArray[np.float64]
    kernel: NDArray[np.float64]
    output: NDArray[np.float64]
    output_size: Size

    @property
    def num_products(self) -> int:
        """P: real products for each pair of an input and an output channel."""
        return len(self.input)


def num_products(map_size: Size, kernel_size: Size, padding: str) -> int:
    """P of ``cyclic_convolution``, without the matrices, which grow with the map's square.

    Of each axis the frequency 0 is real, and in an even cycle that of half its length.
    """
    axes = zip(map_size, kernel_size, strict=True)
    height, width = (_axis(*sizes, same=padding == "same")[2] for sizes in axes)
    real = (2 - height % 2) * (2 - width % 2)
    return real + 3 * (height * width - real) // 2


@functools.cache
def cyclic_convolution(map_size: Size, kernel_size: Size, padding: str) -> CyclicConvolution:
    """The matrices for maps (H, W) and kernels (kh, kw), padded as Keras's Conv2DTranspose pads.

    ``padding`` ``valid`` gives all H + kh - 1 rows of the full convolution, ``same`` the H rows
    from row (kh - 1) // 2 on; columns likewise.
    """
    axes = [
        _axis(*sizes, same=padding == "same") for sizes in zip(map_size, kernel_size, strict=True)
    ]
    cycle = (axes[0][2], axes[1][2])
    wanted = [np.arange(first, first + count) for first, count, _ in axes]
    frequencies, weights = _half_of_the_frequencies(cycle)
    real, pairs = weights == 1, weights == 2

    def waves(places: list[NDArray[np.int64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Cosine and sine of every frequency (rows) at every place (columns)."""
        grid = np.stack(np.meshgrid(*places, indexing="ij"), axis=-1).reshape(-1, 2)
        cycles = frequencies[:, None, :] * grid[None] % cycle / cycle
        angles = 2 * np.pi * cycles.sum(axis=-1)
        return np.cos(angles), np.sin(angles)

    def factors(size: Size) -> NDArray[np.float64]:
        """Rows for a + bi: a where it is real; else a, b and a + b, from the transform."""
        a, minus_b = waves([np.arange(length) for length in size])
        return np.concatenate([a[real], a[pairs], -minus_b[pairs], (a - minus_b)[pairs]])

    # (a + bi)(c + di) from p = ac, q = bd, r = (a + b)(c + d) is (p - q) + (r - p - q)i. Back at a
    # place with cosine C and sine S its real part is C (p - q) - S (r - p - q).
    cosine, sine = (values * (weights / np.prod(cycle))[:, None] for values in waves(wanted))
    back = [cosine[real], (cosine + sine)[pairs], (sine - cosine)[pairs], -sine[pairs]]
    output_size = (axes[0][1], axes[1][1])
    return CyclicConvolution(
        factors(map_size), factors(kernel_size), np.concatenate(back).T, output_size
    )


def _axis(size: int, kernel: int, *, same: bool) -> tuple[int, int, int]:
    """Of one axis: the first output wanted of the full convolution, how many, and the cycle."""
    full = size + kernel - 1
    first, count = ((kernel - 1) // 2, size) if same else (0, full)
    # Output t meets t + cycle, which is to lie beyond the last, and t - cycle, before the first.
    return first, count, max(full - first, first + count)


def _half_of_the_frequencies(cycle: Size) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One frequency of each conjugate pair (rows of two), and its weight: 1 if it is its own."""
    kept, weights = [], []
    for u in range(cycle[0]):
        for v in range(cycle[1]):
            partner = (-u % cycle[0], -v % cycle[1])
            if (u, v) <= partner:
                kept.append((u, v))
                weights.append(1 if (u, v) == partner else 2)
    return np.array(kept), np.array(weights)
