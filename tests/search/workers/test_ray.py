"""``--executor ray``: on two nodes a study ends as without it, though one of them be lost."""

import dataclasses
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from harness.core.errors import InputError
from harness.core.spec.study_spec import StudySpec
from harness.search.plan import StudyPlan, Workforce
from harness.search.workers import resources as shares
from harness.tracking.stores.layout import Layout
from tests.support.commands import check_exact, command, environment, run
from tests.support.repository import REPOSITORY

HAS_RAY = importlib.util.find_spec("ray") is not None
needs_ray = pytest.mark.skipif(not HAS_RAY, reason="Ray is not installed; it is an extra")

STUDY = """
question = "Does it matter which machine a trial runs on?"
[base]
dataset = "digits"
width = 0.0625
batch_size = 32
images = 1_920
normalization = "none"
[space]
learning_rate = { choices = [1e-3, 1e-2] }
leaky_slope = { low = 0.0, high = 0.4 }
[search]
num_trials = 4
reports = 3
sampler = "random"
pruner = "none"
[evaluation]
num_samples = 200
"""


class Cluster:
    """The cluster in another process: its ``address``, and the folder that Ray writes in."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ray-"))  # a short one: sockets lie below it
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ray_nodes"],
            cwd=REPOSITORY,
            env={
                **{k: v for k, v in os.environ.items() if k != "HARNESS_TEST_POSTGRES"},
                "RAY_TMPDIR": str(self.folder),
                "RAY_USAGE_STATS_ENABLED": "0",
                "RAY_health_check_period_ms": "500",  # a node that is gone is noticed in seconds
                "RAY_health_check_timeout_ms": "1000",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()

    def remove_node(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "removed\n"

    def close(self):
        self.process.communicate(timeout=200)
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster()
    assert cluster.address, "the cluster did not come up"
    yield cluster
    cluster.close()


def write(folder):
    (folder / "studies").mkdir(parents=True)
    (folder / "studies" / "placed.toml").write_text(STUDY)


def on(cluster, *more):
    return ("--executor", "ray", "--ray-address", cluster.address, "--no-report", *more)


def one_line(result):
    assert result.returncode == 2
    (line,) = [line for line in result.stderr.splitlines() if line]
    return line


@pytest.mark.slow
@needs_ray
@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("auto", "Could not find any running Ray instance"),
        ("127.0.0.1:1", "nothing answers"),
        ("ray://127.0.0.1:1", "allowed: HOST:PORT"),
        ("local", "allowed: HOST:PORT"),
        (":6379", "Malformed host"),
    ],
)
def test_where_no_cluster_is_it_is_said_at_once_in_one_line(tmp_path, address, reason):
    if address == "auto" and any("gcs_server" in name for name in processes()):
        pytest.skip("a Ray cluster runs on this machine already")
    write(tmp_path)
    began = time.monotonic()
    result = run(tmp_path, "placed", "--executor", "ray", "--ray-address", address)
    assert reason in one_line(result)
    assert "ray start --head" in result.stderr
    assert time.monotonic() - began < 30


@pytest.mark.slow
@needs_ray
def test_a_request_that_no_node_can_meet_is_one_line(tmp_path, cluster):
    write(tmp_path)
    result = run(tmp_path, "placed", *on(cluster, "--cpus-per-worker", "2"))
    assert "a worker needs a node with 2 CPUs; those of the cluster have 1 CPU" in one_line(result)
    result = run(tmp_path, "placed", *on(cluster, "--workers-per-gpu", "3"))
    assert "needs a node with 1 CPU and 0.3333 GPUs" in one_line(result)


@pytest.mark.slow
@needs_ray
def test_two_nodes_run_what_one_process_runs(tmp_path, cluster):
    """A third worker has no room: it is told, and not waited for."""
    here, there = tmp_path / "here", tmp_path / "there"
    write(here)
    write(there)
    result = run(there, "placed", *on(cluster, "--workers", "3"))
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert re.search(r"worker \d waits for a node with 1 CPU; free in the whole cluster: 0", said)
    assert "(raylet)" not in said
    assert said.count("loading TensorFlow") == 1
    trials, _ = check_exact(there, "placed", 4)
    assert len(trials) == 4
    assert len({trial.user_attrs["worker"] for trial in trials.values()}) == 2
    subprocess.run(
        command("placed", "--no-report"),
        cwd=here,
        env={**environment(here), **shares.threads(1)},
        check=True,
    )
    alone, _ = check_exact(here, "placed", 4)
    assert {n: (t.params, t.values) for n, t in trials.items()} == {
        n: (t.params, t.values) for n, t in alone.items()
    }


@pytest.mark.slow
@needs_ray
def test_passwords_stay_out_of_what_ray_writes_and_shows(tmp_path, cluster, postgres_url):
    write(tmp_path)
    password = re.search(r":([^:@]+)@", postgres_url).group(1)
    refused = run(tmp_path, "placed", *on(cluster, "--storage", postgres_url))
    assert "set HARNESS_STORAGE instead" in one_line(refused)
    (tmp_path / "broken.npz").write_bytes(b"no archive")  # only a worker opens it
    process = subprocess.Popen(
        command("placed", *on(cluster, "--set", "dataset=broken.npz")),
        cwd=tmp_path,
        env={**environment(tmp_path), "HARNESS_STORAGE": postgres_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, seen = [], []
    for line in process.stdout:
        said.append(line)
        if "loading TensorFlow" in line:  # said by the worker, which so has the address
            seen = [text for text in processes() if str(cluster.folder) in text]
    process.communicate(timeout=200)
    assert process.returncode == 2
    assert "broken.npz" in said[-1]
    assert any("ray::WorkerActor" in text for text in seen)
    written = [_readable(path) for path in cluster.folder.rglob("*") if path.is_file()]
    assert any("WorkerActor" in text for text in written)
    assert not [text for text in [*said, *seen, *written] if password in text]


def processes():
    """The command line and the environment of each process."""
    folders = Path("/proc").glob("[0-9]*")
    return [_readable(one / "cmdline") + _readable(one / "environ") for one in folders]


def _readable(path):
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.slow
@needs_ray
def test_a_node_that_is_gone_costs_no_trial(tmp_path, cluster):
    """The last of the tests that need both nodes."""
    write(tmp_path)
    process = subprocess.Popen(
        command("placed", *on(cluster, "--workers", "2", "--set", "images=7680")),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said, started = [], 0
    for line in process.stdout:
        said.append(line)
        started += "starts" in line
        if started == 2:
            cluster.remove_node()
            break
    said.append(process.communicate(timeout=400)[0])
    text = "".join(said)
    assert process.returncode == 0, text
    assert re.search(r"worker \d died \(on .+\)", text)
    assert "Traceback" not in text
    assert "(raylet)" not in text
    trials, _ = check_exact(tmp_path, "placed", 4)
    (lost,) = [t for t in trials.values() if t.user_attrs.get("failure") == "interrupted"]
    assert [t.state.name for t in trials.values() if t.params == lost.params] == [
        "FAIL",
        "COMPLETE",
    ]


def test_options_that_make_no_sense_together_are_refused():
    with pytest.raises(InputError, match="--ray-address is for --executor ray, not local"):
        Workforce(ray_address="auto")
    with pytest.raises(InputError, match="--cpus-per-worker is for --executor ray, not local"):
        Workforce(cpus_per_worker=2)
    with pytest.raises(InputError, match="unknown executor 'mpi'; known: local, ray"):
        Workforce(executor="mpi")


@pytest.mark.slow
def test_without_ray_the_extra_is_named(tmp_path):
    write(tmp_path)
    program = "import sys; sys.modules['ray'] = None\n"
    program += "from harness.study import study, open_door; open_door(study)"
    result = subprocess.run(
        [sys.executable, "-c", program, "placed", "--executor", "ray"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Ray is not installed; it comes with the extra" in one_line(result)


@needs_ray
def test_files_of_this_machine_are_refused_where_others_are_to_work():
    from harness.search.workers.executors._ray_cluster import check_stores

    spec = StudySpec.from_dict({"question": "?", "space": {"leaky_slope": {"low": 0, "high": 0.4}}})
    far = "postgresql+psycopg://somebody:secret@db/optuna"
    plan = StudyPlan(spec, Layout(), far, "sqlite:////data/mlflow.db")
    check_stores(plan, [])
    with pytest.raises(InputError, match=r"--tracking-uri is a SQLite file.*10\.0\.0\.2") as caught:
        check_stores(plan, ["10.0.0.2"])
    assert "secret" not in str(caught.value)
    check_stores(dataclasses.replace(plan, tracking_uri="http://server:5000"), ["10.0.0.2"])
