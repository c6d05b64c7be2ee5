"""Two declarations: when they are the same study, and which difference is named when not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.core.spec.identity import difference
from harness.core.spec.study_spec import StudySpec

SEARCH: dict[str, Any] = {
    "question": "Which slope?",
    "base": {"images": 1_000, "batch_size": 10},
    "space": {"leaky_slope": {"low": 0.0, "high": 0.4}},
    "search": {"num_trials": 4, "reports": 5},
}
ARMS: dict[str, Any] = {
    "question": "Which optimizer?",
    "base": {"images": 1_000, "batch_size": 10},
    "seeds": 2,
    "arms": {"adam": {"optimizer": "adam"}, "sgd": {"optimizer": "sgd"}},
    "search": {"reports": 5},
}


def spec(declared: dict[str, Any], **changes: Any) -> StudySpec:
    merged = {**declared}
    for table, values in changes.items():
        old = declared.get(table)
        merged[table] = {**old, **values} if isinstance(old, dict) else values
    return StudySpec.from_dict(merged, name="s")


@pytest.mark.parametrize(
    ("declared", "changes"),
    [
        (SEARCH, {}),
        (SEARCH, {"question": "Which one?"}),
        (SEARCH, {"search": {"num_trials": 9}}),
        (SEARCH, {"confirm": {"top": 1, "seeds": 2}}),
        (ARMS, {"seeds": 3}),
        (ARMS, {"arms": {"lion": {"optimizer": "lion"}}}),
    ],
)
def test_a_study_may_grow_and_be_worded_anew(declared: dict[str, Any], changes: dict[str, Any]):
    assert difference(spec(declared), spec(declared, **changes)) == ""


@pytest.mark.parametrize(
    ("declared", "changes", "named"),
    [
        (SEARCH, {"base": {"images": 2_000}}, "[base] images: 1000, now 2000"),
        (SEARCH, {"space": {"width": {"choices": [0.5]}}}, "[space] width: None, now"),
        (SEARCH, {"search": {"minimize": "fid"}}, "[search] minimize: 'fid_late', now 'fid'"),
        (SEARCH, {"search": {"sampler": "random"}}, "[search] sampler: 'tpe', now 'random'"),
        (SEARCH, {"evaluation": {"num_samples": 300}}, "[evaluation] num_samples: 5000, now 300"),
        (ARMS, {"arms": {"sgd": {"optimizer": "lion"}}}, "[arms] sgd:"),
    ],
)
def test_what_makes_another_study_is_named(
    declared: dict[str, Any], changes: dict[str, Any], named: str
):
    assert difference(spec(declared), spec(declared, **changes)).startswith(named)


def test_arms_cannot_be_taken_away_or_change_places():
    fewer = {**ARMS, "arms": {"adam": {"optimizer": "adam"}}}
    assert difference(spec(ARMS), spec(fewer)) == "[arms]: 2 arms, now 1"
    swapped = {**ARMS, "arms": dict(reversed(ARMS["arms"].items()))}
    assert difference(spec(ARMS), spec(swapped)).startswith("[arms] adam:")
