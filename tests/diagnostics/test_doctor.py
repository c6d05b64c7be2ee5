"""The doctor: sound parts, absent ones and broken ones, told apart, and the exit code."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from harness import doctor
from harness.diagnostics import machine
from harness.diagnostics.installation import Finding
from harness.tracking.stores.layout import Layout, Stores


def make_database(path: Path, table: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"CREATE TABLE {table} (id INTEGER)")
    connection.close()


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.setenv("HARNESS_MLRUNS", str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("HARNESS_DATA_DIR", raising=False)
    return Layout(tmp_path)


def test_stores_that_are_not_there_yet_are_not_made(layout: Layout):
    findings = list(machine.find_stores(Stores.of(layout)))
    assert [(finding.part, finding.works) for finding in findings] == [
        ("mlflow.db", None),
        ("optuna.db", None),
    ]
    assert not list(layout.root.iterdir())


def test_sound_stores_are_named_with_their_journal_mode(layout: Layout):
    make_database(layout.root / "mlflow.db", "experiments")
    make_database(layout.root / "optuna.db", "studies")
    for finding in machine.find_stores(Stores.of(layout)):
        path = layout.root / finding.part
        assert finding == Finding(finding.part, True, f"{path}: sound, journal mode wal")


def test_a_store_of_another_program_and_a_damaged_one_fail(layout: Layout):
    make_database(layout.root / "mlflow.db", "songs")
    make_database(layout.root / "optuna.db", "studies")
    damaged = bytearray((layout.root / "optuna.db").read_bytes())
    damaged[100:200] = bytes(100)  # the header of the first page, after the 100 of the file
    (layout.root / "optuna.db").write_bytes(damaged)
    mlflow, optuna = machine.find_stores(Stores.of(layout))
    assert (mlflow.works, optuna.works) == (False, False)
    assert "not a database of MLflow" in mlflow.detail


def test_the_digits_are_always_there():
    (finding,) = machine.find_digits()
    assert finding == Finding("digits", True, "1,797 images")  # scikit-learn's documentation


@pytest.mark.usefixtures("layout")
def test_mnist_may_be_absent_but_not_where_it_was_named(tmp_path: Path):
    (nowhere,) = machine.find_mnist(None)
    (named,) = machine.find_mnist(tmp_path)
    assert (nowhere.works, named.works) == (None, False)
    assert str(tmp_path) in named.detail


@pytest.mark.mnist
def test_mnist_is_read_whole(mnist_dir: Path):
    (finding,) = machine.find_mnist(mnist_dir)
    assert finding == Finding("mnist", True, f"70,000 images in {mnist_dir / 'mnist.npz'}")


@pytest.mark.usefixtures("layout")
def test_a_broken_part_is_a_finding_and_the_rest_is_still_examined(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def broken():
        yield Finding("half", True, "of it works")
        raise ImportError("libcuda.so.1: cannot open\nshared object file")

    monkeypatch.setattr(machine, "find_devices", broken)
    assert doctor.doctor(None) == 1
    printed = " ".join(capsys.readouterr().out.split())
    assert "half" in printed
    assert "ImportError: libcuda.so.1: cannot open shared" in printed
    assert "1,797 images" in printed


@pytest.mark.usefixtures("layout")
def test_a_machine_that_can_run_a_study_exits_with_0(capsys: pytest.CaptureFixture[str]):
    assert doctor.doctor(None) == 0
    printed = capsys.readouterr().out
    assert "TensorFlow devices" in printed
    assert "fail" not in printed
