"""A prepared view of a study in the MLflow UI: its trials with columns and charts, best first.

MLflow 3 keeps a view that is shared by a link as a tag of the experiment: the page's state as JSON
under the sha256 of that text. The form is MLflow's own; where it has changed, the link still opens
the list of runs, since the other parameters of the address are plain ones.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from harness.core.schema import (
    COLLAPSE_PROBABILITY,
    POOR_PROBABILITY,
    SAMPLES_FOLDER,
    RunKind,
    Tag,
)
from harness.core.spec.study_spec import StudySpec

VIEW_TAG = "mlflow.sharedViewState."
LONGEST_TAGS = (20_000, 5_000)
"""Most characters of an experiment's tag: from MLflow 3.17 on, and before."""

SCORES = ("fid", "kid", "modes_captured", "vendi_ratio", COLLAPSE_PROBABILITY, POOR_PROBABILITY)
STEPPED_IMAGES = SAMPLES_FOLDER
"""The key of the images through which a card of the UI steps."""

_SECTIONS: dict[str, tuple[str, ...]] = {
    "Quality": ("fid", "kid", "two_sample_accuracy"),
    "Samples": (),
    "Diversity": ("modes_captured", "vendi_ratio", COLLAPSE_PROBABILITY),
    "Training": ("d_loss", "g_loss"),
}
"""Section of the charts -> metrics drawn over images_seen. Few: MLflow slows down with many."""

_ROOM_FOR_IMAGES = {"columns": 1, "cardHeight": 420}
"""One card as wide as the page, in which grids of samples stand side by side, in CSS pixels."""


def view_of(spec: StudySpec, longest: int = LONGEST_TAGS[0]) -> tuple[str, str]:
    """(key, text): the prepared view of ``spec``, for a tag of at most ``longest`` characters.

    The same study gives the same text, and the key is its sha256. Searched fields become columns
    as long as the tag has room.
    """
    fields = list(spec.varied)
    while True:
        text = json.dumps(_state(spec, fields), separators=(",", ":"))
        if len(text) <= longest or not fields:
            return hashlib.sha256(text.encode()).hexdigest(), text
        fields.pop()


def view_address(experiment_id: str, tags: Mapping[str, str]) -> str:
    """The part of an address of the MLflow UI after the server: the study's view, if it has one.

    ``tags``: of the experiment; views that people have shared there are not it. Without a view: its
    trials by their fid, by plain parameters.
    """
    page = f"/#/experiments/{quote(experiment_id)}/runs?"
    query = {"workflowType": "machine_learning", "searchFilter": _TRIALS_ONLY}
    query |= {"orderByKey": "metrics.`fid`", "orderByAsc": "true"}  # else they are folded away
    if key := tags.get(Tag.VIEW):
        query = {"workflowType": "machine_learning", "viewStateShareKey": key}
    return page + urlencode(query)


_TRIALS_ONLY = f"tags.{Tag.KIND} = '{RunKind.TRIAL}'"


def _state(spec: StudySpec, fields: Sequence[str]) -> dict[str, Any]:
    objective = spec.search.metric
    scores = list(dict.fromkeys([objective, *SCORES]))
    return {
        "searchFilter": _TRIALS_ONLY,
        "orderByKey": f"metrics.`{objective}`",
        "orderByAsc": spec.search.direction == "minimize",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [
            f"tags.`{Tag.OUTCOME}`",
            f"tags.`{Tag.ALARM}`",
            *(f"metrics.`{name}`" for name in scores),
            *(f"params.`{name}`" for name in fields),
            "attributes.`Duration`",
        ],
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsHiddenMode": "SHOWALL",
        "runsVisibilityMap": {},
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,  # else the sections stand in the order of the alphabet
        "groupBy": None,
        "groupsExpanded": {},
        "autoRefreshEnabled": True,
        "hideEmptyCharts": True,
        "useGroupedValuesInCharts": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
        **_charts(spec, fields),
    }


def _charts(spec: StudySpec, fields: Sequence[str]) -> dict[str, Any]:
    """The sections of the charts and the charts in them."""
    sections = {name: _identifier(spec, name) for name in (*_SECTIONS, "Search")}
    charts = [
        _line(spec, metric, sections[name])
        for name, metrics in _SECTIONS.items()
        for metric in metrics
    ]
    charts.append(_images(spec, sections["Samples"]))
    if fields:
        charts.append(_parallel(spec, fields, spec.search.metric, sections["Search"]))
    return {
        "compareRunSections": [
            {"uuid": key, "name": name, "display": True, "isReordered": False}
            | (_ROOM_FOR_IMAGES if name == "Samples" else {})
            for name, key in sections.items()
        ],
        "compareRunCharts": charts,
    }


def _line(spec: StudySpec, metric: str, section: str) -> dict[str, Any]:
    return {
        "type": "LINE",
        "uuid": _identifier(spec, metric),
        "runsCountToCompare": 20,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "metricKey": metric,
        "selectedMetricKeys": [metric],
        "scaleType": "log" if metric == "fid" else "linear",
        "lineSmoothness": 0,
        "xAxisKey": "step",
        "xAxisScaleType": "linear",
        "selectedXAxisMetricKey": "",
    }


def _images(spec: StudySpec, section: str) -> dict[str, Any]:
    """The samples of the trials beside each other, at first those of the last report."""
    return {
        "type": "IMAGE",
        "uuid": _identifier(spec, STEPPED_IMAGES),
        "runsCountToCompare": 10,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "imageKeys": [STEPPED_IMAGES],
        "step": spec.milestones(spec.base_config().images)[-1],
        "showRunParams": False,  # else the fields of a configuration fill the card
    }


def _parallel(
    spec: StudySpec, fields: Sequence[str], objective: str, section: str
) -> dict[str, Any]:
    return {
        "type": "PARALLEL",
        "uuid": _identifier(spec, "parallel"),
        "runsCountToCompare": 50,
        "metricSectionId": section,
        "deleted": False,
        "isGenerated": False,
        "selectedParams": list(fields),
        "selectedMetrics": [objective],
        "showAllRuns": False,
    }


def _identifier(spec: StudySpec, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{spec.name}/{name}"))[:13]
