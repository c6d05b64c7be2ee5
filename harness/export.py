"""``python -m harness.export STUDY --output DIR``: the winner's generator, to be given away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.app import open_door


def export(
    study: options.Recorded,
    output: Annotated[Path, typer.Option(help="A new or an empty folder.")],
    trial: options.Trial = None,
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
) -> None:
    """Write a generator with uint8 output, its configuration, a model card and a script."""
    from harness.api.export import export as write
    from harness.api.study import load
    from harness.core.quiet_import import quiet_import

    recorded = load(study, tracking_uri, data_dir)
    chosen = recorded.winner if trial is None else recorded.trial(trial)
    with quiet_import():
        card = write(chosen, output)
    print(f"trial {chosen.number} of {study}: {card}")


if __name__ == "__main__":
    open_door(export)
