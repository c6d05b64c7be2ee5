"""The resources of each worker of one machine: CPU threads, and a part of a GPU's memory."""

from __future__ import annotations

import os
import subprocess

from harness.core.cores import usable_cores
from harness.core.errors import InputError
from harness.search.plan import Workforce

MEMORY_FRACTION = 0.9
"""The part of a GPU's memory that workers get; the rest is for the processes' CUDA contexts."""

_THREAD_VARIABLES = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


def thread_limits(workers: int) -> dict[str, str]:
    """Environment variables that give each of ``workers`` as many threads, at least one."""
    return threads(max(1, (usable_cores() or 1) // workers))


def threads(number: int) -> dict[str, str]:
    """Environment variables that let a process compute with ``number`` threads.

    A variable that is set already is left out.
    """
    return {name: str(number) for name in _THREAD_VARIABLES if name not in os.environ}


def gpu_allocations(workforce: Workforce) -> list[tuple[str, int]]:
    """Each worker's GPU, for CUDA_VISIBLE_DEVICES, and its part of the memory in MB.

    Empty unless ``workers_per_gpu`` is set. Raises InputError if there are too few GPUs.
    """
    per_gpu = workforce.workers_per_gpu
    if per_gpu is None:
        return []
    gpus = _gpus()
    needed = -(-workforce.workers // per_gpu)
    if needed > len(gpus):
        raise InputError(
            f"--workers {workforce.workers} with --workers-per-gpu {per_gpu} needs {needed} GPUs; "
            f"nvidia-smi shows {len(gpus)}"
        )
    return [
        (gpus[number // per_gpu][0], int(MEMORY_FRACTION * gpus[number // per_gpu][1] / per_gpu))
        for number in range(workforce.workers)
    ]


def _gpus() -> list[tuple[str, int]]:
    """(UUID, memory in MB) of the GPUs that this process may use, in their order."""
    query = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[cell.strip() for cell in line.split(",")] for line in found.stdout.splitlines()]
    gpus = {name: (uuid, int(memory)) for index, uuid, memory in rows for name in (index, uuid)}
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = [index for index, *_ in rows] if visible is None else visible.split(",")
    return [gpus[name.strip()] for name in names if name.strip() in gpus]
