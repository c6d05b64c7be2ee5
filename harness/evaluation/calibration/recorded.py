"""The responses of an earlier calibration, read again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from harness.core.errors import InputError
from harness.evaluation.collapse import EVIDENCE

_VERDICTS = {"True": True, "False": False, "": None}


def read_responses(path: Path) -> pd.DataFrame:
    """The table of ``Measured.responses`` at ``path``, as a calibration wrote it.

    Raises InputError, naming the file, for a table that lacks a column, or without a file.
    """
    try:
        table = pd.read_csv(path, dtype={"collapsed": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    needed = ("plant", "dose", "collapsed", "part", "size", *EVIDENCE)
    if lacking := [name for name in needed if name not in table]:
        raise InputError(f"{path}: no column {', '.join(lacking)}")
    if not set(table["collapsed"]) <= set(_VERDICTS):
        raise InputError(f"{path}: collapsed is True, False or empty")
    return table.assign(collapsed=table["collapsed"].map(_VERDICTS).astype("object"))
