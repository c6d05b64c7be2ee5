"""The reference classifier of a dataset: shipped, cached, or trained once.

``python -m harness.evaluation.reference DATASET`` trains one and writes its weight file; so the
shipped files were made, and so they are made again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.app import open_door
from harness.core.errors import InputError
from harness.core.quiet_import import quiet_import
from harness.data.load import load_dataset

with quiet_import():  # TensorFlow's chatter is no part of what the command says
    from harness.evaluation.classifier.load import RECIPE, SHIPPED, WEIGHTS, train_reference
    from harness.evaluation.classifier.weights_file import Identity


def remake(
    dataset: Annotated[str, typer.Argument(help="digits, mnist, or the path of an .npz file.")],
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of mnist.npz, cifar10.npz, ...")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="File to write; without it the shipped one of DATASET.")
    ] = None,
) -> None:
    """Train the reference classifier of DATASET and write its weight file."""
    if output is None and dataset not in SHIPPED:
        raise InputError(f"--output is needed: {dataset!r} has no shipped file to replace")
    path = output or WEIGHTS / f"{dataset}.npz"
    try:
        images = load_dataset(dataset, data_dir)
        info = train_reference(images, path, typer.echo, RECIPE).info
    except OSError as error:
        raise InputError(f"{error.filename or path}: {error.strerror or error}") from None
    typer.echo(f"accuracy {info.accuracy:.4f}\nsha256 {info.sha256}\nwritten {path}")
    typer.echo(f"key {Identity.of(images, RECIPE).key}")


if __name__ == "__main__":
    open_door(remake)
