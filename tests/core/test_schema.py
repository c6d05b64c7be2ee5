"""The names at the seam, and the two small things of core that every room uses."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core import schema
from harness.core.errors import DivergedError, shown
from harness.core.registry import METRICS
from harness.core.seeds import derive_seed


def test_every_trial_state_has_a_run_status_of_its_own():
    # MLflow's states, as its documentation lists them.
    mlflow_states = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"}
    assert set(schema.RUN_STATUS) == set(schema.FinalState)
    assert len(set(schema.RUN_STATUS.values())) == 3
    assert set(schema.RUN_STATUS.values()) <= mlflow_states


def test_no_two_metrics_share_a_name():
    names = [*schema.TRAINING_METRICS, *schema.TIME_METRICS, *METRICS.names()]
    assert len(set(names)) == len(names)


@given(st.lists(st.integers(0, 10**9 - 1), min_size=2, max_size=20))
def test_sample_grids_sort_by_images_seen(images_seen: list[int]):
    paths = [schema.sample_path(count) for count in images_seen]
    assert sorted(paths) == [schema.sample_path(count) for count in sorted(images_seen)]


def test_a_divergence_says_what_and_when_and_survives_a_copy():
    error = copy.copy(DivergedError("g_loss", 12_800))
    assert str(error) == "g_loss is not finite at 12,800 images seen"
    assert (error.quantity, error.images_seen) == ("g_loss", 12_800)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two\nlines", r"'two\nlines'"),
        (0.1, "0.1"),
        ("x" * 78, repr("x" * 78)),  # 80 characters with its quotes
        ("x" * 79, "'" + "x" * 76 + "..."),
        pytest.param(1 << 20_000, "<int too large to show>", id="digits"),
    ],
)
def test_values_are_shown_on_one_short_line(value: object, text: str):
    assert shown(value) == text


def test_streams_of_a_seed_are_stable_and_apart():
    assert derive_seed(0, "weights") == derive_seed(0, "weights")
    seeds = {derive_seed(seed, name) for seed in range(50) for name in ("weights", "noise")}
    assert len(seeds) == 100  # 100 of 2**31: a collision has probability 2e-6
    assert all(0 <= seed < 2**31 for seed in seeds)
    # sha256("0/weights")[:4] as a big-endian number, halved; the same on every machine.
    assert derive_seed(0, "weights") == 0x1DA1483
