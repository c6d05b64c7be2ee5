"""The report of a study: one self-contained HTML page, a table and a machine-readable summary."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from harness.core.registry import PLOTS
from harness.reporting import formats, method, sections
from harness.reporting.figures import render
from harness.reporting.plots import Plot
from harness.reporting.stats import counts, importance, ranking
from harness.reporting.tables import StudyResults
from harness.reporting.verdict import verdict

PAGE_FILE = "index.html"
TABLE_FILE = "runs.csv"
SUMMARY_FILE = "study.json"


def write_report(results: StudyResults, output_dir: Path) -> Path:
    """The path of the page, written with runs.csv and study.json into ``output_dir``.

    The folder is made if needed. The same results give the same bytes; each file is replaced
    whole, so that a reader never sees half of one.
    """
    summary = json.dumps(summarise(results), indent=2, ensure_ascii=False, allow_nan=False)
    page = render_page(results)
    output_dir.mkdir(parents=True, exist_ok=True)
    _replace(output_dir / TABLE_FILE, results.trials.to_csv(index=False, lineterminator="\n"))
    _replace(output_dir / SUMMARY_FILE, summary + "\n")
    _replace(output_dir / PAGE_FILE, page)
    return output_dir / PAGE_FILE


def render_page(results: StudyResults) -> str:
    """The page as HTML: no script, no address to load from, everything inside."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"number": formats.number, "breakable": _breakable}
    css = resources.files("harness.reporting").joinpath("templates/report.css").read_text("utf-8")
    return environment.get_template("report.html").render(
        css=Markup(css),  # the project's own file, which holds no "</style"
        css_hash=_csp_hash(css),
        spec=results.spec,
        objective=results.objective,
        verdict=verdict(results),
        leaderboard=sections.leaderboard(results),
        showcase=sections.showcase(results),
        plots=_rendered(results),
        trials=sections.all_trials(results),
        scores=sections.score_table(results),
        provenance=method.provenance(results),
        fields=sections.configuration(results),
        facts=method.facts(results),
        commands=method.commands(results),
        gaps=results.gaps,
    )


def summarise(results: StudyResults) -> dict[str, Any]:
    """The study as study.json holds it: plain types, no NaN (a missing score is null)."""
    ranked = ranking(results)
    found = importance(results)
    return {
        "name": results.spec.name,
        "question": results.spec.question,
        "objective": {"metric": results.objective, "direction": results.spec.search.direction},
        "verdict": verdict(results).headline,
        "counts": counts(results),
        "best": None if ranked.empty else method.plain_trial(results, ranked.iloc[0]),
        "untrained": results.untrained,
        "importance": {"shares": found.shares, "n": found.num_trials, "reason": found.reason},
        "evaluation": results.evaluation,
        "environment": results.environment,
        "study": results.spec.to_dict(),
        "not_recorded": list(results.gaps),
    }


def _rendered(results: StudyResults) -> list[sections.Section]:
    """Every registered plot, drawn, in the order of the page."""
    plots: dict[str, Plot] = {name: PLOTS.get(name) for name in PLOTS.names()}
    return [
        sections.Section(name, plot.title, plot.caption(results), render(plot, results))
        for name, plot in sorted(plots.items(), key=lambda item: (item[1].order, item[0]))
    ]


def _breakable(name: str) -> Markup:
    """A column's name that may break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def _csp_hash(css: str) -> str:
    """The source expression that allows this one style sheet and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(css.encode()).digest()).decode('ascii')}"


def _replace(path: Path, text: str) -> None:
    """Write ``text`` to a temporary name, then give it its own in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    os.replace(temporary, path)
