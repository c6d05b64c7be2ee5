"""``python -m harness.doctor``: what works here and what does not, before a study is started."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core import options
from harness.core.door import FAILED, open_door
from harness.core.errors import InputError

if TYPE_CHECKING:
    from harness.core.installation import Finding
    from harness.tracking.layout import Layout

STORES = {"mlflow.db": ("MLflow", "experiments"), "optuna.db": ("Optuna", "studies")}
"""File -> the program that keeps it and the table by which its databases are known."""


def doctor(
    data_dir: options.DataDir = None,
) -> int:
    """Say what works here: Python, packages, devices, stores, datasets and disk space.

    Exit code 0 if a study on the embedded digits can run and what is asked for is there, 1 if not.
    """
    findings = list(examine(data_dir))
    _show(findings)
    return FAILED if any(finding.works is False for finding in findings) else 0


def examine(data_dir: Path | None) -> Iterator[Finding]:
    """Everything that is found, in the table's order; a broken part ends only its own check."""
    from harness.core.installation import check_folder, check_packages
    from harness.tracking.layout import default_layout

    layout = default_layout()
    yield from _survive("packages", check_packages)
    yield from _survive("TensorFlow devices", find_devices)
    yield from _survive("stores", lambda: find_stores(layout))
    yield from _survive("digits", find_digits)
    yield from _survive("mnist", lambda: find_mnist(data_dir))
    yield from _survive("folder for runs", lambda: [check_folder(layout.root)])


def find_devices() -> Iterator[Finding]:
    """What TensorFlow would train on."""
    from harness.core.installation import Finding
    from harness.core.quiet import quiet_import

    with quiet_import():
        from harness.training.device import prepare_devices

        devices = prepare_devices()
    yield Finding("TensorFlow devices", True, ", ".join(devices))


def find_stores(layout: Layout) -> Iterator[Finding]:
    """The two databases: absent, sound, or what is wrong with them. Nothing is created."""
    from harness.core.installation import Finding
    from harness.tracking.sqlite_file import check_file, is_missing

    for name, (program, table) in STORES.items():
        path = layout.root / name
        if is_missing(path):
            yield Finding(name, None, f"none at {path} yet; the first study makes it")
            continue
        try:
            check_file(path, program, table)
        except InputError as error:
            yield Finding(name, False, str(error))
        else:
            yield Finding(name, True, f"{path}: sound, journal mode {_journal_mode(path)}")


def _journal_mode(path: Path) -> str:
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
    try:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        connection.close()


def find_digits() -> Iterator[Finding]:
    """The embedded digits, which every installation has."""
    from harness.core.installation import Finding
    from harness.data.load import load_dataset

    digits = load_dataset("digits")
    yield Finding("digits", True, f"{len(digits.x_train) + len(digits.x_test):,} images")


def find_mnist(data_dir: Path | None) -> Iterator[Finding]:
    """MNIST, read whole from where a study would read it. Nothing is downloaded."""
    from harness.core.installation import Finding
    from harness.data import mnist

    try:
        path = mnist.find_mnist(data_dir)
        found = path and mnist.load_mnist(path.parent)
    except InputError as error:
        yield Finding("mnist", None if data_dir is None else False, str(error))
        return
    if found:
        count = len(found.x_train) + len(found.x_test)
        yield Finding("mnist", True, f"{count:,} images in {path}")
    else:
        yield Finding("mnist", None, "not here; --data-dir names its folder, else Keras downloads")


def _survive(part: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of ``check``; an exception in it is a finding about ``part``."""
    from harness.core.installation import Finding

    try:
        yield from check()
    except Exception as error:  # a broken installation fails in ways that nobody can list
        reason = " ".join(str(error).split())
        yield Finding(part, False, f"{type(error).__name__}: {reason}")


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    words = {True: ("ok", "green"), False: ("fails", "red"), None: ("-", "yellow")}
    table = Table("part", "", "found")
    for finding in findings:
        table.add_row(Text(finding.part), Text(*words[finding.works]), Text(finding.detail))
    Console().print(table)


if __name__ == "__main__":
    open_door(doctor)
