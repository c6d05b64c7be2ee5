"""A table of trained runs as a text file, which is read like a store: what a clone begins with.

Whoever clones the project has no store with the runs behind its pages. The table beside a page has
their figures, so that another study takes them from there and adds to the evidence instead of
training the same again. One line of JSON for each run; lines are sorted, so that two versions of a
table compare line by line.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from harness.core.errors import InputError

RUN_TABLE_FILE = "runs.jsonl"
MOST_BYTES = 100_000_000
_DIGITS = 9  # significant ones: float32, in which all is trained, has 7


@dataclass(frozen=True)
class TableRun:
    """A completed run. trains: identity of what it trained, see ``search/trial/reuse.py``.

    config: its TrialConfig, the seed included. trained: the day, and by which processor and
    versions, as far as recorded. history: metric -> {images_seen: value}.
    """

    trains: str
    config: Mapping[str, Any]
    trained: Mapping[str, Any]
    history: Mapping[str, Mapping[int, float]]


def read_run_table(path: Path) -> dict[str, TableRun]:
    """Identity -> run of the table at ``path``; empty without a file.

    Raises InputError, naming file and line, for anything that ``run_table_text`` does not write.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path}: larger than {MOST_BYTES:,} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'not text'}") from None
    runs: dict[str, TableRun] = {}
    for number, line in enumerate(lines, 1):
        try:
            run = _parse(json.loads(line))
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise InputError(f"{path}: line {number} is no run of a table of runs") from None
        runs[run.trains] = run
    return runs


def run_table_text(runs: Iterable[TableRun]) -> str:
    """The ``runs`` as the text of a table, sorted by configuration and seed; figures rounded."""
    lines = sorted(
        json.dumps({**asdict(run), "history": _rounded(run.history)}, sort_keys=True)
        for run in runs
    )
    return "".join(f"{line}\n" for line in lines)


def _rounded(history: Mapping[str, Mapping[int, float]]) -> dict[str, dict[str, float]]:
    return {
        name: {str(seen): float(f"{value:.{_DIGITS}g}") for seen, value in sorted(values.items())}
        for name, values in history.items()
    }


def _parse(record: Any) -> TableRun:
    """The run of one line; ValueError, TypeError or AttributeError for anything else."""
    if record.keys() != {field.name for field in fields(TableRun)}:
        raise ValueError(record.keys())
    if not re.fullmatch(r"[0-9a-f]{64}", record["trains"]):
        raise ValueError(record["trains"])
    if not isinstance(record["config"], dict) or not isinstance(record["trained"], dict):
        raise TypeError(record)
    history = {
        name: {_whole(seen): _finite(value) for seen, value in values.items()}
        for name, values in record["history"].items()
    }
    return TableRun(record["trains"], record["config"], record["trained"], history)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text):
        raise ValueError(text)
    return int(text)


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(value)
    return float(value)
