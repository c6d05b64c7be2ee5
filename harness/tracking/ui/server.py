"""The MLflow UI: its command line, and running it as a child process."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.core.errors import HarnessError, InputError
from harness.core.secrets import hide_passwords, mask
from harness.tracking.stores.layout import Layout
from harness.tracking.ui.view import view_address

DEFAULT_PORT = 5000
MAX_LINKS = 20
"""Most studies that are linked at the start; the page lists all."""

_START_SECONDS = 180.0
_STOP_SECONDS = 10.0


def ui_command(tracking_uri: str) -> str:
    """The shell command that opens MLflow's own UI on ``tracking_uri``, to be printed.

    That command leaves MLflow's telemetry and job runner on; ``python -m harness.ui`` switches them
    off. A password is masked as ``***``, to be filled in by the reader. For the http(s) address of
    an MLflow server, the result is that address, since the server has a UI.
    """
    if tracking_uri.startswith(("http://", "https://")):
        return mask(tracking_uri)
    return shlex.join([_mlflow_script(), "ui", "--backend-store-uri", mask(tracking_uri)])


def free_port(host: str, wanted: int | None) -> int:
    """A free port of ``host``: ``wanted`` if given, else 5000, else any.

    Raises InputError if ``wanted`` is in use or out of range, or if ``host`` is not this machine.
    """
    if wanted is not None and not 1 <= wanted <= 65535:
        raise InputError(f"--port {wanted}; allowed: 1 to 65535")
    try:
        return _bindable(host, DEFAULT_PORT if wanted is None else wanted)
    except socket.gaierror:
        raise InputError(f"--host {host!r} is not known") from None
    except OSError as error:
        if wanted is not None:
            raise InputError(f"--port {wanted} on {host}: {error.strerror}; try another") from None
    try:
        return _bindable(host, 0)
    except OSError as error:
        raise InputError(f"--host {host}: {error.strerror}") from None


@dataclass(frozen=True)
class Server:
    """A running MLflow server and the ``url`` at which it answers."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def runs_page(self) -> str:
        """The URL of the list of studies; by default MLflow 3 opens pages for language models."""
        return f"{self.url}/#/experiments?workflowType=machine_learning"

    def study_pages(self, tracking_uri: str) -> dict[str, str]:
        """Study -> the URL of its view, the last changed first, at most MAX_LINKS of them."""
        from mlflow import MlflowClient

        found = MlflowClient(tracking_uri=tracking_uri).search_experiments(
            max_results=MAX_LINKS, order_by=["last_update_time DESC"]
        )
        return {
            experiment.name: self.url + view_address(experiment.experiment_id, experiment.tags)
            for experiment in found
            if experiment.name != "Default"
        }

    def wait(self) -> int:
        """Wait until the server ends; its exit status."""
        return self.process.wait()


@contextmanager
def running_server(tracking_uri: str, layout: Layout, host: str, port: int) -> Iterator[Server]:
    """Start an MLflow server on ``tracking_uri``, yield once it answers, end it with the block.

    Raises HarnessError with the last line of the server's output if the server does not start.
    """
    with tempfile.TemporaryFile() as log:
        server = Server(
            f"http://{_reachable(host)}:{port}", _start(tracking_uri, layout, host, port, log)
        )
        try:
            _wait_until_it_answers(server, log)
            yield server
        finally:
            _stop(server.process)


def _start(
    tracking_uri: str, layout: Layout, host: str, port: int, log: IO[bytes]
) -> subprocess.Popen[bytes]:
    """Start the server's process in an operating system session of its own.

    So Ctrl-C reaches this process alone, which then ends the server's whole process group (MLflow
    starts uvicorn, which starts workers). The store is passed in the environment, because ``ps``
    must not show a password.
    """
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1", "--serve-artifacts"]
    command += ["--artifacts-destination", layout.artifact_root.as_uri()]
    stores = {"MLFLOW_BACKEND_STORE_URI": tracking_uri, "MLFLOW_REGISTRY_STORE_URI": tracking_uri}
    return subprocess.Popen(
        command,
        env={**os.environ, **stores},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )


def _wait_until_it_answers(server: Server, log: IO[bytes]) -> None:
    """Return when the server's ``/health`` answers; HarnessError if it ends or times out."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{server.url}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    log.seek(0)
    output = log.read().decode(errors="replace").strip().splitlines() or ["no output"]
    reason = hide_passwords(output[-1].strip())
    raise HarnessError(f"the MLflow server did not start: {reason}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and its children: SIGTERM, then after 10 s SIGKILL."""
    for number, timeout in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout)


def _bindable(host: str, port: int) -> int:
    """``port`` if this process can bind it; for 0 any free port. OSError otherwise."""
    family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        return int(probe.getsockname()[1])


def _reachable(host: str) -> str:
    """``host`` as part of a URL that this machine can open."""
    # 0.0.0.0 and :: listen on all addresses, the loopback address among them.
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _mlflow_script() -> str:
    """``mlflow`` if PATH finds this environment's, else the path of this environment's script."""
    beside = Path(sys.executable).with_name("mlflow")
    if not beside.exists() or shutil.which("mlflow") == str(beside):
        return "mlflow"
    if beside.is_relative_to(Path.cwd()):
        return str(beside.relative_to(Path.cwd()))
    return str(beside)
