"""Checks of what a study needs on this machine: devices, stores, datasets. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.core.errors import InputError
from harness.core.quiet_import import quiet_import
from harness.core.secrets import mask
from harness.data.keras_datasets import find_named, load_named
from harness.data.load import load_dataset
from harness.diagnostics.installation import Finding
from harness.tracking.stores.databases import has_table
from harness.tracking.stores.layout import Layout, Stores
from harness.tracking.stores.mlflow_server import check_server, is_server_uri
from harness.tracking.stores.sqlite import check_file, is_missing, journal_mode
from harness.tracking.stores.urls import parse, sqlite_path


def find_devices() -> Iterator[Finding]:
    """The devices that TensorFlow would train on."""
    with quiet_import():
        from harness.training.device import prepare_devices

        devices = prepare_devices()
    yield Finding("TensorFlow devices", True, ", ".join(devices))


def find_stores(stores: Stores) -> Iterator[Finding]:
    """Both stores: missing, sound, or the reason why unusable. Creates nothing."""
    for url, option, program, table in (
        (stores.tracking_uri, "--tracking-uri", "MLflow", "experiments"),
        (stores.storage_url, "--storage", "Optuna", "studies"),
    ):
        try:
            if is_server_uri(url) and program == "MLflow":
                check_server(url, option)
                yield Finding(program, True, f"{mask(url)}: an MLflow server that answers")
            elif (parsed := parse(url, option)).get_backend_name() == "sqlite":
                yield _find_file(sqlite_path(parsed, option), program, table)
            elif has_table(parsed, table, option):
                yield Finding(program, True, f"{mask(url)}: a server with its tables")
            else:
                yield Finding(
                    program, None, f"{mask(url)}: no tables yet; the first study creates them"
                )
        except InputError as error:
            yield Finding(program, False, str(error))


def _find_file(path: Path, program: str, table: str) -> Finding:
    if is_missing(path):
        return Finding(path.name, None, f"none at {path} yet; the first study creates it")
    try:
        check_file(path, program, table)
    except InputError as error:
        return Finding(path.name, False, str(error))
    mode = journal_mode(path)
    detail = f"{path}: sound, journal mode {mode}"
    return Finding(path.name, True if mode == "wal" else None, detail)


def find_checkpoints(layout: Layout) -> Iterator[Finding]:
    """The checkpoints of running or interrupted trials, and those set aside as damaged."""
    files = list(layout.checkpoint_dir.rglob("*.npz"))
    size = sum(file.stat().st_size for file in files)
    if files:
        detail = f"{len(files)} of running or interrupted trials, {size / 1e6:,.1f} MB"
        yield Finding("checkpoints", True, detail)
    refused = list(layout.checkpoint_dir.rglob("*.refused"))
    if refused:
        detail = (
            f"{len(refused)} damaged, set aside as *.refused below {layout.checkpoint_dir}; "
            "delete them"
        )
        yield Finding("checkpoints", None, detail)


def find_digits() -> Iterator[Finding]:
    """The digits of scikit-learn, which every installation has."""
    digits = load_dataset("digits")
    yield Finding("digits", True, f"{len(digits.x_train) + len(digits.x_test):,} images")


def find_mnist(data_dir: Path | None) -> Iterator[Finding]:
    """MNIST, read completely from the file that a study would use. Downloads nothing."""
    try:
        path = find_named("mnist", data_dir)
        found = path and load_named("mnist", path.parent)
    except InputError as error:
        yield Finding("mnist", None if data_dir is None else False, str(error))
        return
    if found:
        count = len(found.x_train) + len(found.x_test)
        yield Finding("mnist", True, f"{count:,} images in {path}")
    else:
        yield Finding("mnist", None, "not found; give its folder by --data-dir, or Keras downloads")
