"""Many processes meet fresh stores at once, as four machines of one job do: nobody dies of it.

HARNESS_TEST_ROUNDS is how many times, for each kind of store.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from multiprocessing.synchronize import Barrier
from pathlib import Path

import optuna
import pytest

from harness.core.spec.study_spec import StudySpec
from tests.support.postgres import postgres_database

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_800)]

ROUNDS = int(os.environ.get("HARNESS_TEST_ROUNDS", "2"))
MACHINES = 4
STUDY = StudySpec(name="fresh", question="Who is first?")


def _open_all(
    machine: Path, pairs: list[tuple[str, str]], barrier: Barrier, seen: multiprocessing.Queue
) -> None:
    """Open each pair of stores as one of several machines: temporary folder and runs its own."""
    machine.mkdir()
    tempfile.tempdir = str(machine)
    os.environ["HARNESS_MLRUNS"] = str(machine / "mlruns")
    from harness.search.study.lock import study_lock
    from harness.search.study.storage import load_or_create_study, open_storage
    from harness.tracking.mlflow_tracker import MlflowTracker

    for storage_url, tracking_uri in pairs:
        barrier.wait()
        storage = open_storage(storage_url)
        tracker = MlflowTracker(tracking_uri, machine / "artifacts")
        with study_lock(storage, STUDY.name):
            load_or_create_study(STUDY, storage)
        parent = tracker.open_study(STUDY)
        seen.put(parent.run_id)
        storage.remove_session()
        storage.engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def pairs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[tuple[str, str]]]:
    """Addresses of stores that are not there yet, or are empty: Optuna's and MLflow's."""
    if request.param == "sqlite":
        folders = [tmp_path / str(number) for number in range(ROUNDS)]
        yield [(f"sqlite:///{f}/optuna.db", f"sqlite:///{f}/mlflow.db") for f in folders]
        return
    server = os.environ.get("HARNESS_TEST_POSTGRES")
    if not server:
        pytest.skip("HARNESS_TEST_POSTGRES does not name a PostgreSQL server; .ci/run starts one")
    with ExitStack() as databases:
        made = [databases.enter_context(postgres_database(server)) for _ in range(2 * ROUNDS)]
        yield list(zip(made[::2], made[1::2], strict=True))


def test_four_machines_meet_fresh_stores(pairs: list[tuple[str, str]], tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, seen = context.Barrier(MACHINES), context.Queue()
    machines = [
        context.Process(target=_open_all, args=(tmp_path / f"machine-{n}", pairs, barrier, seen))
        for n in range(MACHINES)
    ]
    for machine in machines:
        machine.start()
    runs = set()
    while any(machine.is_alive() for machine in machines) or not seen.empty():
        if any(machine.exitcode for machine in machines):
            barrier.abort()  # the others would wait for the one that died
        with suppress(queue.Empty):
            runs.add(seen.get(timeout=0.2))
    assert [machine.exitcode for machine in machines] == [0] * MACHINES
    assert len(runs) == len(pairs)  # the same run of the study for all four
    for storage_url, _ in pairs:
        storage = optuna.storages.RDBStorage(storage_url)
        assert optuna.get_all_study_names(storage) == [STUDY.name]
        storage.remove_session()
        storage.engine.dispose()
