"""Each worker's share of the machine."""

import os
import subprocess

import pytest

from harness.core.errors import InputError
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
