"""Multiply-adds of a training step, counted by the layers of the networks.

Nominal work counts every tap of a convolution at every place; useful work leaves out the taps that
meet padding, of which the product is 0. How a layer is computed does not matter: a faster algorithm
does the same work in less time.
"""

from __future__ import annotations

from typing import NamedTuple

import keras

from harness.models.networks import Networks


class Work(NamedTuple):
    """Multiply-adds."""

    nominal: int = 0
    useful: int = 0

    def times(self, count: int) -> Work:
        """The work of ``count`` passes."""
        return Work(self.nominal * count, self.useful * count)


def total(parts: list[Work]) -> Work:
    """The sum of ``parts``."""
    return Work(sum(part.nominal for part in parts), sum(part.useful for part in parts))


def step_work(networks: Networks, procedure: str) -> Work:
    """Multiply-adds of a training step of ``procedure`` for an image of the batch.

    A pass forward, the gradients of the weights and those of the inputs are the same work each; the
    first layer of a network needs no gradients of its inputs, but for the discriminator's in the
    generator's update. ``simultaneous`` takes both updates from one pass; the others make fakes
    once more, and judge them once more.
    """
    generator, discriminator = (layers_work(network) for network in networks)
    g_pass, d_pass = total(generator), total(discriminator)
    parts = [
        *(g_pass.times(3), generator[0].times(-1)),
        *(d_pass.times(2 * 3), discriminator[0].times(-2)),
        d_pass,
    ]
    if procedure != "simultaneous":
        parts += [g_pass, d_pass]
    return total(parts)


def layers_work(network: keras.Sequential) -> list[Work]:
    """Multiply-adds of the layers that have a kernel, in order, in a pass forward of one image."""
    return [_layer_work(layer) for layer in network.layers if hasattr(layer, "kernel")]


def _layer_work(layer: keras.layers.Layer) -> Work:
    weights = layer.kernel.shape
    if isinstance(layer, keras.layers.Dense):
        return Work(weights[0] * weights[1], weights[0] * weights[1])
    large, small = layer.input.shape[1:3], layer.output.shape[1:3]
    if isinstance(layer, keras.layers.Conv2DTranspose):
        large, small = small, large
    nominal = useful = weights[2] * weights[3]
    for axis in (0, 1):
        nominal *= small[axis] * weights[axis]
        useful *= _inside(
            large[axis], small[axis], weights[axis], layer.strides[axis], layer.padding
        )
    return Work(nominal, useful)


def _inside(large: int, small: int, kernel: int, stride: int, padding: str) -> int:
    """Of a convolution from ``large`` to ``small`` places: the taps that lie on the large map."""
    padded = max((small - 1) * stride + kernel - large, 0) if padding == "same" else 0
    first = padded // 2
    places = (place * stride + tap - first for place in range(small) for tap in range(kernel))
    return sum(0 <= place < large for place in places)
