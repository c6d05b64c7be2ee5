"""The resources of each worker of one machine: CPU threads, and a part of a GPU's memory."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from contextlib import suppress
from pathlib import Path

from harness.core.cores import usable_cores
from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.search.plan import Workforce

MEMORY_FRACTION = 0.9
"""The part of a GPU's memory that workers get; the rest is for the processes' CUDA contexts."""

IMAGES_PER_WORKER = 50_000
"""Training images that are worth the start of another process, which takes seconds."""

WORKER_BYTES = 1_500_000_000
"""Memory that a worker may take: TensorFlow, two networks, MNIST and its features."""

_THREAD_VARIABLES = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


def suggested(workforce: Workforce, spec: StudySpec) -> Workforce:
    """The workforce with as many local workers as are likely to run the study fastest.

    One for each core, each with one thread: two of them make more trials than one process with
    two threads (docs/performance.md). Fewer where memory, trials or their images are few. One,
    which is this process, where a GPU is seen, and where the executor or the GPUs' share are given.
    """
    if workforce.executor != "local" or workforce.workers_per_gpu is not None or _gpus():
        return workforce
    num_trials = spec.search.num_trials
    limits = [usable_cores() or 1, num_trials]
    limits.append(num_trials * spec.base_config().images // IMAGES_PER_WORKER)
    if (memory := available_memory()) is not None:
        limits.append(memory // WORKER_BYTES)
    return dataclasses.replace(workforce, workers=max(1, min(limits)))


def available_memory() -> int | None:
    """Bytes that new processes may take without swapping; None where Linux does not say it."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(1_024 * int(line.split()[1]))
    with suppress(OSError, ValueError):  # a container's limit; "max" where there is none
        group = Path("/sys/fs/cgroup")
        used = int((group / "memory.current").read_text())
        found.append(int((group / "memory.max").read_text()) - used)
    return max(0, min(found)) if found else None


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
