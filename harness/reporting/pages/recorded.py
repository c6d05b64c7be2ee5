"""A page from what the store holds: the report of a study, or the page of all claims."""

from __future__ import annotations

import shlex
from pathlib import Path

from harness.core.errors import InputError
from harness.core.secrets import mask
from harness.core.spec.lookup import CLAIMS
from harness.reporting.pages.claims import write_recorded_claims
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_recorded, load_results


class NotRecordedError(InputError):
    """The store has no study of that name; the text lists those that it has."""


def write_recorded(
    tracking_uri: str, study_name: str, folder: Path, *, force: bool = False
) -> Path:
    """The path of the page, written into ``folder`` for the study of that name, or for ``claims``.

    Raises NotRecordedError for a study that is not in the store, InputError for a store that cannot
    be read, OSError for a folder that cannot be written, FewerRunsError if the page that is there
    rests on more runs, unless ``force``.
    """
    if study_name == CLAIMS:
        return write_recorded_claims(tracking_uri, folder, force=force)
    try:
        results = load_results(tracking_uri, study_name)
    except InputError as error:
        if load_recorded(tracking_uri, [study_name]):
            raise
        raise NotRecordedError(str(error)) from None
    return write_report(results, folder, force=force)


def not_written(
    error: OSError, study_name: str, folder: Path, tracking_uri: str | None = None
) -> str:
    """One line for ``write_recorded`` that failed by ``error`` after the trials had ended.

    It says how to write the page later. ``tracking_uri``: the store, if it must be named then; a
    password in it is masked.
    """
    command = ["python", "-m", "harness.report", study_name, "--output", str(folder)]
    if tracking_uri is not None:
        command += ["--tracking-uri", mask(tracking_uri)]
    return (
        f"{folder}: {error.strerror or error}; the trials are safe in the stores, no report was "
        f"written; to write it later: {shlex.join(command)}"
    )
