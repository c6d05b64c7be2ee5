"""A recorded study in Python: its tables, its winner, its comparison with another."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from harness import load
from harness.core.config import TrialConfig
from harness.core.errors import InputError
from harness.data.load import load_dataset
from harness.data.scaling import fit_scaling
from tests.api.conftest import BASE, SCORES


def test_its_tables_are_tidy(study):
    assert study.question == "Which slope, slopes?"
    assert study.trials["outcome"].tolist() == ["complete", "complete", "failed"]
    assert study.trials["rank"].fillna(0).tolist() == [2, 1, 0]
    assert study.trials["params.leaky_slope"].tolist()[:2] == [0.1, 0.2]
    fids = study.curves.query("metric == 'fid'")
    assert fids[["trial", "images_seen", "value"]].to_numpy().tolist() == [
        [0, 640, 4.0],
        [1, 640, 3.0],
    ]


def test_what_is_handed_out_is_a_copy(study):
    del study.trials["number"]
    del study.curves["trial"]
    assert "number" in study.trials
    assert "trial" in study.curves


def test_the_winner_is_the_best_of_the_search(study):
    assert study.winner.number == 1
    assert study.winner.config == TrialConfig(**BASE, leaky_slope=0.2, seed=1)
    assert study.winner.scores == {**SCORES, "fid": 3.0}


def test_a_trial_has_a_number_and_a_run_id(study):
    run_id = study.trial(0).run_id
    assert study.trial(run_id).number == study.trial("0").number == 0
    with pytest.raises(InputError, match=r"no trial 7; there: 0 to 2"):
        study.trial(7)
    with pytest.raises(InputError, match=r"no trial 'f{32}'; there: 0 to 2"):
        study.trial("f" * 32)


def test_images_are_pixels_and_the_same_for_the_same_seed(study):
    images = study.winner.sample(5, seed=3)
    assert (images.dtype, images.shape) == (np.uint8, (5, 28, 28, 1))
    np.testing.assert_array_equal(images, study.winner.sample(9, seed=3)[:5])
    assert (images != study.winner.sample(5, seed=4)).any()
    assert (images != study.trial(0).sample(5, seed=3)).any()


def test_images_are_the_generators_output_with_the_scaling_undone(study):
    generator = study.winner.generator
    scaled = generator.network.predict(generator.latents(20), verbose=0)
    scaling = fit_scaling("minmax", load_dataset("digits").x_train)
    # The same formula in float64 and in float32: half-way values may fall to either side.
    difference = scaling.unscale(scaled).astype(int) - study.winner.sample(20)
    assert np.abs(difference).max() <= 1
    assert (difference == 0).mean() > 0.999


def test_a_run_without_a_record_finds_its_scaling_in_the_dataset(study, monkeypatch):
    expected = study.winner.sample(3)
    content, _ = study.results.grids.generator(study.winner.run_id)
    monkeypatch.setattr(type(study.results.grids), "generator", lambda self, run: (content, {}))
    np.testing.assert_array_equal(study.trial(1).sample(3), expected)


def test_a_trial_without_a_generator_says_why(study):
    with pytest.raises(InputError, match=r"generator\.keras \(not recorded\); trial 2 failed"):
        study.trial(2).sample()


def test_a_generator_is_told_a_class_only_if_it_listens(study):
    with pytest.raises(InputError, match="label is 3; the generator is told no class"):
        study.winner.sample(2, label=3)


def test_an_unknown_study_is_named_with_those_there(stores):
    with pytest.raises(InputError, match=r"no study 'slope' in .*; did you mean slopes\?"):
        load("slope", stores.tracking_uri)


def test_studies_are_compared_on_one_leaderboard(study, stores):
    table = study.compare(load("others", stores.tracking_uri))
    assert table[["study", "fid", "rank"]].to_numpy().tolist() == [
        ["slopes", 3.0, 1],
        ["others", 3.5, 2],
        ["slopes", 4.0, 3],
    ]


def test_scores_that_do_not_compare_are_refused(study, stores):
    with pytest.raises(InputError, match="num fake samples: 100 and 200"):
        study.compare(load("larger", stores.tracking_uri))


def kept(study, monkeypatch, content=None, record=None):
    """The winner, as if its run had kept another generator or another record."""
    own_content, own_record = study.results.grids.generator(study.winner.run_id)
    given = (content or own_content, own_record if record is None else {**own_record, **record})
    monkeypatch.setattr(type(study.results.grids), "generator", lambda self, run: given)
    return study.trial(study.winner.number)


def saved(network, tmp_path):
    network.save(tmp_path / "hostile.keras")
    return (tmp_path / "hostile.keras").read_bytes()


def test_code_in_a_generator_is_refused(study, monkeypatch, tmp_path):
    ran = []
    layers = [keras.Input((100,)), keras.layers.Lambda(lambda x: ran.append(1) or x)]
    content = saved(keras.Sequential(layers), tmp_path)
    ran.clear()
    with pytest.raises(InputError, match=r"generator\.keras: cannot be loaded \(ValueError\)"):
        kept(study, monkeypatch, content).sample(2)
    assert ran == []


@pytest.mark.parametrize("content", [b"", b"no zip file", b"\x80\x04N."])
def test_what_is_no_generator_is_named(study, monkeypatch, content):
    monkeypatch.setattr(
        type(study.results.grids), "generator", lambda self, run: (content, {"multiplier": 1})
    )
    with pytest.raises(InputError, match="not the record of a generator"):
        study.trial(1).sample(2)
    monkeypatch.undo()
    with pytest.raises(InputError, match="cannot be loaded"):
        kept(study, monkeypatch, content or b"?").sample(2)


def test_a_network_of_other_inputs_is_named(study, monkeypatch, tmp_path):
    network = keras.Sequential([keras.Input((7,)), keras.layers.Dense(3)])
    with pytest.raises(InputError, match="not the generator of its configuration"):
        kept(study, monkeypatch, saved(network, tmp_path)).sample(2)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"multiplier": [[[0.0]]]}, "not the record"),
        ({"offset": [[[float("inf")]]]}, "not the record"),
        ({"offset": [0.0]}, "not the record"),
        ({"label_shares": [0.5, 0.6]}, "not the record"),
        ({"label_shares": ["a"]}, "not the record"),
        ({"label_shares": [0.5, 0.5]}, "not the generator of its configuration"),
        ({"multiplier": [[[1.0], [1.0]]]}, "not the generator of its configuration"),
    ],
)
def test_a_malformed_record_is_named(study, monkeypatch, record, says):
    with pytest.raises(InputError, match=says):
        kept(study, monkeypatch, record=record).sample(2)
