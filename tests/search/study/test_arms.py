"""How a study of arms is run: which trial comes next, and what may change between sittings."""

import optuna
import pytest

from harness.core.errors import InputError
from harness.core.schema import INTERRUPTED, Tag
from harness.core.spec.arms import Confirmation
from harness.core.spec.identity import difference
from harness.core.spec.study_spec import StudySpec
from harness.search.confirmation import confirmation_study
from harness.search.study.space import arm_params, config_of, distributions, space_size
from harness.search.study.storage import load_or_create_study, open_storage
from harness.search.study.trials import counted_trials, requeue_interrupted

ARMS = {"adam": {"optimizer": "adam"}, "sgd": {"optimizer": "sgd", "learning_rate": 0.1}}


def spec(arms=ARMS, seeds=2, **tables) -> StudySpec:
    base = {"images": 1_000, "batch_size": 16, "seed": 5}
    values = {"question": "?", "base": base, "arms": arms, "seeds": seeds, **tables}
    return StudySpec.from_dict(values, name="s")


@pytest.fixture
def url(tmp_path):
    address = f"sqlite:///{tmp_path}/optuna.db"
    open_storage(address).engine.dispose()
    return address


@pytest.fixture
def storage(url):
    return open_storage(url)


def proposed(study: optuna.Study, declared: StudySpec) -> tuple[str, int]:
    trial = study.ask(distributions(declared))
    config = config_of(declared, trial.params)
    study.tell(trial, 1.0)
    return config.optimizer, config.seed


def test_all_arms_come_with_a_seed_before_the_next_seed(storage):
    study = load_or_create_study(spec(), storage)
    assert space_size(spec()) == 4
    pairs = [("adam", 5), ("sgd", 5), ("adam", 6), ("sgd", 6)]
    assert [proposed(study, spec()) for _ in range(4)] == pairs
    with pytest.raises(ValueError, match="all 4 configurations have been tried"):
        proposed(study, spec())


def test_more_seeds_and_more_arms_go_on_where_it_stopped(storage):
    study = load_or_create_study(spec(seeds=1), storage)
    assert [proposed(study, spec(seeds=1)) for _ in range(2)] == [("adam", 5), ("sgd", 5)]
    grown = spec(arms={**ARMS, "lion": {"optimizer": "lion"}}, seeds=2)
    study = load_or_create_study(grown, storage)
    rest = [("lion", 5), ("adam", 6), ("sgd", 6), ("lion", 6)]
    assert [proposed(study, grown) for _ in range(4)] == rest


def test_an_arm_that_has_enough_seeds_is_trained_no_more(storage):
    study = load_or_create_study(spec(seeds=1), storage)
    assert [proposed(study, spec(seeds=1)) for _ in range(2)] == [("adam", 5), ("sgd", 5)]
    grown = spec(seeds={"adam": 1, "sgd": 3})
    assert space_size(grown) == 4
    study = load_or_create_study(grown, storage)
    assert [proposed(study, grown) for _ in range(2)] == [("sgd", 6), ("sgd", 7)]


@pytest.mark.parametrize(
    "arms",
    [
        {"adam": {"optimizer": "nadam"}, "sgd": ARMS["sgd"]},
        {"sgd": ARMS["sgd"], "adam": ARMS["adam"]},
        {"adam": ARMS["adam"]},
    ],
)
def test_arms_that_are_there_cannot_change(storage, arms):
    load_or_create_study(spec(), storage)
    with pytest.raises(InputError, match=r"began with another \[arms\].*--study-name"):
        load_or_create_study(spec(arms=arms), storage)


def test_an_interrupted_pair_is_run_again(storage):
    study = load_or_create_study(spec(), storage)
    trial = study.ask(distributions(spec()))
    trial.set_user_attr(Tag.FAILURE, INTERRUPTED)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    requeue_interrupted(study, distributions(spec()))
    order = [proposed(study, spec()) for _ in range(4)]
    assert order == [("adam", 5), ("sgd", 5), ("adam", 6), ("sgd", 6)]
    assert len(counted_trials(study)) == 4


def search_spec() -> StudySpec:
    return StudySpec.from_dict(
        {
            "question": "?",
            "base": {"images": 1_000, "batch_size": 16},
            "space": {"leaky_slope": {"low": 0.0, "high": 0.5}, "seed": {"choices": [5, 6]}},
            "search": {"num_trials": 4, "collapse_alarm": True},
            "confirm": {"top": 2, "seeds": 3},
        },
        name="found",
    )


def run_search(storage, values: dict[float, float]) -> None:
    study = load_or_create_study(search_spec(), storage)
    space = distributions(search_spec())
    for slope, value in values.items():
        params = {"leaky_slope": slope, "seed": 5}
        study.add_trial(optuna.create_trial(params=params, distributions=space, value=value))


def test_the_best_are_confirmed_on_fresh_seeds(storage, url):
    run_search(storage, {0.1: 3.0, 0.2: 1.0, 0.3: 2.0})
    confirmation = confirmation_study(search_spec(), url)
    assert confirmation.name == "found-confirm"
    assert confirmation.arms is not None
    assert confirmation.arms.to_dict() == {
        "trial-001": {"leaky_slope": 0.2},
        "trial-002": {"leaky_slope": 0.3},
    }
    seeds = {params["seed"] for params in arm_params(confirmation)}
    assert seeds == {7, 8, 9}  # after both of the searched ones
    assert confirmation.search.num_trials == 6


def test_seeds_are_added_for_those_that_may_still_be_the_best(storage, url):
    """After three seeds each, trial 2 is worse beyond doubt; trials 1 and 0 go on."""
    run_search(storage, {0.1: 1.1, 0.2: 1.0, 0.3: 2.0})
    spec = search_spec().replace(confirm=Confirmation(top=3, seeds=3, max_seeds=5))
    first = confirmation_study(spec, url)
    assert first.arms is not None
    assert dict(first.arms.seeds) == {"trial-001": 3, "trial-000": 3, "trial-002": 3}
    again = load_or_create_study(first, storage)
    values = {0: [1.0, 1.4, 1.2], 1: [1.1, 1.5, 1.3], 2: [9.0, 9.1, 9.2]}  # by index of the arm
    for params in arm_params(first):
        value = values[params["arm"]][params["seed"] - 7]
        distributions_ = distributions(first)
        again.add_trial(
            optuna.create_trial(params=params, distributions=distributions_, value=value)
        )
    wider = confirmation_study(spec, url)
    assert wider.arms is not None
    assert dict(wider.arms.seeds) == {"trial-001": 5, "trial-000": 5, "trial-002": 3}
    assert wider.search.num_trials == 13
    assert not difference(first, wider)


def test_a_search_that_went_on_adds_to_its_confirmation(storage, url):
    run_search(storage, {0.1: 3.0, 0.2: 1.0, 0.3: 2.0})
    load_or_create_study(confirmation_study(search_spec(), url), storage)
    run_search(storage, {0.4: 0.5})
    grown = confirmation_study(search_spec(), url)
    assert grown.arms is not None
    assert grown.arms.names == ("trial-001", "trial-002", "trial-003")
    load_or_create_study(grown, storage)
