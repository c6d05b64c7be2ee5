"""Film strips, the gallery of collapses, and the configuration that is ready to copy."""

from __future__ import annotations

import base64
import io
import tomllib

import numpy as np
import pytest
from PIL import Image

from harness.core.config import TrialConfig
from harness.core.spec.study_spec import StudySpec
from harness.reporting.parts.trials.collapse_gallery import collapse_gallery
from harness.reporting.parts.trials.film_strips import FRAMES, film_strips
from harness.reporting.parts.trials.interpolation import interpolation
from harness.reporting.parts.trials.nearest_training import neighbours
from harness.reporting.parts.trials.recommendation import recommendation
from harness.reporting.results.tables import StudyResults
from harness.tracking.image_grid import grid_png
from tests.support import reports as builder

ALARM = {"direction": "minimize", "low": 0.0, "high": 1.0, "alarm_level": 0.5}
MS_SSIM = {"direction": "minimize", "perfect": 0.25}
RECORDS = {**builder.EVALUATION["metrics"], "collapse_probability": ALARM, "ms_ssim": MS_SSIM}
EVALUATION = {**builder.EVALUATION, "metrics": RECORDS}


class Film(builder.Grids):
    """A grid after every 20,000 images up to 200,000; its images are as grey as it is late."""

    def steps(self, run_id: str) -> list[int]:
        return list(range(20_000, 200_001, 20_000))

    def last(self, run_id: str, images_seen: int | None = None) -> bytes | None:
        grey = (images_seen or 200_000) // 1_000
        return grid_png(np.full((9, 16, 16, 1), grey, np.uint8))


def test_the_first_three_have_strips_from_the_first_grid_to_the_last() -> None:
    runs = [builder.record(n, fid=[90.0, 10.0 * n]) for n in range(1, 6)]
    strips = film_strips(builder.results(runs, grids=Film(None, {})))
    assert [strip.title for strip in strips] == ["Trial 1", "Trial 2", "Trial 3"]
    frames = strips[0].frames
    assert len(frames) == FRAMES
    assert (frames[0].images_seen, frames[-1].images_seen) == ("20,000", "200,000")
    scores = {frame.images_seen: frame.score for frame in frames}
    assert (scores["100,000"], scores["20,000"]) == ("fid 10", "")  # reported, and not
    assert len({frame.picture.uri for frame in frames}) == FRAMES
    assert (frames[0].picture.width, frames[0].picture.height) == (32, 140)  # 2 (4 * 16 + 3 * 2)


def test_the_winner_on_fresh_seeds_comes_first() -> None:
    runs = [builder.record(n, fid=10.0 * n) for n in range(1, 6)]
    fresh = builder.arms_runs(**{"trial-001": [9.0, 9.1], "trial-004": [2.0, 2.1]})
    arms = builder.arms_spec(("trial-001", "trial-004"), name="demo-confirm")
    study = builder.spec(confirm={"top": 2, "seeds": 2})
    again = builder.results(fresh, arms)
    found = builder.results(runs, study, confirmation=again, grids=Film(None, {}))
    assert [strip.title for strip in film_strips(found)] == ["Trial 4", "Trial 1", "Trial 2"]


def test_a_trial_with_one_grid_or_none_has_no_strip() -> None:
    runs = [builder.record(0)]
    assert film_strips(builder.results(runs, grids=builder.Grids(None, {}))) == []
    assert film_strips(builder.results([])) == []


class Kept(builder.Grids):
    """Grids of 16-pixel images whose grey is their number, and ``record``."""

    def __init__(self, record: dict[str, object]) -> None:
        super().__init__(None, {})
        self._record = record

    def image(self, run_id: str, path: str) -> bytes | None:
        greys = np.arange(32, dtype=np.uint8).reshape(32, 1, 1, 1)
        return grid_png(np.broadcast_to(greys, (32, 16, 16, 1)), columns=8)

    def record(self, run_id: str, path: str) -> dict[str, object]:
        return self._record


