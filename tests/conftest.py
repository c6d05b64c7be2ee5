"""What all tests share: a quiet, offline environment of their own, and the data that they may need.

Environment variables are set here, before any test imports TensorFlow, MLflow or matplotlib.
"""

from __future__ import annotations

import functools
import gc
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from harness.search.workers.resources import thread_limits
from tests.support.postgres import postgres_database
from tests.support.repository import REPOSITORY
from tests.support.wrong_input import VARIABLE

pytest_plugins = ["tests.support.stores"]

GPU_OFF = "-1"
_STORES = ("HARNESS_MLRUNS", "HARNESS_STORAGE", "HARNESS_TRACKING_URI")

# Machines under load miss deadlines. Cases are the same on every run, so that a failure can be
# had again; tests/fuzz/test_campaign.py draws new ones.
settings.register_profile("harness", deadline=None, derandomize=VARIABLE not in os.environ)
settings.load_profile("harness")

LONGEST_FIRST = ("tests/end_to_end", "tests/reliability", "tests/search")
"""Folders whose tests wait for other processes; begun last, they would be waited for in the end."""


def pytest_configure(config: pytest.Config) -> None:
    """Set what libraries read at their import; the user's own settings do not reach the tests."""
    for name in tuple(os.environ):
        if name.startswith((*_STORES, "MLFLOW_", "OPTUNA_")):
            del os.environ[name]
    os.environ.update(
        KERAS_BACKEND="tensorflow",
        MLFLOW_DISABLE_TELEMETRY="true",
        MPLBACKEND="Agg",
        TF_CPP_MIN_LOG_LEVEL="2",
        TF_FORCE_GPU_ALLOW_GROWTH="true",
    )
    paths = [str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)  # what the tests start is this checkout's
    if processes := config.getoption("numprocesses", None):
        # Before these processes begin: numpy reads it when it is imported, and threads that wait
        # for work on cores that others use take several times as long.
        os.environ.update(thread_limits(processes))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell's background job ignores Ctrl-C, and so would all that the tests start.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if "not gpu" in config.getoption("markexpr"):
        os.environ["CUDA_VISIBLE_DEVICES"] = GPU_OFF  # the same scores with and without a GPU


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST_FIRST))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let no garbage collection look through what is imported, now or later: it stays.

    That is half a million objects and half a second; each trial collects twice at its end.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


class _Scheduler(LoadScopeScheduling):
    """Tests of a file with fixtures for all of them share a process; any other runs anywhere.

    The marks of --dist loadgroup would say the same, but pytest-xdist 3.8 writes them into a place
    where pytest 9 does not read them.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if _has_shared_fixtures(file) else nodeid


@functools.cache
def _has_shared_fixtures(file: str) -> bool:
    return re.search(r"scope=.(module|session)", (REPOSITORY / file).read_text()) is not None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Scheduler | None:
    """What stands for --dist loadscope."""
    return _Scheduler(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session", autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep runs and downloads of the tests out of the user's folders."""
    root = tmp_path_factory.mktemp("session")
    os.environ["HARNESS_MLRUNS"] = str(root / "mlruns")
    os.environ["KERAS_HOME"] = str(root / "keras")


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    """Give the next test the environment of this one and its signal handlers, and no figures."""
    before = dict(os.environ)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    unraisable_hook = sys.unraisablehook
    yield
    sys.unraisablehook = unraisable_hook
    for number, handler in handlers.items():  # a command handles them to its end
        signal.signal(number, handler)
    for name in set(os.environ) - set(before) - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update(before)
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """The folder of mnist.npz: HARNESS_DATA_DIR, else ../shared/data beside the repository."""
    folder = _mnist_dir()
    if folder is None:
        pytest.skip(_NO_MNIST)
    return folder


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of an empty database on the server at HARNESS_TEST_POSTGRES, gone afterwards."""
    server = os.environ.get("HARNESS_TEST_POSTGRES")
    if not server:
        pytest.skip("HARNESS_TEST_POSTGRES does not name a PostgreSQL server; .ci/run starts one")
    with postgres_database(server) as url:
        yield url


_NO_MNIST = "mnist.npz is neither in HARNESS_DATA_DIR nor in ../shared/data"


def _mnist_dir() -> Path | None:
    configured = os.environ.get("HARNESS_DATA_DIR")
    folder = Path(configured) if configured else REPOSITORY.parent / "shared" / "data"
    return folder if (folder / "mnist.npz").is_file() else None


@functools.cache
def _missing_gpu() -> str | None:
    """Why the tests marked ``gpu`` cannot run, or None if they can."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == GPU_OFF:
        return "the GPU is switched off by CUDA_VISIBLE_DEVICES"
    import tensorflow as tf

    return None if tf.config.list_physical_devices("GPU") else "TensorFlow sees no GPU"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, with the reason, what this machine cannot run; TensorFlow is asked only if needed."""
    if item.get_closest_marker("mnist") and _mnist_dir() is None:
        pytest.skip(_NO_MNIST)
    if item.get_closest_marker("gpu") and (reason := _missing_gpu()):
        pytest.skip(reason)
