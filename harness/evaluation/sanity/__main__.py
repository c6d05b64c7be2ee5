"""``python -m harness.evaluation.sanity``: every score on features whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from harness.cli.app import open_door
from harness.cli.options import REPORTS
from harness.core.errors import InputError
from harness.core.registry import METRICS
from harness.core.replace_files import replace_files
from harness.evaluation.sanity.checks import CHECKS
from harness.evaluation.sanity.page import render_page
from harness.evaluation.sanity.run import COLUMNS, judge, measure

PAGE_FILE = "index.html"
VERDICTS_FILE = "verdicts.csv"
CURVES_FILE = "curves.csv"


def sanity(
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = REPORTS / "scores",
    repeats: Annotated[int, typer.Option(min=1, help="Draws that each value is the mean of.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")] = 0,
    recorded: Annotated[
        bool, typer.Option(help="Judge the curves in --output; draw nothing.")
    ] = False,
) -> None:
    """Put every score that judges fidelity or diversity to the checks of Räisä et al. 2025."""
    names = [name for name in METRICS.names() if METRICS.get(name).judges]
    if recorded:
        curves = _read_curves(output / CURVES_FILE)
    else:
        curves = measure(CHECKS, names, repeats, seed, typer.echo)
    verdicts = judge(curves, CHECKS, names)
    command = f"python -m harness.evaluation.sanity --repeats {repeats} --seed {seed}"
    try:
        replace_files(
            {
                output / VERDICTS_FILE: _csv(verdicts),
                output / CURVES_FILE: _csv(curves),
                output / PAGE_FILE: render_page(verdicts, {"command": command}),
            }
        )
    except OSError as error:
        raise InputError(f"{error.filename or output}: {error.strerror or error}") from None
    typer.echo(f"page: {output / PAGE_FILE}")


def _read_curves(path: Path) -> pd.DataFrame:
    """The table that ``measure`` returned; InputError, naming the file, for anything else."""
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if list(table.columns) != list(COLUMNS):
        raise InputError(f"{path}: the columns are {', '.join(COLUMNS)}")
    return table


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.5g"))


if __name__ == "__main__":
    open_door(sanity)
