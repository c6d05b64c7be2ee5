"""Snapshots of trained generators, labelled by eye: the half of the alarm's evidence that is real.

The table stands beside the calibration's page, with sheets of the images by which it was labelled;
``python -m harness.evidence.snapshots`` makes both from recorded studies.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from harness.core.errors import InputError
from harness.evaluation.collapse import EVIDENCE, SCORES

SNAPSHOTS_FILE = "snapshots.csv"
KEY = ("study", "trial", "images_seen")
"""What tells a snapshot from all others."""

LABELS = ("good", "poor", "collapsed", "untrained")
"""What a person may call the images of a snapshot; an empty label is a snapshot not looked at.

good: readable images of several kinds. poor: many of them cannot be read, but they differ.
collapsed: most look like one of a few images. untrained: noise or an even grey.
"""

KEPT_SCORES = (*SCORES, "recall", "pairwise_distance_ratio", "fid", "fid_late")
"""Scores in the table, those that the alarm reads and some to judge it by."""
_COLUMNS = (*KEY, "dataset", *EVIDENCE, "label")


def read_snapshots(path: Path) -> pd.DataFrame:
    """The table at ``path``; empty, with its columns, without a file.

    Raises InputError, naming the file, for a table that lacks a column, for a label that is none of
    LABELS, and for inputs that are no numbers.
    """
    if not path.exists():
        return pd.DataFrame(columns=list(_COLUMNS))
    try:
        table = pd.read_csv(path, keep_default_na=False, na_values=dict.fromkeys(EVIDENCE, ""))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}") from None
    if lacking := [name for name in _COLUMNS if name not in table]:
        raise InputError(f"{path}: no column {', '.join(lacking)}")
    if unknown := sorted({str(one) for one in table["label"]} - {"", *LABELS}):
        raise InputError(f"{path}: label {unknown[0]!r}; allowed: {', '.join(LABELS)}, or empty")
    numbers = table[list(EVIDENCE)]
    if not all(kind.kind in "fi" for kind in numbers.dtypes) or numbers.isna().to_numpy().any():
        raise InputError(f"{path}: the columns {', '.join(EVIDENCE)} hold numbers")
    return table
