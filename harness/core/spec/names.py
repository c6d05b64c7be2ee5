"""Names of studies: which are valid, which are reserved, and names that are made from others."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from harness.core.errors import InputError, shown

RESERVED_NAMES = ("calibration", "claims", "recorded", "scores")
"""Folders of reports/ with pages of other kinds; no study has such a name, in any case."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DIGEST_DIGITS = 8


def check_study_name(name: object) -> str:
    """``name``, if valid as the name of a study, an experiment and a folder; else InputError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"study name {shown(name)}; allowed: 1 to 100 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    if name.casefold() in RESERVED_NAMES:
        raise InputError(
            f"study name {name!r}; allowed: any name but {', '.join(RESERVED_NAMES)}, whose "
            "folders in reports/ hold other pages"
        )
    return name


def check_case(name: str, names: Iterable[str], where: str) -> None:
    """Pass unless one of ``names``, those of ``where``, differs from ``name`` by case alone.

    Such studies would share a folder of reports and artifacts on some file systems, and a row in
    some databases. Raises InputError, which names the other study.
    """
    for other in names:
        if other != name and other.casefold() == name.casefold():
            raise InputError(
                f"study {name!r}: {where} has a study {other!r}; take that name, or one that "
                "differs by more than capital letters"
            )


def derived_name(study_name: str, suffix: str, longest: int) -> str:
    """``study_name`` followed by ``suffix``: the name of a study made from that one.

    A name of more than ``longest`` characters is cut to that length and ends with eight digits of
    the sha256 of the whole name, so that no two studies share a derived one.
    """
    if len(study_name) > longest:
        digest = hashlib.sha256(study_name.encode()).hexdigest()[:_DIGEST_DIGITS]
        study_name = f"{study_name[: longest - _DIGEST_DIGITS - 1]}-{digest}"
    return f"{study_name}{suffix}"
