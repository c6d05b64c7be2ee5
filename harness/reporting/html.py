"""Self-contained pages: style sheet and script are inside, nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from harness.reporting import formats


def render_template(name: str, *, script: str = "", **context: Any) -> str:
    """The template ``name`` as HTML, with ``css`` and ``css_hash`` for its head.

    script: the file in templates/ that the page may run, "" for a page without one.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": formats.number,
        "breakable": _breakable,
        "parted": _parted,
    }
    css, code = _own_file("report.css"), _own_file(script) if script else ""
    return environment.get_template(name).render(
        css=css,
        css_hash=_csp_hash(css),
        script=code,
        script_hash=_csp_hash(code),
        **context,
    )


def _own_file(name: str) -> Markup:
    """A file of the project, which holds neither "</style" nor "</script"."""
    return Markup(
        resources.files("harness.reporting").joinpath(f"templates/{name}").read_text("utf-8")
    )


def _breakable(name: str) -> Markup:
    """A column's name that may break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _parted(text: str) -> Markup:
    """A number and its interval, ``1.5 (1 to 2)``, with a line break allowed between them alone."""
    value, _, interval = text.partition(" (")
    return Markup("<span>{}</span> <span>({}</span>").format(value, interval)


def _csp_hash(text: str) -> str:
    """The source expression that allows this one style sheet or script and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
