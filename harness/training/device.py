"""The device that TensorFlow trains on: memory growth on GPUs, XLA there and not on CPUs."""

from __future__ import annotations

import tensorflow as tf


def prepare_devices(memory_mb: int | None = None) -> list[str]:
    """Make GPUs allocate memory as needed; the names of the devices that training will use.

    Returns e.g. ``["GPU: NVIDIA H200"]`` or ``["CPU"]``. With ``memory_mb`` this process takes no
    more than that of each GPU, and its allocator fails beyond.
    """
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        if memory_mb is not None:
            limit = tf.config.LogicalDeviceConfiguration(memory_limit=memory_mb)
            if not tf.config.get_logical_device_configuration(gpu):
                tf.config.set_logical_device_configuration(gpu, [limit])
        elif not tf.config.experimental.get_memory_growth(gpu):
            tf.config.experimental.set_memory_growth(gpu, True)
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    return [f"GPU: {name or 'unknown'}" for name in names] or ["CPU"]


def use_xla() -> bool:
    """True where XLA pays: on a GPU. On a CPU, oneDNN's kernels train this network faster."""
    return bool(tf.config.list_physical_devices("GPU"))
