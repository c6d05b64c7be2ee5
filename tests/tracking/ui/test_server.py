"""The command that is printed for MLflow's own UI, and the choice of a port."""

from __future__ import annotations

import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.core.errors import HarnessError, InputError
from harness.tracking.stores.layout import Layout
from harness.tracking.ui import server


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def test_the_printed_command_is_one_that_the_shell_finds(tmp_path: Path, monkeypatch) -> None:
    uri = Layout(tmp_path / "my runs").tracking_uri
    program, *rest = shlex.split(server.ui_command(uri))
    assert rest == ["ui", "--backend-store-uri", uri]
    assert Path(shutil.which(program) or "").samefile(Path(sys.executable).with_name("mlflow"))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert server.ui_command(uri).startswith("mlflow ui ")
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir(Path(sys.executable).parents[2])
    program = shlex.split(server.ui_command(uri))[0]
    assert not Path(program).is_absolute()
    assert Path(program).exists()


def test_no_password_is_printed() -> None:
    assert "s3cret" not in server.ui_command("postgresql://me:s3cret@host/db")
    assert server.ui_command("http://me:s3cret@host:5000") == "http://me:***@host:5000"


def test_a_port_that_was_asked_for_is_taken_or_given(taken: int) -> None:
    with pytest.raises(InputError, match=f"--port {taken} on 127.0.0.1: Address already in use"):
        server.free_port("127.0.0.1", taken)
    other = server.free_port("127.0.0.1", None)
    assert server.free_port("127.0.0.1", other) == other


def test_another_port_is_found_when_the_usual_one_is_taken(taken: int, monkeypatch) -> None:
    monkeypatch.setattr(server, "DEFAULT_PORT", taken)
    assert server.free_port("127.0.0.1", None) not in (0, taken)


@pytest.mark.parametrize("port", [-1, 0, 65_536])
def test_a_port_out_of_range(port: int) -> None:
    with pytest.raises(InputError, match=f"--port {port}; allowed: 1 to 65535"):
        server.free_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine(host: str) -> None:
    with pytest.raises(InputError, match=f"--host .?{host}"):
        server.free_port(host, None)


def test_a_server_that_dies_says_its_last_words(layout: Layout, monkeypatch) -> None:
    def die(*_: object) -> subprocess.Popen[bytes]:
        log = _[-1]
        return subprocess.Popen(
            [sys.executable, "-c", "raise SystemExit('no such table')"],
            stderr=log,
            start_new_session=True,
        )

    monkeypatch.setattr(server, "_start", die)
    port = server.free_port("127.0.0.1", None)
    with (
        pytest.raises(HarnessError, match="did not start: no such table"),
        server.running_server(layout.tracking_uri, layout, "127.0.0.1", port),
    ):
        pass
