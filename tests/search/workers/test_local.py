"""A worker's process as the system sees it."""

import os
import queue
import signal
from pathlib import Path

from harness.core.spec.study_spec import StudySpec
from harness.search.plan import StudyPlan, Workforce
from harness.search.workers.executors import Job
from harness.search.workers.executors.local import local
from harness.tracking.stores.layout import Layout
from tests.support.commands import children


def is_blocked(process, number):
    status = Path(f"/proc/{process}/status").read_text()
    mask = next(line for line in status.splitlines() if line.startswith("SigBlk"))
    return bool(int(mask.split()[1], 16) >> (number - 1) & 1)


def test_a_worker_never_hears_ctrl_c_not_even_while_it_loads_python(tmp_path):
    spec = StudySpec.from_dict({"question": "?"}, name="s")
    layout = Layout(tmp_path)
    plan = StudyPlan(
        spec, layout, layout.storage_url, layout.tracking_uri, workforce=Workforce(workers=2)
    )
    worker = local.start(Job(plan, 1, 0), queue.SimpleQueue())
    try:
        (process,) = children(os.getpid())
        assert is_blocked(process, signal.SIGINT)
        assert not is_blocked(process, signal.SIGTERM)
    finally:
        worker.kill()
    assert not is_blocked(os.getpid(), signal.SIGINT)
