import shutil

import optuna
import pytest

from harness.core.spec.study_spec import Choices, Range, StudySpec
from harness.search.study.sampler import DistinctSampler
from harness.search.study.space import distributions
from tests.support.trials import run_next_trial

SPACE = {
    "optimizer": Choices(("adam", "sgd")),
    "learning_rate": Range(1e-4, 1e-2, log=True),
    "leaky_slope": Range(0.0, 0.4),
}


def spec(space):
    declared = {name: domain.to_dict() for name, domain in space.items()}
    return StudySpec.from_dict({"question": "?", "space": declared}, name="s")


def session(storage, space, kind, num_trials, seed=0):
    """Run ``num_trials`` more trials as a new process would; all parameters so far."""
    history = optuna.create_study(storage=storage, study_name="s", load_if_exists=True)
    sampler = DistinctSampler(history, distributions(spec(space)), kind, seed)
    study = optuna.load_study(storage=storage, study_name="s", sampler=sampler)

    def objective(trial):
        return float(sum(map(ord, str(sorted(trial.params.items())))) % 97)

    for _ in range(num_trials):
        run_next_trial(study, distributions(spec(space)), objective)
    return [trial.params for trial in study.get_trials()]


@pytest.fixture
def make_storage(tmp_path, empty_stores):
    """Makes storages without studies, in a file by the name or, without one, in memory."""

    def make(name=None):
        if name is None:
            return optuna.storages.InMemoryStorage()
        path = shutil.copy(empty_stores.root / "optuna.db", tmp_path / f"{name}.db")
        return optuna.storages.RDBStorage(f"sqlite:///{path}")

    return make


@pytest.mark.parametrize(
    ("kind", "cut", "names"),
    [
        ("tpe", 9, ("whole", "other")),
        ("tpe", 3, (None, None)),
        ("random", 9, (None, None)),
        ("random", 3, (None, None)),
    ],
)
def test_an_interrupted_study_proposes_what_it_would_have_in_one_go(kind, cut, names, make_storage):
    """Before and after TPE's random start-up phase of 6 trials."""
    whole, other = map(make_storage, names)
    expected = session(whole, SPACE, kind, 12)
    session(other, SPACE, kind, cut)
    assert session(other, SPACE, kind, 12 - cut) == expected


@pytest.mark.parametrize("kind", ["tpe", "random"])
def test_a_finite_space_is_walked_without_a_repetition(make_storage, kind):
    space = {"optimizer": Choices(("adam", "lion", "sgd")), "latent_dim": Range(10, 13)}
    params = session(make_storage(), space, kind, 12)
    assert len({tuple(p.items()) for p in params}) == 12


def test_an_exhausted_space_is_said(make_storage, monkeypatch):
    monkeypatch.setattr("harness.search.study.sampler.MAX_ATTEMPTS", 100)
    space = {"optimizer": Choices(("adam", "sgd"))}
    with pytest.raises(ValueError, match="no new configuration"):
        session(make_storage(), space, "random", 3)


def test_seeds_matter(make_storage):
    first = session(make_storage(), SPACE, "tpe", 3)
    assert session(make_storage(), SPACE, "tpe", 3, seed=1) != first
