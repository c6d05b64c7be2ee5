"""Each worker's share of the machine."""

import os
import subprocess
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.search.plan import Workforce
from harness.search.workers import resources as shares

VARIABLES = (
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


@pytest.mark.parametrize(("workers", "threads"), [(1, 8), (2, 4), (3, 2), (8, 1), (20, 1)])
def test_cores_are_shared_and_none_has_less_than_one(workers, threads, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert shares.thread_limits(workers) == dict.fromkeys(VARIABLES, str(threads))


def test_what_the_person_has_set_stays(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert "OMP_NUM_THREADS" not in shares.thread_limits(2)


def machine(monkeypatch, cores, memory=64_000_000_000):
    """A machine without a GPU."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)))
    monkeypatch.setattr(shares, "available_memory", lambda: memory)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


def size(num_trials, images):
    return StudySpec.from_dict(
        {
            "question": "?",
            "base": {"images": images},
            "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
            "search": {"num_trials": num_trials},
        }
    )


@pytest.mark.parametrize(
    ("cores", "memory", "num_trials", "images", "workers"),
    [
        (2, 64_000_000_000, 12, 48_000, 2),
        (8, 64_000_000_000, 12, 48_000, 8),
        (16, 64_000_000_000, 12, 48_000, 11),  # 576,000 images in all
        (16, 64_000_000_000, 4, 480_000, 4),
        (16, 4_000_000_000, 12, 48_000, 2),
        (16, None, 12, 48_000, 11),
        (16, 100_000_000, 12, 48_000, 1),
        (1, 64_000_000_000, 12, 48_000, 1),
        (8, 64_000_000_000, 2, 20_000, 1),
    ],
)
def test_a_worker_for_each_core_as_far_as_there_is_work_and_memory(
    monkeypatch, cores, memory, num_trials, images, workers
):
    machine(monkeypatch, cores, memory)
    assert shares.suggested(Workforce(), size(num_trials, images)).workers == workers


def test_a_cluster_and_parts_of_gpus_are_left_as_they_were_asked_for(monkeypatch):
    machine(monkeypatch, 8)
    for workforce in (Workforce(executor="ray"), Workforce(workers_per_gpu=2)):
        assert shares.suggested(workforce, size(12, 48_000)) == workforce


def test_with_a_gpu_it_is_this_process(two_gpus):
    assert shares.suggested(Workforce(), size(12, 48_000)) == Workforce()


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="Linux says what is available")
def test_the_memory_that_is_available_is_less_than_the_machine_has():
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 0 < shares.available_memory() < total


@pytest.fixture
def two_gpus(monkeypatch):
    """nvidia-smi as it prints two GPUs, of 80,000 and 40,000 MB."""
    shown = "0, GPU-aa, 80000\n1, GPU-bb, 40000\n"

    def run(command, **options):
        assert command[0] == "nvidia-smi"
        return subprocess.CompletedProcess(command, 0, shown, "")

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_workers_fill_one_gpu_after_the_other(two_gpus):
    found = shares.gpu_allocations(Workforce(workers=3, workers_per_gpu=2))
    assert found == [("GPU-aa", 36_000), ("GPU-aa", 36_000), ("GPU-bb", 18_000)]


@pytest.mark.parametrize(("visible", "first"), [("1", "GPU-bb"), ("GPU-bb,GPU-aa", "GPU-bb")])
def test_only_visible_gpus_are_dealt_out(two_gpus, monkeypatch, visible, first):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert shares.gpu_allocations(Workforce(workers=1, workers_per_gpu=1))[0][0] == first


def test_too_few_gpus_are_an_error_of_one_line(two_gpus):
    with pytest.raises(InputError, match="needs 3 GPUs; nvidia-smi shows 2") as caught:
        shares.gpu_allocations(Workforce(workers=5, workers_per_gpu=2))
    assert "\n" not in str(caught.value)


def test_a_machine_without_gpus_has_none(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="nvidia-smi shows 0"):
        shares.gpu_allocations(Workforce(workers=1, workers_per_gpu=1))
    assert shares.gpu_allocations(Workforce(workers=4)) == []
