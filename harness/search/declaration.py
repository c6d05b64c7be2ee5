"""A study as it would run."""

from __future__ import annotations

from typing import Any

from harness.core.quiet_import import quiet_import
from harness.core.spec.study_spec import StudySpec


def declaration(spec: StudySpec) -> dict[str, Any]:
    """The resolved study, every field of the base configuration included.

    Raises InputError if it asks for networks that cannot be built.
    """
    with quiet_import():
        from harness.search.prepare import check_buildable
    check_buildable(spec)
    base = {k: v for k, v in spec.base_config().to_dict().items() if k not in spec.space}
    return {**spec.to_dict(), "base": base}
