import optuna
import pytest

from tests.benchmarks import growth


@pytest.mark.slow
def test_it_measures_the_last_trials_of_studies_of_the_size_that_it_says(tmp_path):
    (cost,) = growth.costs([25], tmp_path, measured=2)
    assert cost.trials == 25
    assert cost.trial > cost.assignment > 0
    assert cost.opening > 0
    assert cost.memory > 10**7
    assert len(cost.row()) == len(growth.COLUMNS)
    url = f"sqlite:///{tmp_path / '25.db'}"
    trials = optuna.load_study(study_name="growth", storage=url).trials
    assert len(trials) == 25
    assert all(list(trial.intermediate_values) == list(growth.REPORTS) for trial in trials)
    assert [trial.value for trial in trials] == [growth._value(trial.params) for trial in trials]
