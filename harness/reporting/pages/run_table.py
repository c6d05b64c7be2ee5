"""The runs behind a page, as the table that is kept beside the page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.outcomes.run_table import TableRun, read_run_table, run_table_text
from harness.reporting.parts.provenance import trial_record
from harness.reporting.results.tables import StudyResults

_PACKAGES = ("tensorflow", "keras", "numpy")


def grown_table(path: Path, studies: Sequence[StudyResults]) -> str:
    """The text of the table at ``path`` with the runs of ``studies`` that it lacks.

    A run that stands there stays as it is, so that nothing is lost with a store. Raises InputError
    for a table that cannot be read.
    """
    runs = {run.trains: run for results in studies for run in _trained(results)}
    return run_table_text({**runs, **read_run_table(path)}.values())


def _trained(results: StudyResults) -> list[TableRun]:
    """The completed runs that the study has trained itself, with what identifies them."""
    trials = results.trials
    done = trials[(trials["outcome"] == "complete") & trials["trains"].notna()]
    logged = results.history[results.history["trial"].isin(done["number"])]
    histories: dict[int, dict[str, dict[int, float]]] = {}
    for trial, metric, seen, value in logged.itertuples(index=False):
        histories.setdefault(trial, {}).setdefault(metric, {})[int(seen)] = float(value)
    return [
        TableRun(
            str(row["trains"]),
            trial_record(results, row)["config"],
            {"day": f"{row['started'].date()}", **_environment(results)},
            histories.get(row["number"], {}),
        )
        for _, row in done.iterrows()
        if re.fullmatch(r"[0-9a-f]{64}", row["trains"])
    ]


def _environment(results: StudyResults) -> dict[str, Any]:
    """Processor and versions of the study's last session."""
    packages = results.environment.get("packages")
    versions = packages if isinstance(packages, dict) else {}
    return {
        "cpu": str(results.environment.get("cpu")),
        "packages": {name: str(versions.get(name)) for name in _PACKAGES},
    }
