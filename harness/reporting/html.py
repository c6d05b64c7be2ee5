"""Self-contained pages: the style sheet is inside, no script, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from harness.reporting import formats


def render_template(name: str, **context: Any) -> str:
    """The template ``name`` as HTML, with ``css`` and ``css_hash`` for its head."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": formats.number, "breakable": _breakable}
    css = resources.files("harness.reporting").joinpath("templates/report.css").read_text("utf-8")
    return environment.get_template(name).render(
        css=Markup(css),  # the project's own file, which holds no "</style"
        css_hash=_csp_hash(css),
        **context,
    )


def _breakable(name: str) -> Markup:
    """A column's name that may break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _csp_hash(css: str) -> str:
    """The source expression that allows this one style sheet and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode('ascii')}"
