"""``python -m harness.evidence.pilot``: does doubling the budget change the sign of an effect?

Trains the arms of every test that compares arms at the budget of its study and at twice as much, on
two seeds, and prints the effect at both. Dear: the runs at the budget are the first ones that the
tests count and are shared with them, those at twice the budget cost two runs' time each. Arms that
have been tuned have their values, at both budgets; what was stopped is resumed by the same command.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from harness.cli import options
from harness.cli.app import FAILED, INTERRUPTED, open_door
from harness.cli.output import lasting_output
from harness.core.errors import InputError
from harness.core.spec.arms import Arms
from harness.core.spec.claims import ClaimTest
from harness.core.spec.lookup import CLAIMS, declared_study, studies_in
from harness.core.spec.names import derived_name
from harness.core.spec.study_spec import StudySpec
from harness.evidence.reported_study import run_or_complain
from harness.reporting.results.load import load_results
from harness.reporting.results.tables import StudyResults
from harness.reporting.statistics.hypotheses import formulate
from harness.search.session import make_plan
from harness.search.tuning import chosen, tuned

SEEDS = 2
FACTORS = (1, 2)


@dataclass(frozen=True)
class Effect:
    """The effect of one test at each of FACTORS times its study's budget; NaN without any."""

    study: str
    test: ClaimTest
    effects: tuple[float, ...]

    @property
    def changes_sign(self) -> bool:
        """Whether the effects are on different sides of 0; False where one is not known."""
        signs = {math.copysign(1.0, effect) for effect in self.effects if effect}
        return len(signs) > 1 and not any(map(math.isnan, self.effects))


def pilot(
    study: Annotated[str, typer.Argument(help="A study with arms, or a folder of them.")] = CLAIMS,
    data_dir: options.DataDir = None,
    workers: options.Workers = None,
) -> int:
    """Print the effect of every test that compares arms, at its budget and at twice as much."""
    console = Console(file=lasting_output(sys.stdout))
    specs = [declared_study(name) for name in studies_in(study) or [study]]
    effects: list[Effect] = []
    for spec in specs:
        tests = compared(spec)
        if not tests:
            continue
        found = _train(spec, data_dir, workers, console)
        if isinstance(found, int):
            return found
        effects += effects_of(spec, tests, found)
    if not effects:
        raise InputError(f"{study}: no test compares arms")
    for line in lines(effects):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    return 0


def compared(spec: StudySpec) -> list[ClaimTest]:
    """The tests of the study's claim that compare two of its arms."""
    tests = spec.claim.tests if spec.claim and spec.arms else ()
    return [test for test in tests if test.kind == "comparison"]


def pilot_study(spec: StudySpec, factor: int) -> StudySpec:
    """The arms of ``spec`` at ``factor`` times its budget, on the first SEEDS seeds."""
    assert spec.arms is not None
    fields = {
        arm: {k: factor * v if k == "images" else v for k, v in changes.items()}
        for arm, changes in spec.arms.fields.items()
    }
    arms = Arms(fields, SEEDS)
    return spec.replace(
        name=derived_name(spec.name, f"-pilot-x{factor}", longest=90),
        question=f"What are the effects of {spec.name} at {factor} times its budget?",
        base={**spec.base, "images": factor * spec.base_config().images},
        arms=arms,
        tune=None,
        claim=None,
        search=dataclasses.replace(spec.search, num_trials=arms.num_trials),
    )


def effects_of(
    spec: StudySpec, tests: Sequence[ClaimTest], found: Sequence[StudyResults]
) -> Iterator[Effect]:
    """The effect of each test, from the results at each of FACTORS times the budget."""
    for test in tests:
        estimates = [formulate(test, results).estimate for results in found]
        effects = [math.nan if one is None else one.effect for one in estimates]
        yield Effect(spec.name, test, tuple(effects))


def lines(effects: Sequence[Effect]) -> list[str]:
    """A line for each test, and how many signs change."""
    changing = sum(one.changes_sign for one in effects)
    head = "effect at the budget, and at twice as much; above 0 as the claim says"
    rows = [
        f"{'sign changes' if one.changes_sign else '':12}  "
        + "  ".join(f"{effect:+8.3f}" for effect in one.effects)
        + f"  {one.study}: {one.test.text or one.test.outcome}"
        for one in effects
    ]
    return [head, *rows, f"{changing} of {len(effects)} signs change when the budget is doubled"]


def _train(
    spec: StudySpec, data_dir: Path | None, workers: int | None, console: Console
) -> list[StudyResults] | int:
    """The results at each of FACTORS times the budget; an exit code if one was stopped."""
    plan = make_plan(spec, data_dir=data_dir)
    rated = tuned(spec, chosen(spec, plan.storage_url)) if spec.tune else spec
    results = []
    for factor in FACTORS:
        one = dataclasses.replace(plan, spec=pilot_study(rated, factor))
        if workers is not None:
            force = dataclasses.replace(plan.workforce, workers=workers)
            one = dataclasses.replace(one, workforce=force)
        result, code = run_or_complain(one, console, no_report=True)
        if code == INTERRUPTED or "error" in result:
            return code or FAILED
        results.append(load_results(plan.tracking_uri, one.spec.name))
    return results


if __name__ == "__main__":
    open_door(pilot)
