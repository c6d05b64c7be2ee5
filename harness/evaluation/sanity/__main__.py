"""``python -m harness.evaluation.sanity``: every score on features whose answer is known."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from harness.cli.app import open_door
from harness.core.errors import InputError
from harness.core.registry import METRICS
from harness.core.replace_files import replace_files
from harness.evaluation.sanity.checks import CHECKS
from harness.evaluation.sanity.page import render_page
from harness.evaluation.sanity.run import judge, measure

PAGE_FILE = "index.html"
VERDICTS_FILE = "verdicts.csv"
CURVES_FILE = "curves.csv"


def sanity(
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("reports/scores"),
    repeats: Annotated[int, typer.Option(min=1, help="Draws that each value is the mean of.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything that is drawn.")] = 0,
) -> None:
    """Put every score that judges fidelity or diversity to the checks of Räisä et al. 2025."""
    names = [name for name in METRICS.names() if METRICS.get(name).judges]
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


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n", float_format="%.5g"))


if __name__ == "__main__":
    open_door(sanity)
