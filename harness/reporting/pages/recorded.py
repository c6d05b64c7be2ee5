"""A page from what the store holds: a study, several side by side, or all claims."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path

from harness.cli.options import REPORTS
from harness.core.errors import InputError
from harness.core.secrets import mask
from harness.core.spec.lookup import CLAIMS
from harness.reporting.pages.claims import write_recorded_claims
from harness.reporting.pages.comparison import check_names, write_comparison
from harness.reporting.pages.index import write_index
from harness.reporting.pages.study import write_report
from harness.reporting.results.load import load_recorded, load_results


class NotRecordedError(InputError):
    """The store has no study of that name; the text lists those that it has."""


def write_recorded(
    tracking_uri: str, study_name: str, folder: Path, *, force: bool = False
) -> Path:
    """The path of the page, written into ``folder`` for the study of that name, or for ``claims``.

    If ``folder`` lies in reports/, the index of reports is written as well.

    Raises NotRecordedError for a study that is not in the store, InputError for a store that cannot
    be read, OSError for a folder that cannot be written, FewerRunsError if the page that is there
    rests on more runs, unless ``force``.
    """
    page = _write_recorded(tracking_uri, study_name, folder, force)
    _list(page)
    return page


def write_recorded_comparison(
    tracking_uri: str, names: Sequence[str], folder: Path, *, force: bool = False
) -> Path:
    """The path of the page that compares the studies of these ``names``, written into ``folder``.

    Errors as for ``write_recorded``; InputError where the scores of two studies do not compare.
    """
    check_names(names)
    page = write_comparison(
        [load_results(tracking_uri, name) for name in names], folder, force=force
    )
    _list(page)
    return page


def _list(page: Path) -> None:
    """Write the index of reports anew, where ``page`` is one of those in reports/.

    An index that cannot be written costs no report: the next one is written with the next report.
    """
    if page.parent.parent == REPORTS:
        with contextlib.suppress(OSError):
            write_index(REPORTS)


def _write_recorded(tracking_uri: str, study_name: str, folder: Path, force: bool) -> Path:
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
