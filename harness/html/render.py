"""Self-contained pages: style sheet and script are inside, nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup


def render(
    package: str,
    template: str,
    *,
    script: str = "",
    style: str = "",
    filters: Mapping[str, Callable[..., Any]] | None = None,
    **context: Any,
) -> str:
    """The file ``template`` of the package's folder templates/ as HTML; every text is escaped.

    For its head it gets ``css`` (the project's style sheet and then ``style``), ``css_hash``,
    ``script`` and ``script_hash``; a policy of these hashes allows nothing else. script: the file
    in templates/ that the page may run, "" for a page without one. filters: of the template. The
    same arguments give the same bytes.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_keep_together,
    )
    environment.filters |= filters or {}
    css = _own_file("harness.html", "page.css") + Markup(style)
    code = _own_file(package, f"templates/{script}") if script else Markup("")
    return environment.get_template(template).render(
        css=css, css_hash=_hash(css), script=code, script_hash=_hash(code), **context
    )


def _keep_together(value: Any) -> Any:
    """A text with its percent signs bound to their numbers, so that no line begins with one.

    What a template has escaped itself, as code that is copied, stays as it is.
    """
    if isinstance(value, str) and not isinstance(value, Markup):
        return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", value)
    return value


def _own_file(package: str, name: str) -> Markup:
    """A file of the project, which holds neither "</style" nor "</script"."""
    return Markup(resources.files(package).joinpath(name).read_text("utf-8"))


def _hash(text: str) -> str:
    """The source expression that allows this one style sheet or script and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
