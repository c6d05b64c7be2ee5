"""Classic augmentation of real images on the device: shift, rotation, zoom."""

from __future__ import annotations

import math

import tensorflow as tf

MAX_SHIFT = 2.0  # pixels
MAX_ROTATION = 10.0 * math.pi / 180.0
MAX_ZOOM = 0.1


def classic(images: tf.Tensor, draws: tf.Tensor) -> tf.Tensor:
    """Images (N, H, W, C), float32, each rotated, zoomed and shifted down and right.

    draws: (4, N) in [-1, 1), for rotation, zoom and the two shifts; they scale to +-10 degrees,
    +-10 % and +-2 pixels. Bilinear interpolation, zeros outside. Written with gather alone, so
    that XLA compiles it.
    """
    height, width = images.shape[1], images.shape[2]
    draws = draws[:, :, tf.newaxis, tf.newaxis]
    angle, zoom = draws[0] * MAX_ROTATION, 1.0 + draws[1] * MAX_ZOOM
    rows = tf.reshape(tf.range(height, dtype=tf.float32) - (height - 1) / 2, [1, -1, 1])
    columns = tf.reshape(tf.range(width, dtype=tf.float32) - (width - 1) / 2, [1, 1, -1])
    cosine, sine = tf.cos(angle) / zoom, tf.sin(angle) / zoom
    source_rows = cosine * rows - sine * columns + (height - 1) / 2 + draws[2] * MAX_SHIFT
    source_columns = sine * rows + cosine * columns + (width - 1) / 2 + draws[3] * MAX_SHIFT
    return _sample_bilinear(images, source_rows, source_columns)


def _sample_bilinear(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """The images at fractional (rows, columns), each (N, H, W); zero outside the frame."""
    top, left = tf.floor(rows), tf.floor(columns)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    upper = (1 - right) * _at(images, top, left) + right * _at(images, top, left + 1)
    lower = (1 - right) * _at(images, top + 1, left) + right * _at(images, top + 1, left + 1)
    return (1 - down) * upper + down * lower


def _at(images: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """The pixels at whole (rows, columns); zero outside the frame."""
    height, width = images.shape[1], images.shape[2]
    inside = (rows >= 0) & (rows <= height - 1) & (columns >= 0) & (columns <= width - 1)
    row = tf.cast(tf.clip_by_value(rows, 0, height - 1), tf.int32)
    column = tf.cast(tf.clip_by_value(columns, 0, width - 1), tf.int32)
    flat = tf.reshape(images, [tf.shape(images)[0], height * width, images.shape[3]])
    return (
        tf.gather(flat, row * width + column, batch_dims=1) * tf.cast(inside, tf.float32)[..., None]
    )
