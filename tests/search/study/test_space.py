import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from harness.core.spec.study_spec import Choices, Range, StudySpec
from harness.search.study.sampler import make_pruner
from harness.search.study.space import config_of, distributions, space_size


def spec(space, **search):
    declared = {name: domain.to_dict() for name, domain in space.items()}
    return StudySpec.from_dict(
        {"question": "?", "space": declared, "search": search, "base": {"images": 9_000}}, name="s"
    )


def test_distributions_follow_the_declaration():
    study = spec(
        {
            "optimizer": Choices(("adam", "sgd")),
            "learning_rate": Range(1e-4, 1e-2, log=True),
            "latent_dim": Range(8, 128, log=True),
            "leaky_slope": Range(0.0, 0.4),
        }
    )
    assert distributions(study) == {
        "optimizer": CategoricalDistribution(("adam", "sgd")),
        "learning_rate": FloatDistribution(1e-4, 1e-2, log=True),
        "latent_dim": IntDistribution(8, 128, log=True),
        "leaky_slope": FloatDistribution(0.0, 0.4),
    }


def test_random_draws_are_valid_configurations():
    study = spec({"optimizer": Choices(("adam", "sgd")), "leaky_slope": Range(0.0, 0.5)})
    optuna_study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(50):
        trial = optuna_study.ask(distributions(study))
        config = config_of(study, trial.params)
        assert config.images == 9_000
        assert config.optimizer in ("adam", "sgd")
        assert 0 <= config.leaky_slope <= 0.5


def test_space_size():
    assert space_size(spec({})) == 1
    finite = {"optimizer": Choices(("adam", "sgd")), "latent_dim": Range(10, 12)}
    assert space_size(spec(finite)) == 6
    assert space_size(spec({**finite, "leaky_slope": Range(0.0, 0.1)})) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hyperband", optuna.pruners.HyperbandPruner),
        ("median", optuna.pruners.MedianPruner),
        ("none", optuna.pruners.NopPruner),
    ],
)
def test_pruners(name, kind):
    assert type(make_pruner(spec({}, pruner=name))) is kind


def test_median_pruner_stops_a_trial_that_is_worse_than_the_median_after_a_third():
    study = spec({}, pruner="median", reports=9)
    optuna_study = optuna.create_study(pruner=make_pruner(study))
    for value in (1.0, 2.0, 3.0, 4.0):
        trial = optuna_study.ask()
        for milestone in study.milestones(9_000):
            trial.report(value, milestone)
        optuna_study.tell(trial, value)
    trial = optuna_study.ask()
    pruned_at = []
    for milestone in study.milestones(9_000):
        trial.report(3.5, milestone)
        if trial.should_prune():
            pruned_at.append(milestone)
    assert pruned_at[0] == 3_000
    good = optuna_study.ask()
    for milestone in study.milestones(9_000):
        good.report(0.5, milestone)
        assert not good.should_prune()


@pytest.mark.parametrize("images", [9_000, 240_000, 32_000, 48_001, 100_007])
def test_hyperband_brackets_span_the_first_report_to_the_budget(images):
    """9 reports and a factor of 3: rungs at a ninth, a third and the whole, each at a report."""
    study = spec({}, pruner="hyperband", reports=9)
    study = study.replace(base={**study.base, "images": images})
    optuna_study = optuna.create_study(study_name="s", pruner=make_pruner(study))
    milestones = study.milestones(images)
    stopped = set()
    for number in range(60):
        trial = optuna_study.ask()
        for milestone in milestones[:-1]:  # a trial at its end is not pruned
            trial.report(float((number * 37) % 61), milestone)
            if trial.should_prune():
                stopped.add(milestone)
                optuna_study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            optuna_study.tell(trial, float((number * 37) % 61))
    assert stopped == {milestones[0], milestones[2]}
