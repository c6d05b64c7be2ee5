"""Faults of this machine under stores in files: locks, a full disk, memory, two studies at once."""

from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import tensorflow as tf

from harness.search.study.storage import load_or_create_study
from harness.search.study.trials import counted_trials
from harness.tracking.failures import is_outage
from harness.tracking.stores.layout import Layout
from tests.reliability.conftest import SPEC, BothStores
from tests.support.stores import DATABASES, copy_stores


def hold(path: Path, seconds: float) -> threading.Timer:
    """Take the write lock of the database at ``path``; the timer that lets it go is started."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, connection.close)
    timer.start()
    return timer


@pytest.mark.slow
def test_locked_databases_are_waited_for(stores: BothStores, layout: Layout) -> None:
    held: list[threading.Timer] = []

    def lock_both() -> None:
        held.extend(hold(layout.root / name, 12.0) for name in DATABASES)

    stores.run({1: lock_both})
    for timer in held:
        timer.join()
    trials = stores.check_equal()
    assert [trial.state.name for trial in trials] == ["COMPLETE"] * 3
    assert all(len(trial.intermediate_values) == 3 for trial in trials)


@pytest.mark.slow
def test_a_trial_without_memory_fails_and_the_study_goes_on(stores: BothStores) -> None:
    def exhaust() -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")

    stores.run({4: exhaust})
    trials = stores.check_equal()
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    assert trials[1].user_attrs["failure"].startswith("ResourceExhaustedError")
    assert len(counted_trials(load_or_create_study(SPEC, stores.storage))) == 3


@pytest.mark.slow
def test_two_studies_at_once_in_the_same_stores(stores: BothStores, layout: Layout) -> None:
    other = dataclasses.replace(SPEC, name="other")
    begun = threading.Event()
    second = BothStores(layout.storage_url, layout.tracking_uri, layout.artifact_root)
    # The second runs whole in the middle of a trial of the first.
    stores.run({4: lambda: (second.run({}, other), begun.set())})
    assert begun.is_set()
    assert len(stores.check_equal()) == len(second.check_equal(other)) == 3
    second.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a tmpfs")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_ends_the_session_and_the_trial_is_run_again(
    small_disk: Path, empty_stores: Layout
) -> None:
    ballast = small_disk / "ballast"

    def fill() -> None:
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(4_096)):
                pass

    layout = copy_stores(empty_stores, small_disk / "mlruns")
    stores = BothStores(layout.storage_url, layout.tracking_uri, layout.artifact_root)
    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever write comes first
        stores.run({4: fill})
    assert is_outage(caught.value)
    ballast.unlink()
    assert len(counted_trials(load_or_create_study(SPEC, stores.storage))) == 1
    stores.run({})
    trials = stores.check_equal()
    assert [trial.state.name for trial in trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]
    assert trials[2].params == trials[1].params
    assert len(counted_trials(load_or_create_study(SPEC, stores.storage))) == 3
    stores.close()
