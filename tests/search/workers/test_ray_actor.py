"""The actor of a worker on a node: its resources, and that no event of the worker is lost."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.search.display.events import Message
from harness.search.plan import StudyPlan, Workforce
from harness.search.workers.executors import Executor, Job, WorkerExit, WorkerHandle, _ray_actor
from harness.tracking.stores.layout import Layout

SPEC = StudySpec.from_dict({"question": "?", "space": {"leaky_slope": {"low": 0.0, "high": 0.4}}})


class Starter(Executor):
    """Notes the job and tells that of it."""

    def __init__(self):
        self.job = self.inbox = None

    def start(self, job, inbox):
        self.job, self.inbox = job, inbox
        return _Idle()


class _Idle(WorkerHandle):
    def stop(self):
        pass

    kill = dismiss = stop


@pytest.fixture
def starter(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))  # it will be changed
    monkeypatch.setattr(_ray_actor, "_POLL_SECONDS", 0.0)
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    made = Starter()
    monkeypatch.setattr(_ray_actor, "local", made)
    return made


def begin(folder=Path(), **force):
    plan = StudyPlan(SPEC, Layout(), "", "", workforce=Workforce(executor="ray", **force))
    here = _ray_actor.WorkerActor()
    here.begin(Job(plan, 9, 3), str(folder))
    return here


def say(starter, text):
    starter.inbox.put((3, Message(text)))


def texts(told):
    return [event.text for event in told]


def test_what_was_not_heard_is_told_again(starter):
    here = begin()
    assert here.receive(0) == []
    say(starter, "one")
    say(starter, "two")
    assert texts(here.receive(0)) == ["one", "two"]
    assert texts(here.receive(0)) == ["one", "two"]  # the answer was lost on its way
    say(starter, "three")
    assert texts(here.receive(1)) == ["two", "three"]
    assert texts(here.receive(2)) == ["three"]
    assert texts(here.receive(0)) == ["three"]  # asked late, by one who has heard it
    assert here.receive(3) == []


def test_a_worker_has_its_cores_and_no_gpu_that_it_did_not_ask_for(starter):
    begin(cpus_per_worker=3)
    assert starter.job.environment["TF_NUM_INTRAOP_THREADS"] == "3"
    assert starter.job.environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert starter.job.gpu_memory_mb is None


def test_a_share_of_a_gpu_is_of_the_memory_that_this_node_has(starter, monkeypatch):
    def shown(command, **options):
        return subprocess.CompletedProcess(command, 0, "0, GPU-aa, 80000\n1, GPU-bb, 40000\n", "")

    monkeypatch.setattr(subprocess, "run", shown)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")  # as Ray sets it
    begin(workers=8, workers_per_gpu=2)
    assert starter.job.environment["CUDA_VISIBLE_DEVICES"] == "GPU-bb"
    assert starter.job.gpu_memory_mb == 18_000


def test_a_gpu_that_is_not_there_is_said_with_the_node(starter, monkeypatch):
    monkeypatch.setenv("PATH", "")
    (ended,) = begin(workers_per_gpu=2).receive(0)
    assert isinstance(ended, WorkerExit)
    assert isinstance(ended.error, InputError)
    assert "on node " in str(ended.error)
    assert "nvidia-smi shows 0" in str(ended.error)


def test_it_works_in_the_folder_of_the_person_if_that_is_here(starter, tmp_path):
    begin(tmp_path / "missing")
    assert Path.cwd() == tmp_path
    (tmp_path / "work").mkdir()
    begin(tmp_path / "work")
    assert os.getcwd() == str(tmp_path / "work")
