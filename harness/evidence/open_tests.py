"""Which tests are open, and the runs that their next looks need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.core.spec.claims import ClaimTest
from harness.core.spec.study_spec import StudySpec
from harness.reporting.formats import count
from harness.reporting.pages.claims import ClaimRuns
from harness.reporting.results.tables import StudyResults, param_column
from harness.reporting.statistics.hypotheses import UNDECIDED
from harness.reporting.statistics.verdicts import LOOKS, RUNS_PER_SEED, Verdict
from harness.search.tuning import tuning_study


@dataclass(frozen=True)
class OpenTest:
    """A test that is not decided and has a look ahead.

    claim: such as C1. study: whose runs it reads. look: the index in LOOKS of its next look.
    verdict: what its runs say so far, None without any.
    """

    claim: str
    study: str
    test: ClaimTest
    look: int
    verdict: Verdict | None

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms that it reads; none where it reads all runs of its study."""
        return self.test.arms


@dataclass(frozen=True)
class Addition:
    """The runs that a study lacks for the next looks of its open tests.

    spec: the study with as many seeds or trials as it is to have then. runs: how many it lacks,
    those that tune its arms included. words: such as "centered 8 to 12 seeds". claims: whose tests
    wait for them, each once.
    """

    spec: StudySpec
    runs: int
    words: str
    claims: tuple[str, ...]


def open_tests(
    found: Sequence[ClaimRuns], verdicts: Sequence[Verdict], max_seeds: int
) -> list[OpenTest]:
    """The tests of ``found`` that runs may still decide, with looks at ``max_seeds`` at most.

    ``verdicts``: those of the tests that have runs. A test that more runs cannot answer, or whose
    runs have no outcome at the look, is not open.
    """
    by_test = {(one.claim, one.test): one for one in verdicts}
    tests = []
    for one in found:
        for test in one.claim.tests:
            verdict = by_test.get((one.claim, test))
            look = _next_look(verdict)
            if look is not None and look < len(LOOKS) and LOOKS[look] <= max_seeds:
                study = one.claim.runs_of or one.spec.name
                tests.append(OpenTest(one.claim.id, study, test, look, verdict))
    return tests


def additions(
    tests: Sequence[OpenTest],
    specs: Mapping[str, StudySpec],
    results: Mapping[str, StudyResults],
    tunings: Mapping[str, StudyResults],
) -> list[Addition]:
    """What each study lacks for the next look of each of its open ``tests``.

    Studies whose trials are short come first, else in the order of the tests: whoever stops early
    has the most tests decided for it.

    specs: the studies as they are to be run, by name; those that are not there are left out.
    results, tunings: those that have runs, and whose arms are being tuned or have been, by name of
    the study. An arm that no open test compares keeps the runs that it has, and is not tuned if it
    has none.
    """
    studies = dict.fromkeys(test.study for test in tests)
    found = []
    for study in studies:
        own = [test for test in tests if test.study == study]
        if study in specs:
            if specs[study].arms:
                arms = _of_arms(specs[study], own, results.get(study), tunings.get(study))
                found.append(arms)
            else:
                found.append(_of_search(specs[study], own, results.get(study)))
    lacking = [one for one in found if one.runs]
    return sorted(lacking, key=lambda one: one.spec.base_config().images)


def _next_look(verdict: Verdict | None) -> int | None:
    """The index of the look that comes next for a test; None for one that is not open."""
    if verdict is None or (verdict.decision.look is None and not verdict.hypothesis.hopeless):
        return 0
    hypothesis, decision = verdict.hypothesis, verdict.decision
    if decision.word != UNDECIDED or hypothesis.hopeless or decision.look is None:
        return None
    return decision.look + 1 if hypothesis.runs else None


def _of_arms(
    spec: StudySpec,
    tests: Sequence[OpenTest],
    results: StudyResults | None,
    tuning: StudyResults | None,
) -> Addition:
    """The seeds that arms lack; arms without a seed so far are tuned and begin with their first."""
    assert spec.arms is not None
    names = spec.arms.names
    wanted = dict.fromkeys(names, 0)
    for test in tests:
        for arm in test.arms or names:
            wanted[arm] = max(wanted[arm], LOOKS[test.look])
    begun, ended = _seeds(spec, results)
    seeds = {arm: max(wanted[arm], *(seed + 1 for seed in begun[arm]), 0) for arm in names}
    lacking = {arm: len(set(range(seeds[arm])) - ended[arm]) for arm in names}
    words = [f"{arm} {len(ended[arm])} to {seeds[arm]} seeds" for arm in names if lacking[arm]]
    claims = tuple(dict.fromkeys(test.claim for test in tests))
    raised = spec.with_seeds(seeds)
    if to_tune := _tuning_runs(raised, tuning):
        words.insert(0, f"{count(to_tune, 'run')} to tune arms")
    return Addition(raised, sum(lacking.values()) + to_tune, ", ".join(words), claims)


def _tuning_runs(spec: StudySpec, tuning: StudyResults | None) -> int:
    """How many runs the tuning of the arms that have seeds lacks."""
    if spec.tune is None:
        return 0
    study = tuning_study(spec)
    assert study.arms is not None
    _, ended = _seeds(study, tuning)
    return sum(max(0, study.arms.seeds_of(arm) - len(ended[arm])) for arm in study.arms.names)


def _seeds(
    spec: StudySpec, results: StudyResults | None
) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
    """Arm -> its seeds, from 0, with which a run has begun, and with which one has ended."""
    assert spec.arms is not None
    begun: dict[str, set[int]] = {arm: set() for arm in spec.arms.names}
    ended: dict[str, set[int]] = {arm: set() for arm in spec.arms.names}
    if results is None:
        return begun, ended
    first = spec.base_config().seed
    columns = ["arm", param_column("seed"), "outcome"]
    for arm, seed, outcome in results.trials[columns].dropna().itertuples(index=False):
        if arm in begun:
            begun[arm].add(int(seed) - first)
            if outcome in ("complete", "failed"):
                ended[arm].add(int(seed) - first)
    return begun, ended


def _of_search(
    spec: StudySpec, tests: Sequence[OpenTest], results: StudyResults | None
) -> Addition:
    """The trials that a search lacks, whatever number its study file asks for."""
    wanted = RUNS_PER_SEED * max(LOOKS[test.look] for test in tests)
    counts = results.counts if results else {}
    ended = sum(counts.get(end, 0) for end in ("complete", "failed"))
    lacking = max(0, wanted - ended)
    num_trials = ended + counts.get("pruned", 0) + lacking
    search = dataclasses.replace(spec.search, num_trials=max(num_trials, 1))
    claims = tuple(dict.fromkeys(test.claim for test in tests))
    words = f"{ended} to {ended + lacking} runs"
    return Addition(spec.replace(search=search), lacking, words, claims)
