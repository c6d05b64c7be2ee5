"""The threads that a process computes with: as many as TensorFlow and BLAS take."""

from __future__ import annotations

import os

import pytest
import tensorflow as tf
from threadpoolctl import threadpool_limits

from harness.training.device import effective_threads

VARIABLES = {"intra_op": "TF_NUM_INTRAOP_THREADS", "inter_op": "TF_NUM_INTEROP_THREADS"}


@pytest.fixture(params=VARIABLES)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A kind of threads, of which nothing is set."""
    monkeypatch.delenv(VARIABLES[request.param], raising=False)
    monkeypatch.setattr(tf.config.threading, f"get_{request.param}_parallelism_threads", lambda: 0)
    return request.param


def test_without_a_setting_they_are_the_usable_cores(kind, monkeypatch) -> None:
    assert effective_threads()[kind] == len(os.sched_getaffinity(0))
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    assert effective_threads()[kind] == 3


@pytest.mark.parametrize(("value", "number"), [("7", 7), ("0", 3), ("", 3), ("many", 3)])
def test_a_variable_as_workers_have_it_counts_if_it_is_a_number(
    kind, value, number, monkeypatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 3, 5})
    monkeypatch.setenv(VARIABLES[kind], value)
    assert effective_threads()[kind] == number


def test_tensorflows_own_setting_comes_first(kind, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLES[kind], "7")
    monkeypatch.setattr(tf.config.threading, f"get_{kind}_parallelism_threads", lambda: 5)
    assert effective_threads()[kind] == 5


def test_linear_algebra_has_the_threads_that_it_was_given() -> None:
    with threadpool_limits(1, user_api="blas"):
        assert effective_threads()["blas"] == 1
