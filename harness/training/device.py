"""The device that TensorFlow trains on: memory growth on GPUs, XLA there and not on CPUs."""

from __future__ import annotations

import tensorflow as tf


def prepare_devices() -> list[str]:
    """Make GPUs allocate memory as needed; the names of the devices that training will use.

    Returns e.g. ``["GPU: NVIDIA H200"]`` or ``["CPU"]``.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        if not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    return [f"GPU: {name or 'unknown'}" for name in names] or ["CPU"]


def use_xla() -> bool:
    """True where XLA pays: on a GPU. On a CPU, oneDNN's kernels train this network faster."""
    return bool(tf.config.list_physical_devices("GPU"))
