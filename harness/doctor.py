"""``python -m harness.doctor``: check the installation, the stores and the datasets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import options
from harness.cli.app import FAILED, open_door

if TYPE_CHECKING:
    from harness.diagnostics.installation import Finding
    from harness.tracking.stores.layout import Stores


def doctor(
    data_dir: options.DataDir = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Repair what is safe to repair, and list it.")
    ] = False,
    as_json: options.AsJson = False,
    storage: options.Storage = None,
    tracking_uri: options.TrackingUri = None,
) -> int:
    """Check Python, packages, devices, stores, studies, datasets and disk space.

    Exit code 0 if a study on the embedded digits can run and the given --data-dir, --storage and
    --tracking-uri are usable, else 1.
    """
    from harness.tracking.stores.layout import Stores, default_layout

    stores = Stores.of(default_layout(), storage, tracking_uri)
    findings = list(repairs(stores)) if repair else []
    findings += examine(stores, data_dir)
    if as_json:
        print(json.dumps([_as_dict(finding) for finding in findings], indent=2))
    else:
        _show(findings)
    return FAILED if any(finding.works is False for finding in findings) else 0


def repairs(stores: Stores) -> Iterator[Finding]:
    """Repair the stores; what was changed. Changes nothing if one of them is unusable."""
    from harness.diagnostics.consistency import repair_stores
    from harness.diagnostics.machine import find_stores

    if not any(finding.works is False for finding in find_stores(stores)):
        yield from _guarded("repair", lambda: repair_stores(stores))


def examine(stores: Stores, data_dir: Path | None) -> Iterator[Finding]:
    """The findings of all checks, in the table's order; an exception ends only its own check."""
    from harness.diagnostics import machine
    from harness.diagnostics.installation import check_folder, check_packages

    yield from _guarded("packages", check_packages)
    yield from _guarded("TensorFlow devices", machine.find_devices)
    found = list(_guarded("stores", lambda: machine.find_stores(stores)))
    yield from found
    if not any(store.works is False for store in found):
        from harness.diagnostics.consistency import examine_addresses, examine_studies

        yield from _guarded("studies", lambda: examine_studies(stores))
        yield from _guarded("addresses", lambda: examine_addresses(stores))
    yield from _guarded("checkpoints", lambda: machine.find_checkpoints(stores.layout))
    yield from _guarded("digits", machine.find_digits)
    yield from _guarded("mnist", lambda: machine.find_mnist(data_dir))
    yield from _guarded("folder for runs", lambda: [check_folder(stores.layout.root)])


def _guarded(part: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of ``check``; an exception becomes a failed finding about ``part``."""
    from harness.diagnostics.installation import Finding

    try:
        yield from check()
    except Exception as error:  # a broken installation may raise anything
        from harness.core.secrets import hide_passwords

        reason = hide_passwords(" ".join(str(error).split()))
        yield Finding(part, False, f"{type(error).__name__}: {reason}")


STATES = {True: "ok", False: "fail", None: "warn"}


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {"part": finding.part, "state": STATES[finding.works], "found": finding.detail}


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {True: "green", False: "red", None: "yellow"}
    table = Table("part", "", "found")
    for finding in findings:
        table.add_row(
            Text(finding.part),
            Text(STATES[finding.works], styles[finding.works]),
            Text(finding.detail),
        )
    Console().print(table)


if __name__ == "__main__":
    open_door(doctor)
