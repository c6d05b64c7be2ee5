"""``python -m harness.generate STUDY``: images from the generator of a study's winner."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli import options
from harness.cli.app import open_door
from harness.core.errors import InputError

MAX_IMAGES = 1_000_000


def generate(
    study: options.Recorded,
    trial: options.Trial = None,
    num: Annotated[int, typer.Option(min=1, max=MAX_IMAGES, help="Number of images.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the latents.")] = 0,
    label: Annotated[
        int | None, typer.Option(min=0, help="The class, where the generator is told one.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="FILE.png for one grid, FILE.npz for an array, a folder for single files.",
            show_default="STUDY.png",
        ),
    ] = None,
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
) -> None:
    """Draw images from a study's winner, from one of its trials or from a run."""
    target = output or Path(f"{study}.png")
    if target.suffix.lower() not in (".png", ".npz", ""):
        raise InputError(f"--output: {target}; allowed: FILE.png, FILE.npz, or a folder")
    from harness.api.images import write_images
    from harness.api.study import load
    from harness.core.quiet_import import quiet_import

    recorded = load(study, tracking_uri, data_dir)
    chosen = recorded.winner if trial is None else recorded.trial(trial)
    with quiet_import():
        images = chosen.sample(num, seed, label)
    write_images(images, target)
    print(f"{num:,} images of trial {chosen.number} of {study}: {target}")


if __name__ == "__main__":
    open_door(generate)
