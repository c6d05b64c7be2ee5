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


@pytest.mark.parametrize("state", schema.FinalState)
def test_a_run_says_the_state_of_its_trial(state: schema.FinalState):
    assert schema.final_state(schema.RUN_STATUS[state], schema.OUTCOME[state]) == state


@pytest.mark.parametrize(
    ("status", "outcome", "state"),
    [
        ("KILLED", None, "PRUNED"),  # of earlier versions, which had no tag
        ("FINISHED", None, "COMPLETE"),
        ("FAILED", None, "FAIL"),
        ("FAILED", "pruned", "FAIL"),  # killed between the run's end and the trial's
        ("FINISHED", "of somebody else", "COMPLETE"),
        ("RUNNING", "pruned", None),
        ("SCHEDULED", None, None),
    ],
)
def test_runs_of_before_and_cut_off_runs_are_read(status: str, outcome: str | None, state):
    assert schema.final_state(status, outcome) == state


def test_no_run_of_a_trial_that_was_pruned_looks_failed():
    # MLflow's page shows FAILED and KILLED with the same red cross.
    assert schema.RUN_STATUS[schema.FinalState.PRUNED] == "FINISHED"


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
