"""Tables as CSV that a spreadsheet takes as data: no text in them is a formula."""

from __future__ import annotations

from typing import Any

import pandas as pd

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(table: pd.DataFrame) -> str:
    """``table`` as CSV without its index; numbers stay as they are.

    Text that a spreadsheet would compute or run, in a cell or a column's name, gets an apostrophe
    in front (OWASP, CSV injection).
    """
    quoted = table.rename(columns=_quoted)
    for place, column in enumerate(table.columns):
        if table.dtypes.iloc[place] == "object":
            quoted.isetitem(place, [_quoted(cell) for cell in table[column]])
    return quoted.to_csv(index=False, lineterminator="\n")


def _quoted(cell: Any) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