RECORD = {
    "num_training": 1_257,
    "num_held_out": 540,
    "held_out_median": 1.5,
    "distances": [0.0, 2.0, 9.0],
    "held_out_nearer": [0.0, 0.5, 1.0],
}


def _greys(picture: object) -> list[int]:
    """The grey in the middle of each image of a column of two."""
    content = base64.b64decode(picture.uri.split(",")[1])
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    return [int(pixels[8, 8]), int(pixels[26, 8])]


def test_samples_stand_above_their_nearest_training_images_with_what_real_ones_read() -> None:
    runs = [builder.record(1, fid=9.0, authentic_fraction=0.9, copying_ct=-3.0)]
    perfect = {"direction": "maximize", "perfect": 0.75}
    evaluation = {**EVALUATION, "metrics": {**RECORDS, "authentic_fraction": perfect}}
    found = neighbours(builder.results(runs, grids=Kept(RECORD), evaluation=evaluation))
    assert [_greys(pair.picture) for pair in found.pairs] == [[0, 1], [2, 3], [4, 5]]
    assert [pair.nearer for pair in found.pairs] == ["0%", "50%", "100%"]
    assert found.pairs[1].distance == "2"
    assert "1 of these 3 lie nearer than 95% of the real ones" in found.words
    assert "nearest of the 1,257 training images" in found.words
    assert "authentic_fraction is 0.9000 (real images: 0.7500), the share" in found.words
    assert "copying_ct is -3, far below 0 where" in found.words


@pytest.mark.parametrize(
    "record", [{}, {**RECORD, "distances": ["<b>"]}, {**RECORD, "held_out_nearer": None}]
)
def test_without_its_numbers_there_are_no_pairs(record: dict[str, object]) -> None:
    assert neighbours(builder.results([builder.record(1)], grids=Kept(record))) is None
    assert neighbours(builder.results([builder.record(1)])) is None


def test_the_way_between_latents_is_named_as_it_was_gone() -> None:
    for distribution, words in (("normal", "great circle"), ("uniform", "straight line, inside")):
        run = builder.record(1, config={"latent_distribution": distribution})
        found = interpolation(builder.results([run], grids=Kept({})))
        assert words in found.words
        assert (found.picture.width, found.picture.height) == (284, 140)  # 2 (8 * 18 - 2), 2 * 70
    assert interpolation(builder.results([builder.record(1)])) is None


def _collapsed() -> StudyResults:
    curve = {"collapse_probability": [(25_000, 0.9), (50_000, 0.1), (75_000, 0.7), (100_000, 0.8)]}
    collapsing = builder.record(3, fid=50.0, ms_ssim=0.75, modes_captured=4.0)
    history = {**collapsing.history, **curve}
    runs = [
        builder.record(0, fid=10.0, collapse_probability=0.49),
        builder.record(
            1, "pruned", fid=90.0, tags={"pruned_by": "collapse"}, collapse_probability=0.99
        ),
        builder.RunRecord(**{**collapsing.__dict__, "history": history}),
    ]
    return builder.results(runs, evaluation=EVALUATION)


def test_the_gallery_shows_who_raised_the_alarm_the_most_certain_first() -> None:
    gallery = collapse_gallery(_collapsed())
    assert gallery is not None
    assert [one.title for one in gallery.trials] == ["Trial 1", "Trial 3"]
    assert "2 of 3 trials had a collapse_probability of 0.5 or more" in gallery.words
    first, second = gallery.trials
    assert first.words == (
        "collapsed; collapse_probability 0.99; up from the first report on; "
        "stopped by the alarm at 30,000"
    )
    assert second.words == "collapsed; collapse_probability 0.80; up since 75,000 training images"
    assert second.picture is not None


def test_the_gallery_tells_what_the_alarm_saw_beside_what_real_images_read() -> None:
    gallery = collapse_gallery(_collapsed())
    assert gallery is not None
    assert gallery.trials[1].seen == [
        ("classes captured", "4", "\N{EN DASH}"),
        ("likeness within a class (ms_ssim)", "0.7500", "0.2500"),
    ]


