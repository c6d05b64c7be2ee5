"""The checks: what is drawn, what it asks of a score, and which curve passes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.evaluation.sanity import draws
from harness.evaluation.sanity.criteria import (
    Criterion,
    bell,
    either,
    falling,
    falling_by,
    level,
    near,
    near_either,
    rising,
    settling,
)
from harness.evaluation.sanity.draws import Variant

FIRST, LAST = -math.inf, math.inf

PURPOSE, HYPERPARAMETERS, DATA = "purpose", "hyperparameters", "data"
BOUNDS, INVARIANCE = "bounds", "invariance"
DESIDERATA = (PURPOSE, HYPERPARAMETERS, DATA, BOUNDS, INVARIANCE)

Criteria = Mapping[str, Criterion]
"""What a criterion is about -> the criterion."""

NONE: Mapping[str, Criterion] = MappingProxyType({})


@dataclass(frozen=True)
class Check:
    """A check of scores, by what they judge.

    title: of the check, with its name in the paper. variants: the curves that are made.
    fidelity, diversity, both: desideratum -> criteria for scores that judge it.
    """

    title: str
    variants: Sequence[Variant]
    fidelity: Mapping[str, Criteria]
    diversity: Mapping[str, Criteria]
    both: Mapping[str, Criteria] = field(default_factory=dict)

    def criteria(self, judges: str) -> Mapping[str, Criteria]:
        """Those for scores that judge ``judges``."""
        found: Mapping[str, Criteria] = getattr(self, judges)
        return found


def _everywhere(criteria: Mapping[str, Criteria]) -> dict[str, Mapping[str, Criteria]]:
    return dict.fromkeys(("fidelity", "diversity", "both"), criteria)


def _apart(identical: float) -> dict[str, Mapping[str, Criteria]]:
    ends = {"one end": near(FIRST, 0.0), "other end": near(LAST, 0.0)}
    bounds: Criteria = {"identical": near(identical, 1.0), **ends}
    return _everywhere({PURPOSE: {"shape": bell(identical)}, BOUNDS: bounds})


def _dropped(share: float) -> dict[str, Mapping[str, Criteria]]:
    lost = {"shape": falling_by(share)}
    identical = {"identical": near(FIRST, 1.0)}
    kept = {**identical, "all but one dropped": near(LAST, 1.0)}
    return {
        "fidelity": {PURPOSE: {"shape": level}, BOUNDS: kept},
        "diversity": {PURPOSE: lost, BOUNDS: identical},
        "both": {PURPOSE: lost, BOUNDS: identical},
    }


def _sizes(desideratum: str) -> dict[str, Mapping[str, Criteria]]:
    shared = {"largest": near(LAST, 0.2)}
    by_share: dict[str, Criteria] = {desideratum: {"shape": settling}, PURPOSE: shared}
    return {**_everywhere(by_share), "both": {desideratum: {"shape": settling}}}


_FAR = {"first": near(FIRST, 0.0), "last": near(LAST, 0.0)}

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "mean": Check(
            "Means apart (Gaussian mean difference)", draws.mean_difference(), **_apart(0.0)
        ),
        "real_outlier": Check(
            "Means apart, one real outlier", draws.mean_difference("real"), **_apart(0.0)
        ),
        "fake_outlier": Check(
            "Means apart, one generated outlier", draws.mean_difference("fake"), **_apart(0.0)
        ),
        "spread": Check(
            "Spreads differ (Gaussian standard deviation difference)",
            draws.spread_difference(),
            fidelity={
                PURPOSE: {"shape": falling},
                BOUNDS: {
                    "identical": near(1.0, 1.0),
                    "narrow": near(FIRST, 1.0),
                    "wide": near(LAST, 0.0),
                },
            },
            diversity={
                PURPOSE: {"shape": either(bell(1.0), rising)},
                BOUNDS: {
                    "identical": near(1.0, 1.0),
                    "narrow": near(FIRST, 0.0),
                    "wide": near_either(LAST),
                },
            },
            both=_apart(1.0)["both"],
        ),
        "dropped_at_once": Check(
            "Modes dropped at once (simultaneous mode dropping)",
            draws.modes_dropped_at_once(),
            **_dropped(0.95),
        ),
        "dropped_one_by_one": Check(
            "Modes dropped one by one (sequential mode dropping)",
            draws.modes_dropped_one_by_one(),
            **_dropped(0.5),
        ),
        "invented": Check(
            "Modes dropped, then invented (mode dropping and invention)",
            draws.modes_invented(),
            fidelity={
                PURPOSE: {"shape": falling},
                BOUNDS: {"identical": near(5.0, 1.0), "most dropped": near(FIRST, 1.0)},
            },
            diversity={
                PURPOSE: {"shape": rising},
                BOUNDS: {"identical": near(5.0, 1.0), "most invented": near(LAST, 1.0)},
            },
            both={PURPOSE: {"shape": bell(5.0)}, BOUNDS: {"identical": near(5.0, 1.0)}},
        ),
        "one_for_two": Check(
            "One mode in place of two (mode collapse)",
            draws.one_mode_for_two(),
            fidelity={
                PURPOSE: {"shape": falling},
                BOUNDS: {"identical": near(FIRST, 1.0)},
            },
            diversity={
                PURPOSE: {"shape": either(falling, level)},
                BOUNDS: {"identical": near(FIRST, 1.0)},
            },
            both={PURPOSE: {"shape": falling}, BOUNDS: {"identical": near(FIRST, 1.0)}},
        ),
        "sphere": Check(
            "One sphere in another (hypersphere surface)", draws.sphere_surfaces(), **_apart(1.0)
        ),
        "both_sizes": Check(
            "Both samples grow (hypercube, varying sample size)",
            draws.overlapping_cubes(both=True),
            **_sizes(DATA),
        ),
        "fake_size": Check(
            "The generated sample grows (hypercube, varying synthetic size)",
            draws.overlapping_cubes(both=False),
            **_sizes(HYPERPARAMETERS),
        ),
        "torus": Check(
            "A ball in a torus (sphere vs. torus)",
            draws.ball_and_torus(),
            **_everywhere({PURPOSE: {"shape": settling}, BOUNDS: {"largest": near(LAST, 0.0)}}),
        ),
        "scaled_axis": Check(
            "One axis scaled (scaling one dimension)",
            draws.scaled_axis(),
            **_everywhere({INVARIANCE: {"shape": level}, BOUNDS: _FAR}),
        ),
        "heavy_tail": Check(
            "Means apart beside a heavy tail (Gaussian mean difference and Pareto)",
            draws.heavy_tail(),
            **_apart(0.0),
        ),
        "one_axis_apart": Check(
            "Apart on one axis, equal on others (one disjoint dimension)",
            draws.one_axis_apart(),
            **_everywhere({PURPOSE: {"shape": level}, BOUNDS: _FAR}),
        ),
        "rounded": Check(
            "One side rounded to whole numbers (discrete and continuous numbers)",
            draws.rounded_numbers(),
            fidelity={PURPOSE: {"shape": level}},
            diversity={PURPOSE: {"shape": level}},
        ),
    }
)
"""Every check by name, in the order of the page."""
