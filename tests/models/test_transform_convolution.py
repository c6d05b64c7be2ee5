"""TransformConv2D and TransformConv2DTranspose beside the layers of Keras: values, gradients."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from harness.models.layers.cyclic_convolution import cyclic_convolution
from harness.models.layers.transform_convolution import (
    TransformConv2D,
    TransformConv2DTranspose,
    num_blocks,
)

TRANSPOSED = (keras.layers.Conv2DTranspose, TransformConv2DTranspose)
STRIDED = (keras.layers.Conv2D, TransformConv2D)


def both(shape, *arguments, kinds=TRANSPOSED, **options):
    """The plain layer and the other, built for maps of ``shape`` with the same seed."""
    built = []
    for kind in kinds:
        keras.utils.set_random_seed(3)
        layer = kind(*arguments, **options)
        layer.build((None, *shape))
        built.append(layer)
    return built


def passed(layer, maps, upstream):
    """Outputs, and the gradients of <outputs, upstream> by maps, kernel and bias."""
    with tf.GradientTape() as tape:
        tape.watch(maps)
        outputs = layer(maps)
        value = tf.reduce_sum(outputs * upstream)
    return outputs, *tape.gradient(value, [maps, *(v.value for v in layer.trainable_variables)])


@pytest.mark.parametrize("use_bias", [True, False])
def test_variables_and_initial_values_are_those_of_keras(use_bias):
    plain, transform = both((7, 7, 6), 4, 5, padding="same", use_bias=use_bias)
    assert [v.name for v in transform.variables] == [v.name for v in plain.variables]
    assert len(plain.variables) == 1 + use_bias
    for one, other in zip(transform.get_weights(), plain.get_weights(), strict=True):
        assert np.array_equal(one, other)


# Sums of at most 25 * 9 products of order 1, and for gradients by the kernel of 4 * 63: in float64
# they err by some 1e-14, and the transform by a few times that.
@pytest.mark.parametrize(
    ("size", "kernel_size", "padding", "use_bias"),
    [
        ((7, 7), 5, "same", False),
        ((7, 7), 5, "valid", True),
        ((7, 9), (4, 3), "same", True),
        ((2, 3), (6, 5), "valid", False),
    ],
)
def test_outputs_and_gradients_in_float64(size, kernel_size, padding, use_bias):
    plain, transform = both(
        (*size, 9), 5, kernel_size, padding=padding, use_bias=use_bias, dtype="float64"
    )
    rng = np.random.default_rng(0)
    maps = tf.constant(rng.normal(size=(4, *size, 9)))
    upstream = tf.constant(rng.normal(size=plain(maps).shape))
    expected, found = (passed(layer, maps, upstream) for layer in (plain, transform))
    assert len(found) == 3 + use_bias
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == tf.float64
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


# Kernels that touch an odd number of blocks: 4 and 5 taps touch 3, 2 taps 1, 9 taps 5.
@pytest.mark.parametrize("kinds", [TRANSPOSED, STRIDED], ids=["transposed", "strided"])
@pytest.mark.parametrize(
    ("size", "kernel_size", "use_bias"),
    [((14, 14), 5, True), ((6, 10), 4, False), ((8, 4), (2, 9), True), ((2, 2), 5, False)],
)
def test_outputs_and_gradients_with_stride_2_in_float64(kinds, size, kernel_size, use_bias):
    if kinds is TRANSPOSED:
        size = (size[0] // 2, size[1] // 2)
    plain, transform = both(
        (*size, 3),
        *(6, kernel_size, 2),
        kinds=kinds,
        padding="same",
        use_bias=use_bias,
        activation="tanh",
        dtype="float64",
    )
    assert [v.name for v in transform.variables] == [v.name for v in plain.variables]
    rng = np.random.default_rng(0)
    if use_bias:
        bias = rng.normal(size=6)
        for layer in (plain, transform):
            layer.bias.assign(bias)
    maps = tf.constant(rng.normal(size=(4, *size, 3)))
    upstream = tf.constant(rng.normal(size=plain(maps).shape))
    expected, found = (passed(layer, maps, upstream) for layer in (plain, transform))
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == tf.float64
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.slow
def test_xla_computes_the_strided_ones_too():
    """The same sums in another order, in float32: a few roundings of some 6e-8 of the largest."""
    for kinds, size in ((TRANSPOSED, 4), (STRIDED, 8)):
        _, layer = both((size, size, 3), 6, 5, 2, kinds=kinds, padding="same")
        maps = tf.random.stateless_normal((4, size, size, 3), (0, 0))
        upstream = tf.random.stateless_normal(layer(maps).shape, (1, 1))
        expected = passed(layer, maps, upstream)
        compiled = tf.function(lambda x, y, layer=layer: passed(layer, x, y), jit_compile=True)
        for one, other in zip(compiled(maps, upstream), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=2e-6 * np.abs(other).max())


def test_the_number_of_blocks_that_a_kernel_touches():
    """Padding of 3 taps begins at the place itself, of 4 and 5 one before, of 6 and 7 two."""
    assert [num_blocks(size) for size in range(1, 10)] == [1, 1, 2, 3, 3, 3, 4, 5, 5]


@pytest.mark.parametrize(
    ("kinds", "arguments"),
    [(TRANSPOSED, (2, 3)), (TRANSPOSED, (2, 5, 2)), (STRIDED, (2, 5, 2))],
)
def test_gradients_of_gradients_in_float64(kinds, arguments):
    """By the kernel, of the squared gradient by the maps: what a penalty on slopes asks for."""
    found = []
    for layer in both((6, 6, 3), *arguments, kinds=kinds, padding="same", dtype="float64"):
        maps = tf.random.stateless_normal((2, 6, 6, 3), (0, 0), dtype=tf.float64)
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                tape.watch(maps)
                value = tf.reduce_sum(layer(maps) ** 3)
            squares = tf.reduce_sum(tape.gradient(value, maps) ** 2)
        found.append(outer.gradient(squares, layer.kernel.value))
    assert np.abs(found[0]).max() > 1
    np.testing.assert_allclose(found[1], found[0], rtol=1e-10)


def test_rounding_of_float32_stays_inside_its_bound():
    """|error| <= n u |A| (|B| |x| . |G| |k|), u = 2^-24, n the terms of the four sums in a row.

    Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1, applied to each sum;
    3 more for the roundings of the matrices, 1 for the product. The bound holds for any order of
    summation; the error is usually far below it.
    """
    (channels, filters, size), kernel_size = (16, 4, (7, 7)), (5, 5)
    _, transform = both((*size, channels), filters, kernel_size, padding="same", use_bias=False)
    m = cyclic_convolution(size, kernel_size, "same")
    maps = np.random.default_rng(0).normal(size=(2, *size, channels)).astype(np.float32)
    x = maps.reshape(2, -1, channels).astype(np.float64)
    k = transform.get_weights()[0].reshape(-1, filters, channels).astype(np.float64)

    def result(change):
        a, b, g = (change(matrix) for matrix in (m.output, m.input, m.kernel))
        products = np.einsum("pi,nic,pt,tfc->npf", b, change(x), g, change(k), optimize=True)
        return np.einsum("op,npf->nof", a, products)

    exact = result(np.asarray)
    terms = m.input.shape[1] + m.kernel.shape[1] + channels + m.num_products + 4
    found = np.asarray(transform(maps)).reshape(exact.shape)
    assert (np.abs(found - exact) <= terms * 2.0**-24 * result(np.abs)).all()
    assert np.abs(found - exact).max() < 1e-5 * np.abs(exact).max()


def test_bfloat16_is_rounded_before_and_after_alone():
    """Maps and kernel are rounded to 8 bits, as for the plain layer, and the result is."""
    policy = "mixed_bfloat16"
    _, transform = both((7, 7, 8), 4, 5, padding="same", dtype=policy)
    maps = tf.random.stateless_normal((3, 7, 7, 8), (0, 0))
    kernel = tf.cast(tf.cast(transform.kernel.value, tf.bfloat16), tf.float32)
    rounded = tf.cast(tf.cast(maps, tf.bfloat16), tf.float32)
    exact = tf.nn.conv2d_transpose(rounded, kernel, (3, 7, 7, 4), 1, "SAME")
    found = transform(maps)
    assert found.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(found, tf.float32), exact, rtol=2.0**-8, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"strides": 2},  # its padding is valid
        {"strides": 3, "padding": "same"},
        {"strides": 2, "padding": "same", "kernel_size": 3},
        {"dilation_rate": 2},
        {"data_format": "channels_first"},
    ],
)
def test_what_it_does_not_compute_is_refused(options):
    with pytest.raises(ValueError, match=r"allowed: \(\(1, 1\), None, 'channels_last'\), strides"):
        TransformConv2DTranspose(4, **{"kernel_size": 5, **options})


@pytest.mark.parametrize(
    "options", [{"strides": 1}, {"padding": "valid"}, {"groups": 2}, {"kernel_size": 3}]
)
def test_what_the_strided_one_does_not_compute_is_refused(options):
    with pytest.raises(
        ValueError, match=r"allowed: \(\(2, 2\), 'same', \(1, 1\), 1, 'channels_last'"
    ):
        TransformConv2D(4, **{"kernel_size": 5, "strides": 2, "padding": "same", **options})
