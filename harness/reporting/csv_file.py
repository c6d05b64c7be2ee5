"""Tables as CSV that a spreadsheet takes as data: no text in them is a formula."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.api.types import is_object_dtype, is_string_dtype

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(table: pd.DataFrame) -> str:
    """``table`` as CSV without its index; numbers and times stay as they are.

    Text that a spreadsheet would compute or run, in a cell or a column's name, gets an apostrophe
    in front (OWASP, CSV injection). A carriage return becomes a line feed, which is quoted.
    """
    quoted = table.rename(columns=_quoted)
    for place, column in enumerate(table.columns):
        if is_object_dtype(table[column]) or is_string_dtype(table[column]):
            quoted.isetitem(place, [_quoted(cell) for cell in table[column]])
    return quoted.to_csv(index=False, lineterminator="\n")


def _quoted(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if cell.startswith(_FORMULA) else text
