"""What only a GPU can show: the compiled loop on it, its memory, and two workers that share it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.support.commands import check_exact, run
from tests.support.losses import COMBINATIONS, TOLERANCE

pytestmark = pytest.mark.gpu

GROWTH = "TF_FORCE_GPU_ALLOW_GROWTH"
"""What the tests set for themselves, and what ``prepare_devices`` must do without."""

STUDY = """
question = "Which slope?"
[base]
dataset = "digits"
width = 0.0625
batch_size = 32
images = 256
[space]
leaky_slope = { choices = [0.1, 0.2] }
[search]
num_trials = 2
reports = 2
pruner = "none"
collapse_alarm = false
[evaluation]
num_samples = 200
"""

MEMORY = """
import subprocess
import tensorflow as tf
from harness.training.device import prepare_devices

def used():
    query = ["nvidia-smi", "--query-gpu=memory.used,memory.total", "--format=csv,noheader,nounits"]
    lines = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    return [sum(column) for column in zip(*(map(int, line.split(",")) for line in lines))]

before, total = used()
devices = prepare_devices({limit})
tf.zeros([1_000, 1_000]) + 1.0
after, _ = used()
print(devices[0].startswith("GPU: "), (after - before) / total)
try:
    tf.zeros([256, 1_024, 1_024]) + 1.0  # 1 GiB
except tf.errors.ResourceExhaustedError:
    print("exhausted")
"""


def python(*arguments: str, **variables: str) -> str:
    """The output of Python with ``arguments``, without the memory growth of the tests."""
    kept = {name: value for name, value in os.environ.items() if name != GROWTH}
    result = subprocess.run(
        [sys.executable, *arguments],
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=590,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def found() -> list[dict[str, list[list[float]]]]:
    """The losses of every combination: on the GPU, and on the CPU."""
    hidden = [{}, {"CUDA_VISIBLE_DEVICES": "-1"}]
    return [json.loads(python("-m", "tests.support.losses", **each)) for each in hidden]


@pytest.mark.timeout(1_200)  # the first compiles all combinations, on both devices
@pytest.mark.parametrize("both", COMBINATIONS, ids=" ".join)
def test_the_loop_gives_the_losses_of_the_cpu(
    both: tuple[str, str], found: list[dict[str, list[list[float]]]]
) -> None:
    on_gpu, on_cpu = (losses[" ".join(both)] for losses in found)
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=TOLERANCE)


def test_memory_is_taken_as_it_is_needed() -> None:
    """By default TensorFlow takes nearly all of it at its first operation."""
    is_gpu, share = python("-c", MEMORY.format(limit="")).split()
    assert is_gpu == "True"
    assert float(share) < 0.25


def test_a_process_takes_no_more_memory_than_it_may() -> None:
    assert python("-c", MEMORY.format(limit="memory_mb=512")).split()[-1] == "exhausted"


def test_two_workers_share_one_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(GROWTH, raising=False)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "shared.toml").write_text(STUDY)
    result = run(tmp_path, "shared", "--workers", "2", "--workers-per-gpu", "2", "--no-report")
    assert result.returncode == 0, result.stderr
    trials, _ = check_exact(tmp_path, "shared", 2)
    assert [trial.state.name for trial in trials.values()] == ["COMPLETE"] * 2
