"""``python -m harness.evidence.snapshots STUDY...``: what the alarm saw of recorded generators.

Writes one row for each report of the studies' trials, with the scores and the alarm's inputs, and
sheets with some of the images of each, by which a person labels the rows. Trains nothing. Labels
that the table has already are kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from PIL import Image, ImageDraw

from harness.cli import options
from harness.cli.app import open_door
from harness.core.errors import InputError
from harness.core.quiet_import import quiet_import
from harness.core.replace_files import replace_files
from harness.data.load import load_dataset
from harness.reporting.parts.trials.sample_grid import arranged
from harness.reporting.results.load import load_results
from harness.reporting.results.tables import StudyResults, param_column
from harness.tracking.stores.databases import check_tracking_store
from harness.tracking.stores.layout import default_layout

with quiet_import():
    from harness.evaluation.calibration.snapshots import (
        KEPT_SCORES,
        KEY,
        SNAPSHOTS_FILE,
        read_snapshots,
    )
    from harness.evaluation.classifier.load import load_reference
    from harness.evaluation.collapse import SCORES, evidence
    from harness.evaluation.evaluator import Evaluator

SHOWN = ("optimizer", "learning_rate", "discriminator_learning_rate_ratio", "normalization")
"""Fields of a trial's configuration that the table tells."""

COLUMNS, ROWS = 4, 4  # images of a snapshot
ACROSS, DOWN = 8, 6  # snapshots of a sheet
GREYS = 16
_CAPTION = 11  # pixels


def snapshots(
    studies: Annotated[list[str], typer.Argument(metavar="STUDY...", help="Recorded studies.")],
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = options.REPORTS
    / "calibration",
    tracking_uri: options.TrackingUri = None,
    data_dir: options.DataDir = None,
    cache_dir: Annotated[
        Path, typer.Option(help="Folder of reference classifiers that were trained here.")
    ] = Path("mlruns/cache"),
) -> None:
    """Add every report of the trials of STUDY to the table of snapshots, and draw their sheets."""
    uri = check_tracking_store(tracking_uri or default_layout().tracking_uri)
    before = read_snapshots(output / SNAPSHOTS_FILE)
    tables, files = [before], {}
    for name in studies:
        results = load_results(uri, name)
        table = table_of(results, _real_scores(results, data_dir, cache_dir))
        tables.append(_with_labels(table, before))
        for number, sheet in enumerate(sheets(results, table), 1):
            files[output / "snapshots" / f"{name}-{number}.png"] = sheet
        typer.echo(f"{name}: {len(table)} snapshots")
    whole = pd.concat([one for one in tables if not one.empty])
    whole = whole.drop_duplicates(list(KEY), keep="last").sort_values(list(KEY))
    text = whole.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    replace_files({**files, output / SNAPSHOTS_FILE: text})
    typer.echo(f"table: {output / SNAPSHOTS_FILE}, {len(whole)} snapshots")


def table_of(results: StudyResults, real: dict[str, float]) -> pd.DataFrame:
    """One row per report of each trial that was scored, without labels, by trial and images_seen.

    ``real``: the real images' own values of SCORES, by which the alarm's inputs are measured.
    """
    wide = results.history.pivot_table(
        index=["trial", "images_seen"], columns="metric", values="value", aggfunc="last"
    )
    lacking = set(SCORES) - set(wide.columns)
    if lacking:
        raise InputError(f"study {results.spec.name} has no {', '.join(sorted(lacking))}")
    wide = wide.dropna(subset=list(SCORES)).reset_index()
    trials = results.trials.set_index("number")
    rows = []
    for row in wide.to_dict("records"):
        config = trials.loc[row["trial"]]
        rows.append(
            {
                "study": results.spec.name,
                "trial": int(row["trial"]),
                "images_seen": int(row["images_seen"]),
                "dataset": config[param_column("dataset")],
                **{field: config[param_column(field)] for field in SHOWN},
                **{name: row.get(name) for name in KEPT_SCORES},
                **evidence({name: row[name] for name in SCORES}, real),
                "label": "",
            }
        )
    return pd.DataFrame(rows)


def sheets(results: StudyResults, table: pd.DataFrame) -> Iterator[bytes]:
    """PNG files of ``ACROSS * DOWN`` snapshots each, in the order of the table, in 16 greys."""
    runs = results.trials.set_index("number")["run_id"]
    tiles = []
    for trial, images_seen in table[["trial", "images_seen"]].itertuples(index=False):
        png = results.grids.last(str(runs[trial]), images_seen)
        tiles.append((f"{trial} at {images_seen}", arranged(png, COLUMNS, ROWS)))
    for start in range(0, len(tiles), ACROSS * DOWN):
        yield _sheet(tiles[start : start + ACROSS * DOWN])


def _sheet(tiles: Sequence[tuple[str, np.ndarray | None]]) -> bytes:
    side = max((max(tile.shape[:2]) for _, tile in tiles if tile is not None), default=64)
    step = side + 6
    height = -(-len(tiles) // ACROSS) * (step + _CAPTION)
    canvas = Image.new("L", (ACROSS * step, height), 255)
    pen = ImageDraw.Draw(canvas)
    for index, (words, tile) in enumerate(tiles):
        left, top = index % ACROSS * step, index // ACROSS * (step + _CAPTION)
        pen.text((left, top), words, fill=0)
        if tile is not None:
            canvas.paste(Image.fromarray(tile).convert("L"), (left, top + _CAPTION))
    buffer = io.BytesIO()
    canvas.quantize(GREYS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _real_scores(results: StudyResults, data_dir: Path | None, cache: Path) -> dict[str, float]:
    base = results.spec.base_config()
    dataset = load_dataset(base.dataset, data_dir, base.image_size)
    classifier = load_reference(dataset, cache, typer.echo)
    num_samples = results.spec.num_samples
    return Evaluator(dataset, classifier, num_samples, SCORES).real_scores


def _with_labels(table: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """``table`` with the labels that the same snapshots have in the table ``before``."""
    labels = before.set_index(list(KEY))["label"]
    keys = pd.MultiIndex.from_frame(table[list(KEY)])
    return table.assign(label=labels.reindex(keys).fillna("").tolist())


if __name__ == "__main__":
    open_door(snapshots)
