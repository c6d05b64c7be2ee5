"""What TensorFlow trains on: GPUs with memory growth and XLA, or a CPU, and its threads."""

from __future__ import annotations

import os

import tensorflow as tf
from threadpoolctl import threadpool_info

from harness.core.cores import usable_cores


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


def effective_threads() -> dict[str, int]:
    """How many threads this process computes with: every score depends on them.

    intra_op, inter_op: TensorFlow's, by its own setting, else by its environment variable, else one
    per usable core, in the order in which TensorFlow decides. blas: those of NumPy's and SciPy's
    linear algebra, the most of any library that is loaded; 0 if none is known.
    """
    threading = tf.config.threading
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {
        "intra_op": _threads(threading.get_intra_op_parallelism_threads(), "INTRAOP"),
        "inter_op": _threads(threading.get_inter_op_parallelism_threads(), "INTEROP"),
        "blas": max(blas, default=0),
    }


def _threads(configured: int, kind: str) -> int:
    """``configured`` if it is set, else what TF_NUM_<kind>_THREADS says, else the usable cores."""
    if configured > 0:
        return int(configured)
    try:
        variable = int(os.environ.get(f"TF_NUM_{kind}_THREADS", "0"))
    except ValueError:  # TensorFlow takes it for unset
        variable = 0
    if variable > 0:
        return variable
    return usable_cores() or 1


def use_xla() -> bool:
    """True where XLA pays: on a GPU. On a CPU, oneDNN's kernels train this network faster."""
    return bool(tf.config.list_physical_devices("GPU"))
