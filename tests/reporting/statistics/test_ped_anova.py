"""The importances of this project against Optuna's evaluator, which computes them one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from harness.core.spec.search_space import Choices, Domain, Range
from harness.reporting.statistics.ped_anova import FieldGrid, divergences

DOMAINS: dict[str, Domain] = {
    "choice": Choices(("adam", "sgd", "lion", "nadam", "rmsprop")),
    "alone": Choices(("adam",)),
    "number": Choices((32, 64, 128)),
    "range": Range(0.0, 0.4),
    "log": Range(1e-5, 1e-2, log=True),
    "whole": Range(2, 20),
    "many": Range(1, 2_000),
    "whole_log": Range(3, 900, log=True),
}
WHOLE = ("number", "whole", "many", "whole_log")


def distribution(name: str, domain: Domain) -> BaseDistribution:
    if isinstance(domain, Choices):
        return CategoricalDistribution(domain.values)
    if name in WHOLE:
        return IntDistribution(int(domain.low), int(domain.high), log=domain.log)
    return FloatDistribution(domain.low, domain.high, log=domain.log)


def drawn(rng: np.random.Generator, name: str, domain: Domain) -> Any:
    if isinstance(domain, Choices):
        return domain.values[rng.integers(len(domain.values))]
    low, high = (
        (math.log(domain.low), math.log(domain.high))
        if domain.log
        else (
            domain.low,
            domain.high,
        )
    )
    value = rng.uniform(low, high)
    value = math.exp(value) if domain.log else value
    return round(value) if name in WHOLE else float(value)


@pytest.mark.parametrize(("n", "best"), [(12, 5), (40, 5), (150, 15)])
def test_shares_are_those_of_optuna(n: int, best: int) -> None:
    rng = np.random.default_rng(n)
    rows = [{name: drawn(rng, name, d) for name, d in DOMAINS.items()} for _ in range(n)]
    # The rate decides a little, so that the chosen trials are no random ones.
    values = [abs(math.log10(row["log"]) + 3.5) + float(rng.gamma(2, 0.2)) for row in rows]
    space = {name: distribution(name, domain) for name, domain in DOMAINS.items()}
    study = optuna.create_study()
    for row, value in zip(rows, values, strict=True):
        study.add_trial(optuna.create_trial(params=row, distributions=space, value=value))
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=best / n)
    theirs = optuna.importance.get_param_importances(study, evaluator=evaluator)
    chosen = np.array(values) <= sorted(values)[best - 1]
    table = pd.DataFrame(rows)
    found = {
        name: divergences(FieldGrid.of(domain, table[name], name in WHOLE), chosen[None, :])[0]
        for name, domain in DOMAINS.items()
    }
    shares = {name: value / sum(found.values()) for name, value in found.items()}
    # Both add up a few hundred products of floats.
    assert shares == pytest.approx(theirs, rel=1e-9, abs=1e-12)
    assert shares["alone"] == 0.0


def test_many_choices_of_trials_at_once_are_those_one_by_one() -> None:
    rng = np.random.default_rng(3)
    values = pd.Series(rng.uniform(0, 0.4, 30))
    grid = FieldGrid.of(DOMAINS["range"], values, whole=False)
    chosen = rng.permuted(np.tile(np.arange(30) < 6, (8, 1)), axis=1)
    together = divergences(grid, chosen)
    apart = [divergences(grid, one[None, :])[0] for one in chosen]
    np.testing.assert_allclose(together, apart, rtol=1e-10)


def test_choosing_all_trials_separates_nothing() -> None:
    values = pd.Series(np.linspace(0, 0.4, 25))
    grid = FieldGrid.of(DOMAINS["range"], values, whole=False)
    assert divergences(grid, np.ones((1, 25), dtype=bool))[0] == pytest.approx(0.0, abs=1e-20)


def test_a_value_between_two_cells_lies_in_the_lower_one() -> None:
    # Cells of Range(2, 20) are whole numbers; 2.5 lies between the first two.
    grid = FieldGrid.of(Range(2, 20), pd.Series([2.0, 2.5, 2.6, 20.0]), whole=True)
    assert (grid.cells.tolist(), grid.num_cells) == ([0, 0, 1, 18], 19)
