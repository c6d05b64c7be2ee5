"""The doctor on stores that are not in ``mlruns/``: named by address, on a database server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from mlflow import MlflowClient
from sqlalchemy.engine import make_url

from harness import doctor
from harness.core.config import TrialConfig
from harness.search.study.storage import load_or_create_study, open_storage
from harness.tracking.mlflow_tracker import MlflowTracker
from tests.diagnostics.test_repair import SPEC, suggest
from tests.support.postgres import postgres_database

Rows = dict[str, tuple[str, str]]
"""Part -> its state and what was found."""


@pytest.fixture
def examine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Rows]:
    monkeypatch.setenv("HARNESS_MLRUNS", str(tmp_path / "mlruns"))

    def run(**options: object) -> Rows:
        doctor.doctor(None, as_json=True, **options)
        printed = capsys.readouterr().out
        assert "s3cret" not in printed
        return {row["part"]: (row["state"], row["found"]) for row in json.loads(printed)}

    return run


@pytest.fixture
def databases(postgres_url: str) -> Iterator[tuple[str, str]]:
    """Empty ones, for Optuna and for MLflow."""
    with postgres_database(postgres_url) as second:
        yield postgres_url, second


@pytest.mark.slow
def test_databases_on_a_server_are_examined_and_repaired(
    databases: tuple[str, str], tmp_path: Path, examine: Callable[..., Rows]
) -> None:
    addresses = {"storage": databases[0], "tracking_uri": databases[1]}
    rows = examine(**addresses)
    assert rows["MLflow"][0] == rows["Optuna"][0] == "warn"
    assert "no tables yet" in rows["Optuna"][1]
    assert not any(part.startswith("study") for part in rows)

    storage = open_storage(databases[0])
    search = load_or_create_study(SPEC, storage)
    parent = MlflowTracker(databases[1], tmp_path / "artifacts").open_study(SPEC)
    config = TrialConfig.from_dict({**SPEC.base, "leaky_slope": suggest(search.ask())})
    run_id = parent.start_trial(0, config).run_id
    rows = examine(**addresses)
    assert rows["MLflow"][0] == rows["Optuna"][0] == "ok"
    assert rows["study slopes"][0] == "warn"
    assert "trials 0 stale; run" in rows["study slopes"][1]

    rows = examine(repair=True, **addresses)
    assert rows["study slopes"] == ("ok", "1 trials, the same in both stores")
    assert optuna.load_study(study_name="slopes", storage=storage).trials[0].state.name == "FAIL"
    run = MlflowClient(databases[1]).get_run(run_id)
    assert (run.info.status, run.data.tags["failure"]) == ("FAILED", "interrupted")
    password = str(make_url(databases[0]).password)
    assert not any(password in found for _, found in rows.values())
    storage.remove_session()
    storage.engine.dispose()


def test_files_elsewhere_are_looked_at_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examine: Callable[..., Rows]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = examine(storage="sqlite:///there/o.db", tracking_uri=f"sqlite:///{tmp_path}/m.db")
    assert rows["o.db"] == (
        "warn",
        f"none at {tmp_path}/there/o.db yet; the first study creates it",
    )
    assert rows["m.db"][0] == "warn"
    assert list(tmp_path.iterdir()) == []
    open_storage("sqlite:///there/o.db").engine.dispose()
    rows = examine(storage="sqlite:///there/o.db", tracking_uri=f"sqlite:///{tmp_path}/m.db")
    assert rows["o.db"][0] == "ok"


@pytest.mark.parametrize(
    "address",
    [
        {"storage": "postgresql+psycopg://me:s3cret@127.0.0.1:1/x"},
        {"storage": "http://me:s3cret@127.0.0.1:1"},
        {"tracking_uri": "http://me:s3cret@127.0.0.1:1"},
        {"tracking_uri": "//me:s3cret@host"},
    ],
)
def test_an_address_that_cannot_be_used_fails_without_its_password(
    address: dict[str, str], examine: Callable[..., Rows]
) -> None:
    rows = examine(**address)
    part = "Optuna" if "storage" in address else "MLflow"
    assert rows[part][0] == "fail"
    assert "***" in rows[part][1]
    assert not any(part.startswith("study") for part in rows)
