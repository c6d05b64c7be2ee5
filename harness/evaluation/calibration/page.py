"""The page of a calibration: how much collapse is seen, by which score, at how many samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from harness.evaluation.calibration.analysis import DETECTED, FALSE_ALARMS, Findings
from harness.evaluation.calibration.figures import HEIGHT, MARGIN, WIDTH, panels, shade
from harness.evaluation.calibration.fit import ALIKE, REAL
from harness.evaluation.calibration.planted import PLANTS
from harness.evaluation.collapse import Logistic
from harness.html.render import render
from harness.outcomes.alarm import LEVEL

_NOTHING = "-"
_COLLAPSED = {True: "yes", False: "no", None: "open"}


@dataclass(frozen=True)
class Table:
    """Texts of a table. ``marked``: (row, column) of the cells that stand out. shades: of a heat
    map, by row, for the columns after the first."""

    title: str
    note: str
    columns: list[str]
    rows: list[list[str]]
    marked: frozenset[tuple[int, int]] = frozenset()
    shades: tuple[tuple[int, ...], ...] = ()


def render_page(findings: Findings) -> str:
    """The page as HTML: no script, nothing to load; the same findings give the same bytes."""
    return render(
        "harness.evaluation.calibration",
        "calibration.html",
        headline=headline(findings),
        poor=poor_words(findings),
        held_out=held_out_words(findings),
        confusion=confusion_rows(findings),
        alarm=alarm_rows(findings),
        detectability=[detectability_rows(findings, plant) for plant in PLANTS],
        auroc=auroc_rows(findings),
        panels=panels(findings.sensitivity),
        panel_size=(WIDTH, HEIGHT, MARGIN),
        models=[
            model_rows("Collapsed", findings.model.collapsed),
            model_rows("Poor, if not collapsed", findings.model.poor),
        ],
        provenance=findings.model.provenance,
        level=LEVEL,
        false_alarms=FALSE_ALARMS,
        detected=DETECTED,
    )


def headline(findings: Findings) -> str:
    """The alarm's false-alarm and detection rates over all sizes, with the numbers of samples."""
    table = findings.alarm
    parts = []
    for verdict, words in ((False, "false alarms on"), (True, "collapses seen of")):
        rows = table[table["collapsed"].eq(verdict)]
        if verdict is False:
            rows = rows[rows["plant"] == REAL]
        hits, total = round((rows["n"] * rows["alarms"]).sum()), int(rows["n"].sum())
        noun = "held-out real samples" if verdict is False else "planted ones"
        parts.append(f"{hits:,} {words} {total:,} {noun}")
    return "; ".join(parts) + "."


def poor_words(findings: Findings) -> str:
    """How often the alarm is up on spoiled images that are no collapse, and on which."""
    table = findings.alarm
    rows = table[table["collapsed"].eq(False) & (table["plant"] != REAL)]
    hits, total = round((rows["n"] * rows["alarms"]).sum()), int(rows["n"].sum())
    doses = rows[rows["alarms"] > 0][["plant", "dose"]].drop_duplicates()
    which = ", ".join(
        f"{_spaced(plant)} ({PLANTS[plant].words(dose)})"
        for plant, dose in doses.itertuples(index=False)
    )
    return f"up on {hits:,} of {total:,} such samples" + (f": {which}." if hits else ".")


def alarm_rows(findings: Findings) -> Table:
    """How often the alarm is up, one row per dose, one column per sample size."""
    table = findings.alarm
    sizes = sorted(table["size"].unique())
    rows: list[list[str]] = []
    marked: set[tuple[int, int]] = set()
    for plant, dose in table[["plant", "dose"]].drop_duplicates().itertuples(index=False):
        group = table[(table["plant"] == plant) & (table["dose"] == dose)]
        shares = group.set_index("size")["alarms"]
        verdict = group["collapsed"].iloc[0]
        words = "" if plant == REAL else PLANTS[plant].words(dose)
        verdict = None if pd.isna(verdict) else bool(verdict)
        marked |= {(len(rows), 3 + i) for i, size in enumerate(sizes) if shares[size] >= DETECTED}
        cells = [f"{shares[size]:.0%}" for size in sizes]
        rows.append([_spaced(plant), words, _COLLAPSED[verdict], *cells])
    n_real = table.loc[table["plant"] == REAL, "n"].max()
    n_planted = table.loc[table["plant"] != REAL, "n"].max()
    note = (
        f"Share of samples with the alarm up, images per sample across; n = {n_real} for real "
        f"images and {n_planted} for each dose. None of them was used to fit the alarm. "
        "Whether a dose is a collapse is by definition; an open one is neither fitted nor counted."
    )
    columns = ["images", "dose", "collapse?", *(f"{size:,}" for size in sizes)]
    return Table("When the alarm is up", note, columns, rows, frozenset(marked))


