"""From what a person typed to a resolved study."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from harness.core.errors import InputError
from harness.core.study_file import StudySpec

_PROJECT_STUDIES = Path(__file__).resolve().parents[2] / "studies"


def resolve_study(
    study: str,
    *,
    name: str | None = None,
    n_trials: int | None = None,
    seed: int | None = None,
    settings: Sequence[str] = (),
    smoke: bool = False,
) -> StudySpec:
    """The study called or filed as ``study``, with what the command line changes.

    Raises InputError for an unknown study (with the known names), and for any change that does
    not fit.
    """
    spec = StudySpec.load(_find(study))
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


def _find(study: str) -> Path:
    """The file ``study``, or ``studies/<study>.toml`` here or in the project."""
    folders = list(dict.fromkeys([Path("studies").absolute(), _PROJECT_STUDIES]))
    named = [folder / f"{study}.toml" for folder in folders]
    for path in (Path(study), *named):
        if path.is_file():
            return path
    known = sorted({path.stem for folder in folders for path in folder.glob("*.toml")})
    raise InputError(
        f"no study file or name {study!r}; known: {', '.join(known) or 'none'} (studies/*.toml)"
    )
