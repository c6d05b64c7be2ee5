"""Finds the study file for a name or path, and applies the command line's options."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import InputError, guess, shown
from harness.core.spec.study_spec import StudySpec

CLAIMS = "claims"
"""Folder of the studies whose claims are reported on one page; also that page's folder."""

_PROJECT_STUDIES = Path(__file__).resolve().parents[3] / "studies"


def resolve_study(
    study: str,
    *,
    name: str | None = None,
    n_trials: int | None = None,
    seeds: int | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    smoke: bool = False,
) -> StudySpec:
    """The study in the file ``study`` or of that name, with the changes of the command line.

    If the study's claim reads the runs of another study, the result is that other study, from the
    same folder. Raises InputError for an unknown study (with the known names), and for changes
    that do not fit the study.
    """
    path = _find(study)
    spec = StudySpec.load(path)
    if spec.claim and spec.claim.runs_of:
        spec = StudySpec.load(path.with_name(f"{spec.claim.runs_of}.toml"))
    if seeds is not None:
        spec = spec.with_seeds(seeds)
    if smoke:
        spec = spec.smoke()
    if seed is not None:
        spec = spec.with_seed(seed)
    spec = spec.with_settings(settings)
    if n_trials is not None:
        spec = spec.replace(search=dataclasses.replace(spec.search, num_trials=n_trials))
    if name is not None:
        spec = spec.replace(name=name)
    return spec


def declared_study(study: str) -> StudySpec:
    """The study in the file ``study`` or of that name, exactly as declared."""
    return StudySpec.load(_find(study))


def studies_in(study: str) -> list[str] | None:
    """The sorted names of the studies in ``studies/<study>``; None if that is no such folder."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", study):
        return None
    for folder in _folders():
        files = sorted((folder / study).glob("*.toml"))
        if files:
            return [f"{study}/{path.stem}" for path in files]
    return None


def known_studies() -> list[str]:
    """The sorted names of all study files, in this folder and in the project."""
    found = {p.relative_to(f) for f in _folders() for p in f.rglob("*.toml")}
    return sorted(path.with_suffix("").as_posix() for path in found)


def _find(study: str) -> Path:
    """The file ``study``, or ``studies/<study>.toml`` in this folder or in the project."""
    for path in (Path(study), *(folder / f"{study}.toml" for folder in _folders())):
        if os.path.isfile(path):  # False for a name that no file can have
            return path
    known = known_studies()
    listed = ", ".join(known) or "none"
    raise InputError(
        f"no study file or name {shown(study)}; known: {listed} (studies/*.toml)"
        + guess(study, known)
    )


def _folders() -> list[Path]:
    """The folders of study files: in the current folder, then in the project."""
    return list(dict.fromkeys([Path("studies").absolute(), _PROJECT_STUDIES]))
