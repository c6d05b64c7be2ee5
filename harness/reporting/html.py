"""The templates of the reading half, with what they write numbers and long names by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from markupsafe import Markup

from harness.html.render import render
from harness.reporting import formats


def render_template(name: str, *, script: str = "", **context: Any) -> str:
    """The template ``name`` as a self-contained page; ``script`` as ``render`` takes it."""
    filters: dict[str, Callable[..., Any]] = {
        "number": formats.number,
        "breakable": _breakable,
        "parted": _parted,
    }
    return render("harness.reporting", name, script=script, filters=filters, **context)


def _breakable(name: str) -> Markup:
    """A column's name that may break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _parted(text: str) -> Markup:
    """A number and its interval, ``1.5 (1 to 2)``, with a line break allowed between them alone."""
    value, _, interval = text.partition(" (")
    return Markup("<span>{}</span> <span>({}</span>").format(value, interval)