def detectability_rows(findings: Findings, plant: str) -> Table:
    """The smallest dose of ``plant`` that each score sees, one column per sample size."""
    table = findings.smallest[findings.smallest["plant"] == plant]
    sizes = sorted(table["size"].unique())
    rows: list[list[str]] = []
    marked: set[tuple[int, int]] = set()
    for metric, group in table.groupby("metric", sort=False):
        doses = group.set_index("size")["dose"]
        best = {size: table.loc[table["size"] == size, "dose"].min() for size in sizes}
        marked |= {(len(rows), 1 + i) for i, size in enumerate(sizes) if doses[size] == best[size]}
        words = [
            _NOTHING if math.isnan(doses[size]) else _amount(plant, doses[size]) for size in sizes
        ]
        rows.append([str(metric), *words])
    doses_tried = PLANTS[plant].doses
    unit = PLANTS[plant].words(doses_tried[0]).partition(" ")[2]
    tried = ", ".join(_amount(plant, dose) for dose in doses_tried)
    columns = ["score", *(f"{size:,}" for size in sizes)]
    return Table(_spaced(plant), f"Tried: {tried} {unit}.", columns, rows, frozenset(marked))


def auroc_rows(findings: Findings) -> Table:
    """The AUROC of each score against each plant's largest dose but one, at the largest size."""
    table = findings.sensitivity
    size = int(table["size"].max())
    doses = {name: sorted(plant.doses)[-2] for name, plant in PLANTS.items()}
    table = table[(table["size"] == size) & (table["dose"] == table["plant"].map(doses))]
    grid = table.pivot(index="metric", columns="plant", values="auroc")[list(PLANTS)]
    rows = [[str(name), *(f"{value:.2f}" for value in row)] for name, row in grid.iterrows()]
    marked = {
        (r, 1 + c) for r, row in enumerate(grid.to_numpy()) for c, v in enumerate(row) if v >= 0.95
    }
    columns = [
        "score",
        *(f"{_spaced(name)}, {PLANTS[name].words(dose)}" for name, dose in doses.items()),
    ]
    note = (
        f"Against real samples of {size:,} images, in the score's own direction of worse: 0.5 "
        "sees nothing, 1 tells every pair, below 0.5 the spoiled sample scores better."
    )
    shades = tuple(tuple(shade(float(value)) for value in row) for row in grid.to_numpy())
    title = "How well each score tells each defect"
    return Table(title, note, columns, rows, frozenset(marked), shades)


def held_out_words(findings: Findings) -> str:
    """What the alarm says of the generators of the dataset that was not fitted, in a sentence."""
    table = findings.confusion[~findings.confusion["fitted"].astype(bool)]
    if table.empty:
        return f"No snapshot of {findings.measured.held_out}, the dataset held out, is labelled."
    alike = table[table["label"].isin(ALIKE)]
    other = table[~table["label"].isin(ALIKE)]
    return (
        f"Of generators on {findings.measured.held_out}, none of which was fitted, the alarm calls "
        f"collapsed {alike['collapsed'].sum():,} of {alike['n'].sum():,} whose images a person "
        f"found all alike, and {other['collapsed'].sum():,} of {other['n'].sum():,} others."
    )


def confusion_rows(findings: Findings) -> Table:
    """What a person and the alarm say of the same snapshots of generators."""
    table = findings.confusion
    rows = [
        [
            f"{row['dataset']}{'' if row['fitted'] else ', held out'}: {row['label']}",
            *(f"{row[name]:,}" for name in ("n", "collapsed", "poor", "neither")),
        ]
        for row in table.to_dict("records")
    ]
    note = (
        "Snapshots of trained generators, labelled by eye on sixteen images of each. Those of the "
        "dataset held out were not fitted. Untrained generators, whose images are all alike, are "
        "fitted as collapsed. Snapshots of one trial resemble each other."
    )
    columns = ["a person says", "snapshots", "alarm: collapsed", "alarm: poor", "alarm: neither"]
    return Table("Alarm against eyes", note, columns, rows)


def model_rows(title: str, model: Logistic) -> Table:
    """The coefficients of a model, and how much of each input alone raises the alarm."""
    rows = []
    for name, weight in model.coefficients.items():
        alone = f"{-model.intercept / weight:.3g}" if weight > 0 else _NOTHING
        rows.append([name, f"{weight:.3g}", alone])
    note = f"Intercept {model.intercept:.3g}. An input at its last column raises the alarm alone."
    return Table(title, note, ["input", "coefficient", "alone enough at"], rows)


def _amount(plant: str, dose: float) -> str:
    """The dose without its unit: the tables have one column per sample size."""
    return PLANTS[plant].words(dose).partition(" ")[0]


def _spaced(name: str) -> str:
    return name.replace("_", " ")