def test_poor_trials_come_after_collapsed_ones_and_are_called_poor() -> None:
    runs = [
        builder.record(0, collapse_probability=0.1, poor_probability=0.9),
        builder.record(1, collapse_probability=0.7, poor_probability=0.95),
    ]
    gallery = collapse_gallery(builder.results(runs, evaluation=EVALUATION))
    assert gallery is not None
    assert [one.title for one in gallery.trials] == ["Trial 1", "Trial 0"]
    assert gallery.trials[1].words.startswith("poor: classes not readable; poor_probability 0.90")
    assert "1 of 2 trials had a poor_probability of 0.5 or more (poor: classes not readable)" in (
        gallery.words
    )


def test_an_alarm_that_was_never_up_is_said() -> None:
    runs = [builder.record(n, collapse_probability=0.1) for n in range(3)]
    gallery = collapse_gallery(builder.results(runs, evaluation=EVALUATION))
    assert gallery is not None
    assert gallery.trials == []
    assert gallery.words == "The alarm was down at the last report of all 3 trials."


def test_without_a_recorded_level_there_is_no_gallery() -> None:
    assert collapse_gallery(builder.results([builder.record(0, collapse_probability=0.9)])) is None


def _copied(results: StudyResults) -> dict[str, object]:
    found = recommendation(results)
    assert found is not None
    return dict(tomllib.loads(found.toml)["base"])


def test_the_toml_is_the_configuration_and_a_study_file_takes_it() -> None:
    config = {
        "optimizer": "rmsprop",
        "learning_rate": 1.25e-5,
        "dataset": 'my "digits"\\2026',
        "dropout": 0.5,
    }
    results = builder.results([builder.record(0, config=config)])
    base = _copied(results)
    assert TrialConfig.from_dict(base) == TrialConfig(**config)
    StudySpec.from_dict({"question": "?", "base": base}, name="copied")
    assert "beta_1" not in base  # a default that the study does not name
    assert base["leaky_slope"] == 0.2  # one that it searched


def test_the_command_trains_the_same_again_and_names_what_was_searched() -> None:
    found = recommendation(builder.results([builder.record(7, config={"optimizer": "sgd"})]))
    assert found is not None
    assert found.title == "The configuration of trial 7"
    line = dict(found.commands)["Train it again"]
    assert line.startswith("python -m harness.trial demo \\\n    --set optimizer=sgd")
    assert "--set learning_rate=0.0002" in line


def test_the_advice_goes_as_far_as_the_seeds() -> None:
    runs = [builder.record(n, fid=10.0 + 0.1 * n) for n in range(3)]
    one_seed = recommendation(builder.results(runs))
    assert one_seed is not None
    assert "a candidate, not as a result" in one_seed.words
    assert "2 others scored within 10 % of it" in one_seed.words
    study = builder.spec(confirm={"top": 2, "seeds": 4})
    arms = builder.arms_spec(("trial-000", "trial-001"), name="demo-confirm")

    def advice(**fresh: list[float]) -> str:
        again = builder.results(builder.arms_runs(**fresh), arms)
        found = recommendation(builder.results(runs, study, confirmation=again))
        assert found is not None
        return found.words

    far = advice(**{"trial-000": [5.0, 5.1, 5.2, 5.1], "trial-001": [9.0, 9.1, 9.3, 9.2]})
    assert far.startswith("Take the configuration of trial 0: on 4 fresh seeds it did better")
    near = advice(**{"trial-000": [5.0, 9.1, 7.2, 8.1], "trial-001": [5.5, 9.1, 7.3, 7.9]})
    assert "not told apart from 1 other" in near


def test_without_a_completed_trial_nothing_is_recommended() -> None:
    assert recommendation(builder.results([builder.record(0, "failed", fid=None)])) is None
