"""Artifacts come from the store's own places: no other host is asked, no other folder is read."""

from __future__ import annotations

import http.server
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pytest

from harness.core.errors import InputError
from harness.reporting.results.load import load_results
from harness.tracking.stores.artifact_places import artifact_places
from harness.tracking.stores.layout import Layout
from tests.support import altered_store as store

SECRET = '{"python": "LOCAL SECRET"}'


class Listener:
    """A server of somebody else, which keeps the requests that it got."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        heard = self.requests

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                heard.append(f"{self.path} {self.headers.get('Authorization')}")
                self.send_response(404)
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def move_study(altered: Layout, address: str, away: Path) -> str:
    """Note ``address`` for the study's run and for a trial, whose files are ``away``; the run."""
    run = store.study_run(altered, "earlier")
    for one in (run, store.trial_run(altered, "earlier")):
        away.mkdir(exist_ok=True)
        (altered.artifact_root / "earlier" / one).rename(away / one)
        noted = address.replace("RUN", one)
        store.execute(altered, "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", noted, one)
    return run


def refused(gaps: tuple[str, ...]) -> bool:
    return any(gap.startswith("environment.json (not read: its address is outside") for gap in gaps)


@pytest.mark.parametrize(
    "address",
    [
        "http://{}/api/2.0/mlflow-artifacts/artifacts/1/RUN/artifacts",
        "mlflow-artifacts://{}/1/RUN/artifacts",
        "http://{}/RUN/artifacts",
    ],
)
def test_another_host_is_not_asked_and_gets_no_token(
    altered: Layout,
    tmp_path: Path,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "TOKEN-SECRET")
    move_study(altered, address.format(listener.address), tmp_path / "away")
    results = load_results(altered.tracking_uri, "earlier")
    results.grids.last(store.trial_run(altered, "earlier"))
    results.grids.real()
    assert listener.requests == []
    assert refused(results.gaps)
    assert any(gap.startswith("the files of 1 run of trials (not read") for gap in results.gaps)


