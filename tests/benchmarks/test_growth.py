import optuna

from tests.benchmarks import growth


def test_it_runs_as_many_trials_as_it_says(tmp_path):
    url = f"sqlite:///{tmp_path / 'optuna.db'}"
    found = list(growth.costs([2, 5], url))
    assert [cost.trials for cost in found] == [2, 5]
    assert all(cost.cpu_seconds > 0 and cost.memory > 10**7 for cost in found)
    trials = optuna.load_study(study_name="growth", storage=url).trials
    assert len(trials) == 5
    assert all(list(trial.intermediate_values) == list(growth.REPORTS) for trial in trials)