def test_a_server_that_stays_silent_is_not_waited_for(altered: Layout, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        move_study(altered, f"ftp://127.0.0.1:{port}/RUN/artifacts", tmp_path / "away")
        results = load_results(altered.tracking_uri, "earlier")
        results.grids.last(store.trial_run(altered, "earlier"))
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()
    assert refused(results.gaps)


@pytest.mark.parametrize(
    "address",
    [
        "file://{away}/RUN/artifacts",
        "{away}/RUN/artifacts",
        "file://{root}/artifacts/../../away/RUN/artifacts",
        "file://{root}/artifacts/%2e%2e/%2e%2e/away/RUN/artifacts",
        "file://{root}/artifacts/%252e%252e/RUN/artifacts",
        "file://elsewhere{root}/artifacts/earlier/RUN/artifacts",
    ],
)
def test_a_folder_elsewhere_is_not_read(altered: Layout, tmp_path: Path, address: str) -> None:
    away = tmp_path / "away"
    run = move_study(altered, address.format(away=away, root=altered.root), away)
    (away / run / "artifacts" / "environment.json").write_text(SECRET)
    results = load_results(altered.tracking_uri, "earlier")
    assert results.environment == {}
    assert refused(results.gaps)
    assert results.grids.real() is None


def test_the_folder_of_another_study_is_not_read(altered: Layout, tmp_path: Path) -> None:
    other = store.artifact(altered, "earlier_arms", "environment.json")
    other.write_text(SECRET)
    move_study(altered, other.parent.as_uri(), tmp_path / "away")
    assert load_results(altered.tracking_uri, "earlier").environment == {}


def test_links_pipes_and_large_files_are_not_opened(altered: Layout, tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text(SECRET)
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "real.png").write_bytes(b"SECRET")
    for name in ("environment.json", "untrained.json", "evaluation.json", "pixels.json"):
        store.artifact(altered, "earlier", name).unlink()
    store.artifact(altered, "earlier", "environment.json").symlink_to(tmp_path / "secret.json")
    os.mkfifo(store.artifact(altered, "earlier", "untrained.json"))
    with store.artifact(altered, "earlier", "evaluation.json").open("wb") as file:
        file.truncate(2**40)  # sparse
    loop = store.artifact(altered, "earlier", "pixels.json")
    loop.symlink_to(loop)
    samples = store.artifact(altered, "earlier", "samples")
    samples.rename(tmp_path / "before")
    samples.symlink_to(tmp_path / "samples")
    results = load_results(altered.tracking_uri, "earlier")
    assert results.environment == results.untrained == results.evaluation == results.pixels == {}
    assert "evaluation.json (not read: larger than 16,000,000 bytes)" in results.gaps
    assert results.grids.real() is None


def test_a_study_that_was_moved_is_read_by_run_id(altered: Layout) -> None:
    results = load_results(altered.tracking_uri, "earlier")  # noted at a place that does not exist
    assert results.gaps == ()
    assert results.grids.real() is not None


def test_the_variable_names_one_more_folder(
    altered: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = tmp_path / "away"
    move_study(altered, f"{away.as_uri()}/RUN/artifacts", away)
    for named in (str(away), away.as_uri()):
        monkeypatch.setenv("HARNESS_ARTIFACTS", named)
        assert load_results(altered.tracking_uri, "earlier").gaps == ()
    monkeypatch.setenv("HARNESS_ARTIFACTS", str(tmp_path / "other"))
    assert refused(load_results(altered.tracking_uri, "earlier").gaps)


@pytest.mark.parametrize("named", ["somewhere", "s3:/bucket", "runs://x/y", "http://[", "/a/../b"])
def test_a_variable_that_names_no_place_is_one_line(
    altered: Layout, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("HARNESS_ARTIFACTS", named)
    with pytest.raises(InputError, match=r"HARNESS_ARTIFACTS: .* is no place for artifacts"):
        load_results(altered.tracking_uri, "earlier")


RUN = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("mlflow-artifacts:/1/{run}/artifacts", True),
        ("mlflow-artifacts://host:5000/1/{run}/artifacts", True),
        ("http://host:5000/mlflow/api/2.0/mlflow-artifacts/artifacts/1/{run}/artifacts", True),
        ("mlflow-artifacts://other:5000/1/{run}/artifacts", False),
        ("mlflow-artifacts://host/1/{run}/artifacts", False),
        ("mlflow-artifacts://me:secret@host:5000/1/{run}/artifacts", False),
        ("http://host:5001/mlflow/api/2.0/mlflow-artifacts/artifacts/1/{run}/artifacts", False),
        ("https://host:5000/mlflow/api/2.0/mlflow-artifacts/artifacts/1/{run}/artifacts", False),
        ("http://host:5000@other/api/2.0/mlflow-artifacts/artifacts/1/{run}/artifacts", False),
        ("http://host:5000/elsewhere/1/{run}/artifacts", False),
        ("mlflow-artifacts:/../../1/{run}/artifacts", False),
        ("mlflow-artifacts:/1/%252e%252e/{run}/artifacts", False),
        ("mlflow-artifacts:/1/{run}/artifacts?x=/{run}/artifacts", False),
        ("mlflow-artifacts:/1/another/artifacts", False),
        ("file:///srv/{run}/artifacts", False),
        ("s3://bucket/runs/1/{run}/artifacts", True),
        ("s3://bucket/runs-of-others/1/{run}/artifacts", False),
        ("s3://bucket2/runs/1/{run}/artifacts", False),
        ("gs://bucket/runs/1/{run}/artifacts", False),
        ("s3://bucket/runs/../x/{run}/artifacts", False),
        ("http://[/{run}/artifacts", False),
        ("http://host:port/{run}/artifacts", False),
        (None, False),
        (b"mlflow-artifacts:/1/{run}/artifacts", False),
    ],
)
def test_what_a_server_and_a_named_bucket_allow(
    monkeypatch: pytest.MonkeyPatch, address: str | bytes | None, allowed: bool
) -> None:
    monkeypatch.setenv("HARNESS_ARTIFACTS", "s3://bucket/runs")
    places = artifact_places("http://me:secret@host:5000/mlflow")
    noted = address.format(run=RUN) if isinstance(address, str) else address
    assert places.allow(RUN, noted) is allowed
    assert "secret" not in repr(places)


@pytest.mark.slow  # MLflow's import, for a place outside of this machine
def test_a_client_that_is_missing_is_a_gap(
    altered: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_ARTIFACTS", "hdfs://127.0.0.1:9/runs")
    monkeypatch.delattr(pyarrow, "fs", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow.fs", None)
    move_study(altered, "hdfs://127.0.0.1:9/runs/RUN/artifacts", tmp_path / "away")
    gaps = load_results(altered.tracking_uri, "earlier").gaps
    assert any(gap.startswith("environment.json (not read: ") for gap in gaps)
